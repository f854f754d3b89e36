// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// T is what the check of one rule works with: connections to the driver, bounds on
// time, randomness, and where breaches are reported. Its methods may be called from any
// goroutine, but Fatalf and Skipf end only the one that calls them.
type T struct {
	s     *Suite
	rule  *Rule
	whole context.Context // of the whole run
	ctx   context.Context
	end   context.CancelFunc
	rng   *rand.Rand
	log   *slog.Logger

	joined sync.WaitGroup // goroutines of Go

	mu       sync.Mutex
	o        outcome
	messages []string
	notes    []string
	cleanup  []func() string // last first; each returns what could not be given back
	over     bool            // cleanup has begun
}

// maxMessages bounds what one rule reports: the first breaches say enough.
const maxMessages = 8

func newT(ctx context.Context, s *Suite, r *Rule) *T {
	t := &T{s: s, rule: r, whole: ctx, rng: rand.New(rand.NewPCG(s.seed, idHash(r.ID))), log: s.logger.With("rule", r.ID)}
	limit := r.Timeout
	if limit == 0 {
		limit = DefaultTimeout
	}
	limit = s.scaled(limit) + frameBudget*s.period() + warmUps*time.Duration(s.device.WarmUp)
	t.ctx, t.end = context.WithTimeoutCause(ctx, limit,
		fmt.Errorf("%w: the rule's %v are over", errTimeUp, limit))
	return t
}

// frameBudget is for how many frames of the device's period a rule may wait in all,
// warmUps how often it may start a device that warms up.
const (
	frameBudget = 64
	warmUps     = 8
)

var errTimeUp = errors.New("time is up")

// idHash makes the random source of a rule independent of which rules run before it.
func idHash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}

// Context ends when the rule's time is up or the run is ended.
func (t *T) Context() context.Context { return t.ctx }

// Seed returns the seed of the run. The same seed gives every rule the same randomness.
func (t *T) Seed() uint64 { return t.s.seed }

// Rand returns the rule's random source. It is not safe for concurrent use.
func (t *T) Rand() *rand.Rand { return t.rng }

// Target returns the driver under test.
func (t *T) Target() Target { return t.s.target }

// Describe returns the description that the driver gave when the run began.
func (t *T) Describe() userclient.Description { return t.s.desc }

// Claims reports whether the driver is said to have a capability.
func (t *T) Claims(c Capability) bool { return t.s.claimed[c] }

// has reports whether the suite has seen a capability for itself. Rules ask what is
// claimed; what prepares them does what works.
func (t *T) has(c Capability) bool { return t.s.probed[c] }

// Errorf reports a breach of the rule and goes on. The message says what was done, what
// was seen and what should have been seen, for a reader who knows the driver and not
// this suite. What is reported after the run was ended is a note, because calls that the
// end cut short say nothing of the driver.
func (t *T) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.whole.Err() != nil {
		t.sayLocked(&t.notes, "after the run was ended: "+fmt.Sprintf(format, args...))
		return
	}
	t.o.failed = true
	t.sayLocked(&t.messages, fmt.Sprintf(format, args...))
}

// Fatalf is Errorf, and ends the check.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Skipf ends the check without a verdict: this run can't show whether the rule is kept.
func (t *T) Skipf(format string, args ...any) {
	t.mu.Lock()
	t.o.skipped = true
	t.sayLocked(&t.messages, fmt.Sprintf(format, args...))
	t.mu.Unlock()
	runtime.Goexit()
}

// inapplicable ends the check because the driver does not offer what the rule is about,
// where that is no capability.
func (t *T) inapplicable(format string, args ...any) {
	t.mu.Lock()
	t.o.unfit = true
	t.sayLocked(&t.messages, fmt.Sprintf(format, args...))
	t.mu.Unlock()
	runtime.Goexit()
}

// abortf ends the check because what it needs could not be prepared. Another rule is
// about that, so this one ends in an error instead of failing.
func (t *T) abortf(format string, args ...any) {
	t.mu.Lock()
	t.o.aborted = true
	t.sayLocked(&t.messages, fmt.Sprintf(format, args...))
	t.mu.Unlock()
	runtime.Goexit()
}

// Logf adds a note that is reported with the rule, whatever its verdict.
func (t *T) Logf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sayLocked(&t.notes, fmt.Sprintf(format, args...))
}

