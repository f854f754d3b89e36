// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Job is what a command's function knows about its call beside the argument. It must
// not be used after the function has returned.
type Job struct {
	Command streams.Command // the number that the caller used
	Caller  Caller

	rval   int32
	ranges []transfer
	atEnd  []func(delivered bool)
}

// transfer is a range of one call.
type transfer struct {
	name string
	dir  Dir
	addr uint64
	size int    // bytes there, or room for them
	data []byte // of In: what was copied; of Out: what will be
}

// Return sets what the call returns to its caller. It is 0 otherwise.
func (j *Job) Return(n int32) { j.rval = n }

// Input returns the bytes of a range that goes in, by the name of its address field.
// They are the function's own copy. It returns nil if there are none.
func (j *Job) Input(name string) []byte {
	if r := j.find(name, In); r != nil {
		return r.data
	}
	return nil
}

// Room returns how many bytes a range that goes out has room for.
func (j *Job) Room(name string) int {
	if r := j.find(name, Out); r != nil {
		return r.size
	}
	return 0
}

// Output sets the bytes of a range that goes out; without it none are copied. The data
// must not be changed any more. The error matches EMSGSIZE if there is no room for
// all of them, and then nothing is set; a function may return it as it is.
func (j *Job) Output(name string, data []byte) error {
	r := j.find(name, Out)
	switch {
	case r == nil:
		return fmt.Errorf("output %q: %w: %w", name, errNoRange, streams.EIO)
	case len(data) > r.size:
		return fmt.Errorf("output %q: %d bytes for a buffer of %d: %w", name, len(data), r.size, streams.EMSGSIZE)
	}
	r.data = data
	return nil
}

// AtEnd has f called once, when the call is over, whatever way it ends. Delivered tells
// whether the command was answered with success: if not, because of an error, a
// failed copy, or because the caller has gone, the caller may not know about what the
// function did. Functions are called in the reverse order, and must not block.
func (j *Job) AtEnd(f func(delivered bool)) { j.atEnd = append(j.atEnd, f) }

func (j *Job) find(name string, d Dir) *transfer {
	for i := range j.ranges {
		if r := &j.ranges[i]; r.name == name && r.dir == d {
			return r
		}
	}
	return nil
}

// errNoRange is the error of Job's methods for a range that the command does not have.
var errNoRange = errors.New("the command has no such range")
