// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func inputMutants() []Mutant {
	return append(inputBufferMutants(), inputSyncMutants()...)
}

func inputBufferMutants() []Mutant {
	sink := func(name string, hooks func() Hooks) func() conformance.Target {
		return changed(name, SinkConfig(), Swallow, hooks)
	}
	return []Mutant{
		{
			Name: "no-empties", Rule: "INPUT-01",
			Wrong: "It answers success to start and gives out no buffer to fill.",
			New: sink("no-empties", onCall(userclient.SelStart,
				func(context.Context, *Session, *userclient.Args, func() error) error { return nil })),
		},
		{
			Name: "empties-with-length", Rule: "INPUT-01",
			Wrong: "The empty buffers that it gives out carry the length of the whole buffer.",
			New:   spied("empties-with-length", SinkConfig(), lengthsOfEmpties, nil),
		},
		{
			Name: "keeps-thirds", Rule: "INPUT-02",
			Wrong: "It keeps every third buffer that it was sent.",
			New:   changed("keeps-thirds", SinkConfig(), swallowSome(func(n int, _ *iostream.Buffer) bool { return n%3 != 2 }), noHooks),
		},
		{
			Name: "keeps-empty-ones", Rule: "INPUT-03",
			Wrong: "It takes a buffer with nothing in it for a mistake, and forgets it.",
			New:   changed("keeps-empty-ones", SinkConfig(), swallowSome(func(_ int, b *iostream.Buffer) bool { return len(b.Filled()) > 0 }), noHooks),
		},
		{
			Name: "counts-whole-buffers", Rule: "INPUT-04",
			Wrong: "It counts every buffer as full.",
			New: sink("counts-whole-buffers", changedStats(func(st *userclient.Stats) {
				st.Bytes = st.Returned * uint64(SinkConfig().DataSize)
			})),
		},
		{
			Name: "starts-twice-only", Rule: "INPUT-05",
			Wrong: "From the third start on it gives out nothing any more.",
			New: sink("starts-twice-only", onCall(userclient.SelStart,
				func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
					if s.Count("start") >= 2 {
						return nil
					}
					return next()
				})),
		},
	}
}

func inputSyncMutants() []Mutant {
	return []Mutant{
		{
			Name: "sync-at-once", Rule: "INPUT-06",
			Wrong: "It answers input sync with the index that the client has published, without having looked at the entries.",
			New:   spied("sync-at-once", SinkConfig(), syncAtOnce, lateSwallow),
		},
		{
			Name: "sync-index-behind", Rule: "INPUT-07",
			Wrong: "The index that it answers to input sync is that of the last entry, not of the one after it.",
			New: hooked("sync-index-behind", onCall(userclient.SelInputSync,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					err := next()
					if err == nil && a.NOut > 0 {
						a.Out[0]--
					}
					return err
				})),
		},
		{
			Name: "signed-token", Rule: "INPUT-08",
			Wrong: "It refuses tokens whose highest bit is set, because it takes them for negative numbers.",
			New: hooked("signed-token", onCall(userclient.SelInputSync,
				func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
					if int32(uint32(a.In[0])) < 0 {
						return ioreturn.BadArgument
					}
					return next()
				})),
		},
		{
			Name: "deaf-to-calls", Rule: "INPUT-09",
			Wrong: "It answers the doorbell selector and does not look at the queue.",
			New: hooked("deaf-to-calls", onCall(userclient.SelDoorbell,
				func(context.Context, *Session, *userclient.Args, func() error) error { return nil })),
		},
		{
			Name: "sync-wedged", Rule: "INPUT-10",
			Wrong: "After an input sync that was given up, the lock that it had taken stays locked.",
			New:   hooked("sync-wedged", wedgedBySync),
		},
		{
			Name: "sync-ignores-stop", Rule: "INPUT-11",
			Wrong: "An input sync waits for the driver also when the stream has been stopped.",
			New: hooked("sync-ignores-stop", onCall(userclient.SelInputSync,
				func(ctx context.Context, _ *Session, _ *userclient.Args, next func() error) error {
					err := next()
					if err != nil && ctx.Err() == nil {
						<-ctx.Done()
					}
					return err
				})),
		},
	}
}

func noHooks() Hooks { return Hooks{} }

// swallowSome is the loop of a driver that forgets some of the buffers it is sent: those
// for which keep, given their number, says false.
func swallowSome(keep func(n int, b *iostream.Buffer) bool) Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		n := 0
		return each(ctx, d, func(b *iostream.Buffer) error {
			n++
			if !keep(n-1, b) {
				return nil
			}
			return d.Post(b, 0)
		})
	}
}

// lengthsOfEmpties writes a length into the entries of the output queue when the stream
// is started, before the client is answered.
func lengthsOfEmpties(p *spy) Hooks {
	return onCall(userclient.SelStart, func(_ context.Context, _ *Session, _ *userclient.Args, next func() error) error {
		err := next()
		at := queue.ClassicEntries
		if p.word(userclient.MemOutputReader, 0) != nil {
			at = queue.RingEntries
		}
		for i := range SinkConfig().Buffers {
			p.word(userclient.MemOutputQueue, at+i*queue.EntrySize+8).Store(uint32(SinkConfig().DataSize))
		}
		return err
	})()
}

// syncAtOnce answers input sync from the client's own index.
func syncAtOnce(p *spy) Hooks {
	return onCall(userclient.SelInputSync, func(_ context.Context, _ *Session, a *userclient.Args, _ func() error) error {
		return words(a, uint64(p.word(userclient.MemInputQueue, queue.RingTailOff).Load()))
	})()
}

// lateSwallow is the loop of a device that looks for data now and then only.
func lateSwallow(*spy) Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		for {
			if err := pause(ctx, 30*time.Millisecond); err != nil {
				return err
			}
			b, err := d.Take(ctx)
			if err != nil {
				return err
			}
			if err := d.Post(b, 0); err != nil {
				return err
			}
		}
	}
}

// wedgedBySync lets one call pass at a time, except close; a sync that fails does not let
// the next one pass.
func wedgedBySync() Hooks {
	lock := make(chan struct{}, 1)
	return Hooks{Call: func(ctx context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if a.Selector == userclient.SelClose {
			return next()
		}
		select {
		case lock <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := next()
		if a.Selector != userclient.SelInputSync || err == nil {
			<-lock
		}
		return err
	}}
}
