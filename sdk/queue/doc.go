// SPDX-License-Identifier: Apache-2.0

// Package queue holds the two queues of a session: rings of 32-byte entries in
// shared memory, each with one producer and one consumer, and the record of who
// owns which buffer.
//
// A [Producer] puts batches of entries, a [Consumer] gets them. An [End] is one
// side of a session: the consumer of one queue, the producer of the other, and the
// private bitmap that says which buffers this side owns. Streams use an End; the
// other two are for those who tap or build a queue themselves. Nothing here blocks,
// waits or makes a system call: a method that publishes returns a [Wake] that says
// what the caller must do, and Arm says whether the caller may sleep.
//
// # Layouts
//
// The native layout has two regions, each written by one side only. Its indices
// are free-running and its count is a power of two. A consumer that wants to sleep
// publishes an event index with Arm, and the producer rings when its tail passes
// that index, once per arming.
//
// The classic layout is Apple's IOStreamBufferQueue. Its indices run modulo the
// count and it has no word for wake-ups, so the producer rings when the queue was
// empty before it published, and the consumer drains to empty before it sleeps.
// Which of the two indices belongs to the writer is not settled by Apple's
// interface; [Roles] finds it out, or fixes it.
//
// # One turn
//
// Whoever allocates the memory sizes it with [RingCount] and [RingSize] and writes
// the headers with [Format]; each side makes a Producer and a Consumer on its own
// mapping, and an End of the two. Then, on either side:
//
//	for {
//		n, err := end.Receive(entries)
//		if err != nil {
//			return err // the other side broke a rule; the session is over
//		}
//		// Use entries[:n], give buffers away with end.Send, ring if it says so.
//		if n > 0 {
//			continue
//		}
//		if ready, err := end.Arm(1, queue.SleepBell); err == nil && !ready {
//			// Sleep until the other side rings.
//		}
//	}
//
// The package's example is a whole session in one program.
//
// # The other side is hostile
//
// Shared words are read once into a local, checked, then used. Own indices are
// kept in private memory. Entries are copied out before they are judged. A peer
// that breaks a rule causes an error that matches ioreturn.ErrProtocol and names
// the rule; it never causes a panic or an access outside the ring. What a peer can
// still do is change the payload of a buffer while this side reads it.
//
// # Memory order
//
// An index is published and a consumer is armed by an atomic read-modify-write
// (Swap), because each is followed by a load of a word that the other side writes:
// without a full fence between the two, both sides can miss each other and a
// wake-up is lost. The directory model has the proof for a machine with store
// buffers, and shows that the protocol fails without the fence.
//
// Words are in the byte order of the host, and every host of this package is
// little-endian.
package queue
