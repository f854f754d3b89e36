// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Bugs of the payload. Most are loops of drivers on package iostream, because that is
// where payload is made.
const (
	BugLateData  Bug = "late-data"  // the last word of a frame is written when the client gives a buffer back
	BugLastFirst Bug = "last-first" // of several buffers that came in, the last is answered first
)

// completeFrames writes the last words of frames that the client has.
func (ln *rawLane) completeFrames() {
	if !ln.d.has(BugLateData) {
		return
	}
	for i := range ln.bufs {
		if b := &ln.bufs[i]; !b.mine {
			tail := b.data[len(b.data)/8*8-16:]
			binary.LittleEndian.PutUint64(tail[8:], binary.LittleEndian.Uint64(tail)+1)
		}
	}
}

// leavesTail takes the last word of a frame away again.
func (ln *rawLane) leavesTail(data []byte) {
	if ln.d.has(BugLateData) {
		clear(data[len(data)/8*8-8:])
	}
}

// lastFirst turns the free buffers round.
func (ln *rawLane) lastFirst() {
	if n := len(ln.free); ln.d.has(BugLastFirst) && n > 1 {
		ln.free[0], ln.free[n-1] = ln.free[n-1], ln.free[0]
	}
}

// moments tells the loop of a mutant what its client has just done.
type moments struct {
	mu              sync.Mutex
	opened, started bool // and nobody has asked since
	starts          int
}

// hooks notes opens, and starts but the first of a session.
func (m *moments) hooks() Hooks {
	return Hooks{Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		m.mu.Lock()
		switch a.Selector {
		case userclient.SelOpen:
			m.opened, m.starts = true, 0
		case userclient.SelStart: // before the driver can have a buffer
			m.started = m.starts > 0
			m.starts++
		}
		m.mu.Unlock()
		return next()
	}}
}

// take reports, once, whether the client has opened or started the stream again.
func (m *moments) take() (opened, started bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	opened, started = m.opened, m.started
	m.opened, m.started = false, false
	return opened, started
}

// posts makes the New of a mutant that answers each buffer by one function. make is
// called for each start of the driver.
func posts(name string, cfg iostream.DriverConfig, make func(m *moments) func(d *iostream.Driver, b *iostream.Buffer) error) func() conformance.Target {
	start := func() (userclient.Provider, func() error, error) {
		m := new(moments)
		post := make(m)
		return Served(cfg, nil, func(ctx context.Context, d *iostream.Driver) error {
			return each(ctx, d, func(b *iostream.Buffer) error { return post(d, b) })
		}, Wrapping(m.hooks()))()
	}
	return func() conformance.Target { return conformance.FromStart(name, start, patternOf(cfg.Direction)...) }
}

// frameSpoiler changes a frame that is complete, given what the buffer held before and
// the next word of the counter. It reports whether the frame is posted.
type frameSpoiler func(frame, before []byte, word *uint64) (posted bool)

// counting is posts for a counter.
func counting(name string, make func(m *moments) frameSpoiler) func() conformance.Target {
	return posts(name, CounterConfig(), func(m *moments) func(d *iostream.Driver, b *iostream.Buffer) error {
		spoil := make(m)
		var word uint64
		return func(d *iostream.Driver, b *iostream.Buffer) error {
			before := bytes.Clone(b.Data())
			n := countInto(b.Data(), &word)
			if !spoil(b.Data()[:n], before, &word) {
				return d.Return(b)
			}
			return d.Post(b, n)
		}
	})
}

// echoing is posts for a loopback. What make returns changes what of a buffer goes back.
func echoing(name string, make func(m *moments) func(b *iostream.Buffer, p *iostream.Posting)) func() conformance.Target {
	return posts(name, LoopbackConfig(), func(m *moments) func(d *iostream.Driver, b *iostream.Buffer) error {
		spoil := make(m)
		return func(d *iostream.Driver, b *iostream.Buffer) error {
			p := echoOf(b)
			spoil(b, &p)
			return d.PostEntry(b, p)
		}
	})
}
