// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func patienceMutants() []Mutant {
	return []Mutant{
		{
			Name: "can't-end-late", Rule: "TALK-24", Wrong: "It does not hear that a command was given up whose answer it stores already.",
			New: commanded("can't-end-late", talking(func(_ context.Context, _ *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
				if a.Selector == userclient.SelIoctlAbandon && last.Kind == ioctl.NeedOut {
					return nil
				}
				return next()
			})),
		},
		{
			Name: "hasty", Rule: "TALK-25", Wrong: "It gives a command up whose client takes 20 ms for a copy.",
			New: commanded("hasty", func() Hooks {
				var mu sync.Mutex
				asked := map[*Session]time.Time{}
				return Hooks{Call: func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					var e ioctl.Event
					mu.Lock()
					late := time.Since(asked[s]) > 20*time.Millisecond
					mu.Unlock()
					if late && a.Selector == userclient.SelIoctlData && e.UnmarshalBinary(a.InBytes) == nil {
						s.giveUp(ctx, e.ID)
					}
					err := next()
					mu.Lock()
					asked[s] = time.Now()
					mu.Unlock()
					return err
				}}
			}),
		},
		{
			Name: "slots-of-the-replaced", Rule: "TALK-26", Wrong: "A command in whose place another one comes keeps its slot, of five.",
			New: commanded("slots-of-the-replaced", talking(func(_ context.Context, s *Session, a *userclient.Args, last ioctl.Next, next func() error) error {
				var r ioctl.Request
				if a.Selector != userclient.SelIoctl || r.UnmarshalBinary(a.InBytes) != nil {
					return next()
				}
				if last.Kind == ioctl.NeedIn || last.Kind == ioctl.NeedOut {
					s.Count("replaced")
				}
				if s.Counted("replaced") >= 5 {
					return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.EBUSY})
				}
				return next()
			})),
		},
	}
}

// vendors makes hooks for the vendor's command: begins for its requests, and goes on for
// the outcomes of its copies. Each may be nil.
func vendors(
	begins func(s *Session, a *userclient.Args, r *ioctl.Request, next func() error) error,
	goesOn func(s *Session, a *userclient.Args, e *ioctl.Event, next func() error) error,
) func() Hooks {
	return func() Hooks {
		return Hooks{Call: func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
			var r ioctl.Request
			var e ioctl.Event
			switch {
			case a.Selector == userclient.SelIoctl && r.UnmarshalBinary(a.InBytes) == nil:
				s.mark("vendor", r.Command == cmdSwap)
				if begins != nil && r.Command == cmdSwap {
					return begins(s, a, &r, next)
				}
			case a.Selector == userclient.SelIoctlData && goesOn != nil && s.marked("vendor") && e.UnmarshalBinary(a.InBytes) == nil:
				return goesOn(s, a, &e, next)
			}
			return next()
		}}
	}
}

func safeCommandMutants() []Mutant {
	return []Mutant{
		{
			Name: "once-only", Rule: "CTL-42", Wrong: "It does its own command once in a session.",
			New: commanded("once-only", vendors(func(s *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
				if s.Count("swaps") > 0 {
					return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.EBUSY})
				}
				return next()
			}, nil)),
		},
		{
			Name: "long-answer", Rule: "CTL-43", Wrong: "It answers its own command with more data than it was sent.",
			New: commanded("long-answer", vendors(nil, func(_ *Session, a *userclient.Args, _ *ioctl.Event, next func() error) error {
				if err := next(); err != nil {
					return err
				}
				return rewrite(a, func(n *ioctl.Next) {
					if n.Kind == ioctl.Ack {
						n.Data = append(n.Data, make([]byte, 40)...)
					}
				})
			})),
		},
	}
}

