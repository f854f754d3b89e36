// SPDX-License-Identifier: Apache-2.0

// Package iostream moves buffers between a driver and a program without copying
// them, with Apple's IOStream as the model.
//
// A driver makes a [Driver], which offers one stream; a transport carries it to
// clients. A client opens a [Stream] on a connection. Both ends see the same
// buffers in shared memory; only 32-byte entries travel between them, in two
// queues. On a from-device stream (Apple's output) the driver posts filled buffers
// and the client gives them back; on a to-device stream (Apple's input) the driver
// posts empty buffers and the client returns them filled.
//
// Who owns a buffer is decided by the queues alone: an entry passes its buffer to
// the other side at the moment it is published.
//
// This package knows no operating system and no transport. The root package
// iostreamkit puts it together with the transports of the system it runs on.
package iostream
