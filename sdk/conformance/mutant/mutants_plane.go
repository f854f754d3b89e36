// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func planeMutants() []Mutant {
	return slices.Concat(commandMutants(), rubbishMutants(), stackMutants(), planeStateMutants(), safeCommandMutants(), safeModuleMutants())
}

// nexts makes hooks that change the answers to commands; events too if those of copies
// shall be changed.
func nexts(eventsToo bool, change func(s *Session, n *ioctl.Next)) func() Hooks {
	return func() Hooks {
		return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
			if err := next(); err != nil || a.Selector != userclient.SelIoctl && (!eventsToo || a.Selector != userclient.SelIoctlData) {
				return err
			}
			return rewrite(a, func(n *ioctl.Next) { change(s, n) })
		}}
	}
}

// requests makes hooks for the commands that can be read.
func requests(f func(s *Session, a *userclient.Args, r *ioctl.Request, next func() error) error) func() Hooks {
	return onCall(userclient.SelIoctl, func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		var r ioctl.Request
		if r.UnmarshalBinary(a.InBytes) != nil {
			return next()
		}
		return f(s, a, &r, next)
	})
}

// say answers a call with a record.
func say(a *userclient.Args, n ioctl.Next) error {
	b, err := n.AppendBinary(nil)
	return record(a, b, err)
}

// accepting makes hooks that answer success where the driver refuses a selector.
func accepting(sel uint32) func() Hooks {
	return onCall(sel, func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
		_ = next() // it knows better
		return nil
	})
}

// hangingUp makes hooks that end the session where the driver refuses a selector.
func hangingUp(sel uint32) func() Hooks {
	return onCall(sel, func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
		err := next()
		if err != nil {
			s.Resources.Hangup(ioreturn.ErrProtocol)
		}
		return err
	})
}

func commandMutants() []Mutant {
	return []Mutant{
		{
			Name: "unknown-acked", Rule: "CTL-01", Wrong: "It answers commands that it does not know with success.",
			New: commanded("unknown-acked", nexts(false, func(_ *Session, n *ioctl.Next) {
				if n.Kind == ioctl.Nak {
					*n = ioctl.Next{ID: n.ID, Kind: ioctl.Ack}
				}
			})),
		},
		{
			Name: "word-for-address", Rule: "CTL-02", Wrong: "It takes the word of every transparent command for an address and asks for what is there.",
			New: commanded("word-for-address", requests(func(_ *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
				if r.Transparent {
					return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.NeedIn, Addr: r.Arg, Size: 4})
				}
				return next()
			})),
		},
		{
			Name: "refused-by-code", Rule: "CTL-03", Wrong: "It refuses commands with an error of the call.",
			New: commanded("refused-by-code", onCall(userclient.SelIoctl, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				var n ioctl.Next
				if err := next(); err != nil {
					return err
				}
				if n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]) == nil && n.Kind == ioctl.Nak {
					return ioreturn.Unsupported
				}
				return nil
			})),
		},
		{
			Name: "unknown-eio", Rule: "CTL-04", Wrong: "It refuses commands that it does not know with EIO.",
			New: commanded("unknown-eio", nexts(false, func(_ *Session, n *ioctl.Next) {
				if n.Kind == ioctl.Nak {
					n.Errno = streams.EIO
				}
			})),
		},
		{
			Name: "id-cut", Rule: "CTL-05", Wrong: "It keeps the lower half of IDs only.",
			New: commanded("id-cut", nexts(true, func(_ *Session, n *ioctl.Next) { n.ID &= 1<<32 - 1 })),
		},
		{
			Name: "id-zero", Rule: "CTL-06", Wrong: "It takes the ID 0 for a mistake.",
			New: commanded("id-zero", requests(func(_ *Session, _ *userclient.Args, r *ioctl.Request, next func() error) error {
				if r.ID == 0 {
					return ioreturn.BadArgument
				}
				return next()
			})),
		},
		{
			Name: "sometimes-silent", Rule: "CTL-07", Wrong: "It answers each seventh command with silence.",
			New: commanded("sometimes-silent", nexts(false, func(s *Session, n *ioctl.Next) {
				if s.Count("commands")%7 == 6 {
					*n = ioctl.Next{ID: n.ID, Kind: ioctl.Silent}
				}
			})),
		},
		{
			Name: "small-data", Rule: "CTL-08", Wrong: "It takes 1,024 bytes of data, and describes more.",
			New: commanded("small-data", requests(func(_ *Session, _ *userclient.Args, r *ioctl.Request, next func() error) error {
				if len(r.Data) > 1024 {
					return ioreturn.MessageTooLarge
				}
				return next()
			})),
		},
		{
			Name: "big-data-ends-it", Rule: "CTL-09", Wrong: "It ends the session for a command with too much data.",
			New: commanded("big-data-ends-it", hangingUp(userclient.SelIoctl)),
		},
		{
			Name: "no-limit", Rule: "CTL-10", Wrong: "It describes no limit of copies.",
			New: commanded("no-limit", func() Hooks {
				return Hooks{Describe: func(d userclient.Description) userclient.Description {
					d.MaxCopy = 0
					return d
				}}
			}),
		},
		{
			Name: "cut-answers", Rule: "CTL-11", Wrong: "It cuts an answer that does not fit.",
			New: commanded("cut-answers", cutting(userclient.SelIoctl)),
		},
		{
			Name: "lost-slots", Rule: "CTL-12", Wrong: "It loses a slot with each command that it refuses, and has 64.",
			New: commanded("lost-slots", nexts(false, func(s *Session, n *ioctl.Next) {
				if n.Kind == ioctl.Nak && s.Count("refused") >= 64 {
					n.Errno = streams.EBUSY
				}
			})),
		},
		{
			Name: "strange-answers", Rule: "CTL-13", Wrong: "Its answers have a byte too many.",
			New: commanded("strange-answers", onCall(userclient.SelIoctl, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				err := next()
				if err == nil {
					a.NOutBytes++
				}
				return err
			})),
		},
		{
			Name: "still-busy", Rule: "CTL-14", Wrong: "It refuses each second command because it is still busy with the one before.",
			New: commanded("still-busy", nexts(false, func(s *Session, n *ioctl.Next) {
				if n.Kind == ioctl.Nak && s.Count("refused")%2 == 1 {
					n.Errno = streams.EBUSY
				}
			})),
		},
	}
}

