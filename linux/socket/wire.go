// SPDX-License-Identifier: Apache-2.0

package socket

// The wire format. Every number is little-endian. A frame is one message of the
// socket: a header of HeaderSize bytes, then the fixed part of its type, then what
// has a variable length, without padding. Offsets count from the start of the
// frame. All constants of the format are in this file, and abi.h has the same.

// WireMagic stands in HELLO, WELCOME and REFUSE: the bytes "IOSK".
const WireMagic uint32 = 0x4b534f49

// The header of every frame.
const (
	HeaderSizeOff  = 0  // u32, length of the whole frame
	HeaderTypeOff  = 4  // u16, a Frame
	HeaderFlagsOff = 6  // u16, FlagFD
	HeaderIDOff    = 8  // u32, number of a conversation; 0 in frames without an answer
	HeaderZeroOff  = 12 // u32, 0
	HeaderSize     = 16
)

// FlagFD says that one descriptor travels with the frame. No other flag is defined.
const FlagFD uint16 = 1 << 0

// The types of frames, and who sends them.
const (
	FrameHello   uint16 = 1  // client: the first frame
	FrameWelcome uint16 = 2  // driver: the session has begun
	FrameRefuse  uint16 = 3  // driver: there will be no session, and why
	FrameCall    uint16 = 4  // client: run an external method
	FrameReply   uint16 = 5  // driver: its result
	FrameCancel  uint16 = 6  // client: the result of call ID is not wanted any more
	FrameMap     uint16 = 7  // client: share memory
	FrameMapped  uint16 = 8  // driver: where it is
	FramePort    uint16 = 9  // client: how to wake it
	FrameBye     uint16 = 10 // either: the session is over, and why
	FrameDrop    uint16 = 11 // client: it has given an arena back
)

// HELLO. It may be longer than HelloSize: later versions add to it.
const (
	HelloMagicOff    = 16 // u32, WireMagic
	HelloABIMinOff   = 20 // u32, lowest ABI version of the client, major<<16 | minor
	HelloABIMaxOff   = 24 // u32, highest
	HelloFlagsOff    = 28 // u32, HelloObserve
	HelloMemoryOff   = 32 // u32, bit 1<<kind for each MemKind that the client accepts
	HelloBellsOff    = 36 // u32, bit 1<<kind for each PortKind that the client accepts
	HelloKnownOff    = 40 // u64, feature bits that the client understands
	HelloRequiredOff = 48 // u64, feature bits that the client insists on
	HelloSize        = 56
)

// HelloObserve marks a client that only looks (C34).
const HelloObserve uint32 = 1 << 0

// WELCOME. It may be longer than WelcomeSize. With FlagFD it carries the bell of the
// input queue; an observer gets none.
const (
	WelcomeMagicOff     = 16 // u32, WireMagic
	WelcomeABIOff       = 20 // u32, the version that both will use
	WelcomeABIMinOff    = 24 // u32, lowest version of the driver
	WelcomeABIMaxOff    = 28 // u32, highest
	WelcomeBellOff      = 32 // u32, the PortKind of every bell of the session
	WelcomeCallsOff     = 36 // u32, calls that may be outstanding, at least 2: the client keeps one for SelClose
	WelcomeInlineOff    = 40 // u32, bytes that one frame carries at most, each way
	WelcomeBulkOff      = 44 // u32, bytes that one call carries at most, each way
	WelcomeBulkCallsOff = 48 // u32, calls with more than the inline bytes that may be outstanding
	WelcomeZeroOff      = 52 // u32, 0
	WelcomeSize         = 56
)

// REFUSE: the fixed part, then the reason as text up to the end. It is understood
// by clients of every version.
const (
	RefuseMagicOff  = 16 // u32, WireMagic
	RefuseCodeOff   = 20 // u32, an IOReturn
	RefuseABIMinOff = 24 // u32, lowest version of the driver
	RefuseABIMaxOff = 28 // u32, highest
	RefuseTextOff   = 32
)

