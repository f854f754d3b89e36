// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// placeOf finds out where a slice of shared memory is, from the list of this process's
// mappings.
func placeOf(p []byte) (place, error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return place{}, err
	}
	defer maps.Close()
	address := uint64(reflect.ValueOf(p).Pointer())
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var begin, end, offset, inode uint64
		var major, minor uint64
		var mode string
		n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %x %x:%x %d", &begin, &end, &mode, &offset, &major, &minor, &inode)
		if n == 7 && begin <= address && address < end {
			return place{major, minor, inode, offset + address - begin}, nil
		}
	}
	return place{}, errors.Join(fmt.Errorf("address %#x is in no mapping of this process", address), lines.Err())
}

// mappedPlace finds out where the client has a frame's buffer, and checks it with
// fstat of the descriptor that the memory was mapped from.
func mappedPlace(ctx context.Context, s *iostream.Stream, f *iostream.Frame) (_ place, err error) {
	p, err := placeOf(f.Region())
	if err != nil {
		return p, err
	}
	m, err := s.Conn().Map(ctx, userclient.MemBufferData|f.BufferID())
	if err != nil {
		return p, err
	}
	defer func() {
		if unmapped := m.Unmap(); err == nil {
			err = unmapped
		}
	}()
	if m.FD < 0 {
		return p, errors.ErrUnsupported // memory of this process only
	}
	var st unix.Stat_t
	if err := unix.Fstat(m.FD, &st); err != nil {
		return p, err
	}
	byDescriptor := place{uint64(unix.Major(st.Dev)), uint64(unix.Minor(st.Dev)), st.Ino, uint64(m.Offset)}
	if byDescriptor != p {
		return p, fmt.Errorf("the buffer is at %+v by its descriptor, and at %+v by its mapping", byDescriptor, p)
	}
	return p, nil
}
