/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two-queue loop: a driver lends buffers through one ring, a client gives them
 * back through the other. With one buffer it measures round trips, with more of them
 * the rate. Either side spins, or sleeps on an eventfd that is written only when its
 * flag says that it sleeps.
 */
#include "ring.h"
#include <sys/eventfd.h>

struct memory {
	struct ring lend, back;
};

struct sides {
	struct args a;
	struct memory *m;
	unsigned char *payload;
	int bell[2]; /* rings the client, the driver */
};

static void wake(struct sides *s, struct ring *r, int bell)
{
	if (!s->a.block)
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&r->need, memory_order_relaxed) && atomic_exchange(&r->need, 0)) {
		uint64_t one = 1;
		if (write(bell, &one, sizeof one) != sizeof one)
			die("write");
	}
}

/* take waits for entries and takes up to a batch of them. */
static uint32_t take(struct sides *s, struct side *in, struct entry *e, int bell)
{
	for (;;) {
		uint32_t n = get(in, e, s->a.batch);
		if (n > 0)
			return n;
		if (!s->a.block) {
			relax();
			continue;
		}
		atomic_exchange(&in->r->need, 1);
		if (atomic_load(&in->r->tail) != in->own)
			continue;
		uint64_t v;
		if (read(bell, &v, sizeof v) != sizeof v)
			die("read");
	}
}

static void drive(void *arg)
{
	struct sides *s = arg;
	struct side out = {.r = &s->m->lend}, in = {.r = &s->m->back};
	struct entry e[64];
	uint32_t seq = 0;
	pin(s->a.cpu_b);
	unsigned char *source = malloc(s->a.size);
	if (!source)
		die("malloc");
	memset(source, 1, s->a.size);
	for (;;) {
		uint32_t n = take(s, &in, e, s->bell[1]);
		for (uint32_t i = 0; i < n; i++) {
			if (s->a.full)
				memcpy(s->payload + e[i].buffer * s->a.size, source, s->a.size);
			e[i].data_length = (uint32_t)s->a.size;
			e[i].seq = seq++;
		}
		put(&out, e, n); /* the ring holds every buffer */
		wake(s, out.r, s->bell[0]);
	}
}

static uint64_t look(const struct sides *s, const struct entry *e, uint32_t n)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < n; i++)
		sum += touch(s->payload + e[i].buffer * s->a.size, e[i].data_length);
	return sum;
}

static volatile uint64_t sink;

/* round_trips is the client with one buffer. */
static void round_trips(struct sides *s, struct side *in, struct side *out)
{
	static struct hist h;
	struct entry e[64];
	uint64_t stop = 0, before = now_ns();
	for (uint64_t i = 1; stop == 0 || before < stop; i++) {
		uint32_t n = take(s, in, e, s->bell[0]);
		if (s->a.full)
			sink += look(s, e, n);
		uint64_t now = now_ns();
		if (i > WARM_UP)
			hist_add(&h, now - before);
		else if (i == WARM_UP)
			stop = now + s->a.ms * 1000000u;
		before = now;
		put(out, e, n);
		wake(s, out->r, s->bell[1]);
	}
	hist_print(&h);
}

/* stream is the client with many. */
static void stream(struct sides *s, struct side *in, struct side *out)
{
	static struct rates rates;
	struct entry e[64];
	uint32_t since = 0, many = s->a.full ? often(s->a.size) : 256;
	rates_begin(&rates, s->a.ms);
	for (;;) {
		uint32_t n = take(s, in, e, s->bell[0]);
		if (s->a.full)
			sink += look(s, e, n);
		put(out, e, n);
		wake(s, out->r, s->bell[1]);
		since += n;
		if (since >= many) {
			if (!rates_add(&rates, since))
				break;
			since = 0;
		}
	}
	rates_print(&rates);
}

int main(int argc, char **argv)
{
	struct sides s = {.a = parse(argc, argv), .m = shared(sizeof(struct memory))};
	s.payload = shared(s.a.size * s.a.buffers + 1);
	for (int i = 0; i < 2; i++)
		if ((s.bell[i] = eventfd(0, 0)) < 0)
			die("eventfd");
	/* The client has every buffer at first. */
	struct side in = {.r = &s.m->lend}, out = {.r = &s.m->back};
	for (uint32_t i = 0; i < s.a.buffers; i++)
		put(&out, &(struct entry){.buffer = i}, 1);
	pid_t pid = other(drive, &s);
	pin(s.a.cpu_a);
	if (s.a.buffers == 1)
		round_trips(&s, &in, &out);
	else
		stream(&s, &in, &out);
	end(pid);
	return 0;
}
