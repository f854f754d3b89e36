// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import "github.com/iostreamkit/iostreamkit/sdk/userclient"

// Materials implements userclient.Materials.
func (r resources) Materials() (userclient.MemKind, userclient.PortKind) {
	if r.s.bellNum == BellEventFD {
		return userclient.MemMemfd, userclient.PortEventFD
	}
	return userclient.MemMemfd, userclient.PortSocketPair
}
