// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bell

import "github.com/iostreamkit/iostreamkit/sdk/userclient"

var _ userclient.Clearer = (*Port)(nil)

// Clear takes away the rings so far. See userclient.Clearer. When the session is over
// the descriptor stays readable. It allocates nothing.
func (p *Port) Clear() {
	_ = p.raw.Control(p.clear) // an error means that the port is closed
}

func (p *Port) clearNow(fd uintptr) {
	if p.over.Load() != nil {
		return
	}
	_, _ = p.consume(int(fd)) // nothing to take is no error, and a lost bell shows in the next Wait
	if p.over.Load() != nil {
		p.stayReadable(fd)
	}
}
