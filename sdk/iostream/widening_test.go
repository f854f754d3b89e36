// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// jump sets the number that a running session gives next, at both ends, as if so many
// entries had gone before.
func jump(d *Driver, s *Stream, seq uint64) {
	ds := d.owner
	ds.mu.Lock()
	ds.lane.nextSeq, ds.lane.sentSeq, ds.lane.numbered = seq, seq, true
	ds.lane.st.Posted = seq - ds.lane.st.TotalLost()
	ds.mu.Unlock()
	s.mu.Lock()
	s.nextSeq = seq
	s.mu.Unlock()
}

func openPair(t *testing.T, cfg DriverConfig) (*Driver, *Stream) {
	t.Helper()
	cfg.Name, cfg.DataSize = "test/dev/stream", 64
	d, err := NewDriver(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		<-d.Done()
	})
	conn, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, s
}

func postOne(t *testing.T, d *Driver) {
	t.Helper()
	b, err := d.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Post(b, 1); err != nil {
		t.Fatal(err)
	}
}

// TestC15NumbersAreWidened crosses 2^32 more than once, with gaps and a backlog.
func TestC15NumbersAreWidened(t *testing.T) {
	for _, policy := range []Policy{Block, DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			d, s := openPair(t, DriverConfig{Policy: policy, Buffers: 4, Metadata: true})
			for _, from := range []uint64{1<<32 - 3, 5<<32 - 2} {
				jump(d, s, from)
				for i := range uint64(6) {
					postOne(t, d)
					d.Lost(2)
					f, err := s.Next(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					h, err := f.Metadata()
					if err != nil {
						t.Fatal(err)
					}
					if want := from + 3*i; f.Seq() != want || h.Sequence != want || i > 0 && f.Missed() != 2 {
						t.Fatalf("number %d (header %d) after %d missed, want %d", f.Seq(), h.Sequence, f.Missed(), want)
					}
					if err := f.Release(); err != nil {
						t.Fatal(err)
					}
				}
				if st := d.Stats(); st.LastSeq != from+17 || st.LastSeq+1 != st.Posted+st.TotalLost()+st.Backlogged {
					t.Fatalf("stats: last number %d, posted %d, lost %d", st.LastSeq, st.Posted, st.TotalLost())
				}
				if st := d.Stats(); len(st.Log) == 0 || st.Log[len(st.Log)-1].LastSeq != from+17 {
					t.Fatalf("the loss log ends with %+v", st.Log[len(st.Log)-1])
				}
			}
		})
	}
}

// TestC15BacklogIsWidened drops an entry whose number is on the other side of 2^32.
func TestC15BacklogIsWidened(t *testing.T) {
	d, s := openPair(t, DriverConfig{Policy: DropOldest, Buffers: 3, Backlog: 1})
	jump(d, s, 1<<32-2)
	for range 4 { // 2^32-2 is posted, 2^32-1 to 2^32+1 wait in two places
		postOne(t, d)
	}
	st := d.Stats()
	if st.Lost[userclient.LossDropOldest] != 1 || st.Log[0].LastSeq != 1<<32-1 {
		t.Fatalf("lost %v, the log is %+v", st.Lost, st.Log)
	}
}

// TestC14MoreLossThanTheClientCanCount is a gap of half the numbers that an entry can
// carry: the session ends, because the client would take it for a step back.
func TestC14MoreLossThanTheClientCanCount(t *testing.T) {
	d, s := openPair(t, DriverConfig{Buffers: 2})
	postOne(t, d)
	for range 2 {
		d.Lost(1<<30 - 1)
	}
	d.Lost(1)
	postOne(t, d) // the largest gap that can be told
	for _, missed := range []uint64{0, 1<<31 - 1} {
		f, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f.Missed() != missed {
			t.Fatalf("%d missed, want %d", f.Missed(), missed)
		}
		if err := f.Release(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := d.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.Lost(1 << 30)
	d.Lost(1 << 30)
	if err := d.Post(b, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("the client got %v, want the end of the session", err)
	}
	if st := d.Stats(); st.LastSeq+1 != st.Posted+st.TotalLost() || st.Lost[userclient.LossSessionEnded] != 1 {
		t.Errorf("last number %d, posted %d, lost %v", st.LastSeq, st.Posted, st.Lost)
	}
}

// TestC14HostileNumbers has a driver whose numbers stand still.
func TestC14HostileNumbers(t *testing.T) {
	d, s := openPair(t, DriverConfig{})
	postOne(t, d)
	ds := d.owner
	ds.mu.Lock()
	ds.lane.nextSeq = 0
	ds.mu.Unlock()
	postOne(t, d)
	postOne(t, d)
	if _, err := s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the error stays
		_, err := s.Next(context.Background())
		var re *ioreturn.RuleError
		if !errors.As(err, &re) || re.Rule != ioreturn.RuleEntrySeq {
			t.Fatalf("the error is %v", err)
		}
	}
	<-s.Conn().Done()
}
