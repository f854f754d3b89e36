// SPDX-License-Identifier: Apache-2.0

package seqpacket

// Queued returns how many messages wait for the peer to read.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}
