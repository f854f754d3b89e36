// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestFramesGoBackAtTheEndOfTheBody(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 1, Direction: iostream.BothWays}, nil, nil)
	type body func(f *iostream.Frame) error
	var kept iostream.Frame
	for name, do := range map[string]body{
		"nothing": func(*iostream.Frame) error { return nil },
		"release": func(f *iostream.Frame) error { return f.Release() },
		"send":    func(f *iostream.Frame) error { return f.Send(1) },
		"keep":    func(f *iostream.Frame) (err error) { kept, err = f.Keep(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			post(t, d, name)
			for f, err := range s.Frames(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				wantText(t, string(f.Data()), name)
				if err := do(&f); err != nil {
					t.Fatal(err)
				}
				break
			}
			if name == "keep" {
				wantText(t, string(kept.Data()), name)
				if s.Stats().Leased != 1 {
					t.Error("the loop has ended the loan that was kept")
				}
				release(t, kept)
			}
			if s.Stats().Leased != 0 {
				t.Error("the frame was not given back")
			}
		})
	}
}

func TestFramesGoBackWhenTheBodyPanics(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 1}, nil, nil)
	post(t, d, "x")
	func() {
		defer func() {
			if r := recover(); r == nil {
				t.Error("the panic was swallowed")
			}
		}()
		for _, err := range s.Frames(ctx) {
			panic(fmt.Sprint("body: ", err))
		}
	}()
	if s.Stats().Leased != 0 {
		t.Error("the frame was not given back")
	}
}

func TestFramesEndsWithoutAnErrorAtTheEnd(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	d.Halt(nil)
	for _, err := range s.Frames(ctx) {
		t.Errorf("a pair with %v", err)
	}
	start(t, s)
	d.Halt(ioreturn.NoMedia)
	n := 0
	for _, err := range s.Frames(ctx) {
		n++
		wantIs(t, err, ioreturn.NoMedia)
	}
	if n != 1 {
		t.Errorf("%d pairs, want one with the error", n)
	}
}

func TestWithFrame(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 1}, nil, nil)
	post(t, d, "x")
	err := s.WithFrame(ctx, func(f *iostream.Frame) error {
		wantText(t, string(f.Data()), "x")
		return errEnough
	})
	wantIs(t, err, errEnough)
	if s.Stats().Leased != 0 {
		t.Error("the frame was not given back")
	}
}

func TestNextBatchWaitsForAtLeast(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := running(t, iostream.DriverConfig{Buffers: 8, Policy: policy}, nil, nil)
				frames := make([]iostream.Frame, 8)
				type result struct {
					n   int
					err error
				}
				got := make(chan result, 1)
				ask := func(ctx context.Context, atLeast int) {
					go func() {
						n, err := s.NextBatch(ctx, frames, atLeast)
						got <- result{n, err}
					}()
					synctest.Wait()
				}
				silent := func() {
					t.Helper()
					synctest.Wait()
					select {
					case r := <-got:
						t.Fatalf("NextBatch returned %+v", r)
					default:
					}
				}
				ask(t.Context(), 1) // takes away the ring of the start
				post(t, d, "first")
				<-got
				release(t, frames[0])
				wakeups := s.Stats().Wakeups
				ask(t.Context(), 3)
				post(t, d, "0")
				silent()
				post(t, d, "1")
				silent()
				post(t, d, "2")
				if r := <-got; r.n != 3 || r.err != nil {
					t.Fatalf("got %+v", r)
				}
				if n := s.Stats().Wakeups - wakeups; policy == iostream.Block && n != 1 {
					t.Errorf("woken %d times for one batch", n)
				}

				// What came before the context's end is not lost.
				ctx, cancel := context.WithCancelCause(t.Context())
				frames = frames[3:]
				ask(ctx, 4)
				post(t, d, "3")
				silent()
				cancel(errEnough)
				if r := <-got; r.n != 1 || r.err != nil || string(frames[0].Data()) != "3" {
					t.Fatalf("got %+v", r)
				}

				// No more can come than there are buffers.
				frames = frames[1:]
				for i := range 4 {
					post(t, d, fmt.Sprint(4+i))
				}
				ask(t.Context(), 100)
				if r := <-got; r.n != 4 || r.err != nil {
					t.Fatalf("got %+v", r)
				}

				// The end of the stream ends the wait as well.
				release(t, frames[0])
				release(t, frames[1])
				ask(t.Context(), 2)
				post(t, d, "8")
				silent()
				d.Halt(nil)
				if r := <-got; r.n != 1 || r.err != nil || string(frames[0].Data()) != "8" {
					t.Fatalf("got %+v", r)
				}
				_, err := s.NextBatch(t.Context(), frames, 1)
				wantIs(t, err, io.EOF)
				if n, err := s.NextBatch(t.Context(), nil, 1); n != 0 || err != nil {
					t.Errorf("no room: %d, %v", n, err)
				}
			})
		})
	}
}

