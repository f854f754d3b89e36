// SPDX-License-Identifier: Apache-2.0

// Package seqpacket carries messages and descriptors over unix sockets of type
// SOCK_SEQPACKET. It knows nothing of what the messages mean.
//
// Sending never blocks: what the socket does not take at once waits in a bounded
// queue, and a peer that does not read is an error (C38). Every descriptor that
// arrives is handed to the caller or closed, also when the message that carried it
// is refused (C37).
package seqpacket
