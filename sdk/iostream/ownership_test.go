// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestC12ReleasingTwiceIsAnError(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Direction = iostream.BothWays
		d, s := running(t, cfg, nil, ccfg)
		post(t, d, "one")
		f := next(t, s)
		release(t, f)
		for name, again := range map[string]func() error{
			"release": f.Release,
			"send":    func() error { return f.Send(1) },
			"keep":    func() error { _, err := f.Keep(); return err },
			"batch":   func() error { return s.ReleaseBatch([]iostream.Frame{f}) },
		} {
			if err := again(); err == nil {
				t.Errorf("%s after release succeeded", name)
			} else {
				wantIs(t, err, ioreturn.ErrInvalid)
			}
		}
		post(t, d, "two") // the same buffer or another: the old loan stays over
		g := next(t, s)
		wantIs(t, f.Release(), ioreturn.ErrInvalid)
		release(t, g)
		if st := s.Stats(); st.Leased != 0 {
			t.Errorf("%d frames are lent", st.Leased)
		}
	})
}

func TestC12StaleFrameOfTheSameBuffer(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 1}, nil, nil)
	post(t, d, "one")
	old := next(t, s)
	release(t, old)
	post(t, d, "two")
	f := next(t, s)
	if f.BufferID() != old.BufferID() {
		t.Fatal("there is one buffer only")
	}
	wantIs(t, old.Release(), ioreturn.ErrInvalid)
	release(t, f)
}

func TestC12PostingTwiceIsAnError(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	b := take(t, d)
	if err := d.Post(b, 1); err != nil {
		t.Fatal(err)
	}
	wantIs(t, d.Post(b, 1), ioreturn.ErrInvalid)
	wantIs(t, d.Return(b), ioreturn.ErrInvalid)
	wantIs(t, d.PostBatch([]*iostream.Buffer{b}, make([]iostream.Posting, 1)), ioreturn.ErrInvalid)
	release(t, next(t, s))
	wantLost(t, d, nil)
}

func TestC12ForeignBuffersAreErrors(t *testing.T) {
	d, _ := running(t, iostream.DriverConfig{}, nil, nil)
	other, s := running(t, iostream.DriverConfig{Name: "test/dev/other"}, nil, nil)
	b := take(t, other)
	for name, buf := range map[string]*iostream.Buffer{"nil": nil, "zero": {}, "foreign": b} {
		if err := d.Post(buf, 0); err == nil {
			t.Errorf("a %s buffer was posted", name)
		} else {
			wantIs(t, err, ioreturn.ErrInvalid)
		}
		wantIs(t, d.Return(buf), ioreturn.ErrInvalid)
	}
	if err := other.Post(b, 0); err != nil {
		t.Errorf("the buffer's own driver: %v", err)
	}
	release(t, next(t, s))
}

func TestC12ForeignFramesAreErrors(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	_, other := running(t, iostream.DriverConfig{Name: "test/dev/other"}, nil, nil)
	post(t, d, "mine")
	f := next(t, s)
	var zero iostream.Frame
	wantIs(t, other.ReleaseBatch([]iostream.Frame{f}), ioreturn.ErrInvalid)
	wantIs(t, s.ReleaseBatch([]iostream.Frame{f, zero}), ioreturn.ErrInvalid)
	wantIs(t, zero.Release(), ioreturn.ErrInvalid)
	wantIs(t, zero.Send(0), ioreturn.ErrInvalid)
	_, err := zero.Keep()
	wantIs(t, err, ioreturn.ErrInvalid)
	if zero.Data() != nil || zero.Region() != nil || zero.Control() != nil || zero.Time() != 0 || zero.Memory().FD != -1 {
		t.Error("the zero Frame has contents")
	}
	_, err = zero.Metadata()
	wantIs(t, err, ioreturn.ErrUnsupported)
	release(t, f) // none of the batches took it
}

