// SPDX-License-Identifier: Apache-2.0

package iostream

// fifo is a queue of buffer IDs that can hold every buffer, so it never grows.
type fifo struct {
	ids  []uint32
	head int
	n    int
}

func newFIFO(size int) fifo { return fifo{ids: make([]uint32, size)} }

func (f *fifo) push(id uint32) {
	at := f.head + f.n
	if at >= len(f.ids) {
		at -= len(f.ids)
	}
	f.ids[at] = id
	f.n++
}

func (f *fifo) pop() (id uint32, ok bool) {
	if f.n == 0 {
		return 0, false
	}
	id = f.ids[f.head]
	if f.head++; f.head == len(f.ids) {
		f.head = 0
	}
	f.n--
	return id, true
}

func (f *fifo) reset() { f.head, f.n = 0, 0 }
