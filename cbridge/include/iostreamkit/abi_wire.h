/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The frames of the socket transport. Included by abi.h; no other transport needs
 * them.
 *
 * A frame is one message of a SOCK_SEQPACKET socket: the header, the fixed part of
 * its type, and then what has a variable length, without padding. Offsets count
 * from the start of the frame.
 */
#ifndef IOSTREAMKIT_ABI_WIRE_H
#define IOSTREAMKIT_ABI_WIRE_H

struct iosk_wire_header {
	uint32_t size; /* of the whole frame */
	uint16_t type;
	uint16_t flags;
	uint32_t id; /* of a conversation; 0 in frames without an answer */
	uint32_t zero;
};

/* IOSK_WIRE_MAGIC stands in HELLO, WELCOME and REFUSE: the bytes "IOSK". */
#define IOSK_WIRE_MAGIC                  0x4b534f49u

/* The header of every frame. */
#define IOSK_WIRE_HEADER_SIZE_OFF        0u /* u32, length of the whole frame */
#define IOSK_WIRE_HEADER_TYPE_OFF        4u /* u16, IOSK_WIRE_FRAME_* */
#define IOSK_WIRE_HEADER_FLAGS_OFF       6u /* u16, IOSK_WIRE_FLAG_FD */
#define IOSK_WIRE_HEADER_ID_OFF          8u /* u32, number of a conversation; 0 in frames without an answer */
#define IOSK_WIRE_HEADER_ZERO_OFF        12u /* u32, 0 */
#define IOSK_WIRE_HEADER_SIZE            16u

/* IOSK_WIRE_FLAG_FD says that one descriptor travels with the frame. No other flag is defined. */
#define IOSK_WIRE_FLAG_FD                1u

/* The types of frames, and who sends them. */
#define IOSK_WIRE_FRAME_HELLO            1u /* client: the first frame */
#define IOSK_WIRE_FRAME_WELCOME          2u /* driver: the session has begun */
#define IOSK_WIRE_FRAME_REFUSE           3u /* driver: there will be no session, and why */
#define IOSK_WIRE_FRAME_CALL             4u /* client: run an external method */
#define IOSK_WIRE_FRAME_REPLY            5u /* driver: its result */
#define IOSK_WIRE_FRAME_CANCEL           6u /* client: the result of call ID is not wanted any more */
#define IOSK_WIRE_FRAME_MAP              7u /* client: share memory */
#define IOSK_WIRE_FRAME_MAPPED           8u /* driver: where it is */
#define IOSK_WIRE_FRAME_PORT             9u /* client: how to wake it */
#define IOSK_WIRE_FRAME_BYE              10u /* either: the session is over, and why */
#define IOSK_WIRE_FRAME_DROP             11u /* client: it has given an arena back */

/* HELLO. It may be longer than IOSK_WIRE_HELLO_SIZE: later versions add to it. */
#define IOSK_WIRE_HELLO_MAGIC_OFF        16u /* u32, IOSK_WIRE_MAGIC */
#define IOSK_WIRE_HELLO_ABI_MIN_OFF      20u /* u32, lowest ABI version of the client, major<<16 | minor */
#define IOSK_WIRE_HELLO_ABI_MAX_OFF      24u /* u32, highest */
#define IOSK_WIRE_HELLO_FLAGS_OFF        28u /* u32, IOSK_WIRE_HELLO_OBSERVE */
#define IOSK_WIRE_HELLO_MEMORY_OFF       32u /* u32, bit 1<<kind for each kind of memory that the client accepts */
#define IOSK_WIRE_HELLO_BELLS_OFF        36u /* u32, bit 1<<kind for each kind of bell that the client accepts */
#define IOSK_WIRE_HELLO_KNOWN_OFF        40u /* u64, feature bits that the client understands */
#define IOSK_WIRE_HELLO_REQUIRED_OFF     48u /* u64, feature bits that the client insists on */
#define IOSK_WIRE_HELLO_SIZE             56u

/* IOSK_WIRE_HELLO_OBSERVE marks a client that only looks (C34). */
#define IOSK_WIRE_HELLO_OBSERVE          1u

/*
 * WELCOME. It may be longer than IOSK_WIRE_WELCOME_SIZE. With IOSK_WIRE_FLAG_FD it carries the
 * bell of the input queue; an observer gets none.
 */