func TestPostChecksRanges(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 1, DataSize: 100, ControlSize: 10}, nil, nil)
	b := take(t, d)
	for _, p := range []iostream.Posting{
		{Length: 101}, {Length: -1}, {Offset: -1}, {Offset: 100, Length: 1}, {Offset: 1 << 30, Length: 1 << 30},
		{ControlLength: 11}, {ControlOffset: 10, ControlLength: 1}, {ControlOffset: -1, ControlLength: 1},
		{Offset: int(^uint(0) >> 1), Length: int(^uint(0) >> 1)},
	} {
		wantIs(t, d.PostEntry(b, p), ioreturn.ErrInvalid)
	}
	if err := d.PostEntry(b, iostream.Posting{Offset: 100, ControlOffset: 10}); err != nil {
		t.Errorf("empty ranges at the end: %v", err)
	}
	f := next(t, s)
	if len(f.Data()) != 0 || len(f.Control()) != 0 {
		t.Errorf("%d and %d bytes", len(f.Data()), len(f.Control()))
	}
	wantIs(t, f.Send(1), ioreturn.ErrUnsupported) // from the device only
	release(t, f)
	wantLost(t, d, nil)
}

func TestSendChecksRanges(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 1, DataSize: 100, Direction: iostream.ToDevice}, nil, nil)
	f := next(t, s)
	for _, p := range []iostream.Posting{{Length: 101}, {Length: -1}, {Offset: 99, Length: 2}, {ControlLength: 1}} {
		wantIs(t, f.SendEntry(p), ioreturn.ErrInvalid)
	}
	if err := f.Send(100); err != nil {
		t.Fatal(err)
	}
	if b := take(t, d); len(b.Data()) != 100 {
		t.Errorf("%d bytes arrived", len(b.Data()))
	}
}

func TestReturnUndoesTake(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 2}, nil, nil)
	b := take(t, d)
	if err := d.Return(b); err != nil {
		t.Fatal(err)
	}
	if again := take(t, d); again != b {
		t.Errorf("took buffer %d after returning %d", again.ID(), b.ID())
	}
	if err := d.Post(b, 0); err != nil {
		t.Fatal(err)
	}
	if f := next(t, s); f.Seq() != 0 {
		t.Errorf("the first entry has number %d: Return has spent one", f.Seq())
	}
}

func TestReturnKeepsWhatTheClientSent(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 2, Direction: iostream.ToDevice}, nil, nil)
	for _, text := range []string{"first", "second"} {
		f := next(t, s)
		if err := f.Send(copy(f.Data(), text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Return(take(t, d)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		b := take(t, d)
		wantText(t, string(b.Data()), text)
		if err := d.Post(b, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPostBatch(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			d, s := running(t, iostream.DriverConfig{Buffers: 100, DataSize: 64, Policy: policy, Backlog: 100}, nil, nil)
			var bs []*iostream.Buffer
			var ps []iostream.Posting
			for i := range 100 {
				b := take(t, d)
				b.Data()[0] = byte(i)
				bs, ps = append(bs, b), append(ps, iostream.Posting{Length: 1})
			}
			wantIs(t, d.PostBatch(bs, ps[1:]), ioreturn.ErrInvalid)
			wantIs(t, d.PostBatch(append(bs[:99:99], bs[0]), ps), ioreturn.ErrInvalid) // one of them twice
			ps[50].Length = 65
			wantIs(t, d.PostBatch(bs, ps), ioreturn.ErrInvalid)
			nothing(t, s)
			ps[50].Length = 1
			rings := d.Stats().Rings
			if err := d.PostBatch(bs, ps); err != nil {
				t.Fatal(err)
			}
			if got := d.Stats().Rings - rings; got > 1 {
				t.Errorf("%d notifications for one batch", got)
			}
			var at int64
			for i := range 100 {
				f := next(t, s)
				if f.Data()[0] != byte(i) || f.Seq() != uint64(i) {
					t.Fatalf("frame %d is number %d with %d", i, f.Seq(), f.Data()[0])
				}
				if i == 0 {
					at = int64(f.Time())
				}
				if int64(f.Time()) != at || at == 0 {
					t.Fatalf("frame %d has time %d, the first one %d", i, f.Time(), at)
				}
				release(t, f)
			}
			wantLost(t, d, nil)
			if err := d.PostBatch(nil, nil); err != nil {
				t.Errorf("an empty batch: %v", err)
			}
		})
	}
}

func TestTakeBatch(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 5, Policy: iostream.DropNewest}, nil, nil)
	bs := make([]*iostream.Buffer, 8)
	if n, err := d.TakeBatch(bounded(t), bs[:3]); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := d.TakeBatch(bounded(t), bs[3:]); n != 2 || err != nil { // what is free, and no private ones
		t.Fatal(n, err)
	}
	if n, err := d.TakeBatch(bounded(t), bs[5:]); n != 1 || err != nil || bs[5].ID() != userclient.NoBuffer {
		t.Fatal(n, err)
	}
	if n, err := d.TakeBatch(bounded(t), nil); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if err := d.PostBatch(bs[:6], make([]iostream.Posting, 6)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.NextBatch(bounded(t), make([]iostream.Frame, 8), 5); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossDropNewest: 1})
}

