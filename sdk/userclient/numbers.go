// SPDX-License-Identifier: Apache-2.0

package userclient

// ABIMajor and ABIMinor are the version of the numbers and layouts in this
// package and in cbridge/include/iostreamkit/abi.h. A major version is
// incompatible with the one before; a minor version only adds.
const (
	ABIMajor = 0
	ABIMinor = 1
)

// Selectors of external methods. 0 to 7 are those of Apple's IOStreamUserClient.
const (
	SelOpen           uint32 = 0 // in: 1 scalar, open options
	SelClose          uint32 = 1
	SelStart          uint32 = 2
	SelStop           uint32 = 3 // out: 1 scalar, last sequence number given (extension; may be absent)
	SelSuspend        uint32 = 4
	SelGetMode        uint32 = 5 // out: 1 scalar, mode
	SelSetMode        uint32 = 6 // in: 1 scalar, mode
	SelGetBufferCount uint32 = 7 // out: 1 scalar, count
)

// Extension selectors. A driver that lacks one answers Unsupported or
// BadArgument; both mean "absent" (C17).
const (
	// SelExtBase to SelExtLast are IOStreamKit's; everything from SelVendorBase up is the vendor's.
	SelExtBase    uint32 = 0x100
	SelExtLast    uint32 = 0x1ff
	SelVendorBase uint32 = 0x8000

	SelDescribe  uint32 = 0x100 // out: bytes, a Description
	SelSelect    uint32 = 0x101 // in: 2 scalars, features and layout; settles what the session uses
	SelMemoryMap uint32 = 0x102 // out: bytes, a list of Region; where each memory type lies in the arenas
	SelStats     uint32 = 0x103 // out: bytes, a Stats
	SelEvents    uint32 = 0x104 // in: 1 scalar, cursor; out: 2 scalars, next cursor and count missed; bytes, Event records
	SelCorrelate uint32 = 0x105 // out: 3 scalars, stream time, host monotonic time, uncertainty, all in ns
	SelGetFormat uint32 = 0x106 // out: bytes, a Format
	SelSetFormat uint32 = 0x107 // in: bytes, a Format; only while open and stopped
	SelObserve   uint32 = 0x108 // out: bytes, an Observation
	SelInputSync uint32 = 0x109 // in: 1 scalar, token; out: 1 scalar, input index consumed (trap 1 as a call)
	SelDoorbell  uint32 = 0x10a // in: 1 scalar, token (trap 0 as a call, for transports without a bell)
	SelArm       uint32 = 0x10b // in: 2 scalars, port and index seen; completes when there is more (C20)
	SelFlush     uint32 = 0x10c // out: 1 scalar, entries flushed from the backlog

	// SelIoctl and the next fifteen carry the control plane.
	SelIoctl        uint32 = 0x110 // in: bytes, a request; out: bytes, what is needed next; starts a control conversation (C6)
	SelIoctlData    uint32 = 0x111 // in: bytes, what was done; out: bytes, what is needed next
	SelIoctlAbandon uint32 = 0x112 // in: bytes, an ID; ends a conversation without a result
	SelControlPush  uint32 = 0x113 // in: bytes, the name of a module to put on top of the driver's stack
	SelControlPop   uint32 = 0x114 // takes the top module off
	SelControlNames uint32 = 0x115 // out: bytes, a list of names from the top down, the driver's last
	SelControlFlush uint32 = 0x116 // in: 2 scalars, flags of a flush and band; throws away what is queued in the stack
	SelControlLast  uint32 = 0x11f

	// SelGroupBase to SelGroupLast are kept for grouped and timed start (C49).
	SelGroupBase uint32 = 0x120
	SelGroupLast uint32 = 0x127
)

// Memory types: the argument of Map. The four of Apple's IOStreamShared.h; a
// buffer's type is OR-ed with its ID.
const (
	MemOutputQueue   uint32 = 0x10000000 // driver writes, client reads
	MemInputQueue    uint32 = 0x20000000 // client writes, driver reads
	MemBufferData    uint32 = 0x30000000 // | buffer ID
	MemBufferControl uint32 = 0x40000000 // | buffer ID

	MemTypeMask     uint32 = 0xf0000000
	MemBufferIDMask uint32 = 0x0fffffff
)

