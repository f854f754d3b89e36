/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a round trip between two processes costs: blocking on two
 * eventfds, or spinning on two words of shared memory.
 */
#include "bench.h"
#include <sys/eventfd.h>

struct pair {
	_Alignas(APART) _Atomic uint64_t ping;
	_Alignas(APART) _Atomic uint64_t pong;
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

static void await_word(_Atomic uint64_t *w, uint64_t v)
{
	while (atomic_load_explicit(w, memory_order_acquire) != v)
		relax();
}

static void answer(void *arg)
{
	struct sides *s = arg;
	pin(s->a.cpu_b);
	for (uint64_t i = 1;; i++) {
		if (s->a.block) {
			hear(s->there);
			ring(s->back);
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
	for (uint64_t i = 1; stop == 0 || before < stop; i++) {
		if (s.a.block) {
			ring(s.there);
			hear(s.back);
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
