// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func hostileMutants() []Mutant {
	return append(hostileQueueMutants(), hostileLoopMutants()...)
}

// hostileQueueMutants see what the client does, or not, and go on.
func hostileQueueMutants() []Mutant {
	bare := LoopbackConfig()
	bare.ControlSize = 0
	return []Mutant{
		{
			Name: "index-ignored", Rule: "HOSTILE-01",
			Wrong: "It sees that the client's index is impossible, and goes on.",
			New:   forgiving("index-ignored", LoopbackConfig(), ioreturn.RuleQueueIndex),
		},
		{
			Name: "back-ignored", Rule: "HOSTILE-02",
			Wrong: "It takes a step back of the client's index for a misunderstanding.",
			New: spied("back-ignored", LoopbackConfig(), func(p *spy) Hooks {
				return forgive(func(err error) bool {
					if !breaks(err, ioreturn.RuleQueueIndex) {
						return false
					}
					tail, head := p.word(userclient.MemInputQueue, queue.RingTailOff), p.word(userclient.MemInputReader, queue.ReaderHeadOff)
					return tail != nil && head != nil && int32(tail.Load()-head.Load()) < 0
				})
			}, nil),
		},
		{
			Name: "trusts-read-index", Rule: "HOSTILE-03",
			Wrong: "It takes the client's read index for good, finds the ring overfull, and waits for room.",
			New: spied("trusts-read-index", LoopbackConfig(), nil, hangingWhen(func(p *spy) bool {
				head, tail := p.word(userclient.MemOutputReader, queue.ReaderHeadOff), p.word(userclient.MemOutputQueue, queue.RingTailOff)
				return head != nil && tail.Load()-head.Load() > 8
			})),
		},
		{
			Name: "rereads-header", Rule: "HOSTILE-04",
			Wrong: "It reads the number of entries anew for each buffer, and waits until that makes sense.",
			New: spied("rereads-header", LoopbackConfig(), nil, hangingWhen(func(p *spy) bool {
				count := p.word(userclient.MemInputQueue, queue.RingCountOff)
				return p.word(userclient.MemInputReader, 0) != nil && count.Load() != loopbackCount()
			})),
		},
		{
			Name: "own-index-ignored", Rule: "HOSTILE-05",
			Wrong: "It sees that somebody has moved its own index, and goes on.",
			New:   forgiving("own-index-ignored", LoopbackConfig(), ioreturn.RuleQueueRoles),
		},
		{
			Name: "foreign-ignored", Rule: "HOSTILE-06",
			Wrong: "It drops entries for buffers that do not exist, and goes on.",
			New:   forgiving("foreign-ignored", LoopbackConfig(), ioreturn.RuleEntryBuffer),
		},
		{
			Name: "range-ignored", Rule: "HOSTILE-07",
			Wrong: "It drops entries whose data leaves the buffer, and goes on.",
			New:   forgiving("range-ignored", bare, ioreturn.RuleEntryRange),
		},
		{
			Name: "control-range-ignored", Rule: "HOSTILE-08",
			Wrong: "It drops entries whose control data leaves its region, and goes on.",
			New:   forgiving("control-range-ignored", LoopbackConfig(), ioreturn.RuleEntryRange),
		},
		{
			Name: "owner-ignored", Rule: "HOSTILE-09",
			Wrong: "It drops entries for buffers that the client does not own, and goes on.",
			New:   forgiving("owner-ignored", LoopbackConfig(), ioreturn.RuleEntryOwner),
		},
		{
			Name: "checks-while-running", Rule: "HOSTILE-10",
			Wrong: "It overlooks what a client does wrong while the stream does not run.",
			New: spied("checks-while-running", LoopbackConfig(), func(p *spy) Hooks {
				return forgive(func(err error) bool {
					return errors.Is(err, ioreturn.ErrProtocol) && p.session().State() != userclient.StateRunning
				})
			}, nil),
		},
	}
}

