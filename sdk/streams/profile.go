// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"fmt"
	"strconv"
	"time"
)

// Profile says whose behaviour a stream head has where systems differ. The zero
// value, Strict, is meant for new programs.
type Profile uint8

// The profiles.
const (
	// Strict is Solaris with every limit checked: a module that lies about sizes,
	// addresses or numbers hurts its own command only.
	Strict Profile = iota
	// Solaris behaves as the stream head of Solaris and illumos.
	Solaris
	// OpenSS7 behaves as OpenSS7, which is close to POSIX: commands that only ask
	// work on a stream in error.
	OpenSS7
)

// Profiles are all profiles, in the order of their numbers.
func Profiles() []Profile { return []Profile{Strict, Solaris, OpenSS7} }

var profileNames = [...]string{"strict", "solaris", "openss7"}

// String returns the name: "strict", "solaris" or "openss7".
func (p Profile) String() string {
	if int(p) < len(profileNames) {
		return profileNames[p]
	}
	return "Profile(" + strconv.Itoa(int(p)) + ")"
}

// ParseProfile returns the profile with the name s.
func ParseProfile(s string) (Profile, error) {
	for i, name := range profileNames {
		if name == s {
			return Profile(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no profile: want strict, solaris or openss7", s)
}

// Tunables are the limits of a stream head. Sizes are in bytes; zero means no
// limit where the comment says so.
type Tunables struct {
	Modules     int           // how many modules may be pushed (nstrpush)
	ControlSize int           // largest control part of a message (strctlsz)
	DataSize    int           // largest data part and ioctl argument (strmsgsz); 0: no limit
	IoctlWait   time.Duration // how long an ioctl waits unless its caller says (STRTIMOUT)
	CloseWait   time.Duration // how long a close waits for each module to drain
	HighWater   int           // of the head's read queue (STRHIGH)
	LowWater    int           // of the head's read queue (STRLOW)
	CopySize    int           // largest copy that a module may ask for; 0: no limit
	CopyTotal   int           // sum of the copies of one ioctl; 0: no limit
	CopyRounds  int           // how many copies one ioctl may ask for; 0: no limit
	Waiters     int           // how many callers may wait behind an ioctl; 0: no limit
}

// Tunables returns the limits of p. The last four are rules that only Strict has.
// A profile that does not exist has the limits of Strict.
func (p Profile) Tunables() Tunables {
	t := Tunables{
		Modules: 9, ControlSize: 1024, DataSize: 65536, IoctlWait: 15 * time.Second, CloseWait: 15 * time.Second,
		HighWater: 5120, LowWater: 1024,
	}
	switch p {
	case Solaris:
	case OpenSS7:
		t.Modules, t.ControlSize, t.DataSize = 64, 4096, 262144
		t.HighWater, t.LowWater = 65536, 8192
	default:
		t.CopySize, t.CopyTotal, t.CopyRounds, t.Waiters = 65536, 262144, 16, 64
	}
	return t
}
