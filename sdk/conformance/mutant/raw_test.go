// SPDX-License-Identifier: Apache-2.0

package mutant_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// rawClient opens and starts a raw driver with the project's own client. Both are
// closed at the end of the test.
func rawClient(t *testing.T, cfg mutant.RawConfig, l iostream.Layout) *iostream.Stream {
	t.Helper()
	d := mutant.NewRaw("test", cfg)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := iostream.Open(t.Context(), c, &iostream.Config{Layout: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func bothLayouts(t *testing.T, f func(*testing.T, iostream.Layout)) {
	for _, l := range []iostream.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		t.Run(l.String(), func(t *testing.T) { f(t, l) })
	}
}

// The raw driver streams to the project's own client: a counter without a gap.
func TestRawCounts(t *testing.T) {
	bothLayouts(t, func(t *testing.T, l iostream.Layout) {
		s := rawClient(t, mutant.RawConfig{DataSize: 64}, l)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		word, frames := uint64(0), 0
		for f, err := range s.Frames(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			for b := f.Data(); len(b) > 0; b = b[8:] {
				if got := binary.LittleEndian.Uint64(b); got != word {
					t.Fatalf("frame %d: word %d, want %d", frames, got, word)
				}
				word++
			}
			if frames++; frames == 1000 {
				break
			}
		}
	})
}

func TestRawEchoes(t *testing.T) {
	bothLayouts(t, func(t *testing.T, l iostream.Layout) {
		s := rawClient(t, mutant.RawConfig{Direction: iostream.BothWays}, l)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var sent [][]byte
		for n := range 100 {
			f, err := s.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if n >= s.BufferCount() && !bytes.Equal(f.Data(), sent[n-s.BufferCount()]) {
				t.Fatalf("frame %d came back as %q", n, f.Data())
			}
			msg := fmt.Appendf(nil, "message %d", n)
			sent = append(sent, msg)
			if err := f.Send(copy(f.Region(), msg)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRawSwallows(t *testing.T) {
	bothLayouts(t, func(t *testing.T, l iostream.Layout) {
		s := rawClient(t, mutant.RawConfig{Direction: iostream.ToDevice}, l)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for n := range 100 {
			f, err := s.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Send(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sync(ctx, 1); err != nil {
			t.Fatal(err)
		}
		st, err := s.DriverStats(ctx)
		if err != nil || st.Returned != 100 || st.Bytes != 99*100/2 {
			t.Errorf("the driver has %d entries, %d bytes (%v), want 100 and %d", st.Returned, st.Bytes, err, 99*100/2)
		}
	})
}

// The raw driver loses as its policy says, and its counters add up.
func TestRawLoses(t *testing.T) {
	for _, p := range []iostream.Policy{iostream.DropNewest, iostream.DropOldest, iostream.Fail} {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := rawClient(t, mutant.RawConfig{Policy: p, Period: time.Millisecond}, userclient.LayoutNative)
				<-time.After(20 * time.Millisecond) // virtual: the client is late
				var seqs []uint64
				for {
					f, ok, err := s.TryNext()
					if err != nil && !(p == iostream.Fail && errors.Is(err, ioreturn.ErrOverrun)) {
						t.Fatal(err)
					}
					if !ok {
						break
					}
					seqs = append(seqs, f.Seq())
				}
				st, err := s.DriverStats(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if st.LastSeq+1 != st.Posted+st.TotalLost()+st.Backlogged || st.TotalLost() == 0 {
					t.Errorf("%d numbers given, but %d posted, %d lost, %d backlogged", st.LastSeq+1, st.Posted, st.TotalLost(), st.Backlogged)
				}
				if len(seqs) == 0 || p != iostream.DropOldest && seqs[len(seqs)-1] != uint64(len(seqs)-1) {
					t.Errorf("%v: received numbers %v", p, seqs)
				}
			})
		})
	}
}
