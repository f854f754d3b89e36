// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// place is a Place in numbers.
type place struct{ major, minor, inode, offset uint64 }

func (p place) report() *Place {
	return &Place{Device: fmt.Sprintf("%d:%d", p.major, p.minor), Inode: p.inode, Offset: p.offset}
}

// prove takes the first frame of the file, compares its memory with the driver's, and
// lets the driver write into it although the client has it.
func prove(ctx context.Context, l *link, r *Report, _ time.Duration) (err error) {
	s, err := start(ctx, l, dataStream)
	if err != nil {
		return err
	}
	defer closing(&err, s)
	return s.WithFrame(ctx, func(f *iostream.Frame) error {
		z := &r.ZeroCopy
		if err := z.compare(ctx, s, f); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		before := f.Data()[0]
		poke := iostream.Args{Selector: selPoke, In: []uint64{uint64(f.BufferID()), 0, uint64(^before)}}
		if err := s.Call(ctx, &poke); err != nil {
			return err
		}
		z.WriteAfterPostVisible = f.Data()[0] == ^before
		return nil
	})
}

// compare finds out where both sides have the frame's buffer.
func (z *ZeroCopy) compare(ctx context.Context, s *iostream.Stream, f *iostream.Frame) error {
	var out [4]uint64
	a := iostream.Args{Selector: selPlace, In: []uint64{uint64(f.BufferID())}, Out: out[:]}
	if err := s.Call(ctx, &a); err != nil {
		return err
	}
	if a.NOut != len(out) {
		return ioreturn.Broken(ioreturn.RuleAnswer, "the place of a buffer has %d words, not %d", a.NOut, len(out))
	}
	driver := place{out[0], out[1], out[2], out[3]}
	client, err := mappedPlace(ctx, s, f)
	if err != nil {
		return err
	}
	z.Driver, z.Client = driver.report(), client.report()
	z.SameInode = driver.inode == client.inode && driver.major == client.major && driver.minor == client.minor
	z.SameOffset = driver.offset == client.offset
	return nil
}
