// SPDX-License-Identifier: Apache-2.0

package bell

import "fmt"

// WithoutWaitv makes p behave as on a kernel without futex_waitv.
func WithoutWaitv(p *Port, without bool) { p.noWaitv = without }

// Writes returns how many rings of b were writes.
func Writes(b *Bell) int { return int(b.writes.Load()) }

// Overflow rings the eventfd of b without making room for the next time, until the
// ring of completions has overflown. It returns how many rings came through.
func Overflow(b *Bell) (rings int, err error) {
	s := b.signaller
	for {
		s.sqTail.Add(1)
		if n, errno := uringEnter(s.num, 1, 0); n != 1 || errno != 0 {
			return rings, fmt.Errorf("submitted %d requests: %w", n, errno)
		}
		if s.sqFlags.Load()&overflown != 0 {
			return rings, nil
		}
		rings++
	}
}
