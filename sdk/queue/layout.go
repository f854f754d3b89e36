// SPDX-License-Identifier: Apache-2.0

package queue

// EntrySize is the length of an Entry in shared memory.
const EntrySize = 32

// Entry is one element of a queue: it names a buffer and the valid part of it.
// The first five words are Apple's IOStreamBufferQueueEntry; the other three are
// its reserved words, which carry a sequence number and a stamp where
// FeatureSequence was selected, and are zero and ignored elsewhere (C15).
type Entry struct {
	Buffer        uint32
	DataOffset    uint32
	DataLength    uint32
	ControlOffset uint32
	ControlLength uint32
	Seq           uint32 // low 32 bits of the sequence number
	Stamp         uint64 // time in ns since the stream's epoch in bits 0-55, Flags in bits 56-63
}

// Flags are the top eight bits of a stamp.
type Flags uint8

// The flags of an entry.
const (
	FlagTime          Flags = 1 << 0 // the time is valid
	FlagDiscontinuity Flags = 1 << 1 // something is missing before this entry
	FlagPartial       Flags = 1 << 2 // the data is corrupt or incomplete
	FlagEnd           Flags = 1 << 3 // the stream ends with this entry
	FlagKey           Flags = 1 << 4 // a decoder can start here
	FlagFlushed       Flags = 1 << 5 // returned unused because of a flush
)

// MaxTime is the largest time that a stamp can carry: 2.28 years.
const MaxTime = 1<<56 - 1

// MakeStamp puts a time and flags into one word. Times outside 0..MaxTime are cut to it.
func MakeStamp(ns int64, f Flags) uint64 {
	return uint64(min(max(ns, 0), MaxTime)) | uint64(f)<<56
}

// Time returns the time of e in ns since the stream's epoch; it means something only if FlagTime is set.
func (e *Entry) Time() int64 { return int64(e.Stamp & MaxTime) }

// Flags returns the flags of e.
func (e *Entry) Flags() Flags { return Flags(e.Stamp >> 56) }

// The native layout. A queue has two regions, each written by one side only: the
// ring (the producer's) and the reader's words (the consumer's). Words that are
// written often stand on cache-line pairs of their own.
const (
	// RingMagic is word 0 of a native ring, ReaderMagic word 0 of the reader's
	// region. The low 16 bits are the version of the layout. With the top bit set
	// neither is a legal entry count of a classic queue (C18).
	RingMagic   uint32 = 0xa10c0001
	ReaderMagic uint32 = 0xa10d0001

	RingMagicOff   = 0   // u32
	RingCountOff   = 4   // u32, entries, a power of two, at most MaxCount
	RingEntryOff   = 8   // u32, offset of entry 0 from the start of the region
	RingSizeOff    = 12  // u32, size of an entry, 32
	RingTailOff    = 128 // u32, free-running index of the next entry to be published
	RingCPUOff     = 132 // u32, 1 + CPU that the producer last ran on, 0 unknown; a hint
	RingTokenOff   = 136 // u32, token of the last doorbell (input queue)
	RingStatusOff  = 140 // u32, why no entry will follow for now: StatusRunning, StatusEnd or an IOReturn
	RingWakesOff   = 144 // u32, counts wake-ups: what a consumer sleeps on (SleepWord)
	RingEntries    = 256 // where this version puts entry 0
	ReaderMagicOff = 0   // u32
	ReaderHeadOff  = 128 // u32, free-running index of the next entry to be read
	ReaderCPUOff   = 132 // u32, as RingCPUOff, of the consumer
	ReaderWakeOff  = 256 // u32, event index: ring when the tail passes it
	ReaderHowOff   = 260 // u32, how the consumer sleeps: a Sleep
	ReaderSize     = 384

	// MaxCount bounds the entries of a ring of either layout.
	MaxCount = 1 << 30
)

// The classic layout: Apple's IOStreamBufferQueue.
const (
	ClassicCountOff = 0 // u32, entries
	ClassicHeadOff  = 4 // u32, an index; which side owns it is found out at run time (Roles)
	ClassicTailOff  = 8 // u32
	ClassicEntries  = 16
)

// StatusRunning and StatusEnd are values of the status word of a native ring, which
// the producer writes after its last entry and a consumer reads when it finds the
// queue empty. Any other value is an IOReturn: why the producer stopped.
const (
	StatusRunning uint32 = 0 // more may come
	StatusEnd     uint32 = 1 // the stream has come to its end
)

// Sleep says how a consumer waits, and so how it must be woken.
type Sleep uint32

// The ways to sleep.
const (
	SleepBell Sleep = 0 // on its port: ring the bell
	SleepWord Sleep = 1 // on the wakes word: wake it (FeatureSharedWord)
)

// Wake says what a producer must do after publishing.
type Wake uint8

// What to do.
const (
	WakeNone Wake = iota // nobody asked to be woken
	WakeBell             // ring the bell
	WakeWord             // wake the sleeper on Word
)
