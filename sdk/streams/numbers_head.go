// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"strconv"
	"strings"
)

// FlushFlags say what M_FLUSH, I_FLUSH and I_FLUSHBAND throw away. They stand in
// the first byte of an M_FLUSH; the band is the second.
type FlushFlags uint8

// The flags of a flush.
const (
	FlushR    FlushFlags = 1               // FLUSHR: the read side
	FlushW    FlushFlags = 2               // FLUSHW: the write side
	FlushRW   FlushFlags = FlushR | FlushW // FLUSHRW: both
	FlushBand FlushFlags = 4               // FLUSHBAND: one band only
)

// String returns the published names, "FLUSHR|FLUSHBAND".
func (f FlushFlags) String() string {
	return flagString(uint32(f), []flagName{{3, "FLUSHRW"}, {1, "FLUSHR"}, {2, "FLUSHW"}, {4, "FLUSHBAND"}})
}

// ReadOptions say how read treats message boundaries and control parts. The zero
// value is a byte stream, and leaves how control parts are treated as it was.
type ReadOptions uint16

// The read options of I_SRDOPT and of M_SETOPTS. At most one of ReadDiscard and
// ReadKeep, and one of the three for control parts, may be set.
const (
	ReadBytes      ReadOptions = 0    // RNORM: a byte stream, boundaries don't count
	ReadDiscard    ReadOptions = 1    // RMSGD: one message per read, the rest is thrown away
	ReadKeep       ReadOptions = 2    // RMSGN: one message per read, the rest is read next
	ReadCtlAsData  ReadOptions = 4    // RPROTDAT: control parts are read as data
	ReadCtlDrop    ReadOptions = 8    // RPROTDIS: control parts are thrown away
	ReadCtlFail    ReadOptions = 0x10 // RPROTNORM: read fails with EBADMSG at a control part
	ReadKeepUrgent ReadOptions = 0x20 // RFLUSHPCPROT: a flush leaves M_PCPROTO; M_SETOPTS only

	DefaultReadOptions = ReadBytes | ReadCtlFail // those of a stream that was just opened
)

// WriteOptions say what write does at the edges.
type WriteOptions uint16

// The write options of I_SWROPT.
const (
	WriteZero WriteOptions = 1 // SNDZERO: a write of no bytes sends an empty message
	WritePipe WriteOptions = 2 // SNDPIPE: a write after an error is told as a broken pipe
)

// ErrorOptions say whether an error of M_ERROR stays until the stream is closed or
// is told once. Neither bit of a side leaves that side as it is.
type ErrorOptions uint16

// The error options of I_SERROPT in the numbers of Solaris. OpenSS7 has the value 1
// where ReadErrorOnce is set and 2 where WriteErrorOnce is, and no bit for staying.
const (
	ReadErrorStays  ErrorOptions = 1 // RERRNORM
	ReadErrorOnce   ErrorOptions = 2 // RERRNONPERSIST
	WriteErrorStays ErrorOptions = 4 // WERRNORM
	WriteErrorOnce  ErrorOptions = 8 // WERRNONPERSIST
)

// Events are what a stream's owner can ask to be told of.
type Events uint16

// The events of I_SETSIG. EventWrite is both S_OUTPUT and S_WRNORM.
const (
	EventInput     Events = 1     // S_INPUT: any message but a priority one
	EventUrgent    Events = 2     // S_HIPRI: a priority message
	EventWrite     Events = 4     // S_OUTPUT, S_WRNORM: room for ordinary data
	EventSignal    Events = 8     // S_MSG: a signal message is at the front
	EventError     Events = 0x10  // S_ERROR: M_ERROR came
	EventHangup    Events = 0x20  // S_HANGUP: M_HANGUP came
	EventReadNorm  Events = 0x40  // S_RDNORM: an ordinary message
	EventReadBand  Events = 0x80  // S_RDBAND: a message of a band above 0
	EventWriteBand Events = 0x100 // S_WRBAND: room in a band above 0
	EventBandAlert Events = 0x200 // S_BANDURG: with S_RDBAND, tell bands by another signal

	EventsAll Events = 0x3ff // every event there is
)

// String returns the published names, "S_INPUT|S_HIPRI".
func (e Events) String() string {
	return flagString(uint32(e), []flagName{
		{1, "S_INPUT"}, {2, "S_HIPRI"}, {4, "S_OUTPUT"}, {8, "S_MSG"}, {0x10, "S_ERROR"}, {0x20, "S_HANGUP"},
		{0x40, "S_RDNORM"}, {0x80, "S_RDBAND"}, {0x100, "S_WRBAND"}, {0x200, "S_BANDURG"},
	})
}

