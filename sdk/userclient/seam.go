// SPDX-License-Identifier: Apache-2.0

package userclient

import "context"

// Args is one external method: a selector, what goes in, and room for what comes
// out. Out and OutBytes are filled up to their length; NOut and NOutBytes say how
// much came back and are valid only when the call succeeded.
//
// The callee never keeps a slice of Args beyond its return. The caller may reuse
// them as soon as Call has returned, also when it returned early because its
// context ended: transports work on their own copies (C8).
type Args struct {
	Selector  uint32
	In        []uint64 // at most MaxScalars
	Out       []uint64 // at most MaxScalars
	InBytes   []byte
	OutBytes  []byte
	NOut      int
	NOutBytes int
}

// MemKind says what a piece of shared memory is made of (C36).
type MemKind uint32

// The kinds of memory.
const (
	MemHeap   MemKind = 0 // this process only: in-process transport
	MemMemfd  MemKind = 1 // an anonymous file, sealed against resizing
	MemDMABuf MemKind = 2 // a dma-buf: size fixed by construction, may need BeginAccess/EndAccess
	MemDevice MemKind = 3 // memory that a device or a kernel driver owns
)

// String returns the kind's name in lower case.
func (k MemKind) String() string {
	switch k {
	case MemHeap:
		return "heap"
	case MemMemfd:
		return "memfd"
	case MemDMABuf:
		return "dmabuf"
	case MemDevice:
		return "device"
	}
	return "unknown memory"
}

// Mem is memory that can travel: the bytes here, and (FD, Offset, len(Bytes)) by
// which another process can map the same pages. FD is -1 where the kind has none;
// it belongs to whoever made the Mem and stays open as long as the Mem is valid.
type Mem struct {
	Bytes    []byte
	Kind     MemKind
	FD       int
	Offset   int64
	ReadOnly bool // writing to Bytes faults
}

// Mapping is a Mem in this process, valid until Unmap. Unmap may be called once,
// from any goroutine, also after the Conn it came from is closed: memory outlives
// its session until the last lease on it has ended (C5).
type Mapping struct {
	Mem
	Unmap func() error
}

// Bell rings the other side: "look at the queue". It never blocks, may be merged
// with other rings, and carries no answer. An error means that the session is
// over. Ring may be called from any goroutine.
type Bell interface{ Ring() error }

// Port is where one side sleeps until the other rings. One goroutine waits at a
// time. A Wait consumes all rings so far; a ring that came before Wait ends it at
// once. Wait returns the context's cause when ctx ends, and an error matching
// ErrClosed or ErrGone when the port is closed or the session is over. A wake-up
// may be spurious: look at the queue. A context without a Done channel, or the one
// given last time, costs no allocation.
type Port interface {
	Wait(ctx context.Context) error
	// FD returns a descriptor that polls readable when there is a ring, or -1. It
	// belongs to the port and must only be polled, never read or closed. A port that
	// has one is a Clearer too.
	FD() int
	Close() error
}

// Clearer is implemented by ports that can be polled. Clear takes away the rings so
// far, as Wait would, without waiting. It must not run at the same time as a Wait.
type Clearer interface{ Clear() }

// RingCounter is implemented by ports that count what they hear. RingsHeard returns how
// many rings Wait and Clear have taken away so far, as the kernel counted them, and how
// many waits on a word have ended because it had changed. Rings that are given at the
// same time may count as one. The other side can ring for nothing, so it is a measure
// and not a proof. It does not block and may be called from any goroutine.
type RingCounter interface{ RingsHeard() uint64 }

// Word is a 32-bit word in shared memory that a WordPort can sleep on. It is an
// interface so that this package needs neither unsafe nor a system call; the
// queue's index word implements it.
type Word interface {
	Load() uint32
	// Addr returns the word's address, for the futex call only.
	Addr() uintptr
}

// WordPort is implemented by ports that can sleep on a shared word instead of a
// descriptor (FeatureSharedWord). WaitWord returns nil when w no longer holds
// seen, when it was woken, or spuriously. It blocks its OS thread; otherwise it
// behaves like Port.Wait, and Close ends it too.
type WordPort interface {
	WaitWord(ctx context.Context, w Word, seen uint32) error
}

// Locator is implemented by ports whose other side is another process, and that can
// tell on which processor the caller runs: 1 + its number, or 0 if it cannot be told.
// It is a hint, wrong as soon as the caller is moved, and costs about a system call.
type Locator interface{ CPU() uint32 }

// WordBell is implemented by bells that can wake a WordPort's sleeper.
type WordBell interface{ WakeWord(w Word) error }

