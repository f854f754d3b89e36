// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

const (
	// spinBatch is how many looks at the queue come between looks at clock and context.
	spinBatch = 64
)

// waiter is where one side of a session waits for the other. The goroutine that
// holds turn waits and may touch the queue's shared words; the others wait for turn.
type waiter struct {
	end    *queue.End
	port   userclient.Port
	policy WaitPolicy
	word   userclient.WordPort // nil: sleep on the port
	over   <-chan struct{}     // closed when the session is over
	why    func() error        // says why
	turn   chan struct{}
	spin   spinner // of WaitAdaptive; owned by turn's holder
	wakes  counter

	mu     sync.Mutex
	closed bool
	// interrupted is set by interrupt until a wait has seen it.
	interrupted bool
	// bound is the caller's context made endable by close and interrupt. It is kept
	// from wait to wait, because a new one costs allocations (C33); contexts are told
	// apart by their Done channel.
	bound  context.Context
	cancel context.CancelFunc
	done   <-chan struct{}
}

// newWaiter makes a waiter. WaitThread needs FeatureSharedWord.
func newWaiter(end *queue.End, port userclient.Port, policy WaitPolicy, over <-chan struct{}, why func() error) *waiter {
	w := &waiter{
		end: end, port: port, policy: policy, over: over, why: why,
		turn: make(chan struct{}, 1), spin: newSpinner(),
	}
	if wp, ok := port.(userclient.WordPort); ok && policy == WaitThread {
		w.word = wp
	}
	if runtime.GOMAXPROCS(0) < 2 && policy == WaitAdaptive {
		w.policy = WaitPoller // the other side can't run while we spin
	}
	return w
}

// stop ends the wait that is under way and every later one.
func (w *waiter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.cancel != nil {
		w.cancel()
	}
}

// close is stop, and returns when nobody touches the queue from here any more.
func (w *waiter) close() {
	w.stop()
	w.turn <- struct{}{}
	<-w.turn
}

// interrupt makes the wait that is under way, or the next one, return nil.
func (w *waiter) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.interrupted = true
	if w.cancel != nil && !w.closed {
		w.cancel()
		w.bound, w.cancel, w.done = nil, nil, nil
	}
}

// bind returns ctx made endable by close and interrupt; nil if the wait was
// interrupted before it began.
func (w *waiter) bind(ctx context.Context) (context.Context, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, ioreturn.ErrClosed
	case w.interrupted:
		w.interrupted = false
		return nil, nil
	}
	if w.bound == nil || w.done != ctx.Done() {
		if w.cancel != nil {
			w.cancel()
		}
		w.bound, w.cancel = context.WithCancel(ctx)
		w.done = ctx.Done()
	}
	return w.bound, nil
}

// lock gets the right to wait. It fails as wait does.
func (w *waiter) lock(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.over:
		return w.why()
	}
}

// tryLock gets the right to wait if nobody has it.
func (w *waiter) tryLock() bool {
	select {
	case w.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

func (w *waiter) unlock() { <-w.turn }

// wait returns nil when there may be an entry to receive, or for no reason: look
// again. The caller has found the queue empty and holds the right to wait. It never
// takes an entry, so that ending it loses none.
func (w *waiter) wait(user context.Context, after uint32) error {
	ctx, err := w.bind(user)
	if ctx == nil {
		return err
	}
	err = w.waitBound(ctx, after)
	switch {
	case err == nil || ctx.Err() == nil:
		return err
	case user.Err() != nil:
		return context.Cause(user)
	}
	_, err = w.bind(user) // by close, or interrupted
	return err
}

func (w *waiter) waitBound(ctx context.Context, after uint32) error {
	switch w.policy {
	case WaitSpin:
		return w.spinFor(ctx, 0)
	case WaitAdaptive:
		if w.spin.limit > 0 {
			if err := w.spinFor(ctx, w.spin.limit); !errors.Is(err, errSpinOver) {
				return err
			}
		}
		before := time.Now()
		err := w.sleep(ctx, after)
		w.spin.slept(time.Since(before))
		return err
	}
	return w.sleep(ctx, after)
}

var errSpinOver = errors.New("spin is over")

// spinFor looks at the queue until there is something, the session is over, ctx
// ends, or (unless zero) the time is up.
func (w *waiter) spinFor(ctx context.Context, limit time.Duration) error {
	var begin time.Time
	var spent time.Duration
	if limit > 0 {
		begin = time.Now()
	}
	for {
		for range spinBatch {
			if w.end.Poll() {
				w.spin.caught(spent)
				return nil
			}
		}
		select {
		case <-w.over:
			return w.why()
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		if w.end.Ended() {
			return nil
		}
		if limit == 0 {
			runtime.Gosched() // let others run where there are fewer CPUs than spinners
		} else if spent = time.Since(begin); spent >= limit {
			return errSpinOver
		}
	}
}

// sleep arms the event index and blocks until the other side rings.
func (w *waiter) sleep(ctx context.Context, after uint32) error {
	how := queue.SleepBell
	if w.word != nil {
		how = queue.SleepWord
	}
	ready, err := w.end.Arm(after, how)
	if ready || err != nil {
		return err
	}
	if w.word != nil {
		err = w.word.WaitWord(ctx, w.end.Word(), w.end.Seen())
	} else {
		err = w.port.Wait(ctx)
	}
	w.wakes.add(1)
	return err
}
