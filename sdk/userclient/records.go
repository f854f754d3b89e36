// SPDX-License-Identifier: Apache-2.0

package userclient

import "time"

// Version is one version of the ABI.
type Version struct{ Major, Minor uint16 }

// Description is everything that a client must know before it opens a stream
// (C16). It travels as a size-first list of fields (see AppendBinary), so that
// later versions can add to it.
type Description struct {
	ABIMin, ABIMax Version // the driver speaks every version between them

	Name          string // "vendor/device/stream"
	Index         uint32 // of the stream within its device
	Instance      uint64 // differs each time the driver is started
	Generation    uint32 // grows when format or buffers change
	Driver        string // name of the driver program
	DriverVersion string

	Mode    Mode   // the mode now
	Modes   uint32 // bit 1<<mode for each mode that SetMode takes
	Layouts uint32 // bit 1<<layout for each layout offered
	// RingCount is the number of entries of each ring (C11: at least one per buffer).
	RingCount uint32
	Buffers   BufferShape

	Ports   PortKind // how notifications travel, told by the transport
	Clock   Clock
	Policy  Policy
	Backlog uint32 // W: entries posted ahead of a reader under DropOldest (C13)

	MaxClients    uint32 // sessions that may be open at once
	MaxObservers  uint32
	Offered       uint64    // feature bits that a client may select
	Required      uint64    // feature bits that a client must select
	Selectors     [8]uint64 // bitmap of 0x000 to 0x1ff: selectors that are answered
	MaxCopy       uint32    // bytes of one control copy round
	MaxRounds     uint32    // copy rounds of one control command
	Format        Format
	Properties    map[string]string // vendor, model, serial, bus, firmware … (C45)
	SharedMemory  bool              // buffers outlive sessions and are not zeroed between them (C5)
	SyncNeeded    bool              // the CPU cache must be synchronised around each lease
	DirectControl bool              // module stack is at the driver's end
}

// BufferShape describes a stream's buffers. Sizes are those of the largest
// buffer; the memory map has the exact ones.
type BufferShape struct {
	Count       uint32
	DataSize    uint32
	ControlSize uint32 // 0: no control regions
	Alignment   uint32 // of each data region, a power of two
	Kind        MemKind
	ReadOnly    bool // for the client
}

// PortKind is what a transport's notifications are made of.
type PortKind uint32

// The kinds of port.
const (
	PortChannel    PortKind = 0 // in-process
	PortEventFD    PortKind = 1
	PortSocketPair PortKind = 2
	PortMach       PortKind = 3
	PortCompletion PortKind = 4
)

// Clock describes the clock of a stream's time stamps (C44).
type Clock struct {
	ID         uint32        // ClockMonotonic, ClockDevice …
	Epoch      int64         // host monotonic time, ns, at stream time 0
	Resolution time.Duration // smallest step
	TickRate   uint64        // ticks per second of the device clock, 0 if it is the host's
}

// Clock IDs.
const (
	ClockNone      uint32 = 0 // no time stamps
	ClockMonotonic uint32 = 1 // the host's monotonic clock
	ClockDevice    uint32 = 2 // the device's own; see SelCorrelate
)

// Policy says what happens when a driver has data and no buffer is free. It means
// the same on every transport.
type Policy uint32

// The overrun policies.
const (
	PolicyBlock      Policy = 0 // the driver waits for a buffer
	PolicyDropNewest Policy = 1 // the new entry is counted and lost
	PolicyDropOldest Policy = 2 // the oldest entry that the client has not been shown is counted and lost
	PolicyFail       Policy = 3 // the stream stops with an error
	PolicyDriver     Policy = 4 // the driver decides by itself (a classic kernel driver)
)

// String returns the policy's name, as commands take it: "drop-oldest".
func (p Policy) String() string {
	if names := [...]string{"block", "drop-newest", "drop-oldest", "fail", "driver"}; uint64(p) < uint64(len(names)) {
		return names[p]
	}
	return "unknown policy"
}

// FormatKind is the vocabulary of stream formats (C43).
type FormatKind uint32

// The kinds of format.
const (
	FormatRaw    FormatKind = 0 // bytes without further meaning
	FormatVideo  FormatKind = 1
	FormatAudio  FormatKind = 2
	FormatIQ     FormatKind = 3
	FormatVendor FormatKind = 0x8000 // Code and Extra are the vendor's
)

// Format says what the bytes of a stream mean. Fields that a kind does not use are zero.
type Format struct {
	Kind  FormatKind
	Code  uint32 // FourCC of video, sample code of audio and iq, the vendor's own
	Epoch uint32 // grows with each change; entries before and after never share one

	Width, Height, Stride uint32 // video
	RateNum, RateDen      uint32 // frames or samples a second
	Channels              uint32 // audio, iq
	BitsPerSample         uint32 // audio, iq
	Extra                 []byte // the vendor's, at most 4096 bytes
}

// Region is one row of the memory map (SelMemoryMap): Count regions of
// consecutive types, each Length bytes, Stride bytes apart in an arena.
type Region struct {
	Type   uint32 // first memory type; the next one is Type+1
	Count  uint32
	Arena  uint32 // MemDriverArena or MemClientArena
	Offset uint64
	Length uint64
	Stride uint64
}

// Cause says why an entry was lost (C14). Each lost entry has exactly one.
type Cause uint32

