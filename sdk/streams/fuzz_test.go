// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"testing"
)

// rude returns a module that does with each message what its first byte says, allowed or
// not.
func rude(name string) *Module {
	put := func(q *Queue, m *Block) {
		p := m.Bytes()
		if len(p) == 0 {
			q.PassOn(m)
			return
		}
		how := p[0]
		m.Resize(1, 0)
		switch how % 16 {
		case 0:
			m.Free()
		case 1:
			q.Reply(m)
		case 2:
			q.Putq(m)
		case 3:
			q.Putbq(m)
		case 4:
			q.Putq(m)
			q.Putq(m)
			m.Free()
		case 5:
			m.SetType(Type(how))
			q.PutNext(m)
		case 6:
			if d, err := m.Dup(); err == nil {
				q.Reply(d)
			}
			q.PutNext(m)
		case 7:
			m.Adjust(-1)
			m.Pullup(-1)
			q.PutNext(m)
		case 8:
			m.Link(m.Next())
			m.SetBand(how)
			q.Putq(m)
		case 9:
			if q.ReplyNak(m, Errno(how)) != nil {
				q.SendError(m, Errno(how))
			}
		case 10:
			if q.ReplyAck(m, int(how), 0) != nil {
				q.PassOn(m)
			}
		case 11:
			if m, err := q.Exchange(m, Type(how), int(how)); err == nil {
				q.PutNext(m)
			}
		case 12:
			m.CopyIn(&token{}, int(how), 1)
			q.Reply(m)
		case 13:
			q.Flush(FlushAll)
			q.SetField(QHiWat, how, int(how)%5)
			q.PutNext(m)
		case 14:
			if q.Insq(q.First(), m) != nil {
				q.PutNext(m)
			}
		default:
			q.PutNext(m)
		}
	}
	serve := func(q *Queue) {
		for m := q.Getq(); m != nil; m = q.Getq() {
			if !m.Type().High() && !q.CanPutNext(m.Band()) {
				q.Putbq(m)
				return
			}
			put(q, m)
			if n := q.First(); n != nil && n.Len() == 0 { // nothing that it can still be told
				q.PutNext(q.Getq())
			}
		}
	}
	p := Procedures{Put: put, Service: serve, HighWater: 4, LowWater: 2}
	return &Module{Name: name, Read: p, Write: p}
}

// Whatever modules do with messages, and whatever is put, pushed and popped meanwhile:
// nothing panics or runs for ever, and after the close nothing is left.
func FuzzStream(f *testing.F) {
	f.Add(uint64(1), []byte{8, 0, 8, 1, 3, 4, 1, 2, 3, 4, 9, 9, 0, 3, 1, 0x15, 1, 4, 5, 3, 16, 9, 1})
	f.Add(uint64(2), []byte{8, 2, 0, 7, 12, 12, 12, 12, 12, 12, 12, 9, 2, 1, 10, 9, 9, 9, 9, 10, 0, 2, 6, 6, 9, 7})
	f.Fuzz(func(t *testing.T, seed uint64, script []byte) {
		arena := NewArena(&ArenaConfig{NoReuse: true, Fault: func(n uint64, _ int) bool { return n%64 == seed%64 }})
		d := NewDomain(&Config{Arena: arena, Stepper: NewStepper(seed)})
		ctx := context.Background()
		top := &Module{Name: "head", Read: Procedures{Put: func(q *Queue, m *Block) {
			if m.Type() == MCopyIn {
				m.CopyDone(0, nil)
				q.Reply(m)
				return
			}
			m.Free()
		}}}
		a, b, err := d.Pipe(top, OpenInfo{})
		if err != nil {
			return
		}
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			c := script[0]
			script = script[1:]
			return c
		}
		for len(script) > 0 {
			op := next()
			s := []*Stream{a, b}[op>>7]
			switch op % 16 {
			case 8:
				if p, err := s.Plumb(ctx); err == nil {
					if next()%4 == 3 {
						p.Pop()
					} else {
						p.Push(rude("rude"), OpenInfo{})
					}
					p.Release()
				}
			case 9, 10, 11:
				d.stepper.Run(int(op))
			case 12:
				s.CanPut(next())
			default:
				fuzzPut(s, Type(next()), op, script[:min(len(script), int(op%8))])
				script = script[min(len(script), int(op%8)):]
			}
		}
		d.stepper.Run(1000)
		a.Close(ctx, 0)
		b.Close(ctx, 0)
		d.stepper.Run(1000)
		u := arena.Usage()
		u.Misuses, u.Failures = 0, 0
		if u != (Usage{}) {
			t.Errorf("left behind: %+v", u)
		}
	})
}

func fuzzPut(s *Stream, typ Type, band byte, p []byte) {
	a := s.Arena()
	m, err := a.From(typ, p)
	if typ.IsIoctl() {
		var data *Block
		if data, err = a.From(MData, p); err != nil {
			return
		}
		if m, err = a.Ioctl(asked, data); err != nil {
			data.Free()
		}
	}
	if err != nil {
		return
	}
	m.SetBand(band % 4)
	if s.Put(m) != nil {
		m.Free()
	}
}
