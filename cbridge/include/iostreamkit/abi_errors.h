/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Results and rules of the ABI. Included by abi.h. docs/reference/errors.md has a
 * paragraph about each, under its stable code.
 *
 * The two lists are for programs that want a table: define X, use the list, and
 * undefine X. A test compares them with the Go package that this project keeps
 * its errors in.
 */
#ifndef IOSTREAMKIT_ABI_ERRORS_H
#define IOSTREAMKIT_ABI_ERRORS_H

/* iosk_return is a result: zero is success, anything else is an error. */
typedef int32_t iosk_return;

#define IOSK_RETURN_SUCCESS                 ((iosk_return)0x00000000u)
#define IOSK_RETURN_INVALID                 ((iosk_return)0xe0000001u)
#define IOSK_RETURN_ERROR                   ((iosk_return)0xe00002bcu)
#define IOSK_RETURN_NO_MEMORY               ((iosk_return)0xe00002bdu)
#define IOSK_RETURN_NO_RESOURCES            ((iosk_return)0xe00002beu)
#define IOSK_RETURN_IPC_ERROR               ((iosk_return)0xe00002bfu)
#define IOSK_RETURN_NO_DEVICE               ((iosk_return)0xe00002c0u)
#define IOSK_RETURN_NOT_PRIVILEGED          ((iosk_return)0xe00002c1u)
#define IOSK_RETURN_BAD_ARGUMENT            ((iosk_return)0xe00002c2u)
#define IOSK_RETURN_LOCKED_READ             ((iosk_return)0xe00002c3u)
#define IOSK_RETURN_LOCKED_WRITE            ((iosk_return)0xe00002c4u)
#define IOSK_RETURN_EXCLUSIVE_ACCESS        ((iosk_return)0xe00002c5u)
#define IOSK_RETURN_BAD_MESSAGE_ID          ((iosk_return)0xe00002c6u)
#define IOSK_RETURN_UNSUPPORTED             ((iosk_return)0xe00002c7u)
#define IOSK_RETURN_VM_ERROR                ((iosk_return)0xe00002c8u)
#define IOSK_RETURN_INTERNAL_ERROR          ((iosk_return)0xe00002c9u)
#define IOSK_RETURN_IO_ERROR                ((iosk_return)0xe00002cau)
#define IOSK_RETURN_CANNOT_LOCK             ((iosk_return)0xe00002ccu)
#define IOSK_RETURN_NOT_OPEN                ((iosk_return)0xe00002cdu)
#define IOSK_RETURN_NOT_READABLE            ((iosk_return)0xe00002ceu)
#define IOSK_RETURN_NOT_WRITABLE            ((iosk_return)0xe00002cfu)
#define IOSK_RETURN_NOT_ALIGNED             ((iosk_return)0xe00002d0u)
#define IOSK_RETURN_BAD_MEDIA               ((iosk_return)0xe00002d1u)
#define IOSK_RETURN_STILL_OPEN              ((iosk_return)0xe00002d2u)
#define IOSK_RETURN_RLD_ERROR               ((iosk_return)0xe00002d3u)
#define IOSK_RETURN_DMA_ERROR               ((iosk_return)0xe00002d4u)
#define IOSK_RETURN_BUSY                    ((iosk_return)0xe00002d5u)
#define IOSK_RETURN_TIMEOUT                 ((iosk_return)0xe00002d6u)
#define IOSK_RETURN_OFFLINE                 ((iosk_return)0xe00002d7u)
#define IOSK_RETURN_NOT_READY               ((iosk_return)0xe00002d8u)
#define IOSK_RETURN_NOT_ATTACHED            ((iosk_return)0xe00002d9u)
#define IOSK_RETURN_NO_CHANNELS             ((iosk_return)0xe00002dau)
#define IOSK_RETURN_NO_SPACE                ((iosk_return)0xe00002dbu)
#define IOSK_RETURN_PORT_EXISTS             ((iosk_return)0xe00002ddu)
#define IOSK_RETURN_CANNOT_WIRE             ((iosk_return)0xe00002deu)
#define IOSK_RETURN_NO_INTERRUPT            ((iosk_return)0xe00002dfu)
#define IOSK_RETURN_NO_FRAMES               ((iosk_return)0xe00002e0u)
#define IOSK_RETURN_MESSAGE_TOO_LARGE       ((iosk_return)0xe00002e1u)
#define IOSK_RETURN_NOT_PERMITTED           ((iosk_return)0xe00002e2u)
#define IOSK_RETURN_NO_POWER                ((iosk_return)0xe00002e3u)
#define IOSK_RETURN_NO_MEDIA                ((iosk_return)0xe00002e4u)
#define IOSK_RETURN_UNFORMATTED_MEDIA       ((iosk_return)0xe00002e5u)
#define IOSK_RETURN_UNSUPPORTED_MODE        ((iosk_return)0xe00002e6u)
#define IOSK_RETURN_UNDERRUN                ((iosk_return)0xe00002e7u)
#define IOSK_RETURN_OVERRUN                 ((iosk_return)0xe00002e8u)
#define IOSK_RETURN_DEVICE_ERROR            ((iosk_return)0xe00002e9u)
#define IOSK_RETURN_NO_COMPLETION           ((iosk_return)0xe00002eau)
#define IOSK_RETURN_ABORTED                 ((iosk_return)0xe00002ebu)
#define IOSK_RETURN_NO_BANDWIDTH            ((iosk_return)0xe00002ecu)
#define IOSK_RETURN_NOT_RESPONDING          ((iosk_return)0xe00002edu)
#define IOSK_RETURN_ISO_TOO_OLD             ((iosk_return)0xe00002eeu)
#define IOSK_RETURN_ISO_TOO_NEW             ((iosk_return)0xe00002efu)
#define IOSK_RETURN_NOT_FOUND               ((iosk_return)0xe00002f0u)

