/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The state table of a session as data. Included by abi.h.
 *
 * A cell is the state that the operation leads to, or, if it is not below
 * IOSK_STATES, the iosk_return with which the operation is refused; a refusal
 * changes nothing. The driver's end is the authority, and the client checks the
 * same table before it calls, so that the error is the same on every transport.
 */
#ifndef IOSTREAMKIT_ABI_STATE_H
#define IOSTREAMKIT_ABI_STATE_H

/* What a cell says: the operation leads TO a state, or is refused with NO and a code. */
#define IOSK_TO(state) IOSK_STATE_##state
#define IOSK_NO(code)  ((uint32_t)IOSK_RETURN_##code)

/* X(operation without IOSK_OP_, and its cells while closed, open, running, suspended, gone) */
#define IOSK_STATE_TABLE(X) \
	X(OPEN,             IOSK_TO(OPEN),       IOSK_NO(STILL_OPEN), IOSK_NO(STILL_OPEN), IOSK_NO(STILL_OPEN), IOSK_NO(NO_DEVICE)) \
	X(CLOSE,            IOSK_NO(NOT_OPEN),   IOSK_TO(CLOSED),     IOSK_TO(CLOSED),     IOSK_TO(CLOSED),     IOSK_NO(NO_DEVICE)) \
	X(START,            IOSK_NO(NOT_OPEN),   IOSK_TO(RUNNING),    IOSK_TO(RUNNING),    IOSK_TO(RUNNING),    IOSK_NO(NO_DEVICE)) \
	X(STOP,             IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_TO(OPEN),       IOSK_TO(OPEN),       IOSK_NO(NO_DEVICE)) \
	X(SUSPEND,          IOSK_NO(NOT_OPEN),   IOSK_NO(NOT_READY),  IOSK_TO(SUSPENDED),  IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(GET_MODE,         IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(SET_MODE,         IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_NO(BUSY),       IOSK_NO(BUSY),       IOSK_NO(NO_DEVICE)) \
	X(GET_BUFFER_COUNT, IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(DESCRIBE,         IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(SELECT,           IOSK_TO(CLOSED),     IOSK_NO(STILL_OPEN), IOSK_NO(STILL_OPEN), IOSK_NO(STILL_OPEN), IOSK_NO(NO_DEVICE)) \
	X(MAP,              IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(DEQUEUE,          IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(ENQUEUE,          IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(INPUT_SYNC,       IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(GET_FORMAT,       IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(SET_FORMAT,       IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_NO(BUSY),       IOSK_NO(BUSY),       IOSK_NO(NO_DEVICE)) \
	X(CORRELATE,        IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(EVENTS,           IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(FLUSH,            IOSK_NO(NOT_OPEN),   IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(CONTROL,          IOSK_TO(CLOSED),     IOSK_TO(OPEN),       IOSK_TO(RUNNING),    IOSK_TO(SUSPENDED),  IOSK_NO(NO_DEVICE)) \
	X(HANGUP,           IOSK_TO(GONE),       IOSK_TO(GONE),       IOSK_TO(GONE),       IOSK_TO(GONE),       IOSK_TO(GONE))

/* iosk_state_next returns the cell of operation op in a state; BAD_ARGUMENT for unknown numbers. */
static inline uint32_t iosk_state_next(uint32_t state, uint32_t op)
{
#define IOSK_STATE_ROW(op, closed, open, running, suspended, gone) { closed, open, running, suspended, gone },
	static const uint32_t table[IOSK_OPERATIONS][IOSK_STATES] = { IOSK_STATE_TABLE(IOSK_STATE_ROW) };
#undef IOSK_STATE_ROW

	if (state >= IOSK_STATES || op >= IOSK_OPERATIONS)
		return (uint32_t)IOSK_RETURN_BAD_ARGUMENT;
	return table[op][state];
}

#endif /* IOSTREAMKIT_ABI_STATE_H */
