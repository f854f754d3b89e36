// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func deathMutants() []Mutant {
	return append(clientDeathMutants(), append(bystanderDeathMutants(), driverDeathMutants()...)...)
}

// clientDeathMutants do not clear up after a client that died.
func clientDeathMutants() []Mutant {
	return []Mutant{
		{
			Name: "early-deaths-count", Rule: "DEATH-01",
			Wrong: "It has sixteen slots for clients, and gets none back from one that dies before it has opened the stream.",
			New:   hooked("early-deaths-count", func() Hooks { return slotted(16, everyPeer, unopened) }),
		},
		{
			Name: "suspended-till-death", Rule: "DEATH-02",
			Wrong: "It keeps the stream for a client that dies while the stream is suspended.",
			New:   hooked("suspended-till-death", keptForTheDead),
		},
		{
			Name: "dies-with-the-lock", Rule: "DEATH-03",
			Wrong: "A stop that is given up keeps its lock, and the next start waits for it.",
			New:   hooked("dies-with-the-lock", keepsTheLock),
		},
		{
			Name: "buried-buffers", Rule: "DEATH-04",
			Wrong: "It uses one buffer less after each client that died.",
			New:   buryingBuffers("buried-buffers"),
		},
		{
			Name: "deaths-use-up", Rule: "DEATH-05",
			Wrong: "It gets no slot back from a client that dies, and has twenty.",
			New:   hooked("deaths-use-up", func() Hooks { return slotted(20, everyPeer, everySession) }),
		},
		{
			Name: "plays-the-dead", Rule: "DEATH-06",
			Wrong: "It puts what a dead client had written into the buffers of the next one.",
			New:   spied("plays-the-dead", LoopbackConfig(), func(p *spy) Hooks { return p.passingOn(userclient.SelOpen, give) }, nil),
		},
		{
			Name: "seq-over-death", Rule: "DEATH-07",
			Wrong: "It goes on with the numbers of a client that died.",
			New:   buggy("seq-over-death", RawConfig{}, BugSeqOverDeath),
		},
		{
			Name: "counts-over-death", Rule: "DEATH-07",
			Wrong: "It goes on with the counters of a client that died.",
			New:   hooked("counts-over-death", countsOverDeath),
		},
		{
			Name: "layout-of-the-dead", Rule: "DEATH-08",
			Wrong: "It keeps to the classic layout after a client has died that used it.",
			New:   hooked("layout-of-the-dead", keepsClassic),
		},
		{
			Name: "writes-to-the-dead", Rule: "DEATH-09",
			Wrong: "It goes on to fill the buffers of a client that died.",
			New:   spied("writes-to-the-dead", LoopbackConfig(), func(p *spy) Hooks { return p.passingOn(userclient.SelStart, haunt) }, nil),
		},
	}
}

// bystanderDeathMutants let others notice a death, or not.
func bystanderDeathMutants() []Mutant {
	return []Mutant{
		{
			Name: "dead-owner-shown", Rule: "DEATH-10",
			Wrong: "Its observation goes on to name a client that died.",
			New:   hooked("dead-owner-shown", showsTheDead),
		},
		{
			Name: "silent-death", Rule: "DEATH-11",
			Wrong: "It tells nobody that the client died that had the stream open.",
			New:   buggy("silent-death", RawConfig{}, BugSilentDeath),
		},
		{
			Name: "observer-takes-all", Rule: "DEATH-12",
			Wrong: "It ends the session of the client that runs the stream when an observer dies.",
			New:   spied("observer-takes-all", LoopbackConfig(), func(p *spy) Hooks { return p.takingAlong(true) }, nil),
		},
		{
			Name: "observer-slots", Rule: "DEATH-12",
			Wrong: "It gets no slot back from an observer that dies, and has sixteen.",
			New:   hooked("observer-slots", func() Hooks { return slotted(16, observing, everySession) }),
		},
		{
			Name: "bystander-takes-all", Rule: "DEATH-13",
			Wrong: "It ends the session of the client that runs the stream when another client dies.",
			New:   spied("bystander-takes-all", LoopbackConfig(), func(p *spy) Hooks { return p.takingAlong(false) }, nil),
		},
	}
}

// driverDeathMutants are drivers, or transports, that are not dead when they are killed.
func driverDeathMutants() []Mutant {
	return []Mutant{
		{
			Name: "death-unnoticed", Rule: "DEATH-14",
			Wrong: "Its sessions are not over when it dies.",
			New: mortalMutant("death-unnoticed", func(_ *mortal, c userclient.Conn) userclient.Conn {
				return &undead{Conn: c, done: make(chan struct{})}
			}, nil),
		},
		{
			Name: "death-is-a-close", Rule: "DEATH-14",
			Wrong: "Its death looks to the client as if it had closed the stream itself.",
			New:   mortalMutant("death-is-a-close", func(_ *mortal, c userclient.Conn) userclient.Conn { return closedConn{c} }, nil),
		},
		{
			Name: "sleeps-over-death", Rule: "DEATH-15",
			Wrong: "Its ports do not wake who waits there when it dies.",
			New:   mortalMutant("sleeps-over-death", func(_ *mortal, c userclient.Conn) userclient.Conn { return sleepyConn{c} }, nil),
		},
		{
			Name: "memory-dies", Rule: "DEATH-16",
			Wrong: "The memory that its clients have mapped is cleared when it dies.",
			New:   mortalMutant("memory-dies", func(m *mortal, c userclient.Conn) userclient.Conn { return mortalMemory{c, m} }, nil),
		},
		{
			Name: "stale-lock", Rule: "DEATH-17",
			Wrong: "When it is started again, it takes the lock that it had left for another client's.",
			New:   func() conformance.Target { return mortalMutant("stale-lock", nil, staleLock())() },
		},
		{
			Name: "instance-survives", Rule: "DEATH-17",
			Wrong: "It says that it is the same instance after it was started again.",
			New: mortalMutant("instance-survives", nil, func() Hooks {
				return Hooks{Describe: func(d userclient.Description) userclient.Description {
					d.Instance = 1
					return d
				}}
			}),
		},
		{
			Name: "connects-again", Rule: "DEATH-18",
			Wrong: "Calls of an old session go to the new driver.",
			New:   mortalMutant("connects-again", func(m *mortal, c userclient.Conn) userclient.Conn { return &againConn{Conn: c, m: m} }, nil),
		},
	}
}