/* Results of the Mach calls beneath IOKit on macOS. */
#define IOSK_RETURN_MACH_SEND_INVALID_DATA  ((iosk_return)0x10000002u)
#define IOSK_RETURN_MACH_SEND_INVALID_DEST  ((iosk_return)0x10000003u)
#define IOSK_RETURN_MACH_SEND_TIMED_OUT     ((iosk_return)0x10000004u)
#define IOSK_RETURN_MACH_SEND_INTERRUPTED   ((iosk_return)0x10000007u)
#define IOSK_RETURN_MACH_SEND_INVALID_RIGHT ((iosk_return)0x1000000au)
#define IOSK_RETURN_MACH_SEND_NO_BUFFER     ((iosk_return)0x1000000du)
#define IOSK_RETURN_MACH_SEND_TOO_LARGE     ((iosk_return)0x1000000eu)
#define IOSK_RETURN_MACH_RCV_INVALID_NAME   ((iosk_return)0x10004002u)
#define IOSK_RETURN_MACH_RCV_TIMED_OUT      ((iosk_return)0x10004003u)
#define IOSK_RETURN_MACH_RCV_TOO_LARGE      ((iosk_return)0x10004004u)
#define IOSK_RETURN_MACH_RCV_INTERRUPTED    ((iosk_return)0x10004005u)
#define IOSK_RETURN_MACH_RCV_PORT_CHANGED   ((iosk_return)0x10004006u)
#define IOSK_RETURN_MACH_RCV_PORT_DIED      ((iosk_return)0x10004009u)
#define IOSK_RETURN_MACH_RCV_IN_SET         ((iosk_return)0x1000400au)
#define IOSK_RETURN_MIG_TRAILER_ERROR       ((iosk_return)0xfffffecbu)
#define IOSK_RETURN_MIG_SERVER_DIED         ((iosk_return)0xfffffeccu)
#define IOSK_RETURN_MIG_ARRAY_TOO_LARGE     ((iosk_return)0xfffffecdu)
#define IOSK_RETURN_MIG_EXCEPTION           ((iosk_return)0xfffffeceu)
#define IOSK_RETURN_MIG_NO_REPLY            ((iosk_return)0xfffffecfu)
#define IOSK_RETURN_MIG_BAD_ARGUMENTS       ((iosk_return)0xfffffed0u)
#define IOSK_RETURN_MIG_BAD_ID              ((iosk_return)0xfffffed1u)
#define IOSK_RETURN_MIG_REMOTE_ERROR        ((iosk_return)0xfffffed2u)
#define IOSK_RETURN_MIG_REPLY_MISMATCH      ((iosk_return)0xfffffed3u)
#define IOSK_RETURN_MIG_TYPE_ERROR          ((iosk_return)0xfffffed4u)

