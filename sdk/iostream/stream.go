// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Stream is a client's end of a stream. It is made by Open and used until Close.
//
// All methods may be called from any goroutine. Frames that the stream has lent stay
// valid until they are released, also after Close.
type Stream struct {
	conn     userclient.Conn
	cfg      Config
	desc     Description
	features uint64
	layout   Layout
	port     userclient.Port
	evPort   userclient.Port // nil: the driver has no events
	bell     userclient.Bell
	end      *queue.End
	waiter   *waiter
	data     [][]byte
	control  [][]byte
	place    []userclient.Mem
	writable bool // the data regions, on this side

	life chan struct{} // held around a change of state
	ev   chan struct{} // held around a wait for events

	mu      sync.Mutex
	state   State
	mode    userclient.Mode
	closed  bool
	lease   leases
	ahead   []queue.Entry // received, not yet handed out
	aheadAt int
	buf     []queue.Entry // ahead's memory
	nextSeq uint64        // number expected next
	sendSeq uint32        // to-device: number of the next entry
	cursor  uint64        // of events
	st      ClientStats
	owed    bool  // entries were read since the driver was last told to look
	fault   error // the rule that the driver broke
	hungUp  bool  // because of it
	give    [pieceSize]entry
	work    sync.WaitGroup // goroutines that Close joins; they begin with mu held and closed false
	rings   counter
	clock   monotime.Clock
}

// ClientStats is a snapshot of a client's end. Every counter only grows.
type ClientStats struct {
	Entries     uint64 // received from the driver and handed out
	Bytes       uint64 // payload in them; on a to-device stream, sent
	Sent        uint64 // to-device: entries given to the driver
	Missed      uint64 // entries that the numbers of the received ones leave out
	LastSeq     uint64 // of the last entry handed out, if Entries > 0
	LastGiven   uint64 // last number that the driver gave, as told by Stop
	Given       bool   // LastGiven is known
	Copies      uint64 // payload copies made by this library, on the caller's request (Read, Reader, Writer)
	Rings       uint64 // notifications really sent to the driver
	Wakeups     uint64 // times that this side was woken
	Divergences uint64 // answers of the driver that the state table does not have
	Leased      int    // frames lent and not released (a gauge)
}

// Open opens the stream behind conn for this client alone, and maps its memory. It
// does not start it. cfg may be nil. Open takes conn over: it is closed with the
// Stream, and at once if Open fails.
//
// The order is describe, select, open, map (C17). A driver without the extension
// selectors is used as a classic one. The error matches ErrBusy when another client
// has the stream open.
func Open(ctx context.Context, conn userclient.Conn, cfg *Config) (_ *Stream, err error) {
	s := &Stream{
		conn: conn, cfg: cfg.withDefaults(), life: make(chan struct{}, 1), ev: make(chan struct{}, 1),
		mode: userclient.ModeOutput, clock: monotime.Start(),
	}
	defer func() {
		if err != nil {
			err = ioreturn.Op("open", s.Name(), err)
			_ = conn.Close() // the first error says more
			s.lease.unmap()
		}
	}()
	if s.cfg.Wait > WaitSpin {
		return nil, fmt.Errorf("Config.Wait is %d: %w", s.cfg.Wait, ioreturn.BadArgument)
	}
	if s.desc, err = Describe(ctx, conn); err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	if err := s.connectPorts(); err != nil {
		return nil, err
	}
	if err := s.choose(ctx); err != nil {
		return nil, err
	}
	if err := call(ctx, conn, userclient.SelOpen, uint64(userclient.OpenExclusive)); err != nil {
		return nil, err
	}
	if err := s.mapMemory(ctx); err != nil {
		return nil, err
	}
	policy := s.cfg.Wait
	if policy == WaitThread && !s.has(userclient.FeatureSharedWord) {
		policy = WaitPoller
	}
	s.waiter = newWaiter(s.end, &s.mu, s.port, policy, s.has(userclient.FeatureSharedWord), conn.Done(), conn.Err)
	s.state = userclient.StateOpen
	s.log("opened", "layout", s.layout.String(), "features", s.features, "buffers", len(s.data))
	return s, nil
}