// Conn is the client's end of a session. A Conn is made by a transport and is in
// state closed until SelOpen succeeds.
//
// All methods may be called concurrently. After Close, or when the driver is gone,
// every method returns an error matching ErrClosed or ErrGone and every blocked
// call ends.
type Conn interface {
	// Call runs one external method and waits for its answer. An error of the
	// driver is an ioreturn.Code or *ioreturn.StatusError. When ctx ends first, the
	// error matches both its cause and ErrOutcomeUnknown: the driver may still be at
	// it, but a is no longer touched. Answers to an abandoned call are discarded.
	Call(ctx context.Context, a *Args) error

	// Map maps memory of one of the Mem types into this process.
	Map(ctx context.Context, typ uint32) (*Mapping, error)

	// Port returns where this side waits for the driver: PortOutput or PortEvents.
	// The first call for a type makes the port and hands its other end to the
	// driver; later calls return the same one. Ports must be made before SelOpen.
	// Closing the Conn closes them.
	Port(typ uint32) (Port, error)

	// Bell returns what rings the driver about the input queue (PortInput).
	Bell(typ uint32) (Bell, error)

	// Done is closed when the session is over: closed here, or the driver is gone.
	Done() <-chan struct{}
	// Err says why Done is closed; nil before that.
	Err() error

	// Peer tells who is at the other end, as far as the transport knows.
	Peer() Peer

	// Close tells the driver (SelClose, bounded wait), hangs up, and joins every
	// goroutine of the Conn. Mappings stay until they are unmapped. Closing twice is
	// harmless.
	Close() error
}

// Peer identifies the other end of a session. PID and UID are -1 where the
// transport does not know them.
type Peer struct {
	PID, UID, GID int
	Program       string // base name of the executable, if it could be read
	Observe       bool   // this client only looks (C34): no rings, no exclusivity
}

// Provider is what a driver offers to a transport, one per stream.
type Provider interface {
	// Describe returns the stream's description. It does not block.
	Describe() Description
	// NewSession begins a session for a client that has connected. Exclusivity is
	// not decided here but at SelOpen (C25). It does not block.
	NewSession(p Peer, r Resources) (Session, error)
}

// Writer says which side writes a piece of shared memory.
type Writer uint8

// The writers.
const (
	DriverWrites Writer = iota // mapped read-only by the client
	ClientWrites
)

// Resources is what a transport lends to one session of a driver.
type Resources interface {
	// Alloc returns fresh zeroed memory of at least size bytes that the client can
	// map, writable here, page-aligned. For DriverWrites the client can neither write
	// nor punch holes (C2). release gives it back; it may be called after Closed.
	Alloc(size int, w Writer) (m Mem, release func() error, err error)
	// Doorbell returns where the session waits for the client's input
	// notifications. It is closed by the transport when the session is over.
	Doorbell() Port
	// Hangup ends the session from the driver's side with a reason. It does not
	// block; Closed follows.
	Hangup(reason error)
}

// Materials is implemented by Resources that know what they are made of. A session puts
// it into the description that it gives its client.
type Materials interface {
	// Materials returns the kind of memory that Alloc makes and the kind of port that
	// notifications go through.
	Materials() (MemKind, PortKind)
}

// Session is the driver's end of a session, one per client. The transport
// guarantees: Notify for a type comes before SelOpen; Calls may be concurrent and
// their context ends on cancel and hang-up; Closed comes once, last, after every
// Call has returned.
type Session interface {
	// Call runs one external method. Out and OutBytes of a are the transport's own.
	Call(ctx context.Context, a *Args) error
	// Memory returns the memory of a type. It stays valid until Closed and beyond,
	// until the session has released it.
	Memory(typ uint32) (Mem, error)
	// Notify hands over the bell that rings the client's port of that type.
	Notify(typ uint32, b Bell)
	// Closed ends the session. reason is nil after an orderly close, and matches
	// ErrGone when the client died or hung up, ErrProtocol when it broke a rule.
	Closed(reason error)
}

// ControlPlane is what a driver has behind the selectors of the control plane, SelIoctl to
// SelControlLast. Package streams/remote has one.
type ControlPlane interface {
	// NewControl begins the control plane of one session (C7), when its client uses it for
	// the first time. It may block as long as the opening of a device does.
	NewControl(p Peer) (ControlSession, error)
	// MaxCopy returns the most bytes that one copy round carries, for the description.
	MaxCopy() int
}

// ControlSession is the control plane of one session.
type ControlSession interface {
	// Call answers one selector. Calls may be concurrent, and their context ends on cancel
	// and hang-up.
	Call(ctx context.Context, a *Args) error
	// Close ends it. It comes once, after every Call has returned.
	Close()
}

// ControlTeller is implemented by a ControlSession that has events for its client.
type ControlTeller interface {
	// TellBy says who passes events on. tell does not block. It comes once, before the first
	// Call; what has happened before is told at once.
	TellBy(tell func(Event))
}

// IsControl reports whether a selector is one of the control plane's.
func IsControl(selector uint32) bool { return selector >= SelIoctl && selector <= SelControlLast }