/* X(name without IOSK_RETURN_, Apple's name, stable code, text) */
#define IOSK_RETURN_LIST(X) \
	X(SUCCESS, "kIOReturnSuccess", "", "ok") \
	X(INVALID, "kIOReturnInvalid", "IOSK-E0001", "a result that must never be seen") \
	X(ERROR, "kIOReturnError", "IOSK-E02BC", "general error") \
	X(NO_MEMORY, "kIOReturnNoMemory", "IOSK-E02BD", "out of memory") \
	X(NO_RESOURCES, "kIOReturnNoResources", "IOSK-E02BE", "out of a resource") \
	X(IPC_ERROR, "kIOReturnIPCError", "IOSK-E02BF", "the message between client and driver was wrong") \
	X(NO_DEVICE, "kIOReturnNoDevice", "IOSK-E02C0", "the device is not there") \
	X(NOT_PRIVILEGED, "kIOReturnNotPrivileged", "IOSK-E02C1", "more privilege is needed") \
	X(BAD_ARGUMENT, "kIOReturnBadArgument", "IOSK-E02C2", "bad argument") \
	X(LOCKED_READ, "kIOReturnLockedRead", "IOSK-E02C3", "locked for reading") \
	X(LOCKED_WRITE, "kIOReturnLockedWrite", "IOSK-E02C4", "locked for writing") \
	X(EXCLUSIVE_ACCESS, "kIOReturnExclusiveAccess", "IOSK-E02C5", "another client has it open for itself") \
	X(BAD_MESSAGE_ID, "kIOReturnBadMessageID", "IOSK-E02C6", "a message carries the wrong number") \
	X(UNSUPPORTED, "kIOReturnUnsupported", "IOSK-E02C7", "not supported by the driver") \
	X(VM_ERROR, "kIOReturnVMError", "IOSK-E02C8", "the memory could not be mapped") \
	X(INTERNAL_ERROR, "kIOReturnInternalError", "IOSK-E02C9", "internal error of the driver") \
	X(IO_ERROR, "kIOReturnIOError", "IOSK-E02CA", "input or output failed") \
	X(CANNOT_LOCK, "kIOReturnCannotLock", "IOSK-E02CC", "the lock could not be taken") \
	X(NOT_OPEN, "kIOReturnNotOpen", "IOSK-E02CD", "the stream is not open") \
	X(NOT_READABLE, "kIOReturnNotReadable", "IOSK-E02CE", "reading is not allowed") \
	X(NOT_WRITABLE, "kIOReturnNotWritable", "IOSK-E02CF", "writing is not allowed") \
	X(NOT_ALIGNED, "kIOReturnNotAligned", "IOSK-E02D0", "an address or length is not aligned") \
	X(BAD_MEDIA, "kIOReturnBadMedia", "IOSK-E02D1", "the medium is faulty") \
	X(STILL_OPEN, "kIOReturnStillOpen", "IOSK-E02D2", "the stream is open already") \
	X(RLD_ERROR, "kIOReturnRLDError", "IOSK-E02D3", "the loader failed") \
	X(DMA_ERROR, "kIOReturnDMAError", "IOSK-E02D4", "a DMA transfer failed") \
	X(BUSY, "kIOReturnBusy", "IOSK-E02D5", "busy") \
	X(TIMEOUT, "kIOReturnTimeout", "IOSK-E02D6", "the device did not finish in time") \
	X(OFFLINE, "kIOReturnOffline", "IOSK-E02D7", "the device is offline") \
	X(NOT_READY, "kIOReturnNotReady", "IOSK-E02D8", "not ready") \
	X(NOT_ATTACHED, "kIOReturnNotAttached", "IOSK-E02D9", "the device is not attached") \
	X(NO_CHANNELS, "kIOReturnNoChannels", "IOSK-E02DA", "no DMA channel is free") \
	X(NO_SPACE, "kIOReturnNoSpace", "IOSK-E02DB", "no room for the data") \
	X(PORT_EXISTS, "kIOReturnPortExists", "IOSK-E02DD", "a port of this kind was registered already") \
	X(CANNOT_WIRE, "kIOReturnCannotWire", "IOSK-E02DE", "the memory could not be pinned") \
	X(NO_INTERRUPT, "kIOReturnNoInterrupt", "IOSK-E02DF", "the device has no interrupt") \
	X(NO_FRAMES, "kIOReturnNoFrames", "IOSK-E02E0", "no DMA frame is queued") \
	X(MESSAGE_TOO_LARGE, "kIOReturnMessageTooLarge", "IOSK-E02E1", "the message is too large") \
	X(NOT_PERMITTED, "kIOReturnNotPermitted", "IOSK-E02E2", "not permitted") \
	X(NO_POWER, "kIOReturnNoPower", "IOSK-E02E3", "the device has no power") \
	X(NO_MEDIA, "kIOReturnNoMedia", "IOSK-E02E4", "there is no medium") \
	X(UNFORMATTED_MEDIA, "kIOReturnUnformattedMedia", "IOSK-E02E5", "the medium is not formatted") \
	X(UNSUPPORTED_MODE, "kIOReturnUnsupportedMode", "IOSK-E02E6", "no such mode") \
	X(UNDERRUN, "kIOReturnUnderrun", "IOSK-E02E7", "nothing was there when data was needed") \
	X(OVERRUN, "kIOReturnOverrun", "IOSK-E02E8", "no buffer was free when data came") \
	X(DEVICE_ERROR, "kIOReturnDeviceError", "IOSK-E02E9", "the device is faulty") \
	X(NO_COMPLETION, "kIOReturnNoCompletion", "IOSK-E02EA", "a completion is needed") \
	X(ABORTED, "kIOReturnAborted", "IOSK-E02EB", "aborted") \
	X(NO_BANDWIDTH, "kIOReturnNoBandwidth", "IOSK-E02EC", "the bus has no bandwidth left") \
	X(NOT_RESPONDING, "kIOReturnNotResponding", "IOSK-E02ED", "the device does not respond") \
	X(ISO_TOO_OLD, "kIOReturnIsoTooOld", "IOSK-E02EE", "an isochronous request came too late") \
	X(ISO_TOO_NEW, "kIOReturnIsoTooNew", "IOSK-E02EF", "an isochronous request is too far ahead") \
	X(NOT_FOUND, "kIOReturnNotFound", "IOSK-E02F0", "not found") \
	X(MACH_SEND_INVALID_DATA, "MACH_SEND_INVALID_DATA", "IOSK-E2002", "the message could not be read") \
	X(MACH_SEND_INVALID_DEST, "MACH_SEND_INVALID_DEST", "IOSK-E2003", "the receiver's port is dead") \
	X(MACH_SEND_TIMED_OUT, "MACH_SEND_TIMED_OUT", "IOSK-E2004", "the receiver's queue stayed full") \
	X(MACH_SEND_INTERRUPTED, "MACH_SEND_INTERRUPTED", "IOSK-E2007", "sending was interrupted") \
	X(MACH_SEND_INVALID_RIGHT, "MACH_SEND_INVALID_RIGHT", "IOSK-E200A", "the message names a right that does not exist") \
	X(MACH_SEND_NO_BUFFER, "MACH_SEND_NO_BUFFER", "IOSK-E200D", "the kernel had no memory for the message") \
	X(MACH_SEND_TOO_LARGE, "MACH_SEND_TOO_LARGE", "IOSK-E200E", "the message is too large to be sent") \
	X(MACH_RCV_INVALID_NAME, "MACH_RCV_INVALID_NAME", "IOSK-E2102", "the port to receive on does not exist") \
	X(MACH_RCV_TIMED_OUT, "MACH_RCV_TIMED_OUT", "IOSK-E2103", "no message came in time") \
	X(MACH_RCV_TOO_LARGE, "MACH_RCV_TOO_LARGE", "IOSK-E2104", "a message was larger than its receiver allows for") \
	X(MACH_RCV_INTERRUPTED, "MACH_RCV_INTERRUPTED", "IOSK-E2105", "receiving was interrupted") \
	X(MACH_RCV_PORT_CHANGED, "MACH_RCV_PORT_CHANGED", "IOSK-E2106", "the port was moved while somebody received on it") \
	X(MACH_RCV_PORT_DIED, "MACH_RCV_PORT_DIED", "IOSK-E2109", "the port was closed while somebody received on it") \
	X(MACH_RCV_IN_SET, "MACH_RCV_IN_SET", "IOSK-E210A", "the port belongs to a port set") \
	X(MIG_TRAILER_ERROR, "MIG_TRAILER_ERROR", "IOSK-E2209", "the end of a message is malformed") \
	X(MIG_SERVER_DIED, "MIG_SERVER_DIED", "IOSK-E2208", "the server died during the call") \
	X(MIG_ARRAY_TOO_LARGE, "MIG_ARRAY_TOO_LARGE", "IOSK-E2207", "the caller's array is too small for the answer") \
	X(MIG_EXCEPTION, "MIG_EXCEPTION", "IOSK-E2206", "the server raised an exception") \
	X(MIG_NO_REPLY, "MIG_NO_REPLY", "IOSK-E2205", "the server must not reply to this message") \
	X(MIG_BAD_ARGUMENTS, "MIG_BAD_ARGUMENTS", "IOSK-E2204", "the server found the arguments malformed") \
	X(MIG_BAD_ID, "MIG_BAD_ID", "IOSK-E2203", "the server does not know this message") \
	X(MIG_REMOTE_ERROR, "MIG_REMOTE_ERROR", "IOSK-E2202", "the server detected an error") \
	X(MIG_REPLY_MISMATCH, "MIG_REPLY_MISMATCH", "IOSK-E2201", "the reply belongs to another call") \
	X(MIG_TYPE_ERROR, "MIG_TYPE_ERROR", "IOSK-E2200", "a field of the message has the wrong type")

