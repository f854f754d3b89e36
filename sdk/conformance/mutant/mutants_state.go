// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func stateMutants() []Mutant {
	var out []Mutant
	for _, m := range []struct {
		name, rule string
		sel        uint32
		in         userclient.State
		code       ioreturn.Code
		wrong      string
	}{
		{"open-twice", "STATE-01", userclient.SelOpen, userclient.StateRunning, ioreturn.Success,
			"It answers success to an open of the stream that the client has running."},
		{"close-unopened", "STATE-02", userclient.SelClose, userclient.StateClosed, ioreturn.Success,
			"It answers success to a close of a stream that was not opened."},
		{"start-unopened", "STATE-03", userclient.SelStart, userclient.StateClosed, ioreturn.Success,
			"It answers success to a start of a stream that was not opened."},
		{"start-unopened-code", "STATE-03", userclient.SelStart, userclient.StateClosed, ioreturn.NotReady,
			"It refuses a start before open as not ready, not as not open."},
		{"stop-unopened", "STATE-04", userclient.SelStop, userclient.StateClosed, ioreturn.Success,
			"It answers success to a stop of a stream that was not opened."},
		{"suspend-stopped", "STATE-05", userclient.SelSuspend, userclient.StateOpen, ioreturn.Success,
			"It answers success to a suspend of a stream that does not run."},
		{"set-mode-running", "STATE-06", userclient.SelSetMode, userclient.StateRunning, ioreturn.Success,
			"It lets a client set the direction while the stream runs."},
		{"set-mode-unopened", "STATE-06", userclient.SelSetMode, userclient.StateClosed, ioreturn.Success,
			"It lets a client set the direction of a stream that it has not opened."},
		{"select-open", "STATE-07", userclient.SelSelect, userclient.StateOpen, ioreturn.Success,
			"It lets a client select other features while the stream is open."},
		{"memory-map-unopened", "STATE-09", userclient.SelMemoryMap, userclient.StateClosed, ioreturn.Success,
			"It answers an empty memory map before the stream is open."},
		{"input-sync-unopened", "STATE-10", userclient.SelInputSync, userclient.StateClosed, ioreturn.Success,
			"It says that input is consumed of a stream that is not open."},
		{"set-format-running", "STATE-11", userclient.SelSetFormat, userclient.StateRunning, ioreturn.Success,
			"It takes another format while the stream runs."},
		{"doorbell-unopened", "STATE-12", userclient.SelDoorbell, userclient.StateClosed, ioreturn.Success,
			"It takes a doorbell for a stream that is not open."},
		{"flush-unopened", "STATE-13", userclient.SelFlush, userclient.StateClosed, ioreturn.Success,
			"It answers success to a flush of a stream that is not open."},
		{"start-not-twice", "STATE-14", userclient.SelStart, userclient.StateRunning, ioreturn.Busy,
			"It refuses to start a stream that runs already."},
		{"stop-not-twice", "STATE-14", userclient.SelStop, userclient.StateOpen, ioreturn.NotReady,
			"It refuses to stop a stream that does not run."},
		{"mode-unknown-running", "STATE-15", userclient.SelGetMode, userclient.StateRunning, ioreturn.Busy,
			"It does not tell its direction while it runs."},
		{"stats-need-open", "STATE-15", userclient.SelStats, userclient.StateClosed, ioreturn.NotOpen,
			"It tells its counters only to a client that has opened the stream."},
	} {
		out = append(out, Mutant{Name: m.name, Rule: m.rule, Wrong: m.wrong, New: hooked(m.name, answering(m.sel, m.in, m.code))})
	}
	return append(out,
		Mutant{
			Name: "open-twice-stops", Rule: "STATE-01",
			Wrong: "It refuses a second open as it should, but stops the stream.",
			New: hooked("open-twice-stops", onCall(userclient.SelOpen,
				func(ctx context.Context, s *Session, _ *userclient.Args, next func() error) error {
					err := next()
					if s.State() == userclient.StateRunning {
						_ = s.Driver(ctx, &userclient.Args{Selector: userclient.SelStop}) // the bug
					}
					return err
				})),
		},
		Mutant{
			Name: "map-unopened", Rule: "STATE-08",
			Wrong: "It lets a client map memory before the stream is open.",
			New: hooked("map-unopened", func() Hooks {
				return Hooks{Memory: func(s *Session, _ uint32, next func() (userclient.Mem, error)) (userclient.Mem, error) {
					if s.State() == userclient.StateClosed {
						return userclient.Mem{Bytes: make([]byte, 4096), FD: -1}, nil
					}
					return next()
				}}
			}),
		},
		Mutant{
			Name: "told-state-late", Rule: "STATE-16",
			Wrong: "Its observation says that a suspended stream runs.",
			New: hooked("told-state-late", onCall(userclient.SelObserve,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					return tellAnother(a, next, func(o *userclient.Observation) {
						if o.State == userclient.StateSuspended {
							o.State = userclient.StateRunning
						}
					})
				})),
		},
		Mutant{
			Name: "start-after-close", Rule: "STATE-17",
			Wrong: "It answers success to a start after the stream was closed, because its queues still exist.",
			New: hooked("start-after-close", onCall(userclient.SelStart,
				func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
					if s.Count("start") > 0 && s.State() == userclient.StateClosed {
						return nil
					}
					return next()
				})),
		})
}

// tellAnother changes the observation that the driver answered.
func tellAnother(a *userclient.Args, next func() error, change func(*userclient.Observation)) error {
	if err := next(); err != nil {
		return err
	}
	var o userclient.Observation
	if err := o.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
		return err
	}
	change(&o)
	b, err := o.AppendBinary(nil)
	return record(a, b, err)
}
