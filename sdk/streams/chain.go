// SPDX-License-Identifier: Apache-2.0

package streams

// Chain returns size bytes in MData blocks of at most MaxIoctlBlock, as a stream head sends
// the data of an ioctl; nil for no bytes. fill is called for each block with its memory and
// where its first byte is among all. The error is that of fill, or ENOSR.
func (a *Arena) Chain(size int, fill func(p []byte, at int) error) (first *Block, err error) {
	var last *Block
	for at := 0; at < size; at += MaxIoctlBlock {
		n := min(size-at, MaxIoctlBlock)
		b, err := a.Alloc(MData, n)
		if err != nil {
			first.Free()
			return nil, err
		}
		if first == nil {
			first = b
		} else {
			last.cont = b
		}
		last = b
		if err := fill(b.data.buf[:n], at); err != nil {
			first.Free()
			return nil, err
		}
		b.w = n
	}
	return first, nil
}

// Gather returns a copy of the first bytes of the message, at most most of them. The
// message may be nil.
func (b *Block) Gather(most int) []byte {
	size := 0
	for m := b; m != nil && size < most; m = m.cont {
		size += m.Len()
	}
	if size = min(size, most); size <= 0 {
		return nil
	}
	out := make([]byte, 0, size)
	for ; b != nil && len(out) < most; b = b.cont {
		p := b.Bytes()
		out = append(out, p[:min(len(p), most-len(out))]...)
	}
	return out
}