/* Rules that both sides keep. A number is never used again. */
#define IOSK_RULE_QUEUE_MAGIC    0x1001u
#define IOSK_RULE_QUEUE_GEOMETRY 0x1002u
#define IOSK_RULE_QUEUE_INDEX    0x1003u
#define IOSK_RULE_QUEUE_FULL     0x1004u
#define IOSK_RULE_ENTRY_BUFFER   0x1005u
#define IOSK_RULE_ENTRY_RANGE    0x1006u
#define IOSK_RULE_ENTRY_OWNER    0x1007u
#define IOSK_RULE_QUEUE_ROLES    0x1008u
#define IOSK_RULE_ENTRY_SEQ      0x1009u
#define IOSK_RULE_FRAME_SIZE     0x1101u
#define IOSK_RULE_FRAME_TYPE     0x1102u
#define IOSK_RULE_FRAME_FDS      0x1103u
#define IOSK_RULE_FRAME_ID       0x1104u
#define IOSK_RULE_FRAME_LIMIT    0x1105u
#define IOSK_RULE_HANDSHAKE      0x1106u
#define IOSK_RULE_VERSION        0x1107u
#define IOSK_RULE_PEER_STALLED   0x1108u
#define IOSK_RULE_DESCRIBE       0x1109u
#define IOSK_RULE_ANSWER         0x110au
#define IOSK_RULE_MEMORY_SIZE    0x1201u
#define IOSK_RULE_MEMORY_SEALS   0x1202u
#define IOSK_RULE_MEMORY_KIND    0x1203u
#define IOSK_RULE_MEMORY_RANGE   0x1204u
#define IOSK_RULE_STATE_ANSWER   0x1301u
#define IOSK_RULE_BELL_BLOCKED   0x1302u

