/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The user-client ABI of IOStreamKit, version 0: every number, record and layout
 * that the two sides of a session share. docs/reference/abi.md explains them.
 *
 * For C99, C11 and C++11, in user space, in a kernel and in a driver extension:
 * no functions are called, nothing is allocated, and all that is included are the
 * headers for fixed-width integers and offsetof. A test of the Go packages
 * compiles this file and compares every name, number, size and offset.
 *
 * Everything in memory is little-endian, and so is every machine that this works on.
 */
#ifndef IOSTREAMKIT_ABI_H
#define IOSTREAMKIT_ABI_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#else
#include <stdint.h>
#include <stddef.h>
#endif

#include "abi_errors.h"

/* IOSK_ASSERT fails to compile if cond is false; name makes it unique in C99. */
#if defined(__cplusplus)
#define IOSK_ASSERT(name, cond) static_assert(cond, #name)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define IOSK_ASSERT(name, cond) _Static_assert(cond, #name)
#else
#define IOSK_ASSERT(name, cond) typedef char iosk_assert_##name[(cond) ? 1 : -1]
#endif

/* A major version is incompatible with the one before; a minor version only adds. */
#define IOSK_ABI_MAJOR 0u
#define IOSK_ABI_MINOR 1u

/* ---- Selectors of external methods. 0 to 7 are Apple's. ---- */

#define IOSK_SEL_OPEN             0u /* in: 1 scalar, open options */
#define IOSK_SEL_CLOSE            1u
#define IOSK_SEL_START            2u
#define IOSK_SEL_STOP             3u /* out: 1 scalar, last sequence number given (may be absent) */
#define IOSK_SEL_SUSPEND          4u
#define IOSK_SEL_GET_MODE         5u /* out: 1 scalar, mode */
#define IOSK_SEL_SET_MODE         6u /* in: 1 scalar, mode */
#define IOSK_SEL_GET_BUFFER_COUNT 7u /* out: 1 scalar, count */

/* Extensions. A driver that lacks one answers UNSUPPORTED or BAD_ARGUMENT. */
#define IOSK_SEL_EXT_BASE      0x100u
#define IOSK_SEL_EXT_LAST      0x1ffu
#define IOSK_SEL_VENDOR_BASE   0x8000u /* the vendor's own, from here up */
#define IOSK_SEL_DESCRIBE      0x100u  /* out: bytes, a description */
#define IOSK_SEL_SELECT        0x101u  /* in: 2 scalars, features and layout */
#define IOSK_SEL_MEMORY_MAP    0x102u  /* out: bytes, a list of regions */
#define IOSK_SEL_STATS         0x103u  /* out: bytes, statistics */
#define IOSK_SEL_EVENTS        0x104u  /* in: 1 scalar, cursor; out: 2 scalars, next cursor and missed; bytes, events */
#define IOSK_SEL_CORRELATE     0x105u  /* out: 3 scalars, stream time, host time, uncertainty, in ns */
#define IOSK_SEL_GET_FORMAT    0x106u  /* out: bytes, a format */
#define IOSK_SEL_SET_FORMAT    0x107u  /* in: bytes, a format */
#define IOSK_SEL_OBSERVE       0x108u  /* out: bytes, an observation */
#define IOSK_SEL_INPUT_SYNC    0x109u  /* in: 1 scalar, token; out: 1 scalar, input index consumed */
#define IOSK_SEL_DOORBELL      0x10au  /* in: 1 scalar, token */
#define IOSK_SEL_ARM           0x10bu  /* in: 2 scalars, port and index seen */
#define IOSK_SEL_FLUSH         0x10cu  /* out: 1 scalar, entries flushed from the backlog */
#define IOSK_SEL_IOCTL         0x110u  /* start of a control conversation */
#define IOSK_SEL_IOCTL_DATA    0x111u  /* its continuation */
#define IOSK_SEL_IOCTL_ABANDON 0x112u  /* its end without a result */
#define IOSK_SEL_CONTROL_PUSH  0x113u  /* puts a module on top of the driver's stack */
#define IOSK_SEL_CONTROL_POP   0x114u  /* takes the top module off */
#define IOSK_SEL_CONTROL_NAMES 0x115u  /* names of the modules and of the driver */
#define IOSK_SEL_CONTROL_FLUSH 0x116u  /* throws away what is queued in the stack */
#define IOSK_SEL_CONTROL_LAST  0x11fu
#define IOSK_SEL_GROUP_BASE    0x120u /* reserved for grouped and timed start */
#define IOSK_SEL_GROUP_LAST    0x127u

/* ---- Memory types. The first four are Apple's; a buffer's type is OR-ed with its ID. ---- */

