// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"slices"
	"testing"
)

// An answer has the name of who made it what it is: of the driver, through modules that pass
// it on, and of a module that refuses or changes it. A copy request that the head has turned
// round has none.
func TestSender(t *testing.T) {
	answers := func(name string, on Type, fn func(q *Queue, m *Block)) *Module {
		put := func(q *Queue, m *Block) {
			if m.Type() == on {
				fn(q, m)
				return
			}
			q.PassOn(m)
		}
		return &Module{Name: name, Read: Procedures{Put: put}, Write: Procedures{Put: put}}
	}
	change := func(q *Queue, m *Block) {
		if err := m.Ack(0, 9); err != nil {
			t.Error(err)
		}
		q.PassOn(m)
	}
	for name, tc := range map[string]struct {
		driver, module *Module
		want           []string
	}{
		"driver":  {pass("driver"), pass("a"), []string{"driver"}},
		"refused": {pass("driver"), answers("a", MIoctl, func(q *Queue, m *Block) { q.ReplyNak(m, EBUSY) }), []string{"a"}},
		"changed": {pass("driver"), answers("a", MIocNak, change), []string{"a"}},
		"kept": {
			pass("driver"), answers("a", MIocNak, func(q *Queue, m *Block) { q.PutNext(m) }), []string{"driver"},
		},
		"copied in": {
			answers("driver", MIoctl, func(q *Queue, m *Block) { m.CopyIn(nil, 1, 0x1000); q.Reply(m) }), pass("a"),
			[]string{"driver", "driver"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := testDomain(t, 1)
			var got []string
			top := &Module{Name: "head", Read: Procedures{Put: func(q *Queue, m *Block) {
				got = append(got, m.Sender())
				if m.Type() != MCopyIn {
					m.Free()
					return
				}
				if m.CopyDone(0, build(t, d.Arena(), "D:x")); m.Sender() != "" {
					t.Errorf("M_IOCDATA is from %q", m.Sender())
				}
				q.Reply(m)
			}}}
			s := testStream(t, d, tc.driver, top, tc.module)
			m := request(t, d.Arena(), asked)
			if m.SetSender(""); m.Sender() != "" {
				t.Errorf("M_IOCTL is from %q", m.Sender())
			}
			s.Put(m)
			settle(t, d)
			if !slices.Equal(got, tc.want) {
				t.Errorf("the answers are from %q, want %q", got, tc.want)
			}
		})
	}
}

// What is no ioctl has no sender, and one of shared data stays as it is.
func TestSenderOfOthers(t *testing.T) {
	a := NewArena(nil)
	data := build(t, a, "D:x")
	data.SetSender("me")
	m := request(t, a, asked)
	dup, err := m.DupBlock()
	if err != nil {
		t.Fatal(err)
	}
	m.SetSender("me")
	if data.Sender() != "" || m.Sender() != "" {
		t.Errorf("%q, %q", data.Sender(), m.Sender())
	}
	for _, b := range []*Block{data, m, dup} {
		b.Free()
	}
	if u := a.Usage(); u != (Usage{}) {
		t.Errorf("leaked: %+v", u)
	}
}
