/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a paced device costs: a driver that sleeps until its timer expires and
 * then rings an eventfd, and a client that sleeps on that. It says which share of a CPU
 * each of them took.
 */
#include "bench.h"
#include <sys/eventfd.h>
#include <sys/timerfd.h>

struct sides {
	struct args a;
	int bell;
	_Atomic uint64_t *far; /* CPU time of the driver so far */
};

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void drive(void *arg)
{
	struct sides *s = arg;
	pin(s->a.cpu_b);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct timespec period = {.tv_sec = s->a.hz == 1, .tv_nsec = 1000000000 / s->a.hz % 1000000000};
	struct itimerspec spec = {.it_interval = period, .it_value = period};
	if (timer < 0 || timerfd_settime(timer, 0, &spec, NULL))
		die("timerfd");
	for (;;) {
		uint64_t v;
		if (read(timer, &v, sizeof v) != sizeof v)
			die("read");
		v = 1;
		if (write(s->bell, &v, sizeof v) != sizeof v)
			die("write");
		atomic_store(s->far, cpu_ns());
	}
}

/* hear waits for a ring. */
static void hear(struct sides *s)
{
	uint64_t v;
	if (read(s->bell, &v, sizeof v) != sizeof v)
		die("read");
}

int main(int argc, char **argv)
{
	struct sides s = {.a = parse(argc, argv), .bell = eventfd(0, 0), .far = shared(sizeof *s.far)};
	if (s.bell < 0)
		die("eventfd");
	if (s.a.hz < 1) {
		fprintf(stderr, "%s: needs a rate\n", argv[0]);
		return 2;
	}
	pid_t pid = other(drive, &s);
	pin(s.a.cpu_a);
	hear(&s);
	uint64_t begin = now_ns(), now = begin, near = cpu_ns(), far = atomic_load(s.far);
	while (now - begin < s.a.ms * 1000000u) {
		hear(&s);
		now = now_ns();
	}
	double all = (double)(now - begin);
	printf("{\"cpu\":%.6f,\"far_cpu\":%.6f}\n", (double)(cpu_ns() - near) / all, (double)(atomic_load(s.far) - far) / all);
	end(pid);
	return 0;
}