#define IOSK_MEM_OUTPUT_QUEUE   0x10000000u /* driver writes, client reads */
#define IOSK_MEM_INPUT_QUEUE    0x20000000u /* client writes, driver reads */
#define IOSK_MEM_BUFFER_DATA    0x30000000u /* | buffer ID */
#define IOSK_MEM_BUFFER_CONTROL 0x40000000u /* | buffer ID */
#define IOSK_MEM_TYPE_MASK      0xf0000000u
#define IOSK_MEM_BUFFER_ID_MASK 0x0fffffffu
#define IOSK_MEM_OUTPUT_READER  0x50000000u /* the client's words about the output queue */
#define IOSK_MEM_INPUT_READER   0x60000000u /* the driver's words about the input queue */
#define IOSK_MEM_DRIVER_ARENA   0x70000000u /* everything that the driver writes */
#define IOSK_MEM_CLIENT_ARENA   0x80000000u /* everything that the client writes */

#define IOSK_NO_BUFFER   0xffffffffu
#define IOSK_MAX_BUFFERS 65536u

/* ---- Ports, traps, open options, limits of a call. ---- */

#define IOSK_PORT_OUTPUT 0u
#define IOSK_PORT_INPUT  1u
#define IOSK_PORT_EVENTS 0x100u /* an extension */

#define IOSK_TRAP_ENQUEUE_INPUT      0u
#define IOSK_TRAP_ENQUEUE_INPUT_SYNC 1u

#define IOSK_OPEN_EXCLUSIVE 0x00010000u
#define IOSK_OPEN_SHARED    0x00020000u

#define IOSK_MAX_SCALARS        16u
#define IOSK_MAX_CLASSIC_STRUCT 4096u
#define IOSK_MAX_INLINE         65536u

/* ---- Enumerations. ---- */

#define IOSK_MODE_INPUT        0u /* to the device */
#define IOSK_MODE_OUTPUT       1u /* from the device; the default */
#define IOSK_MODE_INPUT_OUTPUT 2u

#define IOSK_LAYOUT_NATIVE  0u
#define IOSK_LAYOUT_CLASSIC 1u

#define IOSK_FEATURE_SEQUENCE    0x01ull /* entries carry a sequence number and a stamp */
#define IOSK_FEATURE_EVENTS      0x02ull /* IOSK_SEL_EVENTS and the events port */
#define IOSK_FEATURE_METADATA    0x04ull /* control regions start with an iosk_metadata */
#define IOSK_FEATURE_SHARED_WORD 0x08ull /* a sleeper may wait on the index word (a futex) */
#define IOSK_FEATURE_CONTROL     0x10ull /* IOSK_SEL_IOCTL and what follows it */
#define IOSK_KNOWN_FEATURES      0x0full /* what this version understands */

#define IOSK_MEM_HEAP    0u
#define IOSK_MEM_MEMFD   1u
#define IOSK_MEM_DMA_BUF 2u
#define IOSK_MEM_DEVICE  3u

#define IOSK_PORT_CHANNEL     0u
#define IOSK_PORT_EVENT_FD    1u
#define IOSK_PORT_SOCKET_PAIR 2u
#define IOSK_PORT_MACH        3u
#define IOSK_PORT_COMPLETION  4u

#define IOSK_CLOCK_NONE      0u
#define IOSK_CLOCK_MONOTONIC 1u
#define IOSK_CLOCK_DEVICE    2u

#define IOSK_POLICY_BLOCK       0u
#define IOSK_POLICY_DROP_NEWEST 1u
#define IOSK_POLICY_DROP_OLDEST 2u
#define IOSK_POLICY_FAIL        3u
#define IOSK_POLICY_DRIVER      4u

#define IOSK_FORMAT_RAW    0u
#define IOSK_FORMAT_VIDEO  1u
#define IOSK_FORMAT_AUDIO  2u
#define IOSK_FORMAT_IQ     3u
#define IOSK_FORMAT_VENDOR 0x8000u

#define IOSK_LOSS_DROP_NEWEST   0u
#define IOSK_LOSS_DROP_OLDEST   1u
#define IOSK_LOSS_FAIL          2u
#define IOSK_LOSS_STOPPED       3u
#define IOSK_LOSS_SESSION_ENDED 4u
#define IOSK_LOSS_FLUSHED       5u
#define IOSK_LOSS_MODULE        6u
#define IOSK_LOSS_DEVICE        7u
#define IOSK_CAUSES             8u

#define IOSK_EVENT_STATE_CHANGED    1u
#define IOSK_EVENT_MODE_CHANGED     2u
#define IOSK_EVENT_FORMAT_CHANGED   3u
#define IOSK_EVENT_PROPERTY_CHANGED 4u
#define IOSK_EVENT_CONTROL_CHANGED  5u
#define IOSK_EVENT_CLOCK_STEP       6u
#define IOSK_EVENT_SIGNAL_LOST      7u
#define IOSK_EVENT_SIGNAL_LOCKED    8u
#define IOSK_EVENT_OVERRUN_BEGAN    9u
#define IOSK_EVENT_OVERRUN_ENDED    10u
#define IOSK_EVENT_RESET            11u
#define IOSK_EVENT_GONE             12u
#define IOSK_EVENT_STREAM_ERROR     13u
#define IOSK_EVENT_STREAM_HANGUP    14u
#define IOSK_EVENT_STREAM_SIGNAL    15u
#define IOSK_EVENT_VENDOR           0x8000u

