// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// newQueue allocates and formats the memory of a queue that holds every buffer. A
// transport would share it; here both sides are in one program.
func newQueue(buffers int) (queue.Memory, error) {
	const layout = userclient.LayoutNative
	count := queue.RingCount(layout, buffers)
	m := queue.Memory{
		Ring:   make([]byte, queue.RingSize(layout, count)),
		Reader: make([]byte, queue.ReaderSize),
	}
	return m, queue.Format(m, layout, count)
}

// newEnd returns the side of a session that writes one queue and reads the other.
func newEnd(writes, reads queue.Memory, buffers []queue.Bound, isDriver bool) (*queue.End, error) {
	conf := queue.Config{Layout: userclient.LayoutNative, Name: "queue", Buffers: len(buffers)}
	p, err := queue.NewProducer(writes, conf)
	if err != nil {
		return nil, err
	}
	c, err := queue.NewConsumer(reads, conf)
	if err != nil {
		return nil, err
	}
	return queue.NewEnd(c, p, buffers, isDriver), nil
}

// A driver posts two of its buffers and a client gives one back.
func Example() {
	if err := turn(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// the client sleeps: true
	// ring the bell: true
	// buffer 0: 640 bytes
	// buffer 1: 1024 bytes
	// send queue: buffer 1 is not owned by this side: bad argument (kIOReturnBadArgument, 0xe00002c2)
	// the driver owns 1 of 2 buffers
}

func turn() error {
	buffers := []queue.Bound{{Data: 1024}, {Data: 1024}}
	out, err := newQueue(len(buffers))
	if err != nil {
		return err
	}
	in, err := newQueue(len(buffers))
	if err != nil {
		return err
	}
	driver, err := newEnd(out, in, buffers, true)
	if err != nil {
		return err
	}
	client, err := newEnd(in, out, buffers, false)
	if err != nil {
		return err
	}

	ready, err := client.Arm(1, queue.SleepBell)
	if err != nil {
		return err
	}
	fmt.Println("the client sleeps:", !ready)

	wake, err := driver.Send([]queue.Entry{{Buffer: 0, DataLength: 640}, {Buffer: 1, DataLength: 1024}})
	if err != nil {
		return err
	}
	fmt.Println("ring the bell:", wake == queue.WakeBell)

	got := make([]queue.Entry, 8)
	n, err := client.Receive(got)
	if err != nil {
		return err
	}
	for _, e := range got[:n] {
		fmt.Printf("buffer %d: %d bytes\n", e.Buffer, e.DataLength)
	}

	if _, err := client.Send(got[1:2]); err != nil {
		return err
	}
	_, err = client.Send(got[1:2]) // again: it belongs to the driver now
	fmt.Println(err)

	if _, err := driver.Receive(got); err != nil {
		return err
	}
	fmt.Printf("the driver owns %d of %d buffers\n", driver.Owned(), len(buffers))
	return nil
}