// CALL: the fixed part, the scalars, then the bytes. With FlagFD the bytes are in a
// memfd instead, which must be sealed against every change. ID is not 0 and not that
// of an outstanding call or map.
const (
	CallSelectorOff = 16 // u32
	CallScalarsOff  = 20 // u16, scalars that follow
	CallOutOff      = 22 // u16, scalars that the client has room for
	CallBytesOff    = 24 // u32, bytes that follow, or are in the memfd
	CallOutBytesOff = 28 // u32, bytes that the client has room for
	CallDataOff     = 32
)

// REPLY: the fixed part, the scalars, the bytes, then the detail. With FlagFD the
// bytes are in a memfd instead. ID is that of the call. With a code other than 0
// there are neither scalars nor bytes.
const (
	ReplyCodeOff    = 16 // u32, an IOReturn
	ReplyScalarsOff = 20 // u16, scalars that follow
	ReplyDetailOff  = 22 // u16, bytes of text at the end
	ReplyBytesOff   = 24 // u32, bytes that follow, or are in the memfd
	ReplyZeroOff    = 28 // u32, 0
	ReplyDataOff    = 32
)

// CancelSize is the length of CANCEL, a header with the ID of a call. A call that is
// answered already is no error.
const CancelSize = HeaderSize

// MAP. One may be outstanding in a session.
const (
	MapTypeOff = 16 // u32, a memory type
	MapZeroOff = 20 // u32, 0
	MapSize    = 24
)

// MAPPED: the fixed part, then a detail as text up to the end. With FlagFD it
// carries the arena; each arena is sent once in a session, and later answers name
// it by its number, until DROP. A memfd has the seals SHRINK, GROW and SEAL, and
// FUTURE_WRITE (or WRITE) if access is AccessReadOnly; its pages are usual ones and
// all there. With a code other than 0 the rest is 0.
const (
	MappedCodeOff   = 16 // u32, an IOReturn
	MappedArenaOff  = 20 // u32, number of the arena in this session
	MappedOffsetOff = 24 // u64, where the memory begins in the arena
	MappedLengthOff = 32 // u64
	MappedSizeOff   = 40 // u64, length of the arena
	MappedKindOff   = 48 // u32, a MemKind
	MappedAccessOff = 52 // u32, AccessReadOnly or AccessReadWrite
	MappedTextOff   = 56
)

// The values of MAPPED's access.
const (
	AccessReadOnly  uint32 = 0 // the client must map the arena without write permission
	AccessReadWrite uint32 = 1
)

// PORT, with FlagFD and the bell, of the kind that WELCOME named. It comes once for
// a port, and before the first CALL of SelOpen.
const (
	PortTypeOff = 16 // u32, PortOutput or PortEvents
	PortZeroOff = 20 // u32, 0
	PortSize    = 24
)

// BYE: the fixed part, then the reason as text up to the end. Code 0 is an orderly end.
const (
	ByeCodeOff = 16 // u32, an IOReturn
	ByeZeroOff = 20 // u32, 0
	ByeTextOff = 24
)

// DROP, of the client: it has unmapped an arena and given its descriptor back. If
// the driver names that memory again, it sends it again, under another number. No
// MAP is outstanding when DROP is sent.
const (
	DropArenaOff = 16 // u32, number of the arena
	DropZeroOff  = 20 // u32, 0
	DropSize     = 24
)

// The kinds of bell, in the numbers of PortKind, and HELLO's set of all of them.
const (
	BellEventFD    uint32 = 1
	BellSocketPair uint32 = 2
	AllBells              = 1<<BellEventFD | 1<<BellSocketPair
)

// Limits of the format. A driver announces its own in WELCOME, within these.
const (
	MaxText      = 1024                    // bytes of a text; longer ones are cut
	MaxData      = 16*8 + 64<<10 + MaxText // scalars, bytes and text of one frame
	MaxFrame     = CallDataOff + MaxData   // a longer message is refused
	MaxBulk      = 16 << 20                // bytes of one call, each way
	MaxCalls     = 256                     // outstanding calls
	MaxBulkCalls = 16                      // outstanding calls with more than the inline bytes
)
