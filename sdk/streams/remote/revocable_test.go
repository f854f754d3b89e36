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
		r := newRevocable(context.Background())
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

type key struct{}

// TestRevocableOfParent ends a context by way of its parent, and one whose parent is over.
func TestRevocableOfParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("why")
		parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, 7))
		r, other := newRevocable(parent), newRevocable(t.Context())
		if !r.serves(context.WithValue(parent, key{}, 8)) || r.serves(t.Context()) || r.Value(key{}) != 7 {
			t.Error("it serves what ends with its parent, and nothing else, and has its values")
		}
		ran := false
		context.AfterFunc(r, func() { ran = true })
		other.leave()
		cancel(why)
		if r.serves(parent) {
			t.Error("it serves what is over")
		}
		<-r.Done()
		synctest.Wait()
		if !ran || !errors.Is(r.Err(), context.Canceled) || !errors.Is(context.Cause(r), why) || other.Err() != nil {
			t.Error(ran, r.Err(), context.Cause(r), other.Err())
		}
		late := newRevocable(parent)
		if late.Err() == nil || late.serves(parent) {
			t.Error("its parent was over before")
		}
		<-late.Done()
	})
}

// TestBoundIsKept takes the contexts that calls of a Lower get.
func TestBoundIsKept(t *testing.T) {
	one, end := context.WithCancel(t.Context())
	defer end()
	two, end2 := context.WithCancel(t.Context())
	defer end2()
	l := NewLower(nil)
	first := l.bound(one)
	if l.bound(context.WithValue(one, key{}, 1)) != first || l.bound(one) != first {
		t.Error("calls of one context have several")
	}
	if l.bound(two) == first {
		t.Error("calls of two contexts have the same")
	}
	again := l.bound(one)
	l.cancel()
	if again.Err() == nil || l.bound(one) == again {
		t.Error("a call has the context of one that was given up")
	}
	if n := testing.AllocsPerRun(100, func() { l.bound(one) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	end()
	if last := l.bound(one); last.Err() == nil {
		t.Error("the caller's context is over, that of the call is not")
	}
	l.end()
	if l.own != nil {
		t.Error("the last context is kept")
	}
}
