// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"errors"
	"testing"
)

func TestChainAndGather(t *testing.T) {
	for _, size := range []int{0, 1, 1024, 1025, 2500} {
		a := NewArena(nil)
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		b, err := a.Chain(size, func(p []byte, at int) error { copy(p, want[at:]); return nil })
		if err != nil || b.Size() != size || !bytes.Equal(b.Gather(size+1), want) || !bytes.Equal(b.Gather(size/2), want[:size/2]) {
			t.Errorf("%d bytes: %d, %v", size, b.Size(), err)
		}
		blocks := 0
		for x := b; x != nil; x = x.Next() {
			if blocks++; x.Len() > MaxIoctlBlock {
				t.Errorf("a block of %d bytes", x.Len())
			}
		}
		if blocks != (size+MaxIoctlBlock-1)/MaxIoctlBlock {
			t.Errorf("%d bytes in %d blocks", size, blocks)
		}
		b.Free()
		b, err = a.Chain(3000, func(_ []byte, at int) error {
			if at > 1024 {
				return EFAULT
			}
			return nil
		})
		if b != nil || !errors.Is(err, EFAULT) || a.Usage() != (Usage{}) {
			t.Errorf("%v, %v, in use %+v", b, err, a.Usage())
		}
	}
}
