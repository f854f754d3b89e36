// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// vandal is a client that has the stream open, and its arena in its hands.
type vandal struct {
	conn  userclient.Conn
	bell  userclient.Bell
	arena []byte
	ring  []byte // of the input queue
	out   *queue.Producer
}

func newVandal(t testing.TB, d userclient.Provider) *vandal {
	t.Helper()
	v := &vandal{conn: dial(t, d)}
	if _, err := v.conn.Port(userclient.PortOutput); err != nil {
		t.Fatal(err)
	}
	v.call(t, userclient.SelSelect, userclient.FeatureSequence, 0)
	v.call(t, userclient.SelOpen, uint64(userclient.OpenExclusive))
	regions, err := userclient.ParseRegions(v.call(t, userclient.SelMemoryMap))
	if err != nil {
		t.Fatal(err)
	}
	m, err := v.conn.Map(t.Context(), userclient.MemClientArena)
	if err != nil {
		t.Fatal(err)
	}
	v.arena = m.Bytes
	r := row(regions, userclient.MemInputQueue)
	v.ring = m.Bytes[r.Offset : r.Offset+r.Length]
	// A private reader's region, which always says that the ring is empty: this
	// producer puts whatever it likes, as often as it likes.
	reader := make([]byte, queue.ReaderSize)
	binary.LittleEndian.PutUint32(reader, queue.ReaderMagic)
	if v.out, err = queue.NewProducer(queue.Memory{Ring: v.ring, Reader: reader}, queue.Config{Name: "input queue"}); err != nil {
		t.Fatal(err)
	}
	if v.bell, err = v.conn.Bell(userclient.PortInput); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vandal) call(t testing.TB, sel uint32, in ...uint64) []byte {
	t.Helper()
	a := iostream.Args{Selector: sel, In: in, Out: make([]uint64, 1), OutBytes: make([]byte, 1<<16)}
	if err := v.conn.Call(t.Context(), &a); err != nil {
		t.Fatalf("selector %#x: %v", sel, err)
	}
	return a.OutBytes[:a.NOutBytes]
}

// put publishes entries of any kind.
func (v *vandal) put(es ...queue.Entry) {
	if _, err := v.out.Put(es); err == nil {
		_ = v.bell.Ring()
	}
}

// TestHostileClientEndsItsSessionOnly has a driver's loop that knows nothing of it:
// the vandal is hung up on, and the next client is served.
func TestHostileClientEndsItsSessionOnly(t *testing.T) {
	for name, act := range map[string]func(v *vandal){
		"unknown buffer":       func(v *vandal) { v.put(queue.Entry{Buffer: 99}) },
		"no buffer":            func(v *vandal) { v.put(queue.Entry{Buffer: userclient.NoBuffer}) },
		"range that overflows": func(v *vandal) { v.put(queue.Entry{DataOffset: 1<<32 - 1, DataLength: 2}) },
		"control that is not":  func(v *vandal) { v.put(queue.Entry{ControlLength: 1}) },
		"a buffer twice":       func(v *vandal) { v.put(queue.Entry{}, queue.Entry{}) },
		"a good one before":    func(v *vandal) { v.put(queue.Entry{}, queue.Entry{Buffer: 3}) },
	} {
		for _, policy := range []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.DropOldest} {
			for _, handler := range []bool{false, true} {
				t.Run(name+", "+policy.String()+map[bool]string{true: ", handler"}[handler], func(t *testing.T) {
					ctx, cancel := context.WithCancel(bounded(t))
					var h iostream.Handler
					if handler {
						h = &inputs{}
					}
					d := newDriver(t, iostream.DriverConfig{Buffers: 3, Policy: policy, Direction: iostream.BothWays}, h)
					done := make(chan error, 1)
					go func() { done <- endless(ctx, d, 1) }()
					for range 3 {
						v := newVandal(t, d)
						v.call(t, userclient.SelStart)
						act(v)
						<-v.conn.Done()
						wantIs(t, v.conn.Err(), ioreturn.ErrGone)
						if err := d.WaitIdle(ctx); err != nil {
							t.Fatal(err)
						}
						serveOne(t, d)
					}
					cancel()
					wantIs(t, <-done, context.Canceled)
				})
			}
		}
	}
}

