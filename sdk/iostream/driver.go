// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Driver offers one stream. It is a userclient.Provider: give it to a transport.
//
// Its methods may be called from any goroutine, also from a Handler's methods. One
// client at a time may have the stream open (C26: shared clients are refused);
// observers come on top.
type Driver struct {
	cfg     DriverConfig
	handler Handler
	clock   streamClock

	epoch atomic.Uint32 // of format; written with mu and the owner's mu

	mu         sync.Mutex
	shapes     []shape
	mode       userclient.Mode
	format     Format
	generation uint32
	properties map[string]string
	owner      *session              // has the stream open
	last       *session              // the owner, or the one before
	sessions   map[*session]struct{} // every connection, observers too
	changed    chan struct{}         // closed and made anew when owner or its state changes
	view       atomic.Pointer[view]  // of owner, changed and closed
	closed     bool
	done       chan struct{} // closed when closed and no session is left
}

var _ userclient.Provider = (*Driver)(nil)

// maxObservers bounds the observers of one stream; it is told in the description.
const maxObservers = 64

// NewDriver makes a driver for the stream that cfg describes. h may be nil: then
// start, stop and suspend always succeed, and the driver's loop lives from Take and
// Post alone. NewDriver starts nothing and does not block.
func NewDriver(cfg DriverConfig, h Handler) (*Driver, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, ioreturn.Op("make driver", cfg.Name, err)
	}
	d := &Driver{
		cfg: full, handler: h, mode: full.Direction.mode(), format: full.Format,
		properties: maps.Clone(full.Properties),
		sessions:   make(map[*session]struct{}),
		changed:    make(chan struct{}), done: make(chan struct{}),
	}
	d.view.Store(&view{changed: d.changed})
	if d.handler == nil {
		d.handler = idleHandler{}
	}
	d.epoch.Store(d.format.Epoch)
	d.clock = newStreamClock(full.Clock)
	for range full.Buffers {
		d.shapes = append(d.shapes, shape{Data: uint32(full.DataSize), Control: uint32(full.ControlSize)})
	}
	if _, err := d.Describe().AppendBinary(nil); err != nil {
		return nil, ioreturn.Op("make driver", cfg.Name, err)
	}
	return d, nil
}

type idleHandler struct{}

func (idleHandler) Start(context.Context) error   { return nil }
func (idleHandler) Stop(context.Context) error    { return nil }
func (idleHandler) Suspend(context.Context) error { return nil }

// Name returns the stream's name, "vendor/device/stream".
func (d *Driver) Name() string { return d.cfg.Name }

// Describe returns the description that clients see. It does not block.
func (d *Driver) Describe() Description {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.describeLocked()
}

func (d *Driver) describeLocked() Description {
	abi := userclient.Version{Major: userclient.ABIMajor, Minor: userclient.ABIMinor}
	desc := Description{
		ABIMin: abi, ABIMax: abi,
		Name: d.cfg.Name, Index: uint32(d.cfg.Index), Instance: d.clock.instance, Generation: d.generation,
		Driver: d.cfg.Driver, DriverVersion: d.cfg.Version,
		Mode: d.mode, Layouts: 1 << userclient.LayoutNative,
		RingCount: queue.RingCount(userclient.LayoutNative, max(1, len(d.shapes))),
		Clock:     d.clock.describe(),
		Policy:    d.cfg.Policy, Backlog: uint32(d.cfg.Backlog),
		MaxClients: 1, MaxObservers: maxObservers,
		Offered:    userclient.FeatureSequence | userclient.FeatureEvents | userclient.FeatureSharedWord,
		Format:     d.format,
		Properties: maps.Clone(d.properties),
		Buffers: userclient.BufferShape{
			Count: uint32(len(d.shapes)), Alignment: uint32(d.cfg.Alignment), ReadOnly: !d.cfg.clientFills(),
		},
	}
	if desc.Driver == "" {
		desc.Driver = filepath.Base(os.Args[0])
	}
	for _, s := range d.shapes {
		desc.Buffers.DataSize = max(desc.Buffers.DataSize, s.Data)
		desc.Buffers.ControlSize = max(desc.Buffers.ControlSize, s.Control)
	}
	for _, dir := range d.cfg.Directions {
		desc.Modes |= 1 << dir.mode()
	}
	if d.cfg.Classic {
		desc.Layouts |= 1 << userclient.LayoutClassic
	}
	if d.cfg.Metadata {
		desc.Offered |= userclient.FeatureMetadata
	}
	if d.cfg.Control != nil {
		desc.Offered |= userclient.FeatureControl
		desc.DirectControl = true
		desc.MaxCopy = uint32(d.cfg.Control.MaxCopy())
	}
	for sel := range uint32(64 * len(desc.Selectors)) {
		if d.methodOf(sel) != nil {
			desc.Selectors[sel/64] |= 1 << (sel % 64)
		}
	}
	return desc
}