// hostileLoopMutants stumble over what should mean nothing to them, or over the client
// that they have ended.
func hostileLoopMutants() []Mutant {
	return []Mutant{
		{
			Name: "waits-for-event-index", Rule: "HOSTILE-11",
			Wrong: "It posts nothing as long as the client's event index is far ahead.",
			New: spied("waits-for-event-index", LoopbackConfig(), nil, hangingWhen(func(p *spy) bool {
				wake, tail := p.word(userclient.MemOutputReader, queue.ReaderWakeOff), p.word(userclient.MemOutputQueue, queue.RingTailOff)
				return wake != nil && int32(wake.Load()-tail.Load()) > 1000
			})),
		},
		{
			Name: "token-is-a-number", Rule: "HOSTILE-12",
			Wrong: "It takes the token in the ring for a number of milliseconds to wait.",
			New: spied("token-is-a-number", LoopbackConfig(), nil, hangingWhen(func(p *spy) bool {
				token := p.word(userclient.MemInputQueue, queue.RingTokenOff)
				return p.word(userclient.MemInputReader, 0) != nil && token.Load() > 1000
			})),
		},
		{
			Name: "dies-of-sleep", Rule: "HOSTILE-13",
			Wrong: "It ends itself when the client says that it sleeps in a way that nobody knows.",
			New:   spied("dies-of-sleep", LoopbackConfig(), nil, dyingOfSleep),
		},
		{
			Name: "reads-payload-twice", Rule: "HOSTILE-14",
			Wrong: "It reads the first word of the payload twice, and waits until both agree with what it expects.",
			New:   spied("reads-payload-twice", SinkConfig(), nil, readingTwice),
		},
		{
			Name: "rings-run-out", Rule: "HOSTILE-15",
			Wrong: "It has room for 16 doorbell calls in a session and never answers the next.",
			New: hooked("rings-run-out", onCall(userclient.SelDoorbell,
				func(ctx context.Context, s *Session, _ *userclient.Args, next func() error) error {
					if s.Count("bell") >= 16 {
						<-ctx.Done()
						return ctx.Err()
					}
					return next()
				})),
		},
		{
			Name: "stop-waits-for-reader", Rule: "HOSTILE-16",
			Wrong: "Stop waits until the client has read everything.",
			New: spied("stop-waits-for-reader", LoopbackConfig(), func(p *spy) Hooks {
				return onCall(userclient.SelStop, func(ctx context.Context, s *Session, _ *userclient.Args, next func() error) error {
					for p.unread() && pause(ctx, time.Millisecond) == nil {
						if s.State() != userclient.StateRunning {
							break
						}
					}
					return next()
				})()
			}, nil),
		},
		{
			Name: "gives-up-at-a-breach", Rule: "HOSTILE-17",
			Wrong: "It ends itself when a client breaks a rule.",
			New: spied("gives-up-at-a-breach", LoopbackConfig(), func(p *spy) Hooks {
				return onHangup(func(err error, next func()) {
					next()
					if errors.Is(err, ioreturn.ErrProtocol) {
						go func() { _ = p.driver().Close() }() // it never fails
					}
				})
			}, nil),
		},
		{
			Name: "forgets-broken-sessions", Rule: "HOSTILE-18",
			Wrong: "It never gives the slot of a session back that it has ended itself, and has sixteen.",
			New:   hooked("forgets-broken-sessions", forgettingBroken),
		},
	}
}

// breaks reports whether err says that the client broke one of some rules.
func breaks(err error, rules ...ioreturn.Rule) bool {
	var rule *ioreturn.RuleError
	if !errors.As(err, &rule) {
		return false
	}
	for _, r := range rules {
		if r == rule.Rule {
			return true
		}
	}
	return false
}

// hangups are resources whose Hangup goes through a function.
type hangups struct {
	userclient.Resources
	f func(err error, next func())
}

// Hangup implements userclient.Resources.
func (h hangups) Hangup(reason error) { h.f(reason, func() { h.Resources.Hangup(reason) }) }

// onHangup makes hooks that see why the driver ends a session, and may prevent it.
func onHangup(f func(err error, next func())) Hooks {
	return Hooks{Resources: func(_ *Session, r userclient.Resources) userclient.Resources { return hangups{r, f} }}
}

// forgive makes hooks by which the driver goes on with a session for some reasons.
func forgive(what func(error) bool) Hooks {
	return onHangup(func(err error, next func()) {
		if !what(err) {
			next()
		}
	})
}

// forgiving makes the New of a mutant that goes on when a client breaks a rule.
func forgiving(name string, cfg iostream.DriverConfig, rule ioreturn.Rule) func() conformance.Target {
	return spied(name, cfg, func(*spy) Hooks {
		return forgive(func(err error) bool { return breaks(err, rule) })
	}, nil)
}

// unread reports whether there are entries that the client has not read.
func (p *spy) unread() bool {
	head, tail := p.word(userclient.MemOutputReader, queue.ReaderHeadOff), p.word(userclient.MemOutputQueue, queue.RingTailOff)
	return head != nil && head.Load() != tail.Load()
}

// dyingOfSleep closes the driver when the client's way to sleep is unknown.
func dyingOfSleep(p *spy) Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		return each(ctx, d, func(b *iostream.Buffer) error {
			if how := p.word(userclient.MemOutputReader, queue.ReaderHowOff); how != nil && how.Load() > 1 {
				return d.Close()
			}
			return d.PostEntry(b, echoOf(b))
		})
	}
}

// readingTwice is a sink whose device looks at each buffer's first word, works for a
// while, and then can't bear that it has changed.
func readingTwice(p *spy) Loop {
	return func(ctx context.Context, d *iostream.Driver) error {
		return each(ctx, d, func(b *iostream.Buffer) error {
			if len(b.Filled()) < 4 {
				return d.Post(b, 0)
			}
			first := shared(b.Filled(), 0)
			before := first.Load()
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return err
			}
			if first.Load() != before {
				p.session().hang(ctx)
			}
			return d.Post(b, 0)
		})
	}
}

// forgettingBroken counts the sessions that end in an error, and refuses more when there
// were sixteen.
func forgettingBroken() Hooks {
	var broken atomic.Int32
	return Hooks{
		NewSession: func(_ userclient.Peer, next func() (userclient.Session, error)) (userclient.Session, error) {
			if broken.Load() >= 16 {
				return nil, ioreturn.NoResources
			}
			return next()
		},
		Closed: func(_ *Session, reason error, next func()) {
			if errors.Is(reason, ioreturn.ErrProtocol) {
				broken.Add(1)
			}
			next()
		},
	}
}