// MsgFlags say which messages getmsg and getpmsg take and how putmsg and putpmsg
// send. The plain forms know zero and MsgUrgent only.
type MsgFlags uint32

// The flags of messages.
const (
	MsgUrgent MsgFlags = 1 // RS_HIPRI, MSG_HIPRI: a priority message
	MsgAny    MsgFlags = 2 // MSG_ANY: whatever is first
	MsgBand   MsgFlags = 4 // MSG_BAND: of this band, or one above it
)

// More says which parts of a message getmsg left in the queue.
type More uint8

// What is left of a message.
const (
	MoreControl More = 1 // MORECTL
	MoreData    More = 2 // MOREDATA
)

// Marks select what I_ATMARK asks for.
type Marks uint8

// The two questions of I_ATMARK.
const (
	MarkAny  Marks = 1 // ANYMARK: the first message is marked
	MarkLast Marks = 2 // LASTMARK: it is the last marked one in the queue
)

// SetFlags say which fields of an M_SETOPTS count, and carry the options that are
// switches themselves.
type SetFlags uint32

// The flags of M_SETOPTS.
const (
	SetReadOptions  SetFlags = 0x1      // SO_READOPT: the read options
	SetWriteOffset  SetFlags = 0x2      // SO_WROFF: bytes to leave free before written data
	SetMinPacket    SetFlags = 0x4      // SO_MINPSZ: the smallest packet
	SetMaxPacket    SetFlags = 0x8      // SO_MAXPSZ: the largest packet
	SetHighWater    SetFlags = 0x10     // SO_HIWAT: the high-water mark
	SetLowWater     SetFlags = 0x20     // SO_LOWAT: the low-water mark
	SetAll          SetFlags = 0x3f     // SO_ALL: the six above
	SetReadNotes    SetFlags = 0x40     // SO_MREADON: tell the driver of reads by M_READ
	SetNoReadNotes  SetFlags = 0x80     // SO_MREADOFF: no longer
	SetOldNoDelay   SetFlags = 0x100    // SO_NDELON: a read that would wait returns 0
	SetNoOldNoDelay SetFlags = 0x200    // SO_NDELOFF: it fails with EAGAIN
	SetTTY          SetFlags = 0x400    // SO_ISTTY: the stream is a terminal
	SetNoTTY        SetFlags = 0x800    // SO_ISNTTY: it is none
	SetStopOutput   SetFlags = 0x1000   // SO_TOSTOP: background writers are stopped
	SetNoStopOutput SetFlags = 0x2000   // SO_TONSTOP: they are not
	SetBand         SetFlags = 0x4000   // SO_BAND: the water marks are those of a band
	SetDelimit      SetFlags = 0x8000   // SO_DELIM: written messages are delimited
	SetNoDelimit    SetFlags = 0x10000  // SO_NODELIM: they are not
	SetHold         SetFlags = 0x20000  // SO_STRHOLD: small writes are held and joined
	SetErrorOptions SetFlags = 0x40000  // SO_ERROPT: the error options
	SetCopyOptions  SetFlags = 0x80000  // SO_COPYOPT: how data are copied
	SetMaxBlock     SetFlags = 0x100000 // SO_MAXBLK: the largest block of written data
	SetTail         SetFlags = 0x200000 // SO_TAIL: bytes to leave free after written data
)

// Numbers of the head's interface that belong to no group.
const (
	MuxAll         int32  = -1         // MUXID_ALL: every link of this stream
	Forever        int32  = -1         // INFTIM: wait without a limit
	Transparent    uint32 = 0xffffffff // TRANSPARENT: the length of an ioctl that is not I_STR
	ErrorUnchanged uint8  = 0xff       // NOERROR: M_ERROR leaves this side as it is
	Bands          int    = 256        // NBAND: bands are 0 to 255
	MaxName        int    = 8          // FMNAMESZ: bytes in the name of a module
	MaxIoctlBlock  int    = 1024       // MAXIOCBSZ: bytes in a block of ioctl data
)

// flagName is one flag, or several that have a name together.
type flagName struct {
	bits uint32
	name string
}

// flagString returns the names of the bits of v, joined, and what is left as a
// number. No bits are "0".
func flagString(v uint32, names []flagName) string {
	if v == 0 {
		return "0"
	}
	var parts []string
	for _, n := range names {
		if v&n.bits == n.bits {
			parts = append(parts, n.name)
			v &^= n.bits
		}
	}
	if v != 0 {
		parts = append(parts, "0x"+strconv.FormatUint(uint64(v), 16))
	}
	return strings.Join(parts, "|")
}
