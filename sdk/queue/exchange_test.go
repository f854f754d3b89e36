// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// patience is how long an exchange may stand still before it counts as hung.
const patience = 20 * time.Second

// port is where one side of an exchange sleeps, and by which it is rung.
type port interface {
	ring() error
	wait() error
}

// chanPort is a port within one process: rings merge, one that came first is kept.
type chanPort chan struct{}

func (p chanPort) ring() error {
	select {
	case p <- struct{}{}:
	default:
	}
	return nil
}

func (p chanPort) wait() error {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-p:
		return nil
	case <-t.C:
		return errors.New("slept beside the queue: a wake-up was lost")
	}
}

// side is one side of an exchange: an End, its buffers, and both ports.
type side struct {
	end     *End
	buffers [][]byte
	own     port // where this side sleeps
	peer    port // what wakes the other
	batch   int  // entries at a time
	after   uint32
	arms    uint64 // calls of Arm
}

// fill writes the payload of entry seq, which check recognises.
func fill(b []byte, seq uint32) {
	for i := 0; i+4 <= len(b); i += 4 {
		binary.LittleEndian.PutUint32(b[i:], seq*2654435761+uint32(i))
	}
}

func check(b []byte, seq uint32) error {
	for i := 0; i+4 <= len(b); i += 4 {
		if v := binary.LittleEndian.Uint32(b[i:]); v != seq*2654435761+uint32(i) {
			return fmt.Errorf("entry %d: word %d is %#x", seq, i/4, v)
		}
	}
	return nil
}

// send publishes es and wakes the other side if it asked for it.
func (s *side) send(es []Entry) error {
	w, err := s.end.Send(es)
	if err != nil || w == WakeNone {
		return err
	}
	return s.peer.ring()
}

// receive takes at least one entry, sleeping as long as there is none.
func (s *side) receive(dst []Entry) (int, error) {
	for {
		n, err := s.end.Receive(dst)
		if n > 0 || err != nil {
			return n, err
		}
		s.arms++
		ready, err := s.end.Arm(s.after, SleepBell)
		if err != nil {
			return 0, err
		}
		if !ready {
			if err := s.own.wait(); err != nil {
				n, _ := s.end.Len()
				return 0, fmt.Errorf("%w (%d entries are there, index %d, %+v)", err, n, s.end.Index(), s.end.Counters())
			}
		}
	}
}

// drive sends total entries, each with a payload of its own, in whatever buffers
// come back.
func (s *side) drive(total uint32) error {
	free := make([]Entry, 0, len(s.buffers))
	for id := range s.buffers {
		free = append(free, Entry{Buffer: uint32(id)})
	}
	for seq := uint32(0); seq < total; {
		if len(free) == 0 {
			n, err := s.receive(free[:cap(free)])
			if err != nil {
				return fmt.Errorf("driver: %w", err)
			}
			free = free[:n]
		}
		n := min(s.batch, len(free), int(total-seq))
		for i := range free[:n] {
			e := &free[i]
			b := s.buffers[e.Buffer]
			*e = Entry{Buffer: e.Buffer, DataLength: uint32(len(b)), Seq: seq, Stamp: uint64(seq)<<32 | uint64(^seq)}
			fill(b, seq)
			seq++
		}
		if err := s.send(free[:n]); err != nil {
			return fmt.Errorf("driver: %w", err)
		}
		free = append(free[:0], free[n:]...)
	}
	return nil
}

// consume receives total entries in order, checks each with its payload, and gives
// the buffers back.
func (s *side) consume(total uint32) error {
	dst := make([]Entry, s.batch)
	for seq := uint32(0); seq < total; {
		n, err := s.receive(dst)
		if err != nil {
			return fmt.Errorf("client: %w", err)
		}
		for i := range dst[:n] {
			e := &dst[i]
			if e.Seq != seq || e.Stamp != uint64(seq)<<32|uint64(^seq) {
				return fmt.Errorf("client: entry %d is %+v", seq, e)
			}
			if err := check(s.buffers[e.Buffer][:e.DataLength], seq); err != nil {
				return fmt.Errorf("client: %w", err)
			}
			seq++
		}
		if err := s.send(dst[:n]); err != nil {
			return fmt.Errorf("client: %w", err)
		}
	}
	return nil
}

// exchange lets a driver stream total entries to a client, each on a goroutine of
// its own.
func exchange(t *testing.T, driver, client side, total uint32) {
	t.Helper()
	done := make(chan error, 2)
	go func() { done <- driver.drive(total) }()
	go func() { done <- client.consume(total) }()
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err) // the other side ends at the latest when its patience does
		}
	}
	d, c := driver.end.Counters(), client.end.Counters()
	if d.Sent != uint64(total) || c.Received != uint64(total) || c.Sent != uint64(total) {
		t.Errorf("the driver counts %+v, the client %+v", d, c)
	}
	if client.end.out.classic == nil && (d.Rings > client.arms || c.Rings > driver.arms) { // C3
		t.Errorf("%d rings for %d armings, %d for %d", d.Rings, client.arms, c.Rings, driver.arms)
	}
}

// heapBuffers returns n buffers of size bytes in this process.
func heapBuffers(n, size int) [][]byte {
	bs := make([][]byte, n)
	for i := range bs {
		bs[i] = make([]byte, size)
	}
	return bs
}

// TestExchange runs both ends over one mapping; under the race detector it shows
// that the indices order the entries and the payload.
func TestExchange(t *testing.T) {
	total := uint32(100_000)
	if testing.Short() || raceEnabled {
		total = 10_000
	}
	layouts(t, func(t *testing.T, l userclient.Layout) {
		for _, tc := range []struct {
			name                  string
			buffers, batch, after int
		}{
			{"one buffer", 1, 1, 1},
			{"one by one", 8, 1, 1},
			{"batches", 8, 4, 1},
			{"coalesced", 64, 16, 16},
		} {
			t.Run(tc.name, func(t *testing.T) {
				d, c := session(t, l, tc.buffers)
				bs := heapBuffers(tc.buffers, 64)
				dp, cp := make(chanPort, 1), make(chanPort, 1)
				exchange(t,
					side{end: d, buffers: bs, own: dp, peer: cp, batch: tc.batch, after: uint32(tc.after)},
					side{end: c, buffers: bs, own: cp, peer: dp, batch: tc.batch, after: uint32(tc.after)}, total)
			})
		}
	})
}
