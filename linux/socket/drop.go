// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import "github.com/iostreamkit/iostreamkit/sdk/ioreturn"

// Drop ends the session the way the death of this process would: the socket is shut
// without SelClose and without a goodbye, and calls under way end with an unknown
// outcome. It does not block. Close must be called all the same. It is for tests of
// drivers: package conformance looks for a method of this name.
func (c *Conn) Drop() { c.end(ioreturn.ErrClosed) }
