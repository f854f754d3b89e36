// SPDX-License-Identifier: Apache-2.0

package head

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Config tunes a head. The zero value, and nil, are ready to use.
type Config struct {
	// Name is what errors and traces call the stream. Empty means the driver's name.
	Name string
	// Profile says whose behaviour the head has where systems differ.
	Profile streams.Profile
	// Tunables are the head's limits. Nil means those of the profile.
	Tunables *streams.Tunables
	// Modules finds the module to push by its name, nil if there is none. Nil means that
	// there are none to push.
	Modules func(name string) *streams.Module
	// Credential is who opens the stream. It goes to the modules with every command, and
	// must be comparable with ==.
	Credential any
	// Privileged lets the caller pop modules at and below the anchor.
	Privileged bool
	// Access says which directions the stream is open for.
	Access Access
	// NonBlocking makes calls that would wait for messages or room fail with EAGAIN; see
	// [Head.SetNonBlocking].
	NonBlocking bool
	// Notify is told of the events that [Head.SetSig] asks for where it names no function.
	Notify func(Notice)
	// Descriptors are the files that the arguments of [Head.Ioctl] name. Nil means none.
	Descriptors Descriptors
	// Remote says that the driver is in another process. What needs it in this one then
	// fails with EOPNOTSUPP: links, passed files, I_FDINSERT, I_ESETSIG and I_EGETSIG.
	Remote bool
	// Line, if not nil, is the way to that driver. It makes a command quicker.
	Line Line
	// Stack, if not nil, has the modules that pushing, popping and listing are about, and
	// Modules is not used.
	Stack Stack
	// Trace, if not nil, is told of every step. It runs in the goroutine that takes the
	// step, possibly inside a procedure: it must not block or use the stream.
	Trace func(Step)
}

// Access says which directions a stream is open for.
type Access uint8

// The ways to open a stream.
const (
	ReadWrite Access = iota
	ReadOnly
	WriteOnly
)

// Head is the user's end of a stream. Its methods are safe for concurrent use; those that
// wait take a context. None may be called from a procedure.
type Head struct {
	cfg    Config
	tun    streams.Tunables
	module *streams.Module
	stream *streams.Stream
	mux    bool // the driver can have streams below it
	slot   slot
	alarm  alarm // of commands that Line serves

	nonBlocking atomic.Bool
	readers     waiters
	writers     waiters
	readings    sync.Pool // of *reading

	conversations sync.Pool // of *conversation
	events        events

	mu          sync.Mutex
	readErr     fault
	writeErr    fault
	hungUp      bool
	closed      bool
	errOpts     streams.ErrorOptions
	readOpts    streams.ReadOptions
	writeOpts   streams.WriteOptions
	writeOffset int // bytes that written data have room for before and behind them
	writeTail   int
	delimit     bool // the last message of a write is marked as the end of a record
	readNotes   bool // the driver is told of reads that wait
	oldNoDelay  bool // a read that does not block returns 0 instead of EAGAIN
	closeWait   time.Duration
	anchor      int // pushed modules at and below the anchor
}

// fault is an error that M_ERROR or M_HANGUP has recorded.
type fault struct {
	errno streams.Errno
	once  bool // told once, and then gone
}

// Open opens a stream to a driver, with a head on top. The error is that of the driver's
// open procedure, or EINVAL for a driver that makes no sense and a credential that can't be
// compared.
func Open(d *streams.Domain, driver *streams.Module, cfg *Config) (*Head, error) {
	h := newHead(cfg)
	h.module = &streams.Module{
		Name:  "strhead",
		Read:  streams.Procedures{Put: h.arrive, HighWater: h.tun.HighWater, LowWater: h.tun.LowWater},
		Write: streams.Procedures{Service: h.writable},
	}
	if driver != nil {
		h.cfg.Name = cmp.Or(h.cfg.Name, driver.Name)
		h.mux = driver.Mux != nil
	}
	var err error
	if h.stream, err = d.Open(driver, h.module, streams.OpenInfo{Credential: h.cfg.Credential}); err != nil {
		return nil, ioreturn.Op("open", h.cfg.Name, err)
	}
	return h, nil
}