func (t *T) sayLocked(to *[]string, text string) {
	switch n := len(*to); {
	case slices.Contains(*to, text): // said before
	case n < maxMessages:
		*to = append(*to, text)
	case n == maxMessages:
		*to = append(*to, "(there is more of this kind)")
	}
}

// Failed reports whether a breach was reported.
func (t *T) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.o.failed
}

// Cleanup registers what is to be done at the end of the rule, last first. f returns
// what could not be given back, or nothing. It must return within a bounded time.
func (t *T) Cleanup(f func() (untidy string)) {
	t.mu.Lock()
	if !t.over {
		t.cleanup = append(t.cleanup, f)
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	f() // a goroutine that outlived the rule
}

// Go runs f beside the check. It is joined at the end of the rule, after the rule's
// context has ended and its connections are closed.
func (t *T) Go(f func()) {
	t.joined.Go(func() {
		defer t.caught()
		f()
	})
}

// caught keeps a panic, which must not end the suite.
func (t *T) caught() {
	r := recover()
	if r == nil {
		return
	}
	where := strings.TrimSpace(string(debug.Stack()))
	t.log.Debug("check panicked", "panic", r, "stack", where)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.o.panicked = r
	t.sayLocked(&t.notes, where)
}

// run runs the check to its end, or until it is clear that it has none, gives back what
// it used, and returns how it ended.
func (t *T) run(stop context.Context) outcome {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.caught()
		t.rule.Check(t)
		t.mu.Lock()
		t.o.returned = true
		t.mu.Unlock()
	}()
	select {
	case <-done:
	case <-t.ctx.Done():
		t.await(done, grace) // what it does with an ended context may be a verdict
	}
	t.end()
	untidy := t.tidy()
	all := make(chan struct{})
	go func() {
		defer close(all)
		<-done
		t.joined.Wait()
	}()
	finished := t.await(all, grace)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.o.hung = !finished
	t.o.stopped = context.Cause(stop)
	if !t.rule.Attack {
		t.o.untidy = untidy
	}
	return t.o
}

// grace is how long a check may take to notice that its context has ended.
const grace = time.Second

// await waits for done, up to a scaled bound.
func (t *T) await(done <-chan struct{}, bound time.Duration) bool {
	timer := time.NewTimer(t.s.scaled(bound))
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// tidy runs the cleanups and returns what they complained of.
func (t *T) tidy() string {
	t.mu.Lock()
	t.over = true
	fs := t.cleanup
	t.cleanup = nil
	t.mu.Unlock()
	var all []string
	for i := len(fs) - 1; i >= 0; i-- {
		if untidy := fs[i](); untidy != "" {
			all = append(all, untidy)
		}
	}
	return strings.Join(all, "; ")
}

// Connect begins a session that is closed at the end of the rule. It is for rules about
// connecting; others use Conn.
func (t *T) Connect(observe bool) (userclient.Conn, error) {
	ctx, cancel := t.Within(connectBound)
	defer cancel()
	c, err := t.s.target.Connect(ctx, observe)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() string { return t.hangUp(c) })
	return c, nil
}

// Conn begins a session that is closed at the end of the rule. A rule that can't get
// one ends in an error.
func (t *T) Conn(observe bool) userclient.Conn {
	c, err := t.Connect(observe)
	if err != nil {
		t.abortf("could not connect: %v", err)
	}
	return c
}

// Open opens the stream with package iostream's client and closes it at the end of the
// rule. A rule that can't open it ends in an error. cfg may be nil.
func (t *T) Open(cfg *iostream.Config) *iostream.Stream {
	c := t.Conn(false)
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	s, err := iostream.Open(ctx, c, cfg)
	if err != nil {
		t.abortf("could not open the stream: %v", err)
	}
	t.Cleanup(func() string {
		_ = s.Close() // hangUp tells
		return ""
	})
	return s
}

// hangUp closes a connection within a bound and says what went wrong.
func (t *T) hangUp(c userclient.Conn) string {
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	timer := time.NewTimer(t.s.scaled(closeBound))
	defer timer.Stop()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Sprintf("closing a connection of the rule: %v", err)
		}
	case <-timer.C:
		return fmt.Sprintf("closing a connection of the rule took more than %v", t.s.scaled(closeBound))
	}
	select {
	case <-c.Done():
	default:
		return "a connection of the rule was closed, but is not over"
	}
	if o, ok := c.(interface{ Orphans() int }); ok && o.Orphans() > 0 {
		return fmt.Sprintf("the driver still runs %d calls of a connection that was closed", o.Orphans())
	}
	return ""
}