// Describe asks a driver for its description. One without extension selectors is
// described as what Apple's ABI alone tells.
func Describe(ctx context.Context, conn userclient.Conn) (Description, error) {
	var d Description
	b, err := callBytes(ctx, conn, userclient.SelDescribe)
	if absent(err) {
		d.Layouts = 1 << userclient.LayoutClassic
		d.Policy = userclient.PolicyDriver
		d.Modes = 1<<userclient.ModeInput | 1<<userclient.ModeOutput | 1<<userclient.ModeInputOutput
		out := [1]uint64{uint64(userclient.ModeOutput)}
		a := Args{Selector: userclient.SelGetMode, Out: out[:]}
		if err := conn.Call(ctx, &a); err != nil {
			return d, err
		}
		d.Mode = userclient.Mode(out[0])
		if a.NOut != 1 || out[0] > uint64(userclient.ModeInputOutput) {
			return d, ioreturn.Broken(ioreturn.RuleAnswer, "the driver answered %d words, mode %d", a.NOut, out[0])
		}
		return d, nil
	}
	if err != nil {
		return d, err
	}
	err = d.UnmarshalBinary(b)
	return d, err
}

func (s *Stream) connectPorts() (err error) {
	if s.port, err = s.conn.Port(userclient.PortOutput); err != nil {
		return fmt.Errorf("output port: %w", err)
	}
	if s.desc.Offered&userclient.FeatureEvents != 0 {
		if s.evPort, err = s.conn.Port(userclient.PortEvents); err != nil && !absent(err) {
			return fmt.Errorf("events port: %w", err)
		}
	}
	if s.bell, err = s.conn.Bell(userclient.PortInput); err != nil {
		return fmt.Errorf("doorbell: %w", err)
	}
	return nil
}

// choose settles features and layout with the driver.
func (s *Stream) choose(ctx context.Context) error {
	own := userclient.Version{Major: userclient.ABIMajor, Minor: userclient.ABIMinor}
	d := &s.desc
	s.mode = d.Mode
	s.layout = s.cfg.Layout
	if d.Layouts&(1<<s.layout) == 0 && s.layout == userclient.LayoutNative {
		s.layout = userclient.LayoutClassic
	}
	if d.Layouts&(1<<s.layout) == 0 {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: fmt.Sprintf("the driver does not offer the %v queue layout", s.layout)}
	}
	if d.Offered == 0 && d.Required == 0 && s.layout == userclient.LayoutClassic {
		return nil // a classic driver: nothing to settle
	}
	if unknown := d.Required &^ userclient.KnownFeatures; unknown != 0 {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: fmt.Sprintf(
			"the driver (ABI %d.%d to %d.%d) requires features %#x, which this library (ABI %d.%d) does not know: update it",
			d.ABIMin.Major, d.ABIMin.Minor, d.ABIMax.Major, d.ABIMax.Minor, unknown, own.Major, own.Minor)}
	}
	if d.ABIMin.Major > own.Major || d.ABIMax.Major < own.Major {
		return ioreturn.Broken(ioreturn.RuleVersion, "the driver speaks ABI %d.%d to %d.%d, this library %d.%d",
			d.ABIMin.Major, d.ABIMin.Minor, d.ABIMax.Major, d.ABIMax.Minor, own.Major, own.Minor)
	}
	want := d.Offered & userclient.KnownFeatures &^ s.cfg.Without
	var out [1]uint64
	a := Args{Selector: userclient.SelSelect, In: []uint64{want, uint64(s.layout)}, Out: out[:]}
	if err := s.conn.Call(ctx, &a); err != nil {
		return fmt.Errorf("select features: %w", err)
	}
	if a.NOut != 1 || out[0]&^want != 0 {
		return ioreturn.Broken(ioreturn.RuleAnswer, "select answered features %#x of %#x", out[0], want)
	}
	s.features = out[0]
	return nil
}

// mapMemory maps queues and buffers and builds this side's end of them.
func (s *Stream) mapMemory(ctx context.Context) error {
	var out [1]uint64
	a := Args{Selector: userclient.SelGetBufferCount, Out: out[:]}
	if err := s.conn.Call(ctx, &a); err != nil {
		return fmt.Errorf("get buffer count: %w", err)
	}
	if a.NOut != 1 || out[0] == 0 || out[0] > userclient.MaxBuffers {
		return ioreturn.Broken(ioreturn.RuleAnswer, "the driver answered %d words, buffer count %d", a.NOut, out[0])
	}
	buffers := int(out[0])
	b, err := callBytes(ctx, s.conn, userclient.SelMemoryMap)
	var v *sides
	switch {
	case absent(err):
		v, err = s.mapSingly(ctx, buffers)
	case err == nil:
		v, err = s.mapArenas(ctx, buffers, b)
	}
	if err != nil {
		return fmt.Errorf("map memory: %w", err)
	}
	return s.makeEnd(v)
}

