// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

const (
	// spinBatch is how many looks at the queue come between looks at clock and context.
	spinBatch = 64
	// batchLeast is about the least that a batch of looks takes. It ends a spin under a clock that
	// stands still while anything runs, as that of testing/synctest does.
	batchLeast = 100 * time.Nanosecond
	// yieldEvery is how many such batches of WaitSpin come between chances for other
	// goroutines.
	yieldEvery = 16
	// locateEvery is how many sleeps in a row are believed to end where they began.
	locateEvery = 16
)

// waiter is where one side of a session waits for the other. The goroutine that
// holds turn waits and may touch the queue's shared words; the others wait for turn.
type waiter struct {
	end    *queue.End
	endMu  sync.Locker // around what end does not guard itself
	port   userclient.Port
	policy WaitPolicy
	word   userclient.WordPort // nil: sleep on the port
	over   <-chan struct{}     // closed when the session is over
	why    func() error        // says why
	turn   turn
	wakes  counter

	// Owned by turn's holder.
	spin  spinner            // of the policies that may sleep
	place userclient.Locator // nil: the other side is in this process, or it cannot be told
	here  uint32             // what place said last
	slept uint32             // waits since, but for those that ended at the first look

	yields int // batches of looks between chances for others; 0: after each look

	news atomic.Uint32 // closed and interrupted, set with mu held

	// bound is the caller's context made endable by stop and interrupt. It is kept from
	// wait to wait, because a new one costs allocations (C33); contexts are told apart by
	// their Done channel. Turn's holder changes it, with mu held.
	mu     sync.Mutex
	bound  context.Context
	cancel context.CancelFunc
	done   <-chan struct{}
}

// newWaiter makes a waiter. words says that the session has FeatureSharedWord, which
// WaitThread needs.
func newWaiter(
	end *queue.End, endMu sync.Locker, port userclient.Port, policy WaitPolicy, words bool, over <-chan struct{}, why func() error,
) *waiter {
	w := &waiter{
		end: end, endMu: endMu, port: port, policy: policy, over: over, why: why,
		turn: newTurn(), spin: newSpinner(briefSpins),
	}
	if policy == WaitAdaptive {
		w.spin = newSpinner(longSpins)
	}
	if wp, ok := port.(userclient.WordPort); ok && words && policy != WaitPoller {
		w.word = wp
	}
	w.place, _ = port.(userclient.Locator)
	if runtime.GOMAXPROCS(0) > 1 || w.place != nil {
		w.yields = yieldEvery
	}
	return w
}

// What a waiter must know before it waits.
const (
	closed      = 1 << iota
	interrupted // until a wait has seen it
)

// tell ends the wait that is under way, and makes the next one look at what is new.
func (w *waiter) tell(news uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news.Or(news)
	if w.cancel != nil {
		w.cancel()
	}
}

// stop ends the wait that is under way and every later one.
func (w *waiter) stop() { w.tell(closed) }

// close is stop, and returns when nobody touches the queue from here any more.
func (w *waiter) close() {
	w.stop()
	w.turn.lock(context.Background(), nil)
	w.turn.unlock()
}

// interrupt makes the wait that is under way, or the next one, return nil.
func (w *waiter) interrupt() { w.tell(interrupted) }

// bind returns ctx made endable by stop and interrupt; nil if the wait was interrupted
// before it began.
func (w *waiter) bind(ctx context.Context) (context.Context, error) {
	if w.news.Load() == 0 && w.bound != nil && w.done == ctx.Done() {
		return w.bound, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.news.And(^uint32(interrupted))
	if w.cancel != nil {
		w.cancel()
		w.bound, w.cancel, w.done = nil, nil, nil
	}
	switch {
	case news&closed != 0:
		return nil, ioreturn.ErrClosed
	case news&interrupted != 0:
		return nil, nil
	}
	w.bound, w.cancel = context.WithCancel(ctx)
	w.done = ctx.Done()
	return w.bound, nil
}

// lock gets the right to wait. It fails as wait does.
func (w *waiter) lock(ctx context.Context) error {
	switch {
	case w.turn.lock(ctx, w.over):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return w.why()
}

// tryLock gets the right to wait if nobody has it.
func (w *waiter) tryLock() bool { return w.turn.tryLock() }

func (w *waiter) unlock() { w.turn.unlock() }

// wait returns nil when there may be an entry to receive, or for no reason: look
// again. The caller has found the queue empty and holds the right to wait. It never
// takes an entry, so that ending it loses none.
func (w *waiter) wait(user context.Context, after uint32) error {
	if w.glance() {
		return nil
	}
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
	if w.policy == WaitSpin {
		return w.spinFor(ctx, 0)
	}
	return w.adapt(ctx, after)
}

// adapt spins where that may help, and sleeps.
func (w *waiter) adapt(ctx context.Context, after uint32) error {
	if w.slept++; w.slept >= locateEvery {
		w.locate()
	}
	if w.together() { // and nothing to learn from how long the sleep takes
		return w.sleep(ctx, after)
	}
	if w.spin.limit > 0 {
		if err := w.spinFor(ctx, w.spin.limit); !errors.Is(err, errSpinOver) {
			return err
		}
		w.locate()
	}
	before := time.Now()
	err := w.sleep(ctx, after)
	w.spin.slept(time.Since(before))
	return err
}

// together reports whether both sides are known to run on one processor, where the
// other side publishes nothing while this one spins.
func (w *waiter) together() bool { return w.here != 0 && w.end.PeerCPU() == w.here }

// spins reports whether the other side may publish something while this one spins.
func (w *waiter) spins() bool {
	return w.policy == WaitSpin || w.spin.limit > 0 && !w.together()
}

// locate tells the other side where this one runs, and notes it.
func (w *waiter) locate() {
	if w.slept = 0; w.place != nil {
		w.here = w.place.CPU()
		w.end.SetCPU(w.here)
	}
}

// glance is the first look of a spin, before anything is made ready for a longer one.
// Not after close: the queue's memory may be gone. One that comes now waits for turn.
func (w *waiter) glance() bool {
	if w.news.Load() != 0 || w.yields == 0 || !w.spins() {
		return false
	}
	if !w.look() {
		return false
	}
	w.spin.caught(0)
	return true
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
	for n := 1; ; n++ {
		if w.look() {
			w.spin.caught(spent)
			return nil
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
		if w.yields == 0 || limit == 0 && n%w.yields == 0 {
			runtime.Gosched() // let others run where there are fewer CPUs than spinners
		}
		if limit > 0 {
			if spent = max(time.Since(begin), time.Duration(n)*batchLeast); spent >= limit {
				return errSpinOver
			}
		}
	}
}

// look looks at the queue some times.
func (w *waiter) look() bool {
	if w.yields == 0 {
		return w.end.Poll()
	}
	return w.end.Look(spinBatch)
}

// sleep arms the event index and blocks until the other side rings.
func (w *waiter) sleep(ctx context.Context, after uint32) error {
	how := queue.SleepBell
	if w.word != nil {
		how = queue.SleepWord
	}
	w.endMu.Lock()
	ready, err := w.end.Arm(after, how)
	w.endMu.Unlock()
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