/* ---- Entries: 32 bytes in either layout. ---- */

struct iosk_entry {
	uint32_t buffer;
	uint32_t data_offset;
	uint32_t data_length;
	uint32_t control_offset;
	uint32_t control_length;
	uint32_t seq;   /* low 32 bits; zero and ignored without IOSK_FEATURE_SEQUENCE */
	uint64_t stamp; /* time in ns since the stream's epoch in bits 0 to 55, flags above */
};

#define IOSK_ENTRY_SIZE 32u
#define IOSK_MAX_TIME   0x00ffffffffffffffull

#define IOSK_FLAG_TIME          0x01u /* the time is valid */
#define IOSK_FLAG_DISCONTINUITY 0x02u /* something is missing before this entry */
#define IOSK_FLAG_PARTIAL       0x04u /* the data is corrupt or incomplete */
#define IOSK_FLAG_END           0x08u /* the stream ends with this entry */
#define IOSK_FLAG_KEY           0x10u /* a decoder can start here */
#define IOSK_FLAG_FLUSHED       0x20u /* returned unused because of a flush */

/* ---- The classic layout: Apple's header; entries follow it. ---- */

struct iosk_classic_header {
	uint32_t count;
	uint32_t head; /* which side owns it is learnt at run time */
	uint32_t tail;
	uint32_t reserved;
};

#define IOSK_CLASSIC_COUNT_OFF 0u
#define IOSK_CLASSIC_HEAD_OFF  4u
#define IOSK_CLASSIC_TAIL_OFF  8u
#define IOSK_CLASSIC_ENTRIES   16u

/* ---- The native layout: a ring, which the producer writes, and the reader's words. ----
 * Publish: write the entries, then exchange tail (a read-modify-write with
 * sequential consistency, or a release store and a full fence), then read wake; ring
 * if tail - wake - 1 < tail - old tail. Arm: exchange wake, full fence, read tail again.
 */

struct iosk_ring_header {
	uint32_t magic;
	uint32_t count;      /* a power of two */
	uint32_t entry;      /* offset of entry 0 */
	uint32_t entry_size; /* 32 */
	uint32_t reserved0[28];
	uint32_t tail;   /* free-running index of the next entry to be published */
	uint32_t cpu;    /* 1 + CPU that the producer last ran on, 0 unknown; a hint */
	uint32_t token;  /* of the last doorbell */
	uint32_t status; /* why no entry will follow: IOSK_STATUS_*, or an iosk_return */
	uint32_t wakes;  /* counts wake-ups: what a consumer sleeps on */
	uint32_t reserved1[27];
};

struct iosk_reader {
	uint32_t magic;
	uint32_t reserved0[31];
	uint32_t head; /* free-running index of the next entry to be read */
	uint32_t cpu;
	uint32_t reserved1[30];
	uint32_t wake; /* event index: ring when the tail passes it */
	uint32_t how;  /* IOSK_SLEEP_* */
	uint32_t reserved2[30];
};

#define IOSK_RING_MAGIC       0xa10c0001u /* the low 16 bits are the layout's version */
#define IOSK_READER_MAGIC     0xa10d0001u
#define IOSK_RING_MAGIC_OFF   0u
#define IOSK_RING_COUNT_OFF   4u
#define IOSK_RING_ENTRY_OFF   8u
#define IOSK_RING_SIZE_OFF    12u
#define IOSK_RING_TAIL_OFF    128u
#define IOSK_RING_CPU_OFF     132u
#define IOSK_RING_TOKEN_OFF   136u
#define IOSK_RING_STATUS_OFF  140u
#define IOSK_RING_WAKES_OFF   144u
#define IOSK_RING_ENTRIES     256u
#define IOSK_READER_MAGIC_OFF 0u
#define IOSK_READER_HEAD_OFF  128u
#define IOSK_READER_CPU_OFF   132u
#define IOSK_READER_WAKE_OFF  256u
#define IOSK_READER_HOW_OFF   260u
#define IOSK_READER_SIZE      384u
#define IOSK_MAX_COUNT        0x40000000u /* entries of a ring of either layout */

#define IOSK_STATUS_RUNNING 0u /* more may come */
#define IOSK_STATUS_END     1u /* the stream has come to its end */

#define IOSK_SLEEP_BELL 0u /* on its port: ring the bell */
#define IOSK_SLEEP_WORD 1u /* on the wakes word: wake it */