/* X(name without IOSK_RULE_, name in errors, stable code) */
#define IOSK_RULE_LIST(X) \
	X(QUEUE_MAGIC, "QUEUE-MAGIC", "IOSK-E1001") \
	X(QUEUE_GEOMETRY, "QUEUE-GEOMETRY", "IOSK-E1002") \
	X(QUEUE_INDEX, "QUEUE-INDEX", "IOSK-E1003") \
	X(QUEUE_FULL, "QUEUE-FULL", "IOSK-E1004") \
	X(ENTRY_BUFFER, "ENTRY-BUFFER", "IOSK-E1005") \
	X(ENTRY_RANGE, "ENTRY-RANGE", "IOSK-E1006") \
	X(ENTRY_OWNER, "ENTRY-OWNER", "IOSK-E1007") \
	X(QUEUE_ROLES, "QUEUE-ROLES", "IOSK-E1008") \
	X(ENTRY_SEQ, "ENTRY-SEQ", "IOSK-E1009") \
	X(FRAME_SIZE, "FRAME-SIZE", "IOSK-E1101") \
	X(FRAME_TYPE, "FRAME-TYPE", "IOSK-E1102") \
	X(FRAME_FDS, "FRAME-FDS", "IOSK-E1103") \
	X(FRAME_ID, "FRAME-ID", "IOSK-E1104") \
	X(FRAME_LIMIT, "FRAME-LIMIT", "IOSK-E1105") \
	X(HANDSHAKE, "HANDSHAKE", "IOSK-E1106") \
	X(VERSION, "VERSION", "IOSK-E1107") \
	X(PEER_STALLED, "PEER-STALLED", "IOSK-E1108") \
	X(DESCRIBE, "DESCRIBE", "IOSK-E1109") \
	X(ANSWER, "ANSWER", "IOSK-E110A") \
	X(MEMORY_SIZE, "MEMORY-SIZE", "IOSK-E1201") \
	X(MEMORY_SEALS, "MEMORY-SEALS", "IOSK-E1202") \
	X(MEMORY_KIND, "MEMORY-KIND", "IOSK-E1203") \
	X(MEMORY_RANGE, "MEMORY-RANGE", "IOSK-E1204") \
	X(STATE_ANSWER, "STATE-ANSWER", "IOSK-E1301") \
	X(BELL_BLOCKED, "BELL-BLOCKED", "IOSK-E1302")

#endif /* IOSTREAMKIT_ABI_ERRORS_H */
