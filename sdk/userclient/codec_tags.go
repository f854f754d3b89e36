// SPDX-License-Identifier: Apache-2.0

package userclient

// Limits of the records. An encoder refuses what is beyond them, a decoder calls
// it a breach of RuleDescribe, so a hostile record can't make its reader allocate
// without bound.
const (
	MaxText        = 255  // bytes of any text: names, properties, reasons
	MaxProperties  = 64   // properties of one stream
	MaxFormatExtra = 4096 // bytes of Format.Extra
	MaxLossLog     = 64   // records of one loss log (C46)
	MaxEvents      = 256  // events of one answer
	MaxRegions     = 1024 // rows of one memory map
)

// Tag names a field of a record. Each record numbers its own fields from 1, and a
// number is never given to another field. A field that is missing is zero.
type Tag = uint16

// Sizes of the frame of a record and of its fields: a record is its total size
// (u32, these four bytes included) and then fields, without padding. A field is
// its tag (u16), its flags (u16), the length of its value (u32), and the value.
const (
	RecordHeaderSize = 4
	FieldHeaderSize  = 8
)

// FieldMust is the only flag of a field so far: a reader that does not know the
// field must refuse the record instead of skipping the field.
const FieldMust uint16 = 1 << 0

// Fields of a Description.
const (
	TagDescABI        Tag = 1  // 4 × u16: lowest major, minor, highest major, minor
	TagDescName       Tag = 2  // text, "vendor/device/stream"
	TagDescIndex      Tag = 3  // u32
	TagDescInstance   Tag = 4  // u64
	TagDescGeneration Tag = 5  // u32
	TagDescDriver     Tag = 6  // text
	TagDescVersion    Tag = 7  // text
	TagDescMode       Tag = 8  // u32, a mode
	TagDescModes      Tag = 9  // u32, bit 1<<mode for each mode
	TagDescLayouts    Tag = 10 // u32, bit 1<<layout for each layout
	TagDescRingCount  Tag = 11 // u32, entries of each ring
	TagDescBuffers    Tag = 12 // 6 × u32: count, data size, control size, alignment, memory kind, flags (1: read-only for the client)
	TagDescPorts      Tag = 13 // u32, a kind of port
	TagDescClock      Tag = 14 // u32 clock ID, u32 zero, i64 epoch, i64 resolution, u64 tick rate
	TagDescPolicy     Tag = 15 // u32, an overrun policy
	TagDescBacklog    Tag = 16 // u32
	TagDescClients    Tag = 17 // u32
	TagDescObservers  Tag = 18 // u32
	TagDescOffered    Tag = 19 // u64, features
	TagDescRequired   Tag = 20 // u64, features
	TagDescSelectors  Tag = 21 // 8 × u64, bitmap of selectors 0x000 to 0x1ff
	TagDescMaxCopy    Tag = 22 // u32
	TagDescMaxRounds  Tag = 23 // u32
	TagDescFormat     Tag = 24 // a Format record
	TagDescProperty   Tag = 25 // up to 64 times: u8 length of the key, the key, the value
	TagDescFlags      Tag = 26 // u32: 1 shared memory, 2 sync needed, 4 direct control
)

// Fields of a Format.
const (
	TagFormatKind     Tag = 1  // u32
	TagFormatCode     Tag = 2  // u32
	TagFormatEpoch    Tag = 3  // u32
	TagFormatWidth    Tag = 4  // u32
	TagFormatHeight   Tag = 5  // u32
	TagFormatStride   Tag = 6  // u32
	TagFormatRateNum  Tag = 7  // u32
	TagFormatRateDen  Tag = 8  // u32
	TagFormatChannels Tag = 9  // u32
	TagFormatBits     Tag = 10 // u32
	TagFormatExtra    Tag = 11 // bytes
)

// Fields of a Stats.
const (
	TagStatsFlags      Tag = 1  // u32: 1 numbered
	TagStatsLastSeq    Tag = 2  // u64
	TagStatsPosted     Tag = 3  // u64
	TagStatsReturned   Tag = 4  // u64
	TagStatsBacklogged Tag = 5  // u64
	TagStatsLost       Tag = 6  // 8 × u64, one per cause
	TagStatsBytes      Tag = 7  // u64
	TagStatsCopies     Tag = 8  // u64
	TagStatsRings      Tag = 9  // u64
	TagStatsWakeups    Tag = 10 // u64
	TagStatsLoss       Tag = 11 // up to 64 times, oldest first: i64 time, u32 cause, u32 count, u64 last seq, 3 × u32: free, backlog, posted, u32 zero
	TagStatsDiscarded  Tag = 12 // u64
)

// Fields of an Observation.
const (
	TagObsState  Tag = 1 // u32, a state
	TagObsPID    Tag = 2 // i64; missing is -1
	TagObsUID    Tag = 3 // i64; missing is -1
	TagObsOwner  Tag = 4 // text
	TagObsOpened Tag = 5 // i64
	TagObsStats  Tag = 6 // a Stats record
)

// Fields of the two lists.
const (
	TagRegion Tag = 1 // in a memory map, up to 1024 times: u32 type, u32 count, u32 arena, u32 zero, u64 offset, u64 length, u64 stride
	TagEvent  Tag = 1 // in an answer to SelEvents, up to 256 times: u32 kind, u32 zero, i64 time, u64 value, text
)