func safeTalkMutants() []Mutant {
	return []Mutant{
		{
			Name: "reads-beside-it", Rule: "TALK-27", Wrong: "It reads a byte more than the argument of its own command says.",
			New: commanded("reads-beside-it", func() Hooks {
				wider := func(a *userclient.Args, next func() error) error {
					if err := next(); err != nil {
						return err
					}
					return rewrite(a, func(n *ioctl.Next) {
						if n.Kind == ioctl.NeedIn && n.Addr == swapFrom {
							n.Size++
						}
					})
				}
				return vendors(
					func(_ *Session, a *userclient.Args, _ *ioctl.Request, next func() error) error { return wider(a, next) },
					func(_ *Session, a *userclient.Args, _ *ioctl.Event, next func() error) error { return wider(a, next) },
				)()
			}),
		},
		{
			Name: "abandoned-lock", Rule: "TALK-28", Wrong: "Its own command stays locked when it is given up.",
			New: commanded("abandoned-lock", func() Hooks {
				h := vendors(func(s *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
					if s.marked("locked") {
						return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.EBUSY})
					}
					return next()
				}, nil)()
				call := h.Call
				h.Call = func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					if a.Selector == userclient.SelIoctlAbandon && s.marked("vendor") {
						s.mark("locked", true)
					}
					return call(ctx, s, a, next)
				}
				return h
			}),
		},
		{
			Name: "failed-for-good", Rule: "TALK-29", Wrong: "Its own command fails for ever once a copy has failed.",
			New: commanded("failed-for-good", vendors(
				func(s *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
					if s.marked("failed") {
						return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.EIO})
					}
					return next()
				},
				func(s *Session, _ *userclient.Args, e *ioctl.Event, next func() error) error {
					if e.Kind == ioctl.CopyFailed {
						s.mark("failed", true)
					}
					return next()
				},
			)),
		},
		{
			Name: "locks-for-the-talk", Rule: "TALK-30", Wrong: "It holds the lock of its own command while that waits for its client.",
			New: commanded("locks-for-the-talk", func() Hooks {
				var holder atomic.Pointer[Session]
				after := func(s *Session, a *userclient.Args, next func() error) error {
					err := next()
					var n ioctl.Next
					if err != nil || n.UnmarshalBinary(a.OutBytes[:a.NOutBytes]) != nil || n.Kind != ioctl.NeedIn && n.Kind != ioctl.NeedOut {
						holder.CompareAndSwap(s, nil)
					}
					return err
				}
				h := vendors(
					func(s *Session, a *userclient.Args, r *ioctl.Request, next func() error) error {
						if !holder.CompareAndSwap(nil, s) && holder.Load() != s {
							return say(a, ioctl.Next{ID: r.ID, Kind: ioctl.Nak, Errno: streams.EBUSY})
						}
						return after(s, a, next)
					},
					func(s *Session, a *userclient.Args, _ *ioctl.Event, next func() error) error {
						return after(s, a, next)
					},
				)()
				call := h.Call
				h.Call = func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
					if a.Selector == userclient.SelIoctlAbandon {
						holder.CompareAndSwap(s, nil)
					}
					return call(ctx, s, a, next)
				}
				h.Closed = func(s *Session, _ error, next func()) {
					next()
					holder.CompareAndSwap(s, nil)
				}
				return h
			}),
		},
	}
}

func toldMutants() []Mutant {
	return []Mutant{
		{
			Name: "tells-nobody", Rule: "NAMED-13", Wrong: "It tells nobody that a setting has changed.",
			New: settled("tells-nobody", func(v *voice) (Serve, error) {
				t, err := v.tableOf(nil)
				if err == nil {
					t.OnChange(nil)
				}
				return from(t), err
			}),
		},
		{
			Name: "tells-refusals", Rule: "NAMED-14", Wrong: "It tells of each attempt to set the gain, refused ones too.",
			New: settled("tells-refusals", func(v *voice) (Serve, error) {
				t, err := v.tableOf(nil)
				return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
					b, err := t.Serve(ctx, c, in, nil, room)
					if err != nil && c == control.CmdSet {
						v.tell("gain")
					}
					return b, err
				}, err
			}),
		},
		{
			Name: "restless", Rule: "NAMED-15", Wrong: "Its serial number grows with each reading.",
			New: lax("restless", func(s *setting) {
				if s.Name == "serial" {
					var n atomic.Int64
					s.Get = func(context.Context) (control.Value, error) { return control.Int(n.Add(1)), nil }
				}
			}),
		},
		{
			Name: "beyond-its-scale", Rule: "NAMED-16", Wrong: "Each fourth level that it reads is 104 %.",
			New: lax("beyond-its-scale", func(s *setting) {
				if s.Name == "level" {
					var n atomic.Int64
					s.Max = control.Int(200)
					s.Get = func(context.Context) (control.Value, error) {
						if n.Add(1)%4 == 0 {
							return control.Int(104), nil
						}
						return control.Int(50), nil
					}
				}
			}),
		},
		{
			Name: "calls-settings", Rule: "NAMED-17", Wrong: "It answers a call of a setting with its value.",
			New: settled("calls-settings", func(v *voice) (Serve, error) {
				t, err := v.tableOf(nil)
				return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
					b, err := t.Serve(ctx, c, in, nil, room)
					if c == control.CmdCall && ioreturn.Of(err) == ioreturn.NotPermitted {
						return t.Serve(ctx, control.CmdGet, in, nil, room)
					}
					return b, err
				}, err
			}),
		},
		{
			Name: "other-result", Rule: "NAMED-18", Wrong: "Its call has a number as a result, and describes yes or no.",
			New: lax("other-result", only("calibrate", func(s *setting) {
				s.Result = control.Shape{Type: control.TypeInt}
				s.Call = func(context.Context, control.Value) (control.Value, error) { return control.Int(17), nil }
			})),
		},
		{
			Name: "any-argument", Rule: "NAMED-19", Wrong: "It takes a yes for the argument of a call that has none.",
			New: settled("any-argument", func(v *voice) (Serve, error) {
				t, err := v.tableOf(nil)
				yes, err2 := v.tableOf(only("calibrate", func(s *setting) { s.Shape = control.Shape{Type: control.TypeBool} }))
				if err == nil {
					err = err2
				}
				return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
					b, err := t.Serve(ctx, c, in, nil, room)
					if err != nil && c == control.CmdCall {
						return yes.Serve(ctx, c, in, nil, room)
					}
					return b, err
				}, err
			}),
		},
	}
}
