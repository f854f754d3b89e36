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
package streams