#define IOSK_WIRE_WELCOME_MAGIC_OFF      16u /* u32, IOSK_WIRE_MAGIC */
#define IOSK_WIRE_WELCOME_ABI_OFF        20u /* u32, the version that both will use */
#define IOSK_WIRE_WELCOME_ABI_MIN_OFF    24u /* u32, lowest version of the driver */
#define IOSK_WIRE_WELCOME_ABI_MAX_OFF    28u /* u32, highest */
#define IOSK_WIRE_WELCOME_BELL_OFF       32u /* u32, the kind of port of every bell of the session */
#define IOSK_WIRE_WELCOME_CALLS_OFF      36u /* u32, calls that may be outstanding, at least 2: the client keeps one for IOSK_SEL_CLOSE */
#define IOSK_WIRE_WELCOME_INLINE_OFF     40u /* u32, bytes that one frame carries at most, each way */
#define IOSK_WIRE_WELCOME_BULK_OFF       44u /* u32, bytes that one call carries at most, each way */
#define IOSK_WIRE_WELCOME_BULK_CALLS_OFF 48u /* u32, calls with more than the inline bytes that may be outstanding */
#define IOSK_WIRE_WELCOME_ZERO_OFF       52u /* u32, 0 */
#define IOSK_WIRE_WELCOME_SIZE           56u

/*
 * REFUSE: the fixed part, then the reason as text up to the end. It is understood by clients of
 * every version.
 */
#define IOSK_WIRE_REFUSE_MAGIC_OFF       16u /* u32, IOSK_WIRE_MAGIC */
#define IOSK_WIRE_REFUSE_CODE_OFF        20u /* u32, an iosk_return */
#define IOSK_WIRE_REFUSE_ABI_MIN_OFF     24u /* u32, lowest version of the driver */
#define IOSK_WIRE_REFUSE_ABI_MAX_OFF     28u /* u32, highest */
#define IOSK_WIRE_REFUSE_TEXT_OFF        32u

/*
 * CALL: the fixed part, the scalars, then the bytes. With IOSK_WIRE_FLAG_FD the bytes are in a
 * memfd instead, which must be sealed against every change. ID is not 0 and not that of an
 * outstanding call or map.
 */
#define IOSK_WIRE_CALL_SELECTOR_OFF      16u /* u32 */
#define IOSK_WIRE_CALL_SCALARS_OFF       20u /* u16, scalars that follow */
#define IOSK_WIRE_CALL_OUT_OFF           22u /* u16, scalars that the client has room for */
#define IOSK_WIRE_CALL_BYTES_OFF         24u /* u32, bytes that follow, or are in the memfd */
#define IOSK_WIRE_CALL_OUT_BYTES_OFF     28u /* u32, bytes that the client has room for */
#define IOSK_WIRE_CALL_DATA_OFF          32u

/*
 * REPLY: the fixed part, the scalars, the bytes, then the detail. With IOSK_WIRE_FLAG_FD the bytes
 * are in a memfd instead. ID is that of the call. With a code other than 0 there are neither
 * scalars nor bytes.
 */
#define IOSK_WIRE_REPLY_CODE_OFF         16u /* u32, an iosk_return */
#define IOSK_WIRE_REPLY_SCALARS_OFF      20u /* u16, scalars that follow */
#define IOSK_WIRE_REPLY_DETAIL_OFF       22u /* u16, bytes of text at the end */
#define IOSK_WIRE_REPLY_BYTES_OFF        24u /* u32, bytes that follow, or are in the memfd */
#define IOSK_WIRE_REPLY_ZERO_OFF         28u /* u32, 0 */
#define IOSK_WIRE_REPLY_DATA_OFF         32u

/* CANCEL is a header with the ID of a call. A call that is answered already is no error. */
#define IOSK_WIRE_CANCEL_SIZE            16u

/* MAP. One may be outstanding in a session. */
#define IOSK_WIRE_MAP_TYPE_OFF           16u /* u32, a memory type */
#define IOSK_WIRE_MAP_ZERO_OFF           20u /* u32, 0 */
#define IOSK_WIRE_MAP_SIZE               24u

/*
 * MAPPED: the fixed part, then a detail as text up to the end. With IOSK_WIRE_FLAG_FD it carries
 * the arena; each arena is sent once in a session, and later answers name it by its number. With a
 * code other than 0 the rest is 0.
 */
