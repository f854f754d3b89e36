// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"slices"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func talkMutants() []Mutant {
	return slices.Concat(copyMutants(), conversationMutants(), patienceMutants(), safeTalkMutants())
}

// talking makes hooks that know what the session's conversation was answered last.
func talking(f func(ctx context.Context, s *Session, a *userclient.Args, last ioctl.Next, next func() error) error) func() Hooks {
	return func() Hooks {
		var mu sync.Mutex
		last := map[*Session]ioctl.Next{}
		return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
			mu.Lock()
			before := last[s]
			mu.Unlock()
			err := f(ctx, s, a, before, next)
			var n ioctl.Next
			switch a.Selector {
			case userclient.SelIoctl, userclient.SelIoctlData:
				if err != nil || n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]) != nil {
					return err
				}
			case userclient.SelIoctlAbandon:
			default:
				return err
			}
			mu.Lock()
			last[s] = n
			mu.Unlock()
			return err
		}}
	}
}

// outcomes makes hooks for the outcomes of copies that can be read.
func outcomes(f func(a *userclient.Args, e *ioctl.Event, last ioctl.Next, next func() error) error) func() Hooks {
	return talking(func(_ context.Context, _ *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
		var e ioctl.Event
		if a.Selector != userclient.SelIoctlData || e.UnmarshalBinary(a.InBytes) != nil {
			return next()
		}
		return f(a, &e, last, next)
	})
}

// neverOver answers the outcome of a copy that is refused with success.
func neverOver(a *userclient.Args, e *ioctl.Event, _ ioctl.Next, next func() error) error {
	if next() != nil {
		return say(a, ioctl.Next{ID: e.ID, Kind: ioctl.Ack})
	}
	return nil
}

// copies makes hooks that change the copies which are asked for.
func copies(k ioctl.NextKind, change func(n *ioctl.Next)) func() Hooks {
	return nexts(true, func(_ *Session, n *ioctl.Next) {
		if n.Kind == k {
			change(n)
		}
	})
}

const far = 1 << 30

func copyMutants() []Mutant {
	return []Mutant{
		{
			Name: "wild-need-in", Rule: "TALK-01", Wrong: "It asks for memory a gigabyte behind that of the argument.",
			New: commanded("wild-need-in", copies(ioctl.NeedIn, func(n *ioctl.Next) { n.Addr += far })),
		},
		{
			Name: "huge-need-in", Rule: "TALK-02", Wrong: "It asks for a gigabyte at once.",
			New: commanded("huge-need-in", copies(ioctl.NeedIn, func(n *ioctl.Next) { n.Size = far })),
		},
		{
			Name: "speaks-after-failure", Rule: "TALK-03", Wrong: "It refuses a command whose copy has failed, which the client knows.",
			New: commanded("speaks-after-failure", copies(ioctl.Silent, func(n *ioctl.Next) { n.Kind, n.Errno = ioctl.Nak, streams.EFAULT })),
		},
		{
			Name: "ignores-failure", Rule: "TALK-04", Wrong: "It waits on for the data of a copy that has failed.",
			New: commanded("ignores-failure", outcomes(func(a *userclient.Args, e *ioctl.Event, _ ioctl.Next, next func() error) error {
				if e.Kind == ioctl.CopyFailed {
					return say(a, ioctl.Next{ID: e.ID, Kind: ioctl.Silent})
				}
				return next()
			})),
		},
		{
			Name: "ignores-kind", Rule: "TALK-05", Wrong: "It does not look which copy the client has done.",
			New: commanded("ignores-kind", outcomes(func(a *userclient.Args, e *ioctl.Event, last ioctl.Next, next func() error) error {
				if e.Kind == ioctl.CopiedOut && last.Kind == ioctl.NeedIn {
					return say(a, ioctl.Next{ID: e.ID, Kind: ioctl.Ack})
				}
				return next()
			})),
		},
		{
			Name: "ignores-length", Rule: "TALK-06", Wrong: "It does not look how many data the client has copied.",
			New: commanded("ignores-length", outcomes(func(a *userclient.Args, e *ioctl.Event, last ioctl.Next, next func() error) error {
				if e.Kind == ioctl.CopiedIn && len(e.Data) != last.Size {
					return say(a, ioctl.Next{ID: e.ID, Kind: ioctl.Ack})
				}
				return next()
			})),
		},
		{
			Name: "does-it-again", Rule: "TALK-07", Wrong: "It does a command again when its data come again.",
			New: commanded("does-it-again", outcomes(neverOver)),
		},
		{
			Name: "wild-need-out", Rule: "TALK-08", Wrong: "It stores a gigabyte behind the room for the reply.",
			New: commanded("wild-need-out", copies(ioctl.NeedOut, func(n *ioctl.Next) { n.Addr += far })),
		},
		{
			Name: "endless", Rule: "TALK-09", Wrong: "It asks for the same data again and again.",
			New: commanded("endless", outcomes(func(a *userclient.Args, e *ioctl.Event, last ioctl.Next, next func() error) error {
				if e.Kind == ioctl.CopiedIn {
					return say(a, last)
				}
				return next()
			})),
		},
		{
			Name: "last-id-off", Rule: "TALK-10", Wrong: "It counts the ID up before its last answer.",
			New: commanded("last-id-off", copies(ioctl.Ack, func(n *ioctl.Next) { n.ID++ })),
		},
		{
			Name: "rubbish-is-fine", Rule: "TALK-11", Wrong: "It answers a request that makes no sense with success.",
			New: commanded("rubbish-is-fine", copies(ioctl.Nak, func(n *ioctl.Next) { *n = ioctl.Next{ID: n.ID, Kind: ioctl.Ack} })),
		},
		{
			Name: "short-is-fine", Rule: "TALK-12", Wrong: "It reads behind an argument that is too short.",
			New: commanded("short-is-fine", requests(func(_ *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
				if r.Command>>8 == 'C' && len(r.Data) < 24 {
					return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.NeedIn, Addr: 0xdead, Size: 8})
				}
				return next()
			})),
		},
		{
			Name: "null-is-fine", Rule: "TALK-13", Wrong: "It asks for data at address zero.",
			New: commanded("null-is-fine", requests(func(_ *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
				if r.Transparent && r.Arg == 0 {
					return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.NeedIn, Size: 8})
				}
				return next()
			})),
		},
	}
}

