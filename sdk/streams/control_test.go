// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"slices"
	"testing"
)

// D49: a module passes an M_IOCTL that it does not know, and the driver refuses it. D50:
// the same through three modules without ioctl handlers, and M_IOCDATA and the copy
// requests pass both ways unchanged.
func TestD49D50Ioctls(t *testing.T) {
	for _, modules := range [][]*Module{{pass("a")}, {pass("a"), shaper("b", 0, 0), pass("c")}} {
		d := testDomain(t, 1)
		var got []*Block
		top := &Module{Name: "head", Read: Procedures{Put: func(_ *Queue, m *Block) { got = append(got, m) }}}
		s := testStream(t, d, pass("driver"), top, modules...)
		m := request(t, d.Arena(), asked, "D:abc")
		if err := s.Put(m); err != nil {
			t.Fatal(err)
		}
		settle(t, d)
		if len(got) != 1 || show(got[0]) != "M_IOCNAK: D:abc" {
			t.Fatalf("got %d answers", len(got))
		}
		if x, _ := got[0].Ioctl(); x != asked {
			t.Errorf("the request became %+v", x)
		}
		if r, _ := got[0].Reply(); r.Error != EINVAL {
			t.Errorf("answered %+v", r)
		}
		got[0].Free()
	}

	d := testDomain(t, 1)
	state := &token{}
	var got []string
	driver := &Module{Name: "driver", Write: Procedures{Put: func(q *Queue, m *Block) {
		switch m.Type() {
		case MIoctl:
			m.CopyIn(state, 3, 0x1000)
		case MIocData:
			if r, ok := m.CopyResponse(); !ok || r.Error != 0 || m.Private() != Private(state) || show(m) != "M_IOCDATA: D:xyz" {
				t.Errorf("the answer to the copy request is %q with %+v", show(m), r)
			}
			m.TakePrivate()
			m.Ack(0, 42)
		}
		q.Reply(m)
	}}}
	top := &Module{Name: "head", Read: Procedures{Put: func(q *Queue, m *Block) {
		got = append(got, show(m))
		if r, ok := m.CopyRequest(); ok {
			if r != (CopyRequest{0x1000, 3}) {
				t.Errorf("copy request %+v", r)
			}
			m.CopyDone(0, build(t, d.Arena(), "D:xyz"))
			q.Reply(m)
			return
		}
		if r, _ := m.Reply(); r != (Reply{Rval: 42}) {
			t.Errorf("answered %+v", r)
		}
		m.Free()
	}}}
	s := testStream(t, d, driver, top, pass("a"), shaper("b", 0, 0), pass("c"))
	s.Put(request(t, d.Arena(), asked))
	settle(t, d)
	if want := []string{"M_COPYIN:", "M_IOCACK: D:xyz"}; !slices.Equal(got, want) || state.released != 0 {
		t.Errorf("the head saw %q, want %q", got, want)
	}
}

// D55: a module that is pushed while an ioctl is pending is passed by the answer.
func TestD55PushDuringIoctl(t *testing.T) {
	d := testDomain(t, 1)
	var pending *Block
	var port *Port
	driver := &Module{
		Name:  "driver",
		Open:  func(q *Queue, _ OpenInfo) (err error) { port, err = q.Port(); return err },
		Write: Procedures{Put: func(_ *Queue, m *Block) { pending = m }},
	}
	var got, seen []string
	s := testStream(t, d, driver, head(&got))
	s.Put(request(t, d.Arena(), asked))
	push1(t, s, &Module{Name: "new", Read: Procedures{Put: func(q *Queue, m *Block) {
		seen = append(seen, show(m))
		q.PutNext(m)
	}}})
	pending.Ack(0, 0)
	if err := port.Put(nil, pending); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []string{"M_IOCACK:"}) || !slices.Equal(got, seen) {
		t.Errorf("the new module saw %q, the head %q", seen, got)
	}
}

