// SPDX-License-Identifier: Apache-2.0

package iostream

import "sync/atomic"

// counter only grows.
type counter struct{ v atomic.Uint64 }

func (c *counter) add(n uint64) { c.v.Add(n) }
func (c *counter) load() uint64 { return c.v.Load() }
