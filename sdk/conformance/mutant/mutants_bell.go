// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func bellMutants() []Mutant {
	echo := RawConfig{Direction: iostream.BothWays}
	return []Mutant{
		{
			Name: "lost-ring", Rule: "BELL-01", Wrong: "Every seventh of its rings is lost.",
			New: hooked("lost-ring", missingRings(userclient.PortOutput, 7)),
		},
		{
			Name: "stale-arm", Rule: "BELL-02", Wrong: "It looks at the client's event index before it publishes, not after.",
			New: buggy("stale-arm", RawConfig{}, BugStaleArm),
		},
		{
			Name: "ring-always", Rule: "BELL-03", Wrong: "It rings for every entry.",
			New: buggy("ring-always", RawConfig{}, BugRingAlways),
		},
		{
			Name: "ring-past", Rule: "BELL-04", Wrong: "It goes on ringing as long as the client's event index lies behind.",
			New: buggy("ring-past", RawConfig{}, BugRingPast),
		},
		{
			Name: "ring-early", Rule: "BELL-05", Wrong: "It takes an event index that lies ahead for a wish to be rung by every entry.",
			New: buggy("ring-early", RawConfig{}, BugRingEarly),
		},
		{
			Name: "silent-stop", Rule: "BELL-06", Wrong: "It writes the status word when the stream is stopped, and does not ring.",
			New: hooked("silent-stop", silentStop),
		},
		{
			Name: "silent-start", Rule: "BELL-07", Wrong: "The first entry after a start does not ring.",
			New: buggy("silent-start", RawConfig{Buffers: 1}, BugSilentStart),
		},
		{
			Name: "no-arm", Rule: "BELL-08", Wrong: "It sleeps without having asked to be rung.",
			New: buggy("no-arm", echo, BugNoArm),
		},
		{
			Name: "blind-arm", Rule: "BELL-09", Wrong: "It arms and sleeps without having looked again.",
			New: buggy("blind-arm", echo, BugBlindArm),
		},
		{
			Name: "ring-for-nothing", Rule: "BELL-10", Wrong: "It hangs up on a client that rings with nothing on its queue.",
			New: hooked("ring-for-nothing", ringForNothing),
		},
	}
}

// silentStop makes hooks that swallow the rings of a stop.
func silentStop() Hooks {
	var stopping atomic.Bool
	return Hooks{
		Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
			if a.Selector == userclient.SelStop {
				stopping.Store(true)
				defer stopping.Store(false)
			}
			return next()
		},
		Notify: func(_ *Session, typ uint32, b userclient.Bell) userclient.Bell {
			if typ != userclient.PortOutput {
				return b
			}
			return deafBell{b, stopping.Load}
		},
	}
}

// ringForNothing makes hooks that hang up when the doorbell was rung and the client's
// tail has not moved since the last ring.
func ringForNothing() Hooks {
	return Hooks{Resources: func(s *Session, r userclient.Resources) userclient.Resources {
		return strictDoorbell{r, s}
	}}
}

type strictDoorbell struct {
	userclient.Resources
	s *Session
}

func (d strictDoorbell) Doorbell() userclient.Port {
	return &strictPort{d.Resources.Doorbell(), d.s, 0}
}

type strictPort struct {
	userclient.Port
	s    *Session
	last uint32
}

func (p *strictPort) Wait(ctx context.Context) error {
	err := p.Port.Wait(ctx)
	m, memErr := p.s.next.Memory(userclient.MemInputQueue)
	if err != nil || memErr != nil || !p.s.native() {
		return err
	}
	tail := shared(m.Bytes, queue.RingTailOff).Load()
	if tail == p.last {
		p.s.Resources.Hangup(ioreturn.Broken(ioreturn.RuleBellBlocked, "the doorbell was rung for nothing"))
	}
	p.last = tail
	return nil
}
