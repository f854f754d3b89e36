// SPDX-License-Identifier: Apache-2.0

package inproc

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Drop ends the session the way the death of the client's process would: the driver
// gets no SelClose and no goodbye, and calls under way end with an unknown outcome. It
// does not block. The connection must be closed all the same. It is for tests of
// drivers: package conformance looks for a method of this name.
func (c *conn) Drop() {
	reason := fmt.Errorf("%w: the client died", ioreturn.ErrGone)
	c.end(ioreturn.ErrClosed, reason, reason)
}
