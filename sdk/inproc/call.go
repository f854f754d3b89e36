// SPDX-License-Identifier: Apache-2.0

package inproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// maxBytes is how many bytes a call carries each way. Between processes what is
// above userclient.MaxInline travels in memory of its own, up to the same limit.
const maxBytes = 16 << 20

// Call implements userclient.Conn. A call whose context has already ended is not
// made, and its error is the context's cause alone.
func (c *conn) Call(ctx context.Context, a *userclient.Args) error {
	if err := checkArgs(a); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch a.Selector {
	case userclient.SelOpen:
		return c.open(ctx, a)
	case userclient.SelClose:
		err := c.exchange(ctx, a)
		if err == nil {
			c.setOpened(false)
		}
		return err
	}
	return c.exchange(ctx, a)
}

// open keeps track of whether the session may be open: from the moment that
// SelOpen is on its way, unless the driver refuses it.
func (c *conn) open(ctx context.Context, a *userclient.Args) error {
	before := c.setOpened(true)
	err := c.exchange(ctx, a)
	unsure := err == nil || errors.Is(err, ioreturn.ErrOutcomeUnknown) || ioreturn.Of(err) == ioreturn.StillOpen
	if !before && !unsure {
		c.setOpened(false)
	}
	return err
}

func (c *conn) setOpened(opened bool) (before bool) {
	c.portMu.Lock()
	defer c.portMu.Unlock()
	before, c.opened = c.opened, opened
	return before
}

// exchange makes one call and copies its answer into a.
func (c *conn) exchange(ctx context.Context, a *userclient.Args) error {
	k, err := c.start(a)
	if err != nil {
		return err
	}
	if err := c.wait(ctx, k); err != nil {
		return err
	}
	return k.answer(a)
}

// checkArgs holds the limits of every transport.
func checkArgs(a *userclient.Args) error {
	switch {
	case a == nil:
		return refuse(ioreturn.BadArgument, "a call needs arguments")
	case len(a.In) > userclient.MaxScalars || len(a.Out) > userclient.MaxScalars:
		return refuse(ioreturn.BadArgument, "a call carries at most %d scalars each way, not %d in and %d out",
			userclient.MaxScalars, len(a.In), len(a.Out))
	case len(a.InBytes) > maxBytes || len(a.OutBytes) > maxBytes:
		return refuse(ioreturn.MessageTooLarge, "a call carries at most %d bytes each way, not %d in and %d out",
			maxBytes, len(a.InBytes), len(a.OutBytes))
	}
	return nil
}

// call is one call of the driver, on copies of the client's arguments (C8).
type call struct {
	args   userclient.Args
	cancel context.CancelFunc
	done   chan struct{} // closed when err is set and args are the caller's to read
	err    error
}

// start begins a driver call in a goroutine of its own.
func (c *conn) start(a *userclient.Args) (*call, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	k := &call{
		args: userclient.Args{
			Selector: a.Selector,
			In:       slices.Clone(a.In),
			Out:      make([]uint64, len(a.Out)),
			InBytes:  bytes.Clone(a.InBytes),
			OutBytes: make([]byte, len(a.OutBytes)),
		},
		done: make(chan struct{}),
		err:  refuse(ioreturn.InternalError, "the driver ended the goroutine of the call"),
	}
	// The driver's context has neither the values nor the deadline of the client's:
	// no other transport could carry them.
	ctx, cancel := context.WithCancel(c.base)
	k.cancel = cancel
	go func() {
		defer c.leave()
		defer close(k.done)
		defer cancel()
		k.err = travelled(protect("call", func() error { return c.session.Call(ctx, &k.args) }))
	}()
	return k, nil
}

// wait returns when the driver has answered, ctx has ended, or the session is
// over. An answer that is there counts, whatever else has happened; but a refusal
// that comes with the end of the session is taken for its consequence.
func (c *conn) wait(ctx context.Context, k *call) error {
	var cause error
	select {
	case <-k.done:
	case <-ctx.Done():
		cause = context.Cause(ctx)
	case <-c.over:
		cause = c.Err()
	}
	select {
	case <-k.done:
		over := c.Err()
		if k.err == nil || over == nil {
			return k.err
		}
		cause = over
	default:
	}
	k.cancel()
	return &unknownOutcome{cause}
}

// answer copies what came back to the caller.
func (k *call) answer(a *userclient.Args) error {
	n, nb := k.args.NOut, k.args.NOutBytes
	if n < 0 || n > len(a.Out) || nb < 0 || nb > len(a.OutBytes) {
		return ioreturn.Broken(ioreturn.RuleAnswer, "selector %#x: %d words and %d bytes came back where there was room for %d and %d",
			a.Selector, n, nb, len(a.Out), len(a.OutBytes))
	}
	// The copies' own slices may have been replaced by the driver; what counts is
	// what it left there.
	if n > len(k.args.Out) || nb > len(k.args.OutBytes) {
		return ioreturn.Broken(ioreturn.RuleAnswer, "selector %#x: %d words and %d bytes were announced, %d and %d given",
			a.Selector, n, nb, len(k.args.Out), len(k.args.OutBytes))
	}
	a.NOut = copy(a.Out, k.args.Out[:n])
	a.NOutBytes = copy(a.OutBytes, k.args.OutBytes[:nb])
	return nil
}

// enter admits one more use of the session, leave ends it. Session.Closed waits
// for all of them.
func (c *conn) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clientErr != nil {
		return c.clientErr
	}
	c.running++
	return nil
}

func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.running == 0 && c.clientErr != nil {
		close(c.idle)
	}
}

// protect runs f, which belongs to the driver, and turns a panic into its error:
// in another process the client would survive it as well.
func protect(what string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = refuse(ioreturn.InternalError, "the driver's %s panicked: %v", what, r)
		}
	}()
	return f()
}

// travelled returns a driver's error as it arrives over any transport: a code,
// with a text where that says more.
func travelled(err error) error {
	code, detail := ioreturn.Status(err)
	if code == ioreturn.Success {
		return nil
	}
	if detail == "" {
		return code
	}
	return &ioreturn.StatusError{Code: code, Detail: detail}
}

// refuse returns an error of the transport itself.
func refuse(code ioreturn.Code, format string, args ...any) error {
	return &ioreturn.StatusError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// unknownOutcome is the error of a call that was given up.
type unknownOutcome struct{ cause error }

func (e *unknownOutcome) Error() string {
	return e.cause.Error() + " (" + ioreturn.ErrOutcomeUnknown.Error() + ": the driver may still be at it)"
}

func (e *unknownOutcome) Unwrap() []error { return []error{e.cause, ioreturn.ErrOutcomeUnknown} }
