// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// heap returns formatted memory of one queue in this process.
func heap(tb testing.TB, l userclient.Layout, count uint32) Memory {
	tb.Helper()
	m := Memory{Ring: make([]byte, RingSize(l, count))}
	if l == userclient.LayoutNative {
		m.Reader = make([]byte, ReaderSize)
	}
	if err := Format(m, l, count); err != nil {
		tb.Fatal(err)
	}
	return m
}

// pair returns both ends of the queue in m, whose roles are fixed if it is classic.
func pair(tb testing.TB, m Memory, cfg Config) (*Producer, *Consumer) {
	tb.Helper()
	if cfg.Layout == userclient.LayoutClassic && cfg.Roles == nil {
		cfg.Roles = NewRoles(HeadWrites)
	}
	p, err := NewProducer(m, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := NewConsumer(m, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return p, c
}

// session returns the driver's and the client's end of a session of that many
// buffers in this process.
func session(tb testing.TB, l userclient.Layout, buffers int) (driver, client *End) {
	tb.Helper()
	count := RingCount(l, buffers)
	out, in := heap(tb, l, count), heap(tb, l, count)
	return driverEnd(tb, l, buffers, out, in), clientEnd(tb, l, buffers, out, in)
}

// driverEnd returns the driver's end of a session of buffers of 4096 and 64 bytes
// each, whose queues are as mapped on its side.
func driverEnd(tb testing.TB, l userclient.Layout, buffers int, out, in Memory) *End {
	tb.Helper()
	conf := Config{Layout: l, Buffers: buffers, Count: RingCount(l, buffers), Roles: NewRoles(TailWrites)}
	return newEnd(tb, conf, "output queue", out, "input queue", in, true)
}

// clientEnd is driverEnd for the other side.
func clientEnd(tb testing.TB, l userclient.Layout, buffers int, out, in Memory) *End {
	tb.Helper()
	conf := Config{Layout: l, Buffers: buffers, Count: RingCount(l, buffers), Roles: NewRoles(RoleUnknown)}
	return newEnd(tb, conf, "input queue", in, "output queue", out, false)
}

func newEnd(tb testing.TB, conf Config, writes string, w Memory, reads string, r Memory, ownAll bool) *End {
	tb.Helper()
	conf.Name = writes
	p, err1 := NewProducer(w, conf)
	conf.Name = reads
	c, err2 := NewConsumer(r, conf)
	if err := errors.Join(err1, err2); err != nil {
		tb.Fatal(err)
	}
	bounds := make([]Bound, conf.Buffers)
	for i := range bounds {
		bounds[i] = Bound{Data: 4096, Control: 64}
	}
	return NewEnd(c, p, bounds, ownAll)
}

// wantRule fails unless err is a breach of rule.
func wantRule(tb testing.TB, err error, rule ioreturn.Rule) {
	tb.Helper()
	var re *ioreturn.RuleError
	if !errors.As(err, &re) || re.Rule != rule {
		tb.Fatalf("error is %v, want a breach of %#04x", err, uint16(rule))
	}
	if !errors.Is(err, ioreturn.ErrProtocol) {
		tb.Fatalf("%v does not match ErrProtocol", err)
	}
}

// wantIs fails unless err matches target.
func wantIs(tb testing.TB, err, target error) {
	tb.Helper()
	if !errors.Is(err, target) {
		tb.Fatalf("error is %v, want one that matches %v", err, target)
	}
}

// must returns v, or fails if err is not nil.
func must[T any](tb testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// layouts runs f for each layout.
func layouts(t *testing.T, f func(t *testing.T, l userclient.Layout)) {
	for _, l := range []userclient.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		t.Run(l.String(), func(t *testing.T) { f(t, l) })
	}
}
