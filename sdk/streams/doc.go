// SPDX-License-Identifier: Apache-2.0

// Package streams is the control plane of IOStreamKit: System V STREAMS within a
// Go program, with messages, queues, modules and the numbers of the stream head.
//
// Results are of type [Errno], whose numbers are the same on every system.
//
// # Messages
//
// A message is a chain of [Block] values over reference-counted data. An [Arena] gives
// them out, pools them and counts them, so that a test can assert that nothing is left.
// Duplicates share data, and shared data is not changed. A driver's own memory becomes a
// message with [Arena.External]. The messages of the ioctl family carry a body, read with
// [Block.Ioctl], [Block.Reply] and their like, instead of bytes laid out in a header.
//
// # Streams
//
// A [Domain] opens streams. A [Stream] is a driver, modules on it, and a head on top; each
// of them is a [Module] that has two [Queue] values there, one for each direction. Put
// procedures take messages and send them on with [Queue.PutNext]. A module that can't send
// on now puts the message into its queue, and its service procedure tries again when the
// queues ahead have room.
//
// # One at a time
//
// Every procedure, callback, open and close of one stream runs while no other of that
// stream does, in the goroutine that found the stream quiet. What comes while it is busy
// is left in a list, and whoever is inside takes care of it. So modules need no locks for
// the state of one stream, a put into a quiet stream is a chain of plain calls, and a data
// message costs no allocation. No lock is held while a procedure runs. After a number of
// pieces of work the goroutine hands the stream to another one, so that its own call ends.
//
// Streams run beside each other. Where two are joined, by a pipe or a multiplexer, a
// message crosses through a [Port]: it is left at the other stream, with flow control of
// its own, and arrives after the procedure that sent it.
//
// Free routines of external memory, and callbacks of [Arena.Bufcall], run outside of all
// procedures.
//
// # Multiplexers
//
// [Plumbing.Link] puts a stream below a driver that has a [Mux]. The multiplexer's lower
// procedures then run on top of that stream, whose head waits aside.
//
// # Tests
//
// A [Stepper] runs what waits one piece at a time, in an order drawn from a seed. An
// [ArenaConfig] can make any allocation fail, and [Arena.Usage] shows what was not given
// back.
package streams
