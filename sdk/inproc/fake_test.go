// SPDX-License-Identifier: Apache-2.0

package inproc_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestMain(m *testing.M) { leak.Main(m) }

// driver is a small Provider whose behaviour a test sets by functions. It records
// the order in which the transport uses its sessions.
type driver struct {
	call    func(ctx context.Context, a *userclient.Args) error
	memory  func(typ uint32) (userclient.Mem, error)
	refusal error

	mu      sync.Mutex
	log     []string
	bells   map[uint32]userclient.Bell
	peer    userclient.Peer
	res     userclient.Resources
	reasons []error       // one for each Closed
	closed  chan struct{} // closed by the first Closed
}

func newDriver() *driver {
	return &driver{bells: make(map[uint32]userclient.Bell), closed: make(chan struct{})}
}

func (d *driver) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, what)
}

func (d *driver) events() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

// closedWith returns the arguments of every Closed so far.
func (d *driver) closedWith() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.reasons)
}

func (d *driver) bell(typ uint32) userclient.Bell {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bells[typ]
}

func (d *driver) Describe() userclient.Description {
	return userclient.Description{Name: "acme/fake/stream"}
}

func (d *driver) NewSession(p userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	d.mu.Lock()
	d.peer, d.res = p, r
	d.mu.Unlock()
	if d.refusal != nil {
		return nil, d.refusal
	}
	return (*session)(d), nil
}

// session is the driver seen as its only session.
type session driver

func (s *session) Call(ctx context.Context, a *userclient.Args) error {
	d := (*driver)(s)
	switch a.Selector {
	case userclient.SelOpen:
		d.note("open")
	case userclient.SelClose:
		d.note("close")
	}
	if d.call == nil {
		return nil
	}
	return d.call(ctx, a)
}

func (s *session) Memory(typ uint32) (userclient.Mem, error) {
	if s.memory == nil {
		return userclient.Mem{}, ioreturn.NotFound
	}
	return s.memory(typ)
}

func (s *session) Notify(typ uint32, b userclient.Bell) {
	d := (*driver)(s)
	d.note("notify")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bells[typ] = b
}

func (s *session) Closed(reason error) {
	d := (*driver)(s)
	d.note("closed")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reasons = append(d.reasons, reason)
	if len(d.reasons) == 1 {
		close(d.closed)
	}
}

// connect connects to d and closes the connection at the end of the test.
func connect(t *testing.T, d *driver) userclient.Conn {
	t.Helper()
	c, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func call(t *testing.T, c userclient.Conn, selector uint32) {
	t.Helper()
	if err := c.Call(t.Context(), &userclient.Args{Selector: selector}); err != nil {
		t.Fatalf("call %#x: %v", selector, err)
	}
}
