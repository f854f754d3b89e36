// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// Sender sends a command down a stream: a [head.Head], in this process or to another.
type Sender interface {
	Str(ctx context.Context, s *head.Str) (rval int, err error)
}

// Send sends a command with its argument and returns its result, as the [ioctl.Command] with
// the same number and types has it. It waits for the answer until ctx ends. Where there is
// no argument or no result the type is ioctl.None; commands with ranges need Str itself.
//
// What an older driver does not have in its result is zero. The error is that of Str, or
// one that says which type has no layout.
func Send[In, Out any](ctx context.Context, to Sender, number streams.Command, in In) (out Out, rval int, err error) {
	enc, err := ioctl.LayoutOf[In]()
	if err != nil {
		return out, 0, err
	}
	dec, err := ioctl.LayoutOf[Out]()
	if err != nil {
		return out, 0, err
	}
	s := head.Str{Command: number, Wait: head.Forever, Data: make([]byte, max(enc.Size(), dec.Size()))}
	enc.Append(s.Data[:0], &in)
	if rval, err = to.Str(ctx, &s); err != nil {
		return out, 0, err
	}
	result := make([]byte, dec.Size())
	copy(result, s.Data[:s.Len])
	err = dec.Decode(result, &out)
	return out, rval, err
}
