// SPDX-License-Identifier: Apache-2.0

// Package streams is the control plane of IOStreamKit: System V STREAMS within a
// Go program, with messages, queues, modules and the numbers of the stream head.
//
// Results are of type [Errno], whose numbers are the same on every system.
package streams