func (s *Stream) makeEnd(v *sides) error {
	n := len(v.shapes)
	cfg := queue.Config{
		Layout: s.layout, Name: "output queue", Buffers: n,
		// The driver counts unread entries to know what it may still drop (C13).
		Eager: s.desc.Policy == DropOldest,
	}
	if s.layout == userclient.LayoutClassic {
		cfg.Roles = queue.NewRoles(queue.RoleUnknown)
		cfg.RingAlways = s.desc.Policy == userclient.PolicyDriver
	}
	in, err := queue.NewConsumer(v.out, cfg)
	if err != nil {
		return err
	}
	cfg.Name = "input queue"
	out, err := queue.NewProducer(v.in, cfg)
	if err != nil {
		return err
	}
	s.end = queue.NewExclusiveEnd(in, out, v.shapes, false)
	s.data, s.control, s.place = v.data, v.control, v.place
	s.writable = !slices.ContainsFunc(v.place, func(m userclient.Mem) bool { return m.ReadOnly })
	if s.mode.ToDevice() && !s.writable {
		return ioreturn.Broken(ioreturn.RuleMemoryRange, "the stream is %v, but its buffers can't be written on this side", s.mode)
	}
	ahead := batchSize
	if s.desc.Policy == DropOldest {
		ahead = 1 // what is received ahead can't be dropped any more
	}
	s.buf = make([]queue.Entry, ahead)
	s.lease.gen = make([]uint32, n)
	return nil
}

// Name returns the stream's name, or "stream" for a classic driver, which has none.
func (s *Stream) Name() string {
	if s.desc.Name == "" {
		return "stream"
	}
	return s.desc.Name
}

// Description returns what the driver told when the stream was opened.
func (s *Stream) Description() Description { return s.desc }

// Features returns the feature bits in use.
func (s *Stream) Features() uint64 { return s.features }

// Layout returns the queue layout in use.
func (s *Stream) Layout() Layout { return s.layout }

// Direction returns which way the payload goes.
func (s *Stream) Direction() Direction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return directionOf(s.mode)
}

// State returns the state of the session as far as this end knows.
func (s *Stream) State() State {
	select {
	case <-s.conn.Done():
		return userclient.StateGone
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Peer tells who the driver is.
func (s *Stream) Peer() Peer { return s.conn.Peer() }

// Conn returns the connection below the stream, for calls that this package has no
// method for. It stays the Stream's.
func (s *Stream) Conn() userclient.Conn { return s.conn }

// BufferCount returns the number of buffers.
func (s *Stream) BufferCount() int { return len(s.data) }

// BufferShape returns the size of a buffer; ok is false for an unknown ID.
func (s *Stream) BufferShape(id int) (shape BufferShape, ok bool) {
	if id < 0 || id >= len(s.data) {
		return BufferShape{}, false
	}
	return BufferShape{len(s.data[id]), len(s.control[id])}, true
}

// Stats returns a snapshot of this end's counters.
func (s *Stream) Stats() ClientStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.st
	st.Rings = s.rings.load()
	st.Wakeups = s.waiter.wakes.load()
	st.Leased = s.lease.n
	return st
}

// Close stops and closes the stream, hangs up, ends every blocked call with an error
// matching ErrClosed, and gives everything back, within a bound. Frames that are still
// lent stay valid; their memory goes when the last one is released. Closing twice is
// harmless.
func (s *Stream) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.state = userclient.StateClosed
	s.ahead, s.aheadAt = nil, 0
	s.mu.Unlock()
	s.waiter.stop() // now, for the driver may take its time
	err := s.conn.Close()
	s.work.Wait()
	s.waiter.close()
	s.log("closed", "err", err)
	s.mu.Lock()
	last := s.lease.close()
	s.mu.Unlock()
	if last {
		s.lease.unmap()
	}
	return ioreturn.Op("close", s.Name(), err)
}

// has reports whether a feature is in use.
func (s *Stream) has(feature uint64) bool { return s.features&feature != 0 }

func (s *Stream) log(msg string, args ...any) {
	s.cfg.Logger.Debug(msg, append([]any{"stream", s.Name()}, args...)...)
}