// D45 and the module's duty: an M_FLUSH flushes each queue that it names on its way, and
// turns at the driver as the read flush.
func TestD45Flush(t *testing.T) {
	d := testDomain(t, 1)
	var flushes [][]byte
	top := &Module{Name: "head", Read: Procedures{Put: func(_ *Queue, m *Block) {
		flushes = append(flushes, slices.Clone(m.Bytes()))
		m.Free()
	}}}
	stuck := Procedures{Put: func(q *Queue, m *Block) {
		if m.Type() == MFlush {
			q.PassOn(m)
			return
		}
		q.Putq(m)
	}, Service: func(*Queue) {}}
	s := testStream(t, d, echo(), top, &Module{Name: "stuck", Read: stuck, Write: stuck})
	var read, write *Queue
	s.Do(func(h *Queue) { write = h.Partner().next; read = write.Partner() })
	for _, tc := range []struct {
		flush       []byte
		read, write []string
		up          []byte
	}{
		{[]byte{byte(FlushRW)}, []string{}, []string{}, []byte{byte(FlushR)}},
		{[]byte{byte(FlushR)}, []string{}, []string{"2D:x", "D:y"}, []byte{byte(FlushR)}},
		{[]byte{byte(FlushW)}, []string{"2D:x", "D:y"}, []string{}, nil},
		{[]byte{byte(FlushRW | FlushBand), 2}, []string{"D:y"}, []string{"D:y"}, []byte{byte(FlushR | FlushBand), 2}},
		{[]byte{byte(FlushRW | FlushBand)}, []string{"2D:x", "D:y"}, []string{"2D:x", "D:y"}, nil},
		{nil, []string{"2D:x", "D:y"}, []string{"2D:x", "D:y"}, nil},
	} {
		flushes = nil
		s.Do(func(*Queue) {
			for _, q := range []*Queue{read, write} {
				q.Flush(FlushAll)
				m := build(t, d.Arena(), "D:x")
				m.SetBand(2)
				q.Putq(m)
				q.Putq(build(t, d.Arena(), "D:y"))
			}
		})
		m, _ := d.Arena().From(MFlush, tc.flush)
		s.Put(m)
		settle(t, d)
		if got := contents(read); !slices.Equal(got, tc.read) {
			t.Errorf("flush %v left %q to read", tc.flush, got)
		}
		if got := contents(write); !slices.Equal(got, tc.write) {
			t.Errorf("flush %v left %q to write", tc.flush, got)
		}
		if tc.up == nil && flushes != nil || tc.up != nil && (len(flushes) != 1 || !slices.Equal(flushes[0], tc.up)) {
			t.Errorf("flush %v came up as %v, want %v", tc.flush, flushes, tc.up)
		}
	}
}

func TestControlHelpers(t *testing.T) {
	d := testDomain(t, 1)
	var up, down []string
	sink := &Module{Name: "sink", Write: Procedures{Put: func(_ *Queue, m *Block) { down = append(down, show(m)); m.Free() }}}
	s := testStream(t, d, sink, head(&up), pass("m"))
	s.Do(func(h *Queue) {
		q := h.Partner().next
		for _, err := range []error{q.PutNextCtl(MCtl), q.PutNextCtl(MCtl, 'x'), q.PutNextCtl(MDelay, 'd'), q.PutCtl(MBreak)} {
			if err != nil {
				t.Error(err)
			}
		}
		for _, typ := range []Type{MData, MProto, MPCProto, MMultidata, MIoctl, MIocAck} {
			if err := q.PutNextCtl(typ); !errors.Is(err, ErrType) {
				t.Errorf("putnextctl of %v: %v", typ, err)
			}
		}
		if err := q.SendError(nil, EPROTO); err != nil {
			t.Error(err)
		}
		if err := q.SendError(build(t, d.Arena(), "C:abc D:x"), EIO); err != nil {
			t.Error(err)
		}
		if err := q.SendError(build(t, d.Arena(), "C:abc"), 256); !errors.Is(err, EINVAL) {
			t.Errorf("an errno that does not fit: %v", err)
		}
		big := build(t, d.Arena(), "P:abcd", "D:x")
		same, err := q.Exchange(big, MPCProto, 2)
		if err != nil || same != big || show(same) != "H:\x00\x00" {
			t.Errorf("exchange in place: %v, %q", err, show(same))
		}
		other, err := q.Exchange(same, MProto, 5)
		if err != nil || other == same || show(other) != "P:\x00\x00\x00\x00\x00" {
			t.Errorf("exchange for a larger one: %v, %q", err, show(other))
		}
		shared, _ := other.Dup()
		third, err := q.Exchange(other, MData, 1)
		if err != nil || third == other || third.Shared() || show(shared) != "P:\x00\x00\x00\x00\x00" {
			t.Errorf("exchange of a shared one: %v, %q, %q", err, show(third), show(shared))
		}
		shared.Free()
		if _, err := q.Exchange(third, MIocAck, 1); !errors.Is(err, ErrType) {
			t.Errorf("exchange for an ioctl: %v", err)
		}
	})
	if want := []string{"C:", "C:x", "Y:d", "B:"}; !slices.Equal(down, want) {
		t.Errorf("down went %q, want %q", down, want)
	}
	if want := []string{"M_ERROR:G", "M_ERROR:\x05"}; !slices.Equal(up, want) {
		t.Errorf("up went %q, want %q", up, want)
	}
}
