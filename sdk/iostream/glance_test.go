// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"errors"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A waiter that was closed does not look at the queue, whose memory may be unmapped:
// if it did, it would see the entry here.
func TestClosedWaiterLooksAtNothing(t *testing.T) {
	const buffers = 2
	count := queue.RingCount(userclient.LayoutNative, buffers)
	m := queue.Memory{Ring: make([]byte, queue.RingSize(userclient.LayoutNative, count)), Reader: make([]byte, queue.ReaderSize)}
	cfg := queue.Config{Name: "queue", Buffers: buffers}
	err := queue.Format(m, userclient.LayoutNative, count)
	p, err1 := queue.NewProducer(m, cfg)
	c, err2 := queue.NewConsumer(m, cfg)
	if err := errors.Join(err, err1, err2); err != nil {
		t.Fatal(err)
	}
	end := queue.NewEnd(c, p, make([]queue.Bound, buffers), false)
	for _, policy := range []WaitPolicy{WaitPoller, WaitThread, WaitAdaptive, WaitSpin} {
		w := newWaiter(end, new(sync.Mutex), nil, policy, false, nil, nil)
		if _, err := p.Put([]queue.Entry{{}}); err != nil {
			t.Fatal(err)
		}
		if err := w.wait(t.Context(), 1); err != nil {
			t.Errorf("%v: %v", policy, err)
		}
		w.close()
		if err := w.wait(t.Context(), 1); !errors.Is(err, ioreturn.ErrClosed) {
			t.Errorf("%v: after close: %v", policy, err)
		}
	}
}
