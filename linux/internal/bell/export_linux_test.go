// SPDX-License-Identifier: Apache-2.0

package bell

// WithoutWaitv makes p behave as on a kernel without futex_waitv.
func WithoutWaitv(p *Port, without bool) { p.noWaitv = without }
