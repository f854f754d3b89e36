// SPDX-License-Identifier: Apache-2.0

package row

import (
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// Kind says who makes a round trip.
type Kind uint8

// The kinds.
const (
	Limit Kind = iota // a C program
	Ours
	Other // a peer
)

// Trip is a round trip whose distribution is shown.
type Trip struct {
	Name string
	Kind Kind
	Job  job.Job
}

// Trips returns the round trips of a small message at one placement, Same or Cross. What
// spins needs two CPUs.
func Trips(p job.Place) []Trip {
	var trips []Trip
	add := func(k Kind, name string, j job.Job) { trips = append(trips, Trip{name, k, j}) }
	two := p.NeedsTwo()
	add(Limit, "C, eventfds", job.Job{Program: job.PingPong, Place: p})
	if two {
		add(Limit, "C, two queues, spinning", inC(roundTrip(iostream.WaitSpin, p, small), true))
	}
	add(Ours, "stream, thread", roundTrip(iostream.WaitThread, p, small))
	add(Ours, "stream, poller", roundTrip(iostream.WaitPoller, p, small))
	add(Ours, "stream, adaptive", roundTrip(iostream.WaitAdaptive, p, small))
	if two {
		add(Ours, "stream, spinning", roundTrip(iostream.WaitSpin, p, small))
	}
	add(Other, "Unix socket", peerTrip("unix", p))
	add(Other, "gRPC", peerTrip("grpc", p))
	add(Other, "ZeroMQ", peerTrip("zeromq", p))
	if two {
		add(Other, "iceoryx, polling", peerTrip("iceoryx", p))
	}
	return trips
}
