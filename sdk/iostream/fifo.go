// SPDX-License-Identifier: Apache-2.0

package iostream

// fifo is a queue with room for every buffer of a stream, so it never grows.
type fifo[T any] struct {
	items []T
	head  int
	n     int
}

func newFIFO[T any](size int) fifo[T] { return fifo[T]{items: make([]T, size)} }

// at returns the i-th item from the front. Precondition: i < n, or i == n < size to
// fill the next one.
func (f *fifo[T]) at(i int) *T {
	i += f.head
	if i >= len(f.items) {
		i -= len(f.items)
	}
	return &f.items[i]
}

// room returns places behind the last item that lie in a row, which the caller may fill and
// add to n: at least one if the queue is not full.
func (f *fifo[T]) room() []T {
	if f.n == 0 {
		f.head = 0
	}
	end := f.head + f.n
	if end >= len(f.items) {
		return f.items[end-len(f.items) : f.head]
	}
	return f.items[end:]
}

func (f *fifo[T]) full() bool { return f.n == len(f.items) }

// push appends v. Precondition: the queue is not full.
func (f *fifo[T]) push(v T) {
	*f.at(f.n) = v
	f.n++
}

// pushFront puts v before all others. Precondition: the queue is not full.
func (f *fifo[T]) pushFront(v T) {
	if f.head--; f.head < 0 {
		f.head = len(f.items) - 1
	}
	f.n++
	*f.at(0) = v
}

func (f *fifo[T]) pop() (v T, ok bool) {
	if f.n == 0 {
		return v, false
	}
	v = *f.at(0)
	f.drop(1)
	return v, true
}

// drop removes the first n items. Precondition: there are as many.
func (f *fifo[T]) drop(n int) {
	if f.head += n; f.head >= len(f.items) {
		f.head -= len(f.items)
	}
	f.n -= n
}

func (f *fifo[T]) reset() { f.head, f.n = 0, 0 }
