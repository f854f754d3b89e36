/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The records of the ABI: descriptions, formats, statistics, events. Included by
 * abi.h, not by itself.
 *
 * A record is its total size (uint32_t, itself included) and then fields without
 * padding: an iosk_field and its value. Fields may stand at any address: copy them
 * with memcpy. Unknown fields are skipped unless IOSK_FIELD_MUST is set, missing
 * ones are zero, and a field that comes too often, or is cut off, makes the whole
 * record invalid. Texts are UTF-8 without control characters and without a zero.
 */
#ifndef IOSTREAMKIT_ABI_RECORDS_H
#define IOSTREAMKIT_ABI_RECORDS_H

struct iosk_field {
	uint16_t tag;
	uint16_t flags;
	uint32_t length; /* of the value, which follows */
};

#define IOSK_RECORD_HEADER_SIZE 4u
#define IOSK_FIELD_HEADER_SIZE  8u
#define IOSK_FIELD_MUST         0x0001u /* a reader that does not know it must refuse the record */

/* Limits. */
#define IOSK_MAX_TEXT         255u
#define IOSK_MAX_PROPERTIES   64u
#define IOSK_MAX_FORMAT_EXTRA 4096u
#define IOSK_MAX_LOSS_LOG     64u
#define IOSK_MAX_EVENTS       256u
#define IOSK_MAX_REGIONS      1024u
#define IOSK_MAX_NAME         96u /* bytes of "vendor/device/stream" */
#define IOSK_MAX_NAME_PART    48u

/* Fields of a description. */
#define IOSK_TAG_DESC_ABI        1u /* struct iosk_abi_range */
#define IOSK_TAG_DESC_NAME       2u /* text */
#define IOSK_TAG_DESC_INDEX      3u /* uint32_t */
#define IOSK_TAG_DESC_INSTANCE   4u /* uint64_t */
#define IOSK_TAG_DESC_GENERATION 5u /* uint32_t */
#define IOSK_TAG_DESC_DRIVER     6u /* text */
#define IOSK_TAG_DESC_VERSION    7u /* text */
#define IOSK_TAG_DESC_MODE       8u /* uint32_t */
#define IOSK_TAG_DESC_MODES      9u /* uint32_t, bit 1 << mode */
#define IOSK_TAG_DESC_LAYOUTS    10u /* uint32_t, bit 1 << layout */
#define IOSK_TAG_DESC_RING_COUNT 11u /* uint32_t */
#define IOSK_TAG_DESC_BUFFERS    12u /* struct iosk_buffer_shape */
#define IOSK_TAG_DESC_PORTS      13u /* uint32_t, IOSK_PORT_CHANNEL, ... */
#define IOSK_TAG_DESC_CLOCK      14u /* struct iosk_clock */
#define IOSK_TAG_DESC_POLICY     15u /* uint32_t */
#define IOSK_TAG_DESC_BACKLOG    16u /* uint32_t */
#define IOSK_TAG_DESC_CLIENTS    17u /* uint32_t */
#define IOSK_TAG_DESC_OBSERVERS  18u /* uint32_t */
#define IOSK_TAG_DESC_OFFERED    19u /* uint64_t */
#define IOSK_TAG_DESC_REQUIRED   20u /* uint64_t */
#define IOSK_TAG_DESC_SELECTORS  21u /* uint64_t[8], bitmap of selectors 0x000 to 0x1ff */
#define IOSK_TAG_DESC_MAX_COPY   22u /* uint32_t */
#define IOSK_TAG_DESC_MAX_ROUNDS 23u /* uint32_t */
#define IOSK_TAG_DESC_FORMAT     24u /* a format record */
#define IOSK_TAG_DESC_PROPERTY   25u /* repeated: uint8_t length of the key, key, value */
#define IOSK_TAG_DESC_FLAGS      26u /* uint32_t: 1 shared memory, 2 sync needed, 4 direct control */

/* Fields of a format. All but the last are uint32_t. */
#define IOSK_TAG_FORMAT_KIND     1u
#define IOSK_TAG_FORMAT_CODE     2u
#define IOSK_TAG_FORMAT_EPOCH    3u
#define IOSK_TAG_FORMAT_WIDTH    4u
#define IOSK_TAG_FORMAT_HEIGHT   5u
#define IOSK_TAG_FORMAT_STRIDE   6u
#define IOSK_TAG_FORMAT_RATE_NUM 7u
#define IOSK_TAG_FORMAT_RATE_DEN 8u
#define IOSK_TAG_FORMAT_CHANNELS 9u
#define IOSK_TAG_FORMAT_BITS     10u
#define IOSK_TAG_FORMAT_EXTRA    11u /* bytes */

