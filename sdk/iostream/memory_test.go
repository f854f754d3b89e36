// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// ledger is a Provider that counts the shared memory which its driver has and has not
// given back, and wipes what it gives back, so that a late reader shows.
type ledger struct {
	userclient.Provider
	mu   sync.Mutex
	live int
}

type ledgerResources struct {
	userclient.Resources
	l *ledger
}

func (l *ledger) NewSession(p iostream.Peer, r userclient.Resources) (userclient.Session, error) {
	return l.Provider.NewSession(p, ledgerResources{r, l})
}

func (r ledgerResources) Alloc(size int, w userclient.Writer) (userclient.Mem, func() error, error) {
	m, release, err := r.Resources.Alloc(size, w)
	if err != nil {
		return m, nil, err
	}
	r.l.add(1)
	return m, func() error {
		r.l.add(-1)
		for i := range m.Bytes {
			m.Bytes[i] = 0xdd
		}
		return release()
	}, nil
}

func (l *ledger) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live += n
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live
}

// mappings is a Conn that counts what its client has mapped.
type mappings struct {
	userclient.Conn
	mu   sync.Mutex
	live int
}

func (m *mappings) Map(ctx context.Context, typ uint32) (*userclient.Mapping, error) {
	p, err := m.Conn.Map(ctx, typ)
	if err != nil {
		return nil, err
	}
	m.add(1)
	unmap := p.Unmap
	p.Unmap = func() error { m.add(-1); return unmap() }
	return p, nil
}

func (m *mappings) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live += n
}

func (m *mappings) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.live
}

func TestC5MemoryOutlivesCloseUnderALease(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Buffers = 4
		d := newDriver(t, cfg, nil)
		l := &ledger{Provider: d}
		m := &mappings{Conn: dial(t, l)}
		s, err := iostream.Open(t.Context(), m, ccfg)
		if err != nil {
			t.Fatal(err)
		}
		start(t, s)
		post(t, d, "kept")
		post(t, d, "kept too")
		f, g := next(t, s), next(t, s)
		b := take(t, d) // a lease at the driver's end
		copy(b.Data(), "taken")

		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if m.count() != 2 || l.count() != 2 {
			t.Fatalf("after Close: %d mappings, %d arenas, want both still there", m.count(), l.count())
		}
		wantText(t, string(f.Data()), "kept")
		wantText(t, string(g.Data()), "kept too")
		wantText(t, string(b.Data()[:5]), "taken")

		release(t, f)
		if m.count() != 2 {
			t.Error("the client's memory has gone before the last lease")
		}
		release(t, g)
		if m.count() != 0 {
			t.Errorf("%d mappings are left after the last lease", m.count())
		}
		if l.count() != 2 {
			t.Error("the driver's memory has gone before the last Post")
		}
		if err := d.Post(b, 5); err != nil { // C27
			t.Fatal(err)
		}
		if l.count() != 0 {
			t.Errorf("%d arenas are left after the last Post", l.count())
		}
		wantLost(t, d, map[iostream.Cause]uint64{userclient.LossSessionEnded: 1})
		wantIs(t, f.Release(), ioreturn.ErrInvalid)
		_, err = s.Next(t.Context())
		wantIs(t, err, ioreturn.ErrClosed)
	})
}

func TestC5ReturnAfterCloseFreesMemory(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	l := &ledger{Provider: d}
	s := connect(t, l, nil)
	start(t, s)
	b := take(t, d)
	s.Close()
	if l.count() != 2 {
		t.Fatalf("%d arenas while a buffer is taken", l.count())
	}
	if err := d.Return(b); err != nil {
		t.Fatal(err)
	}
	if l.count() != 0 {
		t.Errorf("%d arenas are left after Return", l.count())
	}
}

