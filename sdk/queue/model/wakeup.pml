/* SPDX-License-Identifier: Apache-2.0
 *
 * The wake-up protocol of a queue, for the model checker spin.
 *
 * One producer and one consumer on a machine with total store order: each has a
 * FIFO of stores that are not in memory yet, and its loads see its own pending
 * stores first. A read-modify-write waits until the own FIFO is empty (Swap in Go,
 * XCHG on x86). The words and the steps are those of producer.go, consumer.go and
 * classic.go. Indices are free-running modulo M, and start so that they wrap.
 *
 * What is shown, for every interleaving: no wake-up is lost (a consumer that sleeps
 * for ever beside published entries is an invalid end state); the consumer reads
 * what was written; the producer never waits for ever for room because a read index
 * was kept back; there is at most one ring for each arming.
 *
 * Variants, chosen by -D:
 *   (none)       native layout: event index
 *   WORD         native layout, sleeping on the wakes word (a futex) instead of a port
 *   STATUS_LAST  with WORD: the producer ends by setting the status
 *   TAILWORD     with WORD: sleeping on the tail word, which a status does not change
 *   CLASSIC      classic layout: ring when the queue was empty before (C19)
 *   FLAG         a flag that both sides write, in place of the event index
 *   STORE_PUT    the producer publishes with a plain store
 *   STORE_ARM    the consumer arms (classic: publishes) with a plain store
 * With the last four, which are negative controls, spin must find a lost wake-up.
 */

#define M     8	/* modulus of a free-running index; a power of two */
#define COUNT 4	/* entries of the ring */
#define START 6	/* first index */
#ifndef N
#define N     6	/* entries sent; less than M, so that a stale event index is never met again */
#endif
#define LAZY  2	/* unpublished entries at which the read index is published */

#define SUB(a, b) (((a) + M - (b)) % M)
#define ADD(a, b) (((a) + (b)) % M)

/* Words of memory. */
#define TAIL 0
#define HEAD 1
#define WAKE 2	/* event index, or the flag */
#define WAKES 3	/* counts wake-ups: what a consumer sleeps on */
#define STATUS 4	/* 1: nothing will follow */
#define SLOT 5	/* COUNT words */
#define WORDS 9

/* The two processors. */
#define P 0
#define C 1

byte mem[WORDS];
byte pending[18];	/* stores of processor p to word a that are not in memory: [p*WORDS+a] */
byte newest[18];	/* value of the newest of them */
chan fifo0 = [6] of { byte, byte };
chan fifo1 = [6] of { byte, byte };

byte bell;	/* a port: rings merge, and a ring that came first is not lost */
bool asleep;	/* a sleeper on the word; a wake-up that finds none is lost */
byte arms, rings;	/* for the assertion only */

/* Each of these is one step of its process. */
#define STORE(p, q, a, v) \
	atomic { q!a,v; newest[p*WORDS+(a)] = v; pending[p*WORDS+(a)]++ }
#define SWAP(q, a, v) \
	atomic { empty(q) -> mem[a] = v }
#define LOAD(p, a, x) \
	d_step { if :: pending[p*WORDS+(a)] > 0 -> x = newest[p*WORDS+(a)] :: else -> x = mem[a] fi }

/* The hardware: it moves the oldest pending store to memory at any time. */
proctype buffer(byte p; chan q)
{
	byte a, v;
end:	do
	:: atomic { q?a,v -> mem[a] = v; pending[p*WORDS+a]--; a = 0; v = 0 }
	od
}

inline ring()
{
#ifdef WORD
	woken++;
	SWAP(fifo0, WAKES, woken);
	atomic { asleep = false; rings++; assert(rings <= arms) }
#else
	atomic { bell = 1; rings++; assert(rings <= arms) }
#endif
}

