/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a round trip between two processes costs: blocking on two eventfds,
 * spinning on two words of shared memory, or sleeping on these words in a way that
 * neither side can keep the other from ending. That takes a second word, which is
 * private (futex_waitv).
 */
#include "bench.h"
#include <errno.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449 /* on every architecture */
#endif
#ifndef FUTEX_32
#define FUTEX_32 2
struct futex_waitv {
	uint64_t val, uaddr;
	uint32_t flags, __reserved;
};
#endif

struct pair {
	_Alignas(APART) _Atomic uint32_t ping;
	_Alignas(APART) _Atomic uint32_t pong;
};

struct sides {
	struct args a;
	int there, back;
	struct pair *p;
};

static void ring(int fd)
{
	uint64_t one = 1;
	if (write(fd, &one, sizeof one) != sizeof one)
		die("write");
}

static void hear(int fd)
{
	uint64_t v;
	if (read(fd, &v, sizeof v) != sizeof v)
		die("read");
}

static void await_word(_Atomic uint32_t *w, uint32_t v)
{
	while (atomic_load_explicit(w, memory_order_acquire) != v)
		relax();
}

static _Atomic uint32_t cancel; /* never changes here */

/* sleep_on returns when w has changed from seen. */
static void sleep_on(_Atomic uint32_t *w, uint32_t seen)
{
	struct futex_waitv list[2] = {
		{.val = seen, .uaddr = (uintptr_t)w, .flags = FUTEX_32},
		{.val = 0, .uaddr = (uintptr_t)&cancel, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG},
	};
	while (atomic_load(w) == seen)
		if (syscall(SYS_futex_waitv, list, 2, 0, NULL, 0) < 0 && errno != EAGAIN && errno != EINTR)
			die("futex_waitv");
}

static void change(_Atomic uint32_t *w, uint32_t v)
{
	atomic_store(w, v);
	if (syscall(SYS_futex, w, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
		die("futex");
}

static void answer(void *arg)
{
	struct sides *s = arg;
	pin(s->a.cpu_b);
	for (uint32_t i = 1;; i++) {
		if (s->a.block) {
			hear(s->there);
			ring(s->back);
		} else if (s->a.words) {
			sleep_on(&s->p->ping, i - 1);
			change(&s->p->pong, i);
		} else {
			await_word(&s->p->ping, i);
			atomic_store_explicit(&s->p->pong, i, memory_order_release);
		}
	}
}

int main(int argc, char **argv)
{
	static struct hist h;
	struct sides s = {.a = parse(argc, argv), .there = eventfd(0, 0), .back = eventfd(0, 0)};
	if (s.there < 0 || s.back < 0)
		die("eventfd");
	s.p = shared(sizeof *s.p);
	pid_t pid = other(answer, &s);
	pin(s.a.cpu_a);
	uint64_t stop = 0, before = now_ns();
	for (uint32_t i = 1; stop == 0 || before < stop; i++) {
		if (s.a.block) {
			ring(s.there);
			hear(s.back);
		} else if (s.a.words) {
			change(&s.p->ping, i);
			sleep_on(&s.p->pong, i - 1);
		} else {
			atomic_store_explicit(&s.p->ping, i, memory_order_release);
			await_word(&s.p->pong, i);
		}
		uint64_t now = now_ns();
		if (i > WARM_UP)
			hist_add(&h, now - before);
		else if (i == WARM_UP)
			stop = now + s.a.ms * 1000000u;
		before = now;
	}
	end(pid);
	hist_print(&h);
	return 0;
}
