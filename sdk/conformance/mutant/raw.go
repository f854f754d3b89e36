// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"cmp"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// RawConfig describes a raw driver. The zero value is a counter of 4 buffers from the
// device, both layouts, that produces as fast as the client takes.
type RawConfig struct {
	Direction   iostream.Direction
	Policy      iostream.Policy
	Buffers     int // zero means 4
	DataSize    int // zero means 4096
	ControlSize int
	Backlog     int    // W of drop-oldest; zero means 2
	Layouts     uint32 // zero means both
	Metadata    bool   // offer the header of the control regions; ControlSize is then at least 64
	// Period is the time between two frames of the device. Zero means that it waits for
	// a free buffer; the policies that lose need a period.
	Period time.Duration
}

func (c RawConfig) withDefaults() RawConfig {
	c.Buffers = cmp.Or(c.Buffers, 4)
	c.DataSize = cmp.Or(c.DataSize, 4096)
	c.Backlog = cmp.Or(c.Backlog, 2)
	c.Layouts = cmp.Or(c.Layouts, 1<<userclient.LayoutNative|1<<userclient.LayoutClassic)
	if c.Metadata {
		c.ControlSize = max(c.ControlSize, userclient.MetadataSize)
	}
	return c
}

// Raw is a driver on the user client and the queues alone: it uses nothing of package
// iostream but the words for directions and policies. It counts from the device,
// swallows to the device, and echoes both ways.
type Raw struct {
	cfg      RawConfig
	name     string
	bugs     map[Bug]bool
	epoch    int64
	instance uint64

	mu       sync.Mutex
	owner    *rawSession
	last     *rawSession
	sessions map[*rawSession]bool
	mode     userclient.Mode
	format   userclient.Format
	changes  uint32 // generation
	bequest  uint64 // see bequeath
	closed   bool
	live     sync.WaitGroup
}

var _ userclient.Provider = (*Raw)(nil)

// NewRaw makes a raw driver with some bugs.
func NewRaw(name string, cfg RawConfig, bugs ...Bug) *Raw {
	now := monotime.Now()
	d := &Raw{
		cfg: cfg.withDefaults(), name: name, bugs: map[Bug]bool{},
		epoch: now, instance: uint64(now), sessions: map[*rawSession]bool{},
	}
	for _, b := range bugs {
		d.bugs[b] = true
	}
	switch cfg.Direction {
	case iostream.FromDevice:
		d.mode = userclient.ModeOutput
	case iostream.ToDevice:
		d.mode = userclient.ModeInput
	case iostream.BothWays:
		d.mode = userclient.ModeInputOutput
	}
	return d
}

// RawTarget returns a target whose driver is a raw one.
func RawTarget(name string, cfg RawConfig, bugs ...Bug) conformance.Target {
	var caps []conformance.Capability
	switch cfg.Direction {
	case iostream.FromDevice:
		caps = append(caps, conformance.CapCounter)
	case iostream.BothWays:
		caps = append(caps, conformance.CapLoopback)
	case iostream.ToDevice:
	}
	return conformance.FromStart(name, func() (userclient.Provider, func() error, error) {
		d := NewRaw(name, cfg, bugs...)
		return d, d.Close, nil
	}, caps...)
}

// buggy makes the New of a mutant that is a raw driver.
func buggy(name string, cfg RawConfig, bugs ...Bug) func() conformance.Target {
	return func() conformance.Target { return RawTarget(name, cfg, bugs...) }
}

func (d *Raw) has(b Bug) bool { return d.bugs[b] }

// now is the stream time.
func (d *Raw) now() int64 { return monotime.Now() - d.epoch }

// Describe implements userclient.Provider.
func (d *Raw) Describe() userclient.Description {
	d.mu.Lock()
	defer d.mu.Unlock()
	abi := userclient.Version{Major: userclient.ABIMajor, Minor: userclient.ABIMinor}
	desc := userclient.Description{
		ABIMin: abi, ABIMax: abi, Name: "conformance/raw/" + d.name, Instance: d.instance, Generation: d.changes,
		Driver: "raw", DriverVersion: "1.0",
		Mode: d.mode, Modes: 1 << d.mode, Layouts: d.cfg.Layouts,
		RingCount: queue.RingCount(userclient.LayoutNative, d.cfg.Buffers),
		Buffers: userclient.BufferShape{
			Count: uint32(d.cfg.Buffers), DataSize: uint32(d.cfg.DataSize), ControlSize: uint32(d.cfg.ControlSize),
			Alignment: rawAlignment, ReadOnly: d.mode == userclient.ModeOutput,
		},
		Clock:  userclient.Clock{ID: userclient.ClockMonotonic, Epoch: d.epoch, Resolution: 1},
		Policy: d.cfg.Policy, Backlog: uint32(d.cfg.Backlog), MaxClients: 1, MaxObservers: 8,
		Offered:    userclient.FeatureSequence | userclient.FeatureEvents,
		Format:     d.format,
		Properties: map[string]string{"vendor": "IOStreamKit", "model": "raw"},
	}
	if d.cfg.Metadata {
		desc.Offered |= userclient.FeatureMetadata
	}
	for sel := range maps.Keys(rawMethods()) {
		desc.Selectors[sel/64] |= 1 << (sel % 64)
	}
	return desc
}

// NewSession implements userclient.Provider.
func (d *Raw) NewSession(p userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ioreturn.NoDevice
	}
	s := &rawSession{d: d, peer: p, res: r, layout: userclient.LayoutClassic}
	d.sessions[s] = true
	d.live.Add(1)
	return s, nil
}

// Close ends every session and returns when they are over.
func (d *Raw) Close() error {
	d.mu.Lock()
	d.closed = true
	for s := range d.sessions {
		s.res.Hangup(ioreturn.ErrGone)
	}
	d.mu.Unlock()
	d.live.Wait()
	return nil
}

// claim makes s the owner.
func (d *Raw) claim(s *rawSession) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner != nil {
		return &ioreturn.StatusError{Code: ioreturn.ExclusiveAccess, Detail: fmt.Sprintf("open by PID %d", d.owner.peer.PID)}
	}
	d.owner, d.last = s, s
	return nil
}

func (d *Raw) release(s *rawSession) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner == s {
		d.owner = nil
	}
}

func (d *Raw) forget(s *rawSession) {
	d.mu.Lock()
	delete(d.sessions, s)
	d.mu.Unlock()
	d.live.Done()
}

// emit tells every session of an event.
func (d *Raw) emit(e userclient.Event) {
	e.Time = d.now()
	d.mu.Lock()
	all := make([]*rawSession, 0, len(d.sessions))
	for s := range d.sessions {
		all = append(all, s)
	}
	d.mu.Unlock()
	for _, s := range all {
		s.event(e)
	}
}