proctype producer()
{
	byte next = START, n, i, x, sent, woken;

	do
	:: sent == N -> break
	:: sent < N ->
		if	/* a batch of one or two entries */
		:: n = 1
		:: sent + 2 <= N -> n = 2
		fi;
		/* Room, by the read index that is in memory; a producer that finds none looks again. */
		SUB(ADD(next, n), mem[HEAD]) <= COUNT;
		i = 0;
		do
		:: i == n -> break
		:: i < n -> STORE(P, fifo0, SLOT + (next + i) % COUNT, ADD(next, i)); i++
		od;
		next = ADD(next, n);
		sent = sent + n;
#ifdef STORE_PUT
		STORE(P, fifo0, TAIL, next);
#else
		SWAP(fifo0, TAIL, next);
#endif
#if defined(CLASSIC)
		LOAD(P, HEAD, x);
		if
		:: x == SUB(next, n) -> bell = 1
		:: else
		fi
#elif defined(FLAG)
		LOAD(P, WAKE, x);
		if
		:: x == 1 -> STORE(P, fifo0, WAKE, 0); bell = 1
		:: else
		fi
#else
		LOAD(P, WAKE, x);
		if
		:: SUB(next, ADD(x, 1)) < n -> ring()
		:: else
		fi
#endif
	od;
#ifdef STATUS_LAST
	/* Nothing will follow: whoever sleeps is woken, armed or not. */
	SWAP(fifo0, STATUS, 1);
	woken++;
	SWAP(fifo0, WAKES, woken);
	atomic { asleep = false }
#endif
}

/* publish is what the consumer does with its read index. */
inline publish()
{
	if
	:: published != next ->
		published = next;
#if defined(CLASSIC) && defined(STORE_ARM)
		STORE(C, fifo1, HEAD, next)
#else
		SWAP(fifo1, HEAD, next)
#endif
	:: else
	fi
}

proctype consumer()
{
	byte next = START, published = START, x, t, s, w, after, got, spurious = 1;

	do
#ifndef STATUS_LAST
	:: got == N -> break
#endif
	:: true ->
		/* Drain. */
		do
		:: true ->
			LOAD(C, TAIL, t);
			assert(SUB(t, next) <= COUNT);
			if
			:: t == next -> break
			:: else
			fi;
			do
			:: t == next -> break
			:: t != next ->
				LOAD(C, SLOT + next % COUNT, x);
				assert(x == next);
				next = ADD(next, 1);
				got++
			od;
#ifdef CLASSIC
			publish()
#else
			if
			:: SUB(next, published) >= LAZY -> publish()
			:: else
			fi
#endif
		od;
		publish();
#ifdef STATUS_LAST
		/* What was published before the status is seen first: look at the queue again. */
		LOAD(C, STATUS, s);
		LOAD(C, TAIL, t);
		if
		:: s == 1 && t == next -> assert(got == N); break
		:: else
		fi;
#else
		if
		:: got == N -> break
		:: else
		fi;
#endif
		/* Arm for one entry or more, but for no more than can come, and look again. */
		after = 1;
#if !defined(CLASSIC) && !defined(FLAG)
		if
		:: true
		:: got + 2 <= N -> after = 2
		:: got + 3 <= N -> after = 3
		fi;
#endif
		arms++;
		LOAD(C, WAKES, w);
#if defined(CLASSIC)
		/* there is no word to arm */
#elif defined(FLAG) && defined(STORE_ARM)
		STORE(C, fifo1, WAKE, 1);
#elif defined(FLAG)
		SWAP(fifo1, WAKE, 1);
#elif defined(STORE_ARM)
		STORE(C, fifo1, WAKE, ADD(next, after - 1));
#else
		SWAP(fifo1, WAKE, ADD(next, after - 1));
#endif
		LOAD(C, TAIL, t);
		LOAD(C, STATUS, s);
		if
		:: SUB(t, next) >= after || s == 1	/* ready: do not sleep */
		:: else ->
#ifdef WORD
			/* The kernel compares and goes to sleep in one step. */
			atomic {
				if
#ifdef TAILWORD
				:: mem[TAIL] == t -> asleep = true
#else
				:: mem[WAKES] == w -> asleep = true
#endif
				:: else
				fi
			}
			if
			:: !asleep
			:: atomic { asleep && spurious > 0 -> asleep = false; spurious-- }
			fi
#else
			if
			:: atomic { bell == 1 -> bell = 0 }
			:: atomic { spurious > 0 -> spurious-- }
			fi
#endif
		fi
	od
}

init {
	atomic {
		mem[TAIL] = START;
		mem[HEAD] = START;
#ifndef FLAG
		mem[WAKE] = SUB(START, 1);
#endif
		run buffer(P, fifo0);
		run buffer(C, fifo1);
		run producer();
		run consumer()
	}
}