func TestReleaseAndSendBatch(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Buffers, cfg.DataSize, cfg.Direction = 150, 64, iostream.BothWays
		d, s := running(t, cfg, nil, ccfg)
		frames, ps := make([]iostream.Frame, 150), make([]iostream.Posting, 150)
		for range frames {
			post(t, d, "x")
		}
		if n, err := s.NextBatch(bounded(t), frames, len(frames)); n != len(frames) || err != nil {
			t.Fatalf("NextBatch: %d, %v", n, err)
		}
		for i := range frames {
			frames[i].Region()[0] = byte(i)
			ps[i].Length = 1
		}
		wantIs(t, s.SendBatch(frames, ps[1:]), ioreturn.ErrInvalid)
		wantIs(t, s.SendBatch(append(frames[:149:149], frames[0]), ps), ioreturn.ErrInvalid)
		ps[149].Length = 65
		wantIs(t, s.SendBatch(frames, ps), ioreturn.ErrInvalid)
		ps[149].Length = 1
		if st := s.Stats(); st.Leased != len(frames) || st.Sent != 0 {
			t.Fatalf("a batch that is not valid has changed %+v", st)
		}
		if err := s.SendBatch(frames, ps); err != nil {
			t.Fatal(err)
		}
		for i := range frames {
			b := take(t, d)
			if len(b.Filled()) != 1 || b.Filled()[0] != byte(i) {
				t.Fatalf("entry %d arrived as %v", i, b.Filled())
			}
			if ccfg.Layout == 0 && b.Seq() != uint32(i) {
				t.Fatalf("entry %d has number %d", i, b.Seq())
			}
		}
		if st := s.Stats(); st.Sent != 150 || st.Leased != 0 {
			t.Errorf("the client counts %+v", st)
		}
		if err := s.ReleaseBatch(nil); err != nil {
			t.Errorf("an empty batch: %v", err)
		}
	})
}

// TestWhatWasDealtWithDoesNotComeAgain posts the answer to what the client sent when the
// stream has just stopped. The answer is lost, and so is what it answered: the driver
// must not get it a second time, after what was sent later.
func TestWhatWasDealtWithDoesNotComeAgain(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Direction: iostream.BothWays, Buffers: 2, DataSize: 8}, nil, nil)
	post(t, d, "")
	f := next(t, s)
	if err := f.Send(8); err != nil {
		t.Fatal(err)
	}
	if err := d.Post(take(t, d), 0); err != nil { // the other buffer, which was never sent
		t.Fatal(err)
	}
	b := take(t, d)
	if n := len(b.Filled()); n != 8 {
		t.Fatalf("%d bytes arrived", n)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Post(b, 8); err != nil {
		t.Fatal(err)
	}
	start(t, s)
	if again := take(t, d); again.ID() != b.ID() || len(again.Filled()) != 0 {
		t.Errorf("after the start buffer %d came with %d bytes, want buffer %d with none", again.ID(), len(again.Filled()), b.ID())
	}
}