/* Fields of statistics. */
#define IOSK_TAG_STATS_FLAGS      1u /* uint32_t: 1 numbered */
#define IOSK_TAG_STATS_LAST_SEQ   2u /* uint64_t */
#define IOSK_TAG_STATS_POSTED     3u /* uint64_t */
#define IOSK_TAG_STATS_RETURNED   4u /* uint64_t */
#define IOSK_TAG_STATS_BACKLOGGED 5u /* uint64_t */
#define IOSK_TAG_STATS_LOST       6u /* uint64_t[IOSK_CAUSES] */
#define IOSK_TAG_STATS_BYTES      7u /* uint64_t */
#define IOSK_TAG_STATS_COPIES     8u /* uint64_t */
#define IOSK_TAG_STATS_RINGS      9u /* uint64_t */
#define IOSK_TAG_STATS_WAKEUPS    10u /* uint64_t */
#define IOSK_TAG_STATS_LOSS       11u /* repeated: struct iosk_loss */
#define IOSK_TAG_STATS_DISCARDED  12u /* uint64_t */

/* Fields of an observation. */
#define IOSK_TAG_OBS_STATE  1u /* uint32_t */
#define IOSK_TAG_OBS_PID    2u /* int64_t; missing is -1 */
#define IOSK_TAG_OBS_UID    3u /* int64_t; missing is -1 */
#define IOSK_TAG_OBS_OWNER  4u /* text */
#define IOSK_TAG_OBS_OPENED 5u /* int64_t */
#define IOSK_TAG_OBS_STATS  6u /* a statistics record */

/* Fields of the memory map and of a list of events. */
#define IOSK_TAG_REGION 1u /* repeated: struct iosk_region */
#define IOSK_TAG_EVENT  1u /* repeated: struct iosk_event, and the text */

struct iosk_abi_range {
	uint16_t min_major, min_minor;
	uint16_t max_major, max_minor;
};

struct iosk_buffer_shape {
	uint32_t count;
	uint32_t data_size;
	uint32_t control_size;
	uint32_t alignment;
	uint32_t kind;  /* IOSK_MEM_HEAP, ... */
	uint32_t flags; /* 1: read-only for the client */
};

struct iosk_clock {
	uint32_t id; /* IOSK_CLOCK_* */
	uint32_t reserved;
	int64_t epoch;      /* host monotonic time, ns, at stream time 0 */
	int64_t resolution; /* ns */
	uint64_t tick_rate; /* ticks per second, 0 if the clock is the host's */
};

struct iosk_loss {
	int64_t time; /* stream time, ns */
	uint32_t cause;
	uint32_t count;
	uint64_t last_seq;
	uint32_t free, backlog, posted;
	uint32_t reserved;
};

struct iosk_region {
	uint32_t type;  /* first memory type; the next one is type + 1 */
	uint32_t count; /* regions of consecutive types, each stride bytes after the one before */
	uint32_t arena; /* IOSK_MEM_DRIVER_ARENA or IOSK_MEM_CLIENT_ARENA */
	uint32_t reserved;
	uint64_t offset;
	uint64_t length;
	uint64_t stride;
};

struct iosk_event {
	uint32_t kind; /* IOSK_EVENT_* */
	uint32_t reserved;
	int64_t time; /* stream time, ns */
	uint64_t value;
};

/* iosk_metadata stands at the start of a control region with IOSK_FEATURE_METADATA. */
struct iosk_metadata {
	uint32_t flags; /* IOSK_FLAG_* */
	uint32_t format_epoch;
	uint64_t device_time; /* ticks of the device's clock */
	uint64_t trigger_id;
	uint64_t sequence;
	uint64_t reserved[4];
};

#define IOSK_METADATA_SIZE         64u
#define IOSK_METADATA_FLAGS_OFF    0u
#define IOSK_METADATA_EPOCH_OFF    4u
#define IOSK_METADATA_TIME_OFF     8u
#define IOSK_METADATA_TRIGGER_OFF  16u
#define IOSK_METADATA_SEQUENCE_OFF 24u

IOSK_ASSERT(field_size, sizeof(struct iosk_field) == IOSK_FIELD_HEADER_SIZE);
IOSK_ASSERT(abi_range_size, sizeof(struct iosk_abi_range) == 8);
IOSK_ASSERT(buffer_shape_size, sizeof(struct iosk_buffer_shape) == 24);
IOSK_ASSERT(clock_size, sizeof(struct iosk_clock) == 32);
IOSK_ASSERT(loss_size, sizeof(struct iosk_loss) == 40);
IOSK_ASSERT(region_size, sizeof(struct iosk_region) == 40);
IOSK_ASSERT(event_size, sizeof(struct iosk_event) == 24);
IOSK_ASSERT(metadata_size, sizeof(struct iosk_metadata) == IOSK_METADATA_SIZE);
IOSK_ASSERT(metadata_flags, offsetof(struct iosk_metadata, flags) == IOSK_METADATA_FLAGS_OFF);
IOSK_ASSERT(metadata_epoch, offsetof(struct iosk_metadata, format_epoch) == IOSK_METADATA_EPOCH_OFF);
IOSK_ASSERT(metadata_time, offsetof(struct iosk_metadata, device_time) == IOSK_METADATA_TIME_OFF);
IOSK_ASSERT(metadata_trigger, offsetof(struct iosk_metadata, trigger_id) == IOSK_METADATA_TRIGGER_OFF);
IOSK_ASSERT(metadata_sequence, offsetof(struct iosk_metadata, sequence) == IOSK_METADATA_SEQUENCE_OFF);

#endif /* IOSTREAMKIT_ABI_RECORDS_H */
