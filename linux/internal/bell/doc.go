// SPDX-License-Identifier: Apache-2.0

// Package bell wakes the other process: a Port is where one side sleeps, a Bell is
// what the other side rings. The side that waits makes the pair and hands the
// bell's descriptor over.
//
// There are two kinds (C1). An eventfd is the faster one, but its description is
// shared: its flags and its counter belong to both holders, so it is used towards
// processes of the same user only. It is read by preadv2 with RWF_NOWAIT, which
// never blocks whatever the flags say. It is rung by a signal from the kernel, through
// an io_uring, which does not block either. Neither can the other holder make them
// wait, so both are raw system calls; the rule against those is about descriptions
// whose other holder can.
//
// Where there is no io_uring for us the eventfd is written to. A peer that fills the
// counter and clears O_NONBLOCK can block a write. Such a write is noticed within two
// periods of a watchdog and ended, and with it the session; the write stands in an
// ordinary system call meanwhile, so only its own goroutine waits. What remains then
// is a peer of the same user that repeats its attack faster than the watchdog undoes
// it; such a peer could as well stop us with ptrace (C42).
//
// A socketpair has one description per end, nothing of ours is shared, and each
// send and receive says itself that it must not block. It is used towards everybody
// else.
//
// Both kinds can also sleep on a word of shared memory by futex.
package bell
