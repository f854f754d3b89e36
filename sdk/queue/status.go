// SPDX-License-Identifier: Apache-2.0

package queue

// SetStatus says why no entry will follow for now, or StatusRunning that more may
// come. Call it after the last Put: a consumer that sees the status has seen every
// entry before it. It does not wake the consumer, and does nothing in the classic
// layout, which has no word for it.
func (p *Producer) SetStatus(status uint32) {
	if p.classic == nil {
		p.status.Swap(status) // C4
	}
}

// Status returns what the producer said with SetStatus; StatusRunning in the
// classic layout. It means something only to a caller that then finds the queue
// still empty.
func (c *Consumer) Status() uint32 {
	if c.classic != nil {
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
