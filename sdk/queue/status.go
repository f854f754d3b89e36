// SPDX-License-Identifier: Apache-2.0

package queue

// SetStatus says why no entry will follow for now, or StatusRunning that more may
// come. Call it after the last Put: a consumer that sees the status has seen every
// entry before it. A consumer that is about to sleep on Word will not; one that sleeps
// must be woken by the caller. SetStatus does nothing in the classic layout, which has
// no word for it.
func (p *Producer) SetStatus(status uint32) {
	if p.classic == nil {
		p.status.Swap(status) // C4
		p.alert()
	}
}

// Status returns what the producer said with SetStatus; StatusRunning in the
// classic layout and of an Endless queue. It means something only to a caller that
// then finds the queue still empty.
func (c *Consumer) Status() uint32 {
	if c.status == nil {
		return StatusRunning
	}
	return c.status.Load()
}

// SetStatus tells the other side why no entry will follow; see [Producer.SetStatus].
func (e *End) SetStatus(status uint32) { e.out.SetStatus(status) }

// Status returns what the other side said with SetStatus; see [Consumer.Status].
func (e *End) Status() uint32 { return e.in.Status() }

// Ended reports whether the other side has said that no entry will follow for now.
func (e *End) Ended() bool { return e.in.Status() != StatusRunning }
