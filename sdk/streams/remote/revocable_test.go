// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestRevocable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRevocable()
		ran := make([]int, 4)
		count := func(i int) func() { return func() { ran[i]++ } }
		if !context.AfterFunc(r, count(0))() {
			t.Error("a function that was taken back says that it has run")
		}
		context.AfterFunc(r, count(1))
		context.AfterFunc(r, count(2)) // at the same time
		child, stop := context.WithCancel(r)
		defer stop()
		if r.Err() != nil || child.Err() != nil {
			t.Error(r.Err(), child.Err())
		}
		r.cancel()
		r.cancel()
		context.AfterFunc(r, count(3)) // late
		<-r.Done()
		<-child.Done()
		synctest.Wait()
		if want := []int{0, 1, 1, 1}; [4]int(ran) != [4]int(want) {
			t.Errorf("functions have run %v times, want %v", ran, want)
		}
		if !errors.Is(context.Cause(r), context.Canceled) || !errors.Is(context.Cause(child), context.Canceled) {
			t.Error(context.Cause(r), context.Cause(child))
		}
	})
}