// NewSession begins a session for a client. It is called by transports.
func (d *Driver) NewSession(p Peer, r userclient.Resources) (userclient.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, &ioreturn.StatusError{Code: ioreturn.NoDevice, Detail: "the driver is closing"}
	}
	if p.Observe {
		n := 0
		for s := range d.sessions {
			if s.peer.Observe {
				n++
			}
		}
		if n >= maxObservers {
			return nil, &ioreturn.StatusError{Code: ioreturn.NoResources, Detail: fmt.Sprintf("%d observers look already", n)}
		}
	}
	s := newSession(d, p, r)
	d.sessions[s] = struct{}{}
	return s, nil
}

// Close ends every session and makes every blocked Take return an error matching
// ErrClosed. It does not wait for a Handler's method that is running (it may be the
// one that called Close); Done tells when everything is over.
func (d *Driver) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	open := make([]*session, 0, len(d.sessions))
	for s := range d.sessions {
		open = append(open, s)
	}
	d.wakeLocked()
	d.finishLocked()
	d.mu.Unlock()
	for _, s := range open {
		s.event(Event{Kind: userclient.EventGone, Text: "the driver was closed"})
		s.res.Hangup(ioreturn.ErrGone)
	}
	return nil
}

// Done is closed when the driver is closed and its last session is over.
func (d *Driver) Done() <-chan struct{} { return d.done }

// finishLocked closes done once nothing is left.
func (d *Driver) finishLocked() {
	if !d.closed || len(d.sessions) > 0 {
		return
	}
	select {
	case <-d.done:
	default:
		close(d.done)
	}
}

// wakeLocked wakes every Take that waits for a session or for one to run.
func (d *Driver) wakeLocked() {
	before := d.changed
	d.changed = make(chan struct{})
	d.view.Store(&view{owner: d.owner, changed: d.changed, closed: d.closed})
	close(before) // who looks now finds the new view
}

// view is what Take needs to know of a driver, for a look without mu.
type view struct {
	owner   *session
	changed <-chan struct{} // closed when this is no longer so
	closed  bool
}

// claim makes s the owner of the stream, or says who is.
func (d *Driver) claim(s *session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch o := d.owner; {
	case d.closed:
		return ioreturn.NoDevice
	case o == s:
		return ioreturn.StillOpen
	case o != nil:
		return &ioreturn.StatusError{Code: ioreturn.ExclusiveAccess, Detail: "open by " + peerText(o.peer)}
	case len(d.shapes) == 0:
		return &ioreturn.StatusError{Code: ioreturn.NotReady, Detail: "the stream has no buffers"}
	}
	d.owner = s
	d.wakeLocked()
	return nil
}

// opened notes that s, which has claimed the stream, has it open.
func (d *Driver) opened(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = s
}

func peerText(p Peer) string {
	switch {
	case p.PID > 0 && p.Program != "":
		return fmt.Sprintf("%s, PID %d", p.Program, p.PID)
	case p.PID > 0:
		return fmt.Sprintf("PID %d", p.PID)
	}
	return "a client of unknown PID"
}

// release ends s's ownership, if it has it.
func (d *Driver) release(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner == s {
		d.owner = nil
		d.wakeLocked()
	}
}

// forget removes an ended session.
func (d *Driver) forget(s *session) {
	d.release(s)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, s)
	d.finishLocked()
}

// current returns the session that has the stream open, if any, and a channel that is
// closed when that changes.
func (d *Driver) current() (s *session, changed <-chan struct{}, err error) {
	v := d.view.Load()
	if v.closed {
		return nil, nil, ioreturn.ErrClosed
	}
	return v.owner, v.changed, nil
}

// stateChanged wakes Takes that wait for a session to run.
func (d *Driver) stateChanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wakeLocked()
}

// Client returns who has the stream open; ok is false if nobody has.
func (d *Driver) Client() (p Peer, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner == nil {
		return Peer{}, false
	}
	return d.owner.peer, true
}

// State returns the state of the session that has the stream open, or StateClosed.
func (d *Driver) State() State {
	d.mu.Lock()
	o := d.owner
	d.mu.Unlock()
	if o == nil {
		return userclient.StateClosed
	}
	return o.currentState()
}

// WaitIdle blocks until no client has the stream open, or returns the context's cause.
// It also works after Close, to wait for the last client's session to end.
func (d *Driver) WaitIdle(ctx context.Context) error {
	for {
		d.mu.Lock()
		idle, changed := d.owner == nil, d.changed
		d.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ioreturn.Op("wait for no client of", d.cfg.Name, context.Cause(ctx))
		}
	}
}

// Stats returns a snapshot of the session that has the stream open or had it last.
func (d *Driver) Stats() Stats {
	d.mu.Lock()
	s := d.last
	d.mu.Unlock()
	if s == nil {
		return Stats{}
	}
	return s.stats()
}

// Emit tells every session, observers too, that something happened. Time is set to
// now if it is 0, and Text is cut to what an event can carry. It does not block; a
// session that does not fetch its events keeps the last 64 and is told how many it
// missed.
func (d *Driver) Emit(e Event) {
	e.Text = userclient.CleanText(e.Text)
	if e.Time == 0 {
		e.Time = d.clock.now()
	}
	d.mu.Lock()
	all := make([]*session, 0, len(d.sessions))
	for s := range d.sessions {
		all = append(all, s)
	}
	d.mu.Unlock()
	for _, s := range all {
		s.event(e)
	}
}