// Extension memory types. In the native layout the words that the reader of a
// queue writes lie in the reader's own memory, so each queue has a second region
// (C2, C3); an arena is one mapping with everything that one side writes (C37).
const (
	MemOutputReader uint32 = 0x50000000 // the client's words about the output queue
	MemInputReader  uint32 = 0x60000000 // the driver's words about the input queue
	MemDriverArena  uint32 = 0x70000000 // everything the driver writes; read-only for the client
	MemClientArena  uint32 = 0x80000000 // everything the client writes
)

// NoBuffer is Apple's invalid buffer ID.
const NoBuffer uint32 = 0xffffffff

// MaxBuffers bounds the buffers of one stream: far above any use, and low enough
// that a hostile count can't make the other side allocate without bound.
const MaxBuffers = 1 << 16

// Port types: the argument of SetNotificationPort. Events is an extension (C22).
const (
	PortOutput uint32 = 0
	PortInput  uint32 = 1
	PortEvents uint32 = 0x100
)

// Trap indices of the classic ABI. Trap 0 is the doorbell, a Bell at this seam;
// trap 1 waits for the driver and is a Call (SelInputSync).
const (
	TrapEnqueueInput     uint32 = 0
	TrapEnqueueInputSync uint32 = 1
)

// Open options: the argument of SelOpen.
const (
	OpenExclusive uint32 = 0x00010000
	OpenShared    uint32 = 0x00020000
)

// Limits of one call, Apple's: scalars each way, bytes carried inline by a
// classic user client. Our own transports carry MaxInline bytes inline (C38).
const (
	MaxScalars       = 16
	MaxClassicStruct = 4096
	MaxInline        = 64 << 10
)

// Mode is the direction of a stream, in Apple's numbers. Output is from the
// driver (the device) to the client, input from the client to the driver.
type Mode uint32

// The modes.
const (
	ModeInput       Mode = 0 // to the device
	ModeOutput      Mode = 1 // from the device; the default
	ModeInputOutput Mode = 2 // both ways in the same buffers
)

// String returns the direction in the words of commands and guides (C52).
func (m Mode) String() string {
	switch m {
	case ModeInput:
		return "to-device"
	case ModeOutput:
		return "from-device"
	case ModeInputOutput:
		return "both-ways"
	}
	return "unknown direction"
}

// Valid reports whether m is one of the three modes.
func (m Mode) Valid() bool { return m <= ModeInputOutput }

// FromDevice reports whether payload travels from the driver to the client.
func (m Mode) FromDevice() bool { return m != ModeInput }

// ToDevice reports whether payload travels from the client to the driver.
func (m Mode) ToDevice() bool { return m != ModeOutput }

// Layout is the form of the two queues of a session.
type Layout uint32

// The layouts. Native is the zero value because it is what two IOStreamKit sides use.
const (
	LayoutNative  Layout = 0 // free-running indices, event index, one writer per region
	LayoutClassic Layout = 1 // Apple's 16-byte header and modulo indices
)

// String returns "native" or "classic".
func (l Layout) String() string {
	switch l {
	case LayoutNative:
		return "native"
	case LayoutClassic:
		return "classic"
	}
	return "unknown layout"
}

// Feature bits of Description.Offered and Required and of SelSelect.
const (
	FeatureSequence   uint64 = 1 << 0 // entries carry a sequence number and a time stamp (C15)
	FeatureEvents     uint64 = 1 << 1 // SelEvents and the events port (C22)
	FeatureMetadata   uint64 = 1 << 2 // each control region starts with a MetadataHeader (C44)
	FeatureSharedWord uint64 = 1 << 3 // a sleeper may wait on the ring's wakes word (a futex)
	FeatureControl    uint64 = 1 << 4 // SelIoctl and what follows it

	// KnownFeatures are all that this version understands.
	KnownFeatures = FeatureSequence | FeatureEvents | FeatureMetadata | FeatureSharedWord
)