// newHead returns a head that has no stream yet.
func newHead(cfg *Config) *Head {
	h := &Head{cfg: *cmp.Or(cfg, &Config{}), readOpts: streams.DefaultReadOptions}
	h.tun = h.cfg.Profile.Tunables()
	if h.cfg.Tunables != nil {
		h.tun = *h.cfg.Tunables
	}
	if h.cfg.Profile == streams.OpenSS7 {
		h.writeOpts = streams.WriteZero
	}
	h.closeWait = h.tun.CloseWait
	h.nonBlocking.Store(h.cfg.NonBlocking)
	h.slot.init()
	h.alarm.ring = h.interrupt
	return h
}

// Name returns what errors call the stream.
func (h *Head) Name() string { return h.cfg.Name }

// Stream returns the stream below the head.
func (h *Head) Stream() *streams.Stream { return h.stream }

// Profile returns the head's profile.
func (h *Head) Profile() streams.Profile { return h.cfg.Profile }

// SetNonBlocking says whether calls that would wait for messages or room fail with EAGAIN
// instead, and so does a pop while others change the stack. Commands wait for their answer
// in any case, and calls that wait already go on waiting.
func (h *Head) SetNonBlocking(yes bool) { h.nonBlocking.Store(yes) }

// Close ends the stream. Calls that wait end with ENXIO, or EIO under OpenSS7. Each module
// gets the close time to send what it has queued, unless ctx ends before. Ordinary links
// are undone; modules, driver and queues are closed and emptied. Closing twice is harmless.
// The error is EBUSY while the stream is below a multiplexer, and nothing has happened
// then; or ctx's cause if others change the stack until ctx ends: close again.
func (h *Head) Close(ctx context.Context) error {
	if h.stream.Linked() {
		return ioreturn.Op("close", h.cfg.Name, streams.EBUSY)
	}
	h.mu.Lock()
	first := !h.closed
	h.closed, h.hungUp = true, true
	wait := h.closeWait
	h.mu.Unlock()
	h.events.end()
	h.wakeAll()
	if first {
		h.step(Step{What: StepClosed})
	}
	err := h.stream.Close(ctx, wait)
	h.slot.drop()
	h.alarm.stop()
	return ioreturn.Op("close", h.cfg.Name, err)
}

// class says which errors of the stream a command looks at.
type class uint8

const (
	classRead  class = iota // the read side
	classPeek               // the read side, whose error is not counted as told
	classBoth               // both sides
	classLine               // both sides, and hang-up
	classAsk                // both sides, but none under OpenSS7
	classPlumb              // both sides, told as EIO under OpenSS7; and hang-up
)

// gate returns the error that a command must fail with because of the stream's state.
func (h *Head) gate(c class) streams.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return streams.EBADF
	}
	if h.stream.Linked() {
		return streams.EINVAL
	}
	if c == classAsk && h.cfg.Profile == streams.OpenSS7 {
		return 0
	}
	if c == classPeek {
		return h.readErr.errno
	}
	errno := h.readErr.tell()
	if errno == 0 && c != classRead {
		errno = h.writeErr.tell()
	}
	switch {
	case errno != 0 && c == classPlumb && h.cfg.Profile == streams.OpenSS7:
		return streams.EIO
	case errno == 0 && (c == classPlumb || c == classLine) && h.hungUp:
		return streams.ENXIO
	}
	return errno
}

// tell returns the error, which is gone then if it is told once.
func (f *fault) tell() streams.Errno {
	errno := f.errno
	if f.once {
		*f = fault{}
	}
	return errno
}

// meanwhile returns the error that ends a wait: what has become of the stream since.
func (h *Head) meanwhile() streams.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return h.gone()
	case h.stream.Linked():
		return streams.EINVAL
	}
	if errno := h.readErr.tell(); errno != 0 {
		return errno
	}
	if errno := h.writeErr.tell(); errno != 0 {
		return errno
	}
	if h.hungUp {
		return streams.ENXIO
	}
	return 0
}

// isHungUp reports whether M_HANGUP came.
func (h *Head) isHungUp() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hungUp
}

// op gives an error the command and the stream's name.
func (h *Head) op(cmd streams.Command, errno streams.Errno) error {
	if errno == 0 {
		return nil
	}
	return ioreturn.Op(cmd.String(), h.cfg.Name, errno)
}

// ended returns the errno of a context that has ended.
func ended(ctx context.Context) streams.Errno { return streams.ErrnoOf(ctx.Err()) }
