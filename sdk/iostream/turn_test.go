// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

func TestTurnIsOnesAtATime(t *testing.T) {
	turn := newTurn()
	var wg sync.WaitGroup
	n := 0
	const each, many = 2000, 4
	for range many {
		wg.Go(func() {
			for range each {
				if !turn.lock(t.Context(), nil) {
					t.Error("the lock was not waited for")
				}
				n++
				turn.unlock()
			}
		})
	}
	wg.Wait()
	if n != each*many {
		t.Errorf("counted %d of %d", n, each*many)
	}
}

// No waiter is forgotten, whoever gives up beside it.
func TestTurnGoesOnWhenAWaiterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := newTurn()
		if !turn.tryLock() || turn.tryLock() {
			t.Fatal("the lock is not one")
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		got := make(chan bool)
		for range 3 {
			go func() { got <- turn.lock(ctx, nil) }()
		}
		go func() { got <- turn.lock(t.Context(), over) }()
		synctest.Wait()
		close(over)
		if <-got {
			t.Error("locked although it is over")
		}
		last := make(chan bool)
		go func() { last <- turn.lock(t.Context(), nil) }()
		synctest.Wait()
		cancel()
		for range 3 {
			if <-got {
				t.Error("locked although the context has ended")
			}
		}
		turn.unlock()
		if !<-last {
			t.Error("the waiter that did not give up has no lock")
		}
		turn.unlock()
		if !turn.tryLock() {
			t.Error("the lock is not free")
		}
	})
}