#define IOSK_WIRE_MAPPED_CODE_OFF        16u /* u32, an iosk_return */
#define IOSK_WIRE_MAPPED_ARENA_OFF       20u /* u32, number of the arena in this session */
#define IOSK_WIRE_MAPPED_OFFSET_OFF      24u /* u64, where the memory begins in the arena */
#define IOSK_WIRE_MAPPED_LENGTH_OFF      32u /* u64 */
#define IOSK_WIRE_MAPPED_SIZE_OFF        40u /* u64, length of the arena */
#define IOSK_WIRE_MAPPED_KIND_OFF        48u /* u32, a kind of memory */
#define IOSK_WIRE_MAPPED_ACCESS_OFF      52u /* u32, IOSK_WIRE_ACCESS_* */
#define IOSK_WIRE_MAPPED_TEXT_OFF        56u

/* The values of MAPPED's access. */
#define IOSK_WIRE_ACCESS_READ_ONLY       0u /* the client must map the arena without write permission */
#define IOSK_WIRE_ACCESS_READ_WRITE      1u

/*
 * PORT, with IOSK_WIRE_FLAG_FD and the bell, of the kind that WELCOME named. It comes once for a
 * port, and before the first CALL of IOSK_SEL_OPEN.
 */
#define IOSK_WIRE_PORT_TYPE_OFF          16u /* u32, IOSK_PORT_OUTPUT or IOSK_PORT_EVENTS */
#define IOSK_WIRE_PORT_ZERO_OFF          20u /* u32, 0 */
#define IOSK_WIRE_PORT_SIZE              24u

/* BYE: the fixed part, then the reason as text up to the end. Code 0 is an orderly end. */
#define IOSK_WIRE_BYE_CODE_OFF           16u /* u32, an iosk_return */
#define IOSK_WIRE_BYE_ZERO_OFF           20u /* u32, 0 */
#define IOSK_WIRE_BYE_TEXT_OFF           24u

/*
 * DROP, of the client: it has unmapped an arena and given its descriptor back. If the driver names
 * that memory again, it sends it again, under another number. No MAP is outstanding when DROP is
 * sent.
 */
#define IOSK_WIRE_DROP_ARENA_OFF         16u /* u32, number of the arena */
#define IOSK_WIRE_DROP_ZERO_OFF          20u /* u32, 0 */
#define IOSK_WIRE_DROP_SIZE              24u

/* The kinds of bell, in the numbers of the kinds of port, and HELLO's set of all of them. */
#define IOSK_WIRE_BELL_EVENT_FD          1u
#define IOSK_WIRE_BELL_SOCKET_PAIR       2u
#define IOSK_WIRE_ALL_BELLS              6u

/* Limits of the format. A driver announces its own in WELCOME, within these. */
#define IOSK_WIRE_MAX_TEXT               1024u /* bytes of a text; longer ones are cut */
#define IOSK_WIRE_MAX_DATA               66688u /* scalars, bytes and text of one frame */
#define IOSK_WIRE_MAX_FRAME              66720u /* a longer message is refused */
#define IOSK_WIRE_MAX_BULK               16777216u /* bytes of one call, each way */
#define IOSK_WIRE_MAX_CALLS              256u /* outstanding calls */
#define IOSK_WIRE_MAX_BULK_CALLS         16u /* outstanding calls with more than the inline bytes */

IOSK_ASSERT(wire_size, offsetof(struct iosk_wire_header, size) == IOSK_WIRE_HEADER_SIZE_OFF);
IOSK_ASSERT(wire_type, offsetof(struct iosk_wire_header, type) == IOSK_WIRE_HEADER_TYPE_OFF);
IOSK_ASSERT(wire_flags, offsetof(struct iosk_wire_header, flags) == IOSK_WIRE_HEADER_FLAGS_OFF);
IOSK_ASSERT(wire_id, offsetof(struct iosk_wire_header, id) == IOSK_WIRE_HEADER_ID_OFF);
IOSK_ASSERT(wire_zero, offsetof(struct iosk_wire_header, zero) == IOSK_WIRE_HEADER_ZERO_OFF);
IOSK_ASSERT(wire_header, sizeof(struct iosk_wire_header) == IOSK_WIRE_HEADER_SIZE);

#endif /* IOSTREAMKIT_ABI_WIRE_H */
