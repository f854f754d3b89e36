// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"sync"
	"time"
)

// revocable is the context of the calls of a Lower that have no other one. It ends when it is
// told to, like one of context.WithCancel, but costs nothing to wait for as long as one call
// at a time does.
type revocable struct {
	stop func() bool // made once

	mu   sync.Mutex
	err  error
	done chan struct{} // nil until it is asked for
	then func()        // of the one call that waits
}

var _ context.Context = (*revocable)(nil)

func newRevocable() *revocable {
	r := &revocable{}
	r.stop = r.forget
	return r
}

func (r *revocable) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

func (r *revocable) Value(any) any { return nil }

func (r *revocable) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *revocable) Done() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		r.done = make(chan struct{})
		if r.err != nil {
			close(r.done)
		}
	}
	return r.done
}

// AfterFunc is what package context and transports use instead of Done, if it is there.
func (r *revocable) AfterFunc(f func()) (stop func() bool) {
	r.mu.Lock()
	first := r.err == nil && r.then == nil
	if first {
		r.then = f
	}
	r.mu.Unlock()
	if first {
		return r.stop
	}
	return context.AfterFunc(plain{r}, f)
}

// plain hides AfterFunc.
type plain struct{ context.Context }

func (r *revocable) forget() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	had := r.then != nil
	r.then = nil
	return had
}

// cancel ends the context.
func (r *revocable) cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = context.Canceled
	if r.done != nil {
		close(r.done)
	}
	if r.then != nil {
		go r.then()
		r.then = nil
	}
}