// serveOne is a well-behaved client, who notices nothing of those before.
func serveOne(t testing.TB, d *iostream.Driver) {
	t.Helper()
	s := connect(t, d, nil)
	start(t, s)
	for range 10 {
		release(t, next(t, s))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	st := d.Stats()
	wantArithmetic(t, &st)
}

// TestHostileClientSpoilsItsArena writes over all of it before the driver looks.
func TestHostileClientSpoilsItsArena(t *testing.T) {
	for _, value := range []byte{0, 1, 0x7f, 0x80, 0xff} {
		ctx, cancel := context.WithCancel(bounded(t))
		d := newDriver(t, iostream.DriverConfig{Buffers: 3, Direction: iostream.BothWays}, nil)
		v := newVandal(t, d)
		for i := range v.arena {
			v.arena[i] = value
		}
		v.call(t, userclient.SelStart)
		done := make(chan error, 1)
		go func() { done <- endless(ctx, d, 1) }()
		if value != 0 { // zeros are an empty queue
			<-v.conn.Done()
		} else {
			v.conn.Close()
		}
		if err := d.WaitIdle(ctx); err != nil {
			t.Fatal(err)
		}
		serveOne(t, d)
		cancel()
		wantIs(t, <-done, context.Canceled)
	}
}

// TestHostileClientDoesNotMakeTheDriverSpin sets the words that end a driver's waits in
// its client: they mean nothing in this direction.
func TestHostileClientDoesNotMakeTheDriverSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, iostream.DriverConfig{Buffers: 1}, nil)
		v := newVandal(t, d)
		v.out.SetStatus(queue.StatusEnd)
		v.call(t, userclient.SelStart)
		take(t, d)
		got := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, err := d.Take(ctx); got <- err }()
		synctest.Wait() // it sleeps: a spinning goroutine would never let this return
		cancel()
		wantIs(t, <-got, context.Canceled)
	})
}

func TestHostileArguments(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Classic: true}, &formats{})
	conn := dial(t, d)
	if err := conn.Call(t.Context(), &iostream.Args{Selector: userclient.SelOpen}); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]iostream.Args{
		"select without words":  {Selector: userclient.SelSelect},
		"events without cursor": {Selector: userclient.SelEvents, Out: make([]uint64, 2)},
		"doorbell":              {Selector: userclient.SelDoorbell},
		"input sync":            {Selector: userclient.SelInputSync, In: make([]uint64, 2)},
		"set mode without mode": {Selector: userclient.SelSetMode},
		"huge mode":             {Selector: userclient.SelSetMode, In: []uint64{1<<32 + 1}},
		"format of rubbish":     {Selector: userclient.SelSetFormat, InBytes: []byte("rubbish")},
		"no room for describe":  {Selector: userclient.SelDescribe},
		"no room for events":    {Selector: userclient.SelEvents, In: []uint64{0}, OutBytes: make([]byte, 8)},
		"unknown":               {Selector: userclient.SelControlLast},
		"vendor":                {Selector: userclient.SelVendorBase},
		"open twice":            {Selector: userclient.SelOpen},
	} {
		if err := conn.Call(t.Context(), &a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	future := iostream.Args{Selector: userclient.SelEvents, In: []uint64{1 << 63}, Out: make([]uint64, 2), OutBytes: make([]byte, 1<<12)}
	if err := conn.Call(t.Context(), &future); err != nil || future.Out[0] > 100 {
		t.Errorf("a cursor of the future: %v, %d", err, future.Out[0])
	}
	for _, sel := range []uint32{userclient.SelGetMode, userclient.SelStop, userclient.SelFlush, userclient.SelCorrelate} {
		if err := conn.Call(t.Context(), &iostream.Args{Selector: sel}); err != nil { // no room for the answer is no error
			t.Errorf("selector %#x: %v", sel, err)
		}
	}
	if _, err := conn.Map(t.Context(), userclient.MemBufferData|1000); err == nil {
		t.Error("memory of a buffer that does not exist was mapped")
	}
}

func TestSelectIsChecked(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	conn := dial(t, d)
	for _, in := range [][]uint64{{1 << 40, 0}, {0, 1}, {0, 77}, {0, 1 << 40}} {
		err := conn.Call(t.Context(), &iostream.Args{Selector: userclient.SelSelect, In: in})
		wantIs(t, err, ioreturn.ErrUnsupported)
	}
	// A client that selects nothing knows only the classic layout, which is not offered.
	err := conn.Call(t.Context(), &iostream.Args{Selector: userclient.SelOpen})
	wantIs(t, err, ioreturn.ErrUnsupported)
}

// FuzzHostileClient writes what it is given anywhere into the client's arena of a
// running session, between calls of the driver: no panic, no hang, and the counters
// stay consistent. Whether the session survives is up to the bytes.
func FuzzHostileClient(f *testing.F) {
	f.Add(uint8(0), []byte{128, 0, 4, 1, 0, 0, 0})
	f.Add(uint8(2), []byte{0, 1, 32, 0xff, 0xff, 0xff, 0xff})
	f.Add(uint8(1), binary.LittleEndian.AppendUint64(nil, rand.Uint64()))
	f.Fuzz(func(t *testing.T, policy uint8, script []byte) {
		d := newDriver(t, iostream.DriverConfig{
			Buffers: 3, DataSize: 64, Alignment: 64, Direction: iostream.BothWays,
			Policy: []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.Fail}[policy%3],
		}, nil)
		v := newVandal(t, d)
		v.call(t, userclient.SelStart)
		for len(script) > 3 { // each step: where (16 bits), how many bytes, the bytes
			at, n := int(binary.LittleEndian.Uint16(script)), int(script[2])
			script = script[3:]
			n = min(n, len(script))
			copy(v.arena[at%len(v.arena):], script[:n])
			script = script[n:]
			_ = v.bell.Ring()
			var bs []*iostream.Buffer
			for range 4 {
				b, err := d.TryTake()
				if err != nil {
					break
				}
				if len(b.Filled()) > len(b.Region()) || len(b.FilledControl()) > len(b.Control()) {
					t.Fatalf("buffer %d: a range leaves it", b.ID())
				}
				bs = append(bs, b)
			}
			if err := d.PostBatch(bs, make([]iostream.Posting, len(bs))); err != nil {
				t.Fatal(err)
			}
			st := d.Stats()
			wantArithmetic(t, &st)
		}
	})
}

