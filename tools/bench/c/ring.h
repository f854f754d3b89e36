/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of 32-byte entries with one producer and one consumer. Each side keeps a
 * copy of the other's index and looks at the shared one only when it has to.
 */
#ifndef RING_H
#define RING_H

#include "bench.h"

#define SLOTS 1024u

struct entry {
	uint32_t buffer, data_offset, data_length, control_offset, control_length, seq;
	uint64_t stamp;
};

struct ring {
	_Alignas(APART) _Atomic uint32_t tail; /* the producer's */
	_Alignas(APART) _Atomic uint32_t head; /* the consumer's */
	_Alignas(APART) _Atomic uint32_t need; /* the consumer sleeps: wake it */
	_Alignas(APART) struct entry slot[SLOTS];
};

struct side {
	struct ring *r;
	uint32_t own, peer; /* own index, and the other's when it was last looked at */
};

/* put publishes n entries at once; 0 if there is no room for them. */
static inline int put(struct side *s, const struct entry *e, uint32_t n)
{
	if (s->own + n - s->peer > SLOTS) {
		s->peer = atomic_load_explicit(&s->r->head, memory_order_acquire);
		if (s->own + n - s->peer > SLOTS)
			return 0;
	}
	for (uint32_t i = 0; i < n; i++)
		s->r->slot[(s->own + i) & (SLOTS - 1)] = e[i];
	s->own += n;
	atomic_store_explicit(&s->r->tail, s->own, memory_order_release);
	return 1;
}

/* get takes up to n entries that are there. */
static inline uint32_t get(struct side *s, struct entry *e, uint32_t n)
{
	uint32_t there = s->peer - s->own;
	if (there < n) {
		s->peer = atomic_load_explicit(&s->r->tail, memory_order_acquire);
		there = s->peer - s->own;
		if (there == 0)
			return 0;
		if (there < n)
			n = there;
	}
	for (uint32_t i = 0; i < n; i++)
		e[i] = s->r->slot[(s->own + i) & (SLOTS - 1)];
	s->own += n;
	atomic_store_explicit(&s->r->head, s->own, memory_order_release);
	return n;
}

#endif