func conversationMutants() []Mutant {
	return []Mutant{
		{
			Name: "never-gives-up", Rule: "TALK-14", Wrong: "It does not hear that a command was given up.",
			New: commanded("never-gives-up", onCall(userclient.SelIoctlAbandon, func(context.Context, *Session, *userclient.Args, func() error) error {
				return nil
			})),
		},
		{
			Name: "waits-for-the-first", Rule: "TALK-15", Wrong: "It refuses commands as busy while one waits for a copy.",
			New: commanded("waits-for-the-first", talking(func(_ context.Context, _ *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
				if a.Selector == userclient.SelIoctl && last.Kind == ioctl.NeedIn {
					return ioreturn.Busy
				}
				return next()
			})),
		},
		{
			Name: "keeps-replaced", Rule: "TALK-16", Wrong: "It takes data for a command that was replaced.",
			New: commanded("keeps-replaced", outcomes(neverOver)),
		},
		{
			Name: "any-id-will-do", Rule: "TALK-17", Wrong: "It takes data under any ID for those that it waits for.",
			New: commanded("any-id-will-do", outcomes(func(a *userclient.Args, e *ioctl.Event, last ioctl.Next, next func() error) error {
				if last.Kind == ioctl.NeedIn {
					e.ID = last.ID
					b, err := e.AppendBinary(nil)
					if err != nil {
						return err
					}
					a.InBytes = b
				}
				return next()
			})),
		},
		{
			Name: "ids-of-all", Rule: "TALK-18", Wrong: "It refuses an ID that another session's command has.",
			New: commanded("ids-of-all", oneTalk(true, func(mine, other uint64) bool { return mine == other })),
		},
		{
			Name: "one-talk-for-all", Rule: "TALK-19", Wrong: "It has one conversation for all sessions.",
			New: commanded("one-talk-for-all", oneTalk(true, func(uint64, uint64) bool { return true })),
		},
		{
			Name: "left-locked", Rule: "TALK-20", Wrong: "A client that hangs up in a conversation leaves it locked.",
			New: commanded("left-locked", oneTalk(false, func(uint64, uint64) bool { return true })),
		},
		{
			Name: "talk-holds-stream", Rule: "TALK-21", Wrong: "The stream can't be started while a command waits for a copy.",
			New: commanded("talk-holds-stream", talking(func(_ context.Context, _ *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
				if a.Selector == userclient.SelStart && last.Kind == ioctl.NeedIn {
					return ioreturn.Busy
				}
				return next()
			})),
		},
		{
			Name: "flush-ends-talk", Rule: "TALK-22", Wrong: "A flush ends the command that waits for a copy.",
			New: commanded("flush-ends-talk", talking(func(ctx context.Context, s *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
				if a.Selector == userclient.SelControlFlush {
					s.giveUp(ctx, last.ID)
				}
				return next()
			})),
		},
		{
			Name: "rubbish-ends-talk", Rule: "TALK-23", Wrong: "A record that can't be read ends the command that waits for a copy.",
			New: commanded("rubbish-ends-talk", talking(func(ctx context.Context, s *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
				err := next()
				if err != nil && userclient.IsControl(a.Selector) {
					s.giveUp(ctx, last.ID)
				}
				return err
			})),
		},
	}
}

// giveUp ends a conversation at the correct driver.
func (s *Session) giveUp(ctx context.Context, id uint64) {
	b, err := ioctl.Event{ID: id, Kind: ioctl.Abandoned}.AppendBinary(nil)
	if err == nil {
		_ = s.Driver(ctx, &userclient.Args{Selector: userclient.SelIoctlAbandon, InBytes: b}) // none of that ID is fine
	}
}

// oneTalk makes hooks that refuse a command of another session than that which has a
// conversation, if conflict says so of their IDs. What a session has is given back at its
// end if tidy.
func oneTalk(tidy bool, conflict func(mine, other uint64) bool) func() Hooks {
	return func() Hooks {
		var mu sync.Mutex
		var holder *Session
		var held uint64
		return Hooks{
			Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
				if a.Selector < userclient.SelIoctl || a.Selector > userclient.SelIoctlAbandon {
					return next()
				}
				var r ioctl.Request
				mu.Lock()
				busy := a.Selector == userclient.SelIoctl && holder != nil && holder != s && r.UnmarshalBinary(a.InBytes) == nil && conflict(r.ID, held)
				mu.Unlock()
				if busy {
					return ioreturn.Busy
				}
				err := next()
				mu.Lock()
				defer mu.Unlock()
				var n ioctl.Next
				if a.Selector != userclient.SelIoctlAbandon && err == nil && n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]) == nil && n.Kind == ioctl.NeedIn {
					holder, held = s, n.ID
				} else if holder == s {
					holder = nil
				}
				return err
			},
			Closed: func(s *Session, _ error, next func()) {
				next()
				mu.Lock()
				defer mu.Unlock()
				if tidy && holder == s {
					holder = nil
				}
			},
		}
	}
}
