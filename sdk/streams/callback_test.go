// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"sync"
	"testing"
)

// opened returns a driver that hands its read queue to the test.
func opened(q **Queue) *Module {
	return &Module{Name: "opened", Open: func(r *Queue, _ OpenInfo) error { *q = r; return nil }}
}

func TestCallbackFire(t *testing.T) {
	d := NewDomain(&Config{Arena: testArena(t)})
	var q *Queue
	s := testStream(t, d, opened(&q), &Module{Name: "head"})
	inside, count := false, 0
	c, err := q.Callback(func() {
		if inside {
			t.Error("it ran beside a procedure")
		}
		count++
	})
	if err != nil {
		t.Fatal(err)
	}
	// Fired by several goroutines while the stream is busy: it runs once, afterwards.
	if err := s.Do(func(*Queue) {
		inside = true
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(c.Fire)
		}
		wg.Wait()
		inside = false
	}); err != nil || count != 1 {
		t.Fatalf("ran %d times, %v", count, err)
	}
	c.Fire()
	if err := s.Do(func(*Queue) {
		if c.Cancel() {
			t.Error("cancelled after it ran")
		}
	}); err != nil || count != 1 {
		t.Errorf("ran %d times, %v", count, err)
	}
}

func TestCallbackCancelled(t *testing.T) {
	d := NewDomain(&Config{Arena: testArena(t)})
	var q *Queue
	s := testStream(t, d, opened(&q), &Module{Name: "head"})
	ran := func() { t.Error("it ran") }
	cancelled, err := q.Callback(ran)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := q.Callback(ran)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Do(func(*Queue) {
		cancelled.Fire() // its turn comes after this
		if !cancelled.Cancel() {
			t.Error("not cancelled before it ran")
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	closed.Fire()
	for _, fn := range []func(){nil, ran} {
		if _, err := q.Callback(fn); !errors.Is(err, EINVAL) {
			t.Errorf("on a closed queue: %v", err)
		}
	}
}
