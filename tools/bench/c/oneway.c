/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rate of entries through one ring, from one process to another, both spinning.
 */
#include "ring.h"

struct sides {
	struct args a;
	struct ring *r;
};

static void produce(void *arg)
{
	struct sides *s = arg;
	struct side out = {.r = s->r};
	struct entry e[64] = {{0}};
	uint32_t seq = 0;
	pin(s->a.cpu_b);
	for (;;) {
		for (unsigned i = 0; i < s->a.batch; i++)
			e[i].seq = seq++;
		while (!put(&out, e, s->a.batch))
			relax();
	}
}

int main(int argc, char **argv)
{
	static struct rates rates;
	struct sides s = {.a = parse(argc, argv), .r = shared(sizeof(struct ring))};
	pid_t pid = other(produce, &s);
	struct side in = {.r = s.r};
	struct entry e[64];
	uint32_t want = 0, since = 0;
	pin(s.a.cpu_a);
	rates_begin(&rates, s.a.ms);
	for (;;) {
		uint32_t n = get(&in, e, s.a.batch);
		if (n == 0) {
			relax();
			continue;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (e[i].seq != want++) {
				fprintf(stderr, "entry %u came after %u\n", e[i].seq, want - 2);
				end(pid);
				return 1;
			}
		}
		since += n;
		if (since >= 256) {
			if (!rates_add(&rates, since))
				break;
			since = 0;
		}
	}
	end(pid);
	rates_print(&rates);
	return 0;
}
