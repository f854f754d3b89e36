// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// spy lets the parts of a mutant see each other: its loop the memory of the session that
// is open, its hooks the driver. One is made for each start.
type spy struct {
	mu sync.Mutex
	d  *iostream.Driver
	s  *Session // that opened the stream last
}

// spied makes the New of a mutant whose hooks and loop share a spy. Both may be nil: no
// hooks, and the loop that fits the direction.
func spied(name string, cfg iostream.DriverConfig, hooks func(*spy) Hooks, loop func(*spy) Loop) func() conformance.Target {
	start := func() (userclient.Provider, func() error, error) {
		p := new(spy)
		h := Hooks{}
		if hooks != nil {
			h = hooks(p)
		}
		run := loopFor(cfg.Direction)
		if loop != nil {
			run = loop(p)
		}
		return Served(cfg, nil, func(ctx context.Context, d *iostream.Driver) error {
			p.mu.Lock()
			p.d = d
			p.mu.Unlock()
			return run(ctx, d)
		}, Wrapping(p.watching(h)))()
	}
	return func() conformance.Target { return conformance.FromStart(name, start, patternOf(cfg.Direction)...) }
}

// loopFor is what a correct driver of a direction does.
func loopFor(d iostream.Direction) Loop {
	switch d {
	case iostream.ToDevice:
		return Swallow
	case iostream.BothWays:
		return Echo
	case iostream.FromDevice:
	}
	return Count
}

// patternOf is what the payload of such a driver is known to be.
func patternOf(d iostream.Direction) []conformance.Capability {
	switch d {
	case iostream.BothWays:
		return []conformance.Capability{conformance.CapLoopback}
	case iostream.FromDevice:
		return []conformance.Capability{conformance.CapCounter}
	case iostream.ToDevice:
	}
	return nil
}

// watching adds to h that the spy sees which session has opened the stream.
func (p *spy) watching(h Hooks) Hooks {
	call := h.Call
	h.Call = func(ctx context.Context, s *Session, a *userclient.Args, next func() error) error {
		if a.Selector == userclient.SelOpen {
			do := next
			next = func() error {
				err := do()
				if err == nil {
					p.mu.Lock()
					p.s = s
					p.mu.Unlock()
				}
				return err
			}
		}
		if call != nil {
			return call(ctx, s, a, next)
		}
		return next()
	}
	return h
}

// driver returns the driver behind the mutant; nil before its loop has begun.
func (p *spy) driver() *iostream.Driver {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.d
}

// session returns the session that opened the stream last, or nil.
func (p *spy) session() *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.s
}

// memory returns the session's memory of a type, or nil.
func (s *Session) memory(typ uint32) []byte {
	m, err := s.next.Memory(typ)
	if err != nil {
		return nil
	}
	return m.Bytes
}

// word returns a word of the open session's memory, or nil.
func (p *spy) word(typ uint32, off int) *atomic.Uint32 {
	s := p.session()
	if s == nil {
		return nil
	}
	b := s.memory(typ)
	if len(b) < off+4 {
		return nil
	}
	return shared(b, off)
}

// hang waits as long as the session is open, as a driver does that waits for something
// which never comes.
func (s *Session) hang(ctx context.Context) {
	for s.memory(userclient.MemInputQueue) != nil {
		if pause(ctx, time.Millisecond) != nil {
			return
		}
	}
}

// hangingWhen makes the loop of a both-ways stream that stands still, until the client goes, from the moment that
// stuck says so.
func hangingWhen(stuck func(*spy) bool) func(*spy) Loop {
	return func(p *spy) Loop {
		return func(ctx context.Context, drv *iostream.Driver) error {
			var word uint64
			return each(ctx, drv, func(b *iostream.Buffer) error {
				if s := p.session(); s != nil && stuck(p) {
					s.hang(ctx)
				}
				return answerOne(iostream.BothWays, drv, b, &word)
			})
		}
	}
}

// answerOne is one turn of the loop that fits a direction.
func answerOne(dir iostream.Direction, d *iostream.Driver, b *iostream.Buffer, word *uint64) error {
	switch dir {
	case iostream.ToDevice:
		return d.Post(b, 0)
	case iostream.BothWays:
		return d.PostEntry(b, echoOf(b))
	case iostream.FromDevice:
	}
	return d.Post(b, countInto(b.Data(), word))
}

// echoOf is the posting that gives a buffer back as it came.
func echoOf(b *iostream.Buffer) iostream.Posting {
	return iostream.Posting{
		Offset: part(b.Region(), b.Filled()), Length: len(b.Filled()),
		ControlOffset: part(b.Control(), b.FilledControl()), ControlLength: len(b.FilledControl()),
	}
}

// countInto fills p with numbers and returns how many bytes it has filled.
func countInto(p []byte, word *uint64) int {
	n := len(p) / 8 * 8
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], *word)
		*word++
	}
	return n
}

// changedStats makes hooks that change what the statistics say.
func changedStats(change func(*userclient.Stats)) func() Hooks {
	return onCall(userclient.SelStats, func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		var st userclient.Stats
		if err := st.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
			return err
		}
		change(&st)
		b, err := st.AppendBinary(nil)
		return record(a, b, err)
	})
}