// The causes of loss.
const (
	LossDropNewest   Cause = 0 // no buffer free, policy drop-newest
	LossDropOldest   Cause = 1 // pushed out of the backlog, policy drop-oldest
	LossFail         Cause = 2 // no buffer free, policy fail
	LossStopped      Cause = 3 // in the backlog when the stream was stopped
	LossSessionEnded Cause = 4 // posted for a client that had gone
	LossFlushed      Cause = 5 // discarded by Flush
	LossModule       Cause = 6 // dropped by a module
	LossDevice       Cause = 7 // lost before the driver had it, as told by the driver
	Causes                 = 8
)

// String returns the cause's name: "drop-newest".
func (c Cause) String() string {
	if names := [...]string{
		"drop-newest", "drop-oldest", "fail", "stopped", "session-ended", "flushed", "module", "device",
	}; uint64(c) < uint64(len(names)) {
		return names[c]
	}
	return "unknown cause"
}

// LossRecord is one entry of the loss log (C46).
type LossRecord struct {
	Time    int64 // stream time, ns
	Cause   Cause
	Count   uint32 // entries lost in a row
	LastSeq uint64 // sequence number of the last of them
	// Free, Backlog and Posted are the fill levels then: buffers with the driver,
	// entries waiting in the backlog or in modules, entries in the output queue. What is missing to
	// the buffer count was with the client. Together they tell who was late.
	Free, Backlog, Posted uint32
}

// Stats is one snapshot of the driver's end of a session. Every counter only
// grows. LastSeq + 1 entries were given a number since the session began (none if
// Numbered is false), and at any snapshot
//
//	LastSeq + 1 = Posted + sum of Lost + Backlogged
type Stats struct {
	Numbered   bool
	LastSeq    uint64 // of the last entry that was given a number
	Posted     uint64 // entries published on the output queue
	Returned   uint64 // entries taken from the input queue
	Backlogged uint64 // entries in the backlog now, and in modules on their way to it (a gauge)
	Lost       [Causes]uint64
	Bytes      uint64 // payload of posted or (to-device) returned entries
	Copies     uint64 // payload copies made by the library: 0, unless modules replace payload (see PayloadPath)
	Rings      uint64 // notifications really sent to the client
	Wakeups    uint64 // times that the driver's side was woken
	Discarded  uint64 // entries of the client that a module dropped before the driver saw them
	Log        []LossRecord
}

// TotalLost sums Lost over all causes.
func (s *Stats) TotalLost() uint64 {
	var n uint64
	for _, v := range s.Lost {
		n += v
	}
	return n
}

// EventKind says what happened (C22, C43).
type EventKind uint32

// The events.
const (
	EventStateChanged    EventKind = 1 // Value: the new State
	EventModeChanged     EventKind = 2 // Value: the new Mode
	EventFormatChanged   EventKind = 3 // Value: the new format epoch
	EventPropertyChanged EventKind = 4 // Text: the property's name
	EventControlChanged  EventKind = 5 // Text: the control's name
	EventClockStep       EventKind = 6 // Value: the step in ns, as int64
	EventSignalLost      EventKind = 7
	EventSignalLocked    EventKind = 8
	EventOverrunBegan    EventKind = 9  // Value: last sequence number before the loss
	EventOverrunEnded    EventKind = 10 // Value: entries lost since it began
	EventReset           EventKind = 11 // the device was reset
	EventGone            EventKind = 12 // the driver is going away; Text: why
	EventStreamError     EventKind = 13 // M_ERROR of the control plane's stack; Value: errno of reading + 256 × that of writing, 255: as it was
	EventStreamHangup    EventKind = 14 // M_HANGUP of that stack; Value: 1, or 0 for M_UNHANGUP
	EventStreamSignal    EventKind = 15 // M_SIG or M_PCSIG of that stack; Value: the signal
	EventVendor          EventKind = 0x8000
)

// String returns the event's name: "format-changed".
func (k EventKind) String() string {
	if names := [...]string{
		"", "state-changed", "mode-changed", "format-changed", "property-changed", "control-changed", "clock-step",
		"signal-lost", "signal-locked", "overrun-began", "overrun-ended", "reset", "gone",
		"stream-error", "stream-hangup", "stream-signal",
	}; k > 0 && uint64(k) < uint64(len(names)) {
		return names[k]
	}
	if k >= EventVendor {
		return "vendor"
	}
	return "unknown event"
}

// Event is one thing that happened to a stream, told to every session; or, with one of the
// kinds EventStream..., to the control plane of one.
type Event struct {
	Kind  EventKind
	Time  int64 // stream time, ns
	Value uint64
	Text  string // at most 255 bytes
}

// Observation is what an observer sees without opening the stream (C34).
type Observation struct {
	State    State
	OwnerPID int // of the client that has it open, -1 if none
	OwnerUID int
	Owner    string // its program
	Opened   int64  // host monotonic time, ns
	Stats    Stats
}

// MetadataSize is the length of a MetadataHeader in memory.
const MetadataSize = 64

// MetadataHeader stands at the start of a control region where FeatureMetadata
// was selected (C44).
type MetadataHeader struct {
	Flags       uint32 // the entry's Flags
	FormatEpoch uint32
	DeviceTime  uint64 // ticks of the device clock
	TriggerID   uint64
	Sequence    uint64 // widened
}
