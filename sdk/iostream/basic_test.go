// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

var waitPolicies = []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitThread, iostream.WaitAdaptive, iostream.WaitSpin}

func TestFramesArriveInOrder(t *testing.T) {
	for _, wait := range waitPolicies {
		t.Run(wait.String(), func(t *testing.T) {
			ctx := bounded(t)
			d, s := pair(t, iostream.DriverConfig{Buffers: 4, Wait: wait}, nil, &iostream.Config{Wait: wait})
			const n = 1000
			sent := make(chan error, 1)
			go func() { sent <- produce(ctx, d, n) }()
			start(t, s)
			i := 0
			for f, err := range s.Frames(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("frame %d", i); string(f.Data()) != want || f.Seq() != uint64(i) || f.Missed() != 0 {
					t.Fatalf("got %q, number %d after %d missed, want %q", f.Data(), f.Seq(), f.Missed(), want)
				}
				i++
			}
			if i != n {
				t.Errorf("got %d frames, want %d", i, n)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
			if _, err := s.Next(ctx); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v, want io.EOF", err)
			}
			wantLost(t, d, nil)
			if st := s.Stats(); st.Entries != n || st.Missed != 0 || st.Copies != 0 || st.Leased != 0 || st.LastSeq != n-1 {
				t.Errorf("the client counts %+v", st)
			}
		})
	}
}

// TestClassicLayoutCarriesFrames also shows that a client may ask for the classic
// layout of a driver that offers both.
func TestClassicLayoutCarriesFrames(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 3, Classic: true}, nil, &iostream.Config{Layout: userclient.LayoutClassic})
	if s.Layout() != userclient.LayoutClassic || s.Features()&userclient.FeatureSequence != 0 {
		t.Fatalf("layout %v, features %#x", s.Layout(), s.Features())
	}
	const n = 500
	done := make(chan error, 1)
	go func() { done <- produce(ctx, d, n) }()
	for i := range n {
		f := next(t, s)
		wantText(t, string(f.Data()), fmt.Sprintf("frame %d", i))
		if f.Seq() != uint64(i) || f.Time() != 0 || f.Flags() != 0 {
			t.Fatalf("a classic entry has number %d, time %v, flags %#x", f.Seq(), f.Time(), f.Flags())
		}
		release(t, f)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	// The layout has no word for the end: it is an event.
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := s.Next(ctx)
	wantIs(t, err, ioreturn.ErrState)
}

func TestToDevice(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Direction, cfg.Buffers = iostream.ToDevice, 2
		d, s := running(t, cfg, nil, ccfg)
		if s.Direction() != iostream.ToDevice {
			t.Fatalf("direction %v", s.Direction())
		}
		for i := range 10 {
			text := fmt.Sprintf("to the device %d", i)
			f := next(t, s)
			if len(f.Data()) != 4096 {
				t.Fatalf("an empty frame has %d bytes to fill", len(f.Data()))
			}
			if err := f.Send(copy(f.Data(), text)); err != nil {
				t.Fatal(err)
			}
			b := take(t, d)
			wantText(t, string(b.Data()), text)
			if ccfg.Layout == userclient.LayoutNative && b.Seq() != uint32(i) {
				t.Errorf("the driver sees number %d, want %d", b.Seq(), i)
			}
			if err := d.Post(b, 0); err != nil {
				t.Fatal(err)
			}
		}
		if st := s.Stats(); st.Sent != 10 || st.Entries != 0 {
			t.Errorf("the client counts %+v", st)
		}
		wantLost(t, d, nil)
	})
}

func TestBothWays(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Direction, cfg.Buffers = iostream.BothWays, 2
		d, s := running(t, cfg, nil, ccfg)
		post(t, d, "there")
		f := next(t, s)
		wantText(t, string(f.Data()), "there")
		if err := f.SendEntry(iostream.Posting{Offset: 8, Length: copy(f.Region()[8:], "back")}); err != nil {
			t.Fatal(err)
		}
		for { // the other buffer has never been with the client
			b := take(t, d)
			if len(b.Filled()) == 0 {
				continue
			}
			wantText(t, string(b.Filled()), "back")
			break
		}
	})
}

func TestBufferReferences(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 1, ControlSize: 32}, nil, nil)
	b := take(t, d)
	if b.ID() != 0 || b.ClientReferences() != 0 || len(b.Region()) != 4096 || len(b.Control()) != 32 {
		t.Fatalf("buffer %d, %d references, %d and %d bytes", b.ID(), b.ClientReferences(), len(b.Region()), len(b.Control()))
	}
	copy(b.Control(), "control")
	if err := d.PostEntry(b, iostream.Posting{Offset: 16, Length: 5, ControlOffset: 3, ControlLength: 4}); err != nil {
		t.Fatal(err)
	}
	if n := b.ClientReferences(); n != 1 {
		t.Errorf("%d references while the client has it", n)
	}
	f := next(t, s)
	wantText(t, string(f.Control()), "trol")
	if &f.Data()[0] != &b.Region()[16] || len(f.Data()) != 5 || len(f.Region()) != 4096 {
		t.Error("the client's slice is not the driver's memory")
	}
	b.Region()[16] = 'x' // zero copy: the driver's late write shows
	if f.Data()[0] != 'x' {
		t.Error("the frame is a copy")
	}
	release(t, f)
	if got := take(t, d); got != b || got.ClientReferences() != 0 {
		t.Errorf("took %v, %d references", got.ID(), got.ClientReferences())
	}
}