func TestReader(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 3, DataSize: 100}, nil, nil)
	payload := make([]byte, 1000)
	for i := range payload {
		payload[i] = byte(i * i)
	}
	go func() {
		for rest := payload; len(rest) > 0; {
			b, err := d.Take(ctx)
			if err != nil {
				return
			}
			n := copy(b.Data(), rest[:min(len(rest), 1+len(rest)%97)])
			rest = rest[n:]
			if d.Post(b, n) != nil {
				return
			}
			if b, err = d.Take(ctx); err != nil || d.Post(b, 0) != nil { // an empty frame is no end
				return
			}
		}
		d.Halt(nil)
	}()
	if err := iotest.TestReader(s.Reader(ctx), payload); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Copies == 0 || st.Leased != 0 {
		t.Errorf("%d copies, %d lent", st.Copies, st.Leased)
	}
}

func TestReaderCloseGivesTheFrameBack(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 1}, nil, nil)
	post(t, d, "partly read")
	r := s.Reader(ctx)
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	p := make([]byte, 4)
	if n, err := r.Read(p); n != 4 || err != nil || string(p) != "part" {
		t.Fatal(n, err, p)
	}
	if s.Stats().Leased != 1 {
		t.Error("the frame went back too early")
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	if s.Stats().Leased != 0 {
		t.Error("the frame was not given back")
	}
	post(t, d, "done") // the reader gives a frame back as soon as it was read to its end
	if n, err := r.Read(p); n != 4 || err != nil || s.Stats().Leased != 0 {
		t.Errorf("%d, %v, %d lent", n, err, s.Stats().Leased)
	}
}

func TestReadFrame(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Buffers: 1}, nil, nil)
	post(t, d, "first")
	p, err := s.ReadFrame(bounded(t), nil)
	if err != nil || string(p) != "first" {
		t.Fatal(p, err)
	}
	post(t, d, "2nd")
	q, err := s.ReadFrame(bounded(t), p)
	if err != nil || string(q) != "2nd" || &q[0] != &p[0] {
		t.Errorf("%q, %v: the memory was not used again", q, err)
	}
	if st := s.Stats(); st.Copies != 2 || st.Leased != 0 {
		t.Errorf("%d copies, %d lent", st.Copies, st.Leased)
	}
}

func TestWriter(t *testing.T) {
	ctx := bounded(t)
	d, s := running(t, iostream.DriverConfig{Buffers: 3, DataSize: 100, Direction: iostream.ToDevice}, nil, nil)
	payload := bytes.Repeat([]byte("0123456789abcdef"), 100)
	sum := make(chan [sha256.Size]byte, 1)
	go func() {
		h := sha256.New()
		for {
			b, err := d.Take(ctx)
			if err != nil {
				break
			}
			h.Write(b.Data())
			last := len(b.Data()) < 100
			if d.Post(b, 0) != nil || last {
				break
			}
		}
		sum <- [sha256.Size]byte(h.Sum(nil))
	}()
	w := s.Writer(ctx)
	for rest := payload; len(rest) > 0; {
		n, err := w.Write(rest[:min(len(rest), 333)])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	payload = append(payload, 'x') // so that the last buffer is not full
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if <-sum != sha256.Sum256(payload) {
		t.Error("other bytes arrived")
	}
	if err := s.Sync(ctx, 0); err != nil {
		t.Fatal(err)
	}
	st := s.Stats()
	if st.Copies == 0 || st.Sent != 17 || st.Bytes != 1601 || d.Stats().Bytes != 1601 {
		t.Errorf("the client counts %+v, the driver %d bytes", st, d.Stats().Bytes)
	}
	d.Halt(nil)
	for {
		if _, err := w.Write(payload); err != nil {
			wantIs(t, err, ioreturn.ErrState) // a writer has no end of file
			break
		}
	}
}
