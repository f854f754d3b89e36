// SPDX-License-Identifier: Apache-2.0

package inproc

import "github.com/iostreamkit/iostreamkit/sdk/userclient"

// Materials implements userclient.Materials.
func (c *conn) Materials() (userclient.MemKind, userclient.PortKind) {
	return userclient.MemHeap, userclient.PortChannel
}
