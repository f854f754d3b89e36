// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The checks of what happens when the two sides of a conversation wait for each other.

func checkGivenUpAnywhere(t *T) { t.plane().givesUp(t.listing()) }

// longThought is how long a client takes for a copy that is slow: its memory may have to be
// fetched from a disk.
const longThought = 100 * time.Millisecond

func checkSlowClient(t *T) {
	k, p := t.listing(), t.plane()
	mem, err := ioctl.NewRegions(k.memory()...)
	p.must("register memory", err)
	c := ioctl.NewCopier(mem, ioctl.LimitsOf(streams.Strict.Tunables()))
	n, err := p.ask(k.request(p))
	for i := 1; err == nil && asks(n) && i <= maxCopies; i++ {
		e := c.Do(n)
		if t.pause(longThought) != nil {
			t.abortf("the rule's time was over")
		}
		if n, err = p.tell(e); err != nil || n.Kind == ioctl.Nak || n.Kind == ioctl.Silent {
			t.Errorf("the client took %v for copy %d of %s, and the driver answered with %s; it must go on", longThought, i, k.what, nextText(n, err))
			return
		}
	}
}

// pause waits for d, or until the rule's time is over.
func (t *T) pause(d time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
	return t.Context().Err()
}

// holdUp is a connection that holds the outcome of a copy up until the command that it is
// for was given up. before says that the driver does not hear of it at all; otherwise the
// driver's answer is late.
type holdUp struct {
	userclient.Conn

	mu     sync.Mutex
	armed  bool
	before bool
	giveUp context.CancelFunc // what the head is told when it has waited long enough
	over   chan struct{}      // closed when the command was given up
}

// next arms the connection for one command.
func (h *holdUp) next(before bool, giveUp context.CancelFunc) (over chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.armed, h.before, h.giveUp, h.over = true, before, giveUp, make(chan struct{})
	return h.over
}

// disarm reports whether nothing was held up since next.
func (h *holdUp) disarm() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	armed := h.armed
	h.armed = false
	return armed
}

// Call is the connection's.
func (h *holdUp) Call(ctx context.Context, a *userclient.Args) error {
	h.mu.Lock()
	hold := h.armed && a.Selector == userclient.SelIoctlData
	before, giveUp, over := h.before, h.giveUp, h.over
	h.armed = h.armed && !hold
	h.mu.Unlock()
	if !hold {
		return h.Conn.Call(ctx, a)
	}
	if before {
		giveUp()
		<-ctx.Done() // by the next command
		return context.Cause(ctx)
	}
	err := h.Conn.Call(ctx, a)
	giveUp()
	select { // the head does not wait any more: what is returned now is late
	case <-over:
	case <-ctx.Done(): // it makes its calls itself
	}
	return err
}

// givenUpCommands is how many commands of one session time out.
const givenUpCommands = 8

func checkHeadTimesOut(t *T) {
	k := t.listing()
	l := t.link()
	l.mustChoose()
	conn := &holdUp{Conn: l.Conn}
	s, err := remote.Open(conn, nil)
	l.must("open a stream head", err)
	defer func() {
		ctx, cancel := t.Within(closeBound)
		defer cancel()
		if err := s.Close(ctx); err != nil && !t.Failed() {
			t.abortf("could not close a stream head: %v", err)
		}
	}()
	for i := range givenUpCommands {
		ctx, cancel := context.WithCancel(t.Context())
		over := conn.next(i%2 == 0, cancel)
		err := k.through(ctx, t, s.Head)
		close(over)
		cancel()
		if conn.disarm() || err == nil {
			t.abortf("%s came to %s before it could be given up", k.what, answer(err))
		}
		if err := k.through(t.Context(), t, s.Head); err != nil {
			t.Fatalf("a stream head gave %s up, when it had waited long enough for a copy, for the %d. time; after that the command came to %s; it must succeed",
				k.what, i+1, answer(err))
		}
	}
}

// through sends the command through a stream head.
func (k *talk) through(ctx context.Context, t *T, h *head.Head) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.s.scaled(answerBound), fmt.Errorf("%w after %v", errTimeUp, answerBound))
	defer cancel()
	r := k.request(&plane{link: &link{t: t}})
	mem, err := ioctl.NewRegions(append(k.memory(), ioctl.Region{Addr: argumentAddr, Data: r.Data})...)
	if err != nil {
		return err
	}
	_, err = h.Str(ctx, &head.Str{Command: r.Command, Data: r.Data, Memory: mem, Addr: argumentAddr, Wait: head.Forever})
	return err
}
