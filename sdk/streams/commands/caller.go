// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"os"

	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// nobodysUser is the number that Linux shows for users that have none where we run, as
// outside of a container. It is nobody's, also if we have it ourselves.
const nobodysUser = 65534

// Owner lets the driver's own user, and root, read and write, and all others who can connect
// only read: a setting is then refused with EACCES. A caller in the same process may do both.
// Nobody has privilege. The credential is a userclient.Peer between processes, and anything
// else is taken for a caller in the same process. It does not block.
func Owner(credential any) ioctl.Caller {
	write := true
	if p, ok := credential.(userclient.Peer); ok && p.PID != os.Getpid() {
		own := p.UID == os.Geteuid() && p.UID != nobodysUser
		write = own || p.UID == 0
	}
	return ioctl.Caller{Read: true, Write: write, Credential: credential}
}

// Anyone lets everybody who can connect read and write. Nobody has privilege. Who can connect
// is decided by the run directory that the driver is in. It does not block.
func Anyone(credential any) ioctl.Caller {
	return ioctl.Caller{Read: true, Write: true, Credential: credential}
}
