// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
)

// holdFirst is a fault hook that stops the first session at a point. held tells that
// it is there, and release lets it go on, once or more.
func holdFirst(at string) (fault func(point string), held chan struct{}, release func()) {
	held, goOn := make(chan struct{}), make(chan struct{})
	var taken atomic.Bool
	return func(point string) {
		if point == at && !taken.Swap(true) {
			close(held)
			<-goOn
		}
	}, held, sync.OnceFunc(func() { close(goOn) })
}

// The oldest client is the one that connected first, also when the driver gets round
// to it last.
func TestC25OldestSilentConnectorIsDropped(t *testing.T) {
	leak.Check(t)
	fault, held, release := holdFirst("driver.client-known")
	defer release()
	path, _ := serve(t, newFake(), &ListenConfig{HelloTimeout: time.Minute, MaxUnfinished: 4, fault: fault})
	first := rawDial(t, path)
	within(t, held)
	rest := make([]*raw, 5)
	for i := range rest {
		rest[i] = rawDial(t, path)
	}
	if h := rest[0].recv(); h.typ != FrameRefuse {
		t.Errorf("the oldest of those that are waited for is answered with %s", frameName(h.typ))
	}
	release()
	if h := first.recv(); h.typ != FrameRefuse {
		t.Errorf("the longest silent client is answered with %s", frameName(h.typ))
	}
	for i, r := range rest[1:] {
		r.send(goodHello().append(nil))
		if h := r.recv(); h.typ != FrameWelcome {
			t.Errorf("client %d of the last 4 is answered with %s", i, frameName(h.typ))
		}
	}
}

// A client whose HELLO is there is not silent, however late the driver reads it.
func TestC25HelloThatIsThereCounts(t *testing.T) {
	for name, tc := range map[string]struct {
		timeout time.Duration
		silent  int
	}{
		"timeout is over":      {1, 0},
		"too many are waiting": {time.Minute, 5},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			fault, held, release := holdFirst("driver.client-known")
			defer release()
			path, _ := serve(t, newFake(), &ListenConfig{HelloTimeout: tc.timeout, MaxUnfinished: 4, fault: fault})
			r := rawDial(t, path)
			within(t, held)
			r.send(goodHello().append(nil))
			silent := make([]*raw, tc.silent)
			for i := range silent {
				silent[i] = rawDial(t, path)
			}
			if tc.silent > 0 {
				if h := silent[0].recv(); h.typ != FrameRefuse {
					t.Errorf("the oldest silent client is answered with %s", frameName(h.typ))
				}
			}
			release()
			if h := r.recv(); h.typ != FrameWelcome {
				t.Errorf("HELLO is answered with %s", frameName(h.typ))
			}
		})
	}
}