// TestC5SessionsShareNoMemory looks for what one client saw in the next one's buffers,
// also where both use one connection.
func TestC5SessionsShareNoMemory(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Direction: iostream.BothWays, Buffers: 2, DataSize: 64}, nil)
	l := &ledger{Provider: d}
	secret := bytes.Repeat([]byte("secret! "), 8)
	leave := func(s *iostream.Stream) {
		t.Helper()
		start(t, s)
		for range 2 {
			b := take(t, d)
			if bytes.Contains(b.Region(), secret[:8]) {
				t.Error("the memory of a session before was not cleared")
			}
			if err := d.Post(b, copy(b.Data(), secret)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := connect(t, l, nil)
	leave(s)
	s.Close()
	leave(connect(t, l, nil))
}

// TestC5ReopeningOneConnectionUsesItsMemoryAgain goes on until memory would run out if
// each open took more: it can't be given back before the session ends, because the
// transport may be handing it out.
func TestC5ReopeningOneConnectionUsesItsMemoryAgain(t *testing.T) {
	ctx := bounded(t)
	d := newDriver(t, iostream.DriverConfig{Buffers: 4}, nil)
	l := &ledger{Provider: d}
	conn := dial(t, l)
	call := func(selector uint32, in ...uint64) {
		t.Helper()
		if err := conn.Call(ctx, &iostream.Args{Selector: selector, In: in, Out: make([]uint64, 1)}); err != nil {
			t.Fatalf("selector %#x: %v", selector, err)
		}
	}
	call(userclient.SelSelect, 0, uint64(userclient.LayoutNative))
	for i := range 20 {
		call(userclient.SelOpen, uint64(userclient.OpenExclusive))
		m, err := conn.Map(ctx, userclient.MemDriverArena)
		if err != nil {
			t.Fatal(err)
		}
		call(userclient.SelClose)
		if want := 2; l.count() != want {
			t.Fatalf("open %d: %d arenas, want %d until the session ends", i, l.count(), want)
		}
		if err := m.Unmap(); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := d.WaitIdle(ctx); err != nil {
		t.Fatal(err)
	}
	d.Close()
	<-d.Done()
	if l.count() != 0 {
		t.Errorf("%d arenas are left after the session", l.count())
	}
}

func TestC5OpenThatFailsGivesMemoryBack(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	l := &ledger{Provider: d}
	m := &mappings{Conn: dial(t, l)}
	if _, err := iostream.Open(t.Context(), m, &iostream.Config{Layout: userclient.LayoutClassic}); err == nil {
		t.Fatal("a layout that is not offered was opened")
	}
	m = &mappings{Conn: dial(t, l)}
	ctx, cancel := context.WithCancel(t.Context())
	hook := &hooked{Conn: m, before: func(a *iostream.Args) {
		if a.Selector == userclient.SelMemoryMap {
			cancel()
		}
	}}
	_, err := iostream.Open(ctx, hook, nil)
	wantIs(t, err, context.Canceled)
	if m.count() != 0 || l.count() != 0 {
		t.Errorf("%d mappings and %d arenas are left", m.count(), l.count())
	}
}

// hooked is a Conn that lets a test look at each call before it is made.
type hooked struct {
	userclient.Conn
	before func(a *iostream.Args)
}

func (h *hooked) Call(ctx context.Context, a *iostream.Args) error {
	h.before(a)
	return h.Conn.Call(ctx, a)
}

func TestC11RingsHoldEveryBuffer(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 8, 100} {
		layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
			cfg.Buffers, cfg.DataSize = n, 64
			d, s := running(t, cfg, nil, ccfg)
			if d.Describe().RingCount != queue.RingCount(userclient.LayoutNative, n) {
				t.Errorf("the description has rings of %d entries", d.Describe().RingCount)
			}
			for range 3 {
				for i := range n { // every buffer is in the output queue
					post(t, d, string(rune('a'+i%26)))
				}
				if _, err := d.TryTake(); err == nil {
					t.Fatal("there are more buffers than there should be")
				}
				frames := make([]iostream.Frame, n)
				if got, err := s.NextBatch(bounded(t), frames, n); got != n || err != nil {
					t.Fatalf("NextBatch: %d, %v, want %d", got, err, n)
				}
				if err := s.ReleaseBatch(frames); err != nil { // and now in the input queue
					t.Fatal(err)
				}
			}
			wantLost(t, d, nil)
		})
	}
}

// TestHeapIsMarkedReadOnly is what the client's check of writable memory stands on in
// one process.
func TestHeapIsMarkedReadOnly(t *testing.T) {
	_, s := running(t, iostream.DriverConfig{}, nil, nil)
	m, err := s.Conn().Map(t.Context(), userclient.MemBufferData)
	if err != nil {
		t.Fatal(err)
	}
	if !m.ReadOnly || m.Kind != userclient.MemHeap {
		t.Errorf("a from-device buffer is %v, read-only: %v", m.Kind, m.ReadOnly)
	}
	if err := m.Unmap(); err != nil {
		t.Error(err)
	}
	wantIs(t, s.SetDirection(t.Context(), iostream.ToDevice), ioreturn.ErrUnsupported)
}

var _ userclient.Provider = (*ledger)(nil)
