// SPDX-License-Identifier: Apache-2.0

package rundir

import (
	"io/fs"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Info is what a driver says about a stream when it registers it.
type Info struct {
	// Name is the stream's name, "vendor/device/stream".
	Name string
	// Program is the driver's name in lists and errors. Empty means the base name of
	// the executable.
	Program string
	// Instance differs each time that the driver is started; it is the one in the
	// stream's Description.
	Instance uint64
	// Properties are those of the Description: vendor, model, serial, bus …
	Properties map[string]string
	// SocketMode is the socket's permission. Whoever may write to the socket may
	// connect. Zero means 0600: the driver's own user, and root.
	SocketMode fs.FileMode
}

// Stream is one registered stream, as a run directory shows it. Everything but
// Name, Dir, Path, UID and Live is the driver's own word.
type Stream struct {
	Name string // "vendor/device/stream"
	Dir  string // the run directory that it is registered in
	Path string // the socket to connect to

	Live bool // the driver process is there; otherwise it has died and left the entry behind
	UID  int  // owner of the entry, -1 if it could not be looked at

	PID        int    // of the driver, in the driver's own PID namespace; -1 if unknown
	Program    string // the driver's name
	Instance   uint64
	ABI        userclient.Version // the newest that the driver speaks
	Properties map[string]string

	// Err says why the entry cannot be used: not readable, damaged, not a plain file,
	// the wrong owner. Only Name, Dir, Path and, as far as known, UID and Live are
	// then valid.
	Err error

	file fileID // tells a stream from one registered anew that says the same
}

// fileID identifies an entry's file.
type fileID struct {
	inode uint64
	made  int64 // ns: inode numbers are used again
}

// EventKind says what happened to a registered stream.
type EventKind uint8

// The kinds of event. Only live streams count: one whose driver has died is
// removed, whether or not its files are still there.
const (
	Added   EventKind = iota + 1 // a driver has published it; also for each stream that is there when a watch begins
	Removed                      // its driver has closed it or died; Stream is what was known last, with Live false
	Changed                      // the same name, registered anew since the last look; often it is Removed and Added instead
)

// String returns the kind's name in lower case.
func (k EventKind) String() string {
	switch k {
	case Added:
		return "added"
	case Removed:
		return "removed"
	case Changed:
		return "changed"
	}
	return "unknown event"
}

// Event is one change that Watch saw.
type Event struct {
	Kind   EventKind
	Stream Stream
}