// cutting makes hooks that cut an answer to the room that there is.
func cutting(sel uint32) func() Hooks {
	return onCall(sel, func(ctx context.Context, s *Session, a *userclient.Args, _ func() error) error {
		whole := *a
		whole.OutBytes = make([]byte, userclient.MaxInline)
		err := s.Driver(ctx, &whole)
		a.NOutBytes = copy(a.OutBytes, whole.OutBytes[:whole.NOutBytes])
		return err
	})
}

func rubbishMutants() []Mutant {
	return []Mutant{
		{
			Name: "strict-abandon", Rule: "CTL-15", Wrong: "It refuses to give up what is over.",
			New: commanded("strict-abandon", onCall(userclient.SelIoctlAbandon, func(context.Context, *Session, *userclient.Args, func() error) error {
				return ioreturn.NotFound
			})),
		},
		{
			Name: "takes-any-data", Rule: "CTL-16", Wrong: "It takes data that it has not asked for.",
			New: commanded("takes-any-data", onCall(userclient.SelIoctlData, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				var e ioctl.Event
				err := next()
				if err != nil && e.UnmarshalBinary(a.InBytes) == nil {
					return say(a, ioctl.Next{ID: e.ID, Kind: ioctl.Silent})
				}
				return err
			})),
		},
		{
			Name: "guesses-commands", Rule: "CTL-17", Wrong: "It makes a command of everything that it is sent.",
			New: commanded("guesses-commands", onCall(userclient.SelIoctl, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if next() != nil {
					return say(a, ioctl.Next{Kind: ioctl.Ack})
				}
				return nil
			})),
		},
		{
			Name: "guesses-events", Rule: "CTL-18", Wrong: "It takes everything for the outcome of a copy.",
			New: commanded("guesses-events", accepting(userclient.SelIoctlData)),
		},
		{
			Name: "gives-up-anything", Rule: "CTL-19", Wrong: "It answers every wish to give up with success.",
			New: commanded("gives-up-anything", accepting(userclient.SelIoctlAbandon)),
		},
		{
			Name: "rubbish-ends-it", Rule: "CTL-20", Wrong: "It ends the session for the outcome of a copy that can't be read.",
			New: commanded("rubbish-ends-it", hangingUp(userclient.SelIoctlData)),
		},
		{
			Name: "knows-the-future", Rule: "CTL-21", Wrong: "It answers selectors of the control plane that do not exist yet with success.",
			New: commanded("knows-the-future", accepting(userclient.SelControlLast)),
		},
		{
			Name: "drops-the-data", Rule: "CTL-22", Wrong: "It drops the data of a transparent command and goes on.",
			New: commanded("drops-the-data", onCall(userclient.SelIoctl, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
				if err := next(); err != nil {
					return say(a, ioctl.Next{Kind: ioctl.Nak, Errno: streams.EINVAL})
				}
				return nil
			})),
		},
	}
}
