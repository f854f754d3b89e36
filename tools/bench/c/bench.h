/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the limit programs share: two processes over one piece of shared memory,
 * a clock, a histogram, rates by windows, and one line of JSON at the end.
 */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifndef __cplusplus
#include <stdatomic.h>
#endif

/* Words that different sides write stand this far apart: two cache lines, which are
   fetched together. */
#define APART 128
#define LINE 64

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* pin binds this process to one CPU; a negative number leaves it free. */
static inline void pin(int cpu)
{
	if (cpu < 0)
		return;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set))
		die("sched_setaffinity");
}

/* shared returns memory that a forked process shares, every page of it touched. */
static inline void *shared(size_t size)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		die("memfd_create");
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	close(fd);
	memset(p, 0, size);
	return p;
}

static inline void lost(int sig)
{
	static const char text[] = "the other process has ended\n";
	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	_exit(1);
}

/* other forks. The new process runs f and is killed with this one, which fails if the
   new one ends. */
static inline pid_t other(void (*f)(void *), void *arg)
{
	signal(SIGCHLD, lost);
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		signal(SIGCHLD, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		f(arg);
		_exit(0);
	}
	return pid;
}

static inline void end(pid_t pid)
{
	signal(SIGCHLD, SIG_DFL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A histogram with 128 buckets for each power of two: a value is off by 0.4 % at most. */
struct hist {
	uint64_t n, sum, max;
	uint32_t bucket[58 * 128];
};

static inline void hist_add(struct hist *h, uint64_t v)
{
	unsigned shift = v < 256 ? 0 : 56 - (unsigned)__builtin_clzll(v);
	h->bucket[shift * 128 + (v >> shift)]++;
	h->n++;
	h->sum += v;
	if (v > h->max)
		h->max = v;
}

static inline double hist_at(const struct hist *h, double share)
{
	uint64_t seen = 0, want = (uint64_t)(share * (double)h->n);
	for (unsigned i = 0; i < sizeof h->bucket / sizeof h->bucket[0]; i++) {
		seen += h->bucket[i];
		if (seen > want) {
			unsigned shift = i < 256 ? 0 : i / 128 - 1;
			double middle = (double)((uint64_t)(i - shift * 128) << shift) + (double)(1ull << shift) / 2;
			return middle < (double)h->max ? middle : (double)h->max;
		}
	}
	return 0;
}

static inline void hist_print(const struct hist *h)
{
	printf("{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"p9999\":%.1f,\"max\":%llu,\"mean\":%.1f,\"count\":%llu}\n",
	       hist_at(h, 0.5), hist_at(h, 0.9), hist_at(h, 0.99), hist_at(h, 0.999), hist_at(h, 0.9999),
	       (unsigned long long)h->max, h->n ? (double)h->sum / (double)h->n : 0, (unsigned long long)h->n);
}

/* Rates over windows of 5 ms. Their median does not mind a time slice that was lost. */
#define WINDOW 5000000u

struct rates {
	uint64_t begin, mark, count, end;
	unsigned n;
	double rate[1 << 16];
};

static inline void rates_begin(struct rates *r, uint64_t ms)
{
	memset(r, 0, sizeof *r);
	r->begin = r->mark = now_ns();
	r->end = r->begin + ms * 1000000u;
}

/* rates_add counts entries and reports whether the time is not up. */
static inline int rates_add(struct rates *r, uint64_t entries)
{
	uint64_t now = now_ns();
	r->count += entries;
	if (now - r->mark >= WINDOW) {
		if (r->n < sizeof r->rate / sizeof r->rate[0])
			r->rate[r->n++] = (double)r->count * 1e9 / (double)(now - r->mark);
		r->mark = now;
		r->count = 0;
	}
	return now < r->end;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static inline void rates_print(struct rates *r)
{
	qsort(r->rate, r->n, sizeof r->rate[0], by_value);
	double m = r->n ? (r->rate[r->n / 2] + r->rate[(r->n - 1) / 2]) / 2 : 0;
	printf("{\"per_s\":%.1f,\"windows\":%u}\n", m, r->n);
}

/* touch reads one word of each cache line. */
static inline uint64_t touch(const unsigned char *p, size_t size)
{
	uint64_t sum = 0;
	for (size_t at = 0; at < size; at += LINE) {
		uint64_t v;
		memcpy(&v, p + at, sizeof v);
		sum += v;
	}
	return sum;
}

/* often says after how many payloads to look at the clock, so that neither the clock nor
   a long window spoils the rate of payloads that are worked on. */
static inline uint32_t often(size_t size)
{
	return size <= 4096 ? 256 : size < 1048576 ? (uint32_t)(1048576 / size) : 1;
}

/* The arguments of every program; each uses those that mean something to it. */
struct args {
	int cpu_a, cpu_b; /* of the side that measures, and of the other */
	size_t size;      /* of a payload */
	unsigned batch, buffers;
	uint64_t ms;
	int block, words, full;
	unsigned hz; /* of a paced device */
};

static inline struct args parse(int argc, char **argv)
{
	if (argc != 10) {
		fprintf(stderr, "usage: %s cpu-a cpu-b size batch buffers ms spin|block|words handoff|full hz\n", argv[0]);
		exit(2);
	}
	struct args a = {
		.cpu_a = atoi(argv[1]), .cpu_b = atoi(argv[2]), .size = strtoull(argv[3], NULL, 10),
		.batch = (unsigned)atoi(argv[4]), .buffers = (unsigned)atoi(argv[5]), .ms = strtoull(argv[6], NULL, 10),
		.block = !strcmp(argv[7], "block"), .words = !strcmp(argv[7], "words"), .full = !strcmp(argv[8], "full"),
		.hz = (unsigned)atoi(argv[9]),
	};
	if (a.batch < 1 || a.batch > 64 || a.buffers < 1 || a.buffers > 512) {
		fprintf(stderr, "%s: batch is 1 to 64, buffers 1 to 512\n", argv[0]);
		exit(2);
	}
	return a;
}

/* How many round trips come before those that count. */
#define WARM_UP 500

#endif
