// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"sync"
)

// revocable is a context that ends with its parent or when it is told to, like one of
// context.WithCancel, but is kept from call to call, and costs nothing to wait for as long as
// one call at a time does. Its values are its parent's.
type revocable struct {
	context.Context             // the parent
	leave           func() bool // forgets the parent
	stop            func() bool // made once

	mu   sync.Mutex
	err  error
	done chan struct{} // nil until it is asked for
	then func()        // of the one call that waits
}

var _ context.Context = (*revocable)(nil)

// newRevocable registers with the parent until leave.
func newRevocable(parent context.Context) *revocable {
	r := &revocable{Context: parent, err: parent.Err()}
	r.stop = r.forget
	r.leave = context.AfterFunc(parent, func() { r.end(parent.Err()) })
	return r
}

// serves reports whether r ends when ctx does, and neither has.
func (r *revocable) serves(ctx context.Context) bool {
	return r != nil && r.Context.Done() == ctx.Done() && ctx.Err() == nil && r.Err() == nil
}

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

// cancel ends the context, and forgets the parent.
func (r *revocable) cancel() {
	r.leave()
	r.end(context.Canceled)
}

func (r *revocable) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = err
	if r.done != nil {
		close(r.done)
	}
	if r.then != nil {
		go r.then()
		r.then = nil
	}
}