// FuzzHostileDriver writes what it is given into the driver's arena of a running
// session, between calls of the client: each frame that comes lies in its buffer, and
// an error is a rule or the end.
func FuzzHostileDriver(f *testing.F) {
	f.Add([]byte{128, 0, 4, 1, 0, 0, 0})
	f.Add([]byte{0, 1, 32, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{140, 0, 1, 1, 128, 0, 1, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		d := newDriver(t, iostream.DriverConfig{Buffers: 3, DataSize: 64, ControlSize: 64, Alignment: 64}, nil)
		l := &liar{Provider: d}
		s := connect(t, l, nil)
		start(t, s)
		arena := l.mem[userclient.MemDriverArena].Bytes
		for len(script) > 3 {
			at, n := int(binary.LittleEndian.Uint16(script)), int(script[2])
			script = script[3:]
			n = min(n, len(script))
			copy(arena[at%len(arena):], script[:n])
			script = script[n:]
			for range 4 {
				f, ok, err := s.TryNext()
				if !ok || err != nil {
					break
				}
				if len(f.Data()) > 64 || len(f.Control()) > 64 || int(f.BufferID()) >= s.BufferCount() {
					t.Fatalf("buffer %d: a range leaves it", f.BufferID())
				}
				_, _ = f.Metadata()
				_ = f.Release()
			}
			if _, err := s.Arm(); err != nil {
				break
			}
		}
	})
}

// FuzzDescribeAndMemoryMap lets a driver answer with any bytes: opening succeeds or is
// an error, and a stream that was opened can be read and closed.
func FuzzDescribeAndMemoryMap(f *testing.F) {
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "a/b/c", Buffers: 2, DataSize: 64, ControlSize: 64, Alignment: 64}, nil)
	if err != nil {
		f.Fatal(err)
	}
	desc, err := d.Describe().AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	regions, err := userclient.AppendRegions(nil, []userclient.Region{
		{Type: userclient.MemOutputQueue, Count: 1, Arena: userclient.MemDriverArena, Length: 384},
		{Type: userclient.MemInputReader, Count: 1, Arena: userclient.MemDriverArena, Offset: 384, Length: 384},
		{Type: userclient.MemBufferData, Count: 2, Arena: userclient.MemDriverArena, Offset: 768, Length: 64, Stride: 64},
		{Type: userclient.MemInputQueue, Count: 1, Arena: userclient.MemClientArena, Length: 384},
		{Type: userclient.MemOutputReader, Count: 1, Arena: userclient.MemClientArena, Offset: 384, Length: 384},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(desc, regions)
	f.Add([]byte{}, regions)
	f.Add(desc, []byte{4, 0, 0, 0})
	f.Fuzz(func(t *testing.T, desc, regions []byte) {
		d := newDriver(t, iostream.DriverConfig{Buffers: 2, DataSize: 64, ControlSize: 64, Alignment: 64, Classic: true}, nil)
		l := &liar{Provider: d, call: func(a *iostream.Args, err error) error {
			switch a.Selector {
			case userclient.SelDescribe:
				a.NOutBytes, err = copy(a.OutBytes, desc), nil
			case userclient.SelMemoryMap:
				if err == nil {
					a.NOutBytes = copy(a.OutBytes, regions)
				}
			}
			return err
		}}
		s, err := iostream.Open(t.Context(), dial(t, l), nil)
		if err != nil {
			return
		}
		defer s.Close()
		if s.Start(t.Context()) != nil {
			return
		}
		if b, err := d.TryTake(); err == nil {
			_ = d.Post(b, 64)
		}
		for range 3 {
			f, ok, err := s.TryNext()
			if !ok || err != nil {
				break
			}
			_ = append([]byte(nil), f.Data()...)
			_ = f.Release()
		}
	})
}