/* ---- States and operations. ---- */

#define IOSK_STATE_CLOSED    0u /* connected, not open */
#define IOSK_STATE_OPEN      1u /* open, not running */
#define IOSK_STATE_RUNNING   2u
#define IOSK_STATE_SUSPENDED 3u
#define IOSK_STATE_GONE      4u /* the session is over; final */
#define IOSK_STATES          5u

#define IOSK_OP_OPEN             0u
#define IOSK_OP_CLOSE            1u
#define IOSK_OP_START            2u
#define IOSK_OP_STOP             3u
#define IOSK_OP_SUSPEND          4u
#define IOSK_OP_GET_MODE         5u
#define IOSK_OP_SET_MODE         6u
#define IOSK_OP_GET_BUFFER_COUNT 7u
#define IOSK_OP_DESCRIBE         8u
#define IOSK_OP_SELECT           9u
#define IOSK_OP_MAP              10u
#define IOSK_OP_DEQUEUE          11u
#define IOSK_OP_ENQUEUE          12u
#define IOSK_OP_INPUT_SYNC       13u
#define IOSK_OP_GET_FORMAT       14u
#define IOSK_OP_SET_FORMAT       15u
#define IOSK_OP_CORRELATE        16u
#define IOSK_OP_EVENTS           17u
#define IOSK_OP_FLUSH            18u
#define IOSK_OP_CONTROL          19u
#define IOSK_OP_HANGUP           20u
#define IOSK_OPERATIONS          21u

#include "abi_state.h"
#include "abi_records.h"
#include "abi_wire.h"

/* ---- Sizes and offsets, as the compiler sees them. ---- */

IOSK_ASSERT(entry_size, sizeof(struct iosk_entry) == IOSK_ENTRY_SIZE);
IOSK_ASSERT(entry_seq, offsetof(struct iosk_entry, seq) == 20);
IOSK_ASSERT(entry_stamp, offsetof(struct iosk_entry, stamp) == 24);
IOSK_ASSERT(classic_count, offsetof(struct iosk_classic_header, count) == IOSK_CLASSIC_COUNT_OFF);
IOSK_ASSERT(classic_head, offsetof(struct iosk_classic_header, head) == IOSK_CLASSIC_HEAD_OFF);
IOSK_ASSERT(classic_tail, offsetof(struct iosk_classic_header, tail) == IOSK_CLASSIC_TAIL_OFF);
IOSK_ASSERT(classic_size, sizeof(struct iosk_classic_header) == IOSK_CLASSIC_ENTRIES);
IOSK_ASSERT(ring_magic, offsetof(struct iosk_ring_header, magic) == IOSK_RING_MAGIC_OFF);
IOSK_ASSERT(ring_count, offsetof(struct iosk_ring_header, count) == IOSK_RING_COUNT_OFF);
IOSK_ASSERT(ring_entry, offsetof(struct iosk_ring_header, entry) == IOSK_RING_ENTRY_OFF);
IOSK_ASSERT(ring_entry_size, offsetof(struct iosk_ring_header, entry_size) == IOSK_RING_SIZE_OFF);
IOSK_ASSERT(ring_tail, offsetof(struct iosk_ring_header, tail) == IOSK_RING_TAIL_OFF);
IOSK_ASSERT(ring_cpu, offsetof(struct iosk_ring_header, cpu) == IOSK_RING_CPU_OFF);
IOSK_ASSERT(ring_token, offsetof(struct iosk_ring_header, token) == IOSK_RING_TOKEN_OFF);
IOSK_ASSERT(ring_wakes, offsetof(struct iosk_ring_header, wakes) == IOSK_RING_WAKES_OFF);
IOSK_ASSERT(ring_status, offsetof(struct iosk_ring_header, status) == IOSK_RING_STATUS_OFF);
IOSK_ASSERT(ring_entries, sizeof(struct iosk_ring_header) == IOSK_RING_ENTRIES);
IOSK_ASSERT(reader_magic, offsetof(struct iosk_reader, magic) == IOSK_READER_MAGIC_OFF);
IOSK_ASSERT(reader_head, offsetof(struct iosk_reader, head) == IOSK_READER_HEAD_OFF);
IOSK_ASSERT(reader_cpu, offsetof(struct iosk_reader, cpu) == IOSK_READER_CPU_OFF);
IOSK_ASSERT(reader_wake, offsetof(struct iosk_reader, wake) == IOSK_READER_WAKE_OFF);
IOSK_ASSERT(reader_how, offsetof(struct iosk_reader, how) == IOSK_READER_HOW_OFF);
IOSK_ASSERT(reader_size, sizeof(struct iosk_reader) == IOSK_READER_SIZE);

#endif /* IOSTREAMKIT_ABI_H */
