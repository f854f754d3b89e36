// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// pending is a call that was sent and not answered. The receiver writes the answer
// straight into the caller's memory, unless the caller has gone.
type pending struct {
	mu       sync.Mutex
	args     *userclient.Args // nil: the caller has gone
	err      error            // of the driver
	answered atomic.Bool
	done     chan struct{} // closed when answered; nil while nobody waits for that
	reserved bool          // uses the slot that is kept for SelClose
	bulk     bool
}

// Call runs one external method. See userclient.Conn. If as many calls are
// outstanding as the driver allows, it waits for one of them to be answered.
func (c *Conn) Call(ctx context.Context, a *userclient.Args) error {
	if err := c.over(); err != nil {
		return ioreturn.Op(selectorName(a.Selector), c.path, err)
	}
	return c.call(ctx, a, false)
}

// call is Call, also while closing.
func (c *Conn) call(ctx context.Context, a *userclient.Args, reserved bool) error {
	p, err := c.admit(ctx, a, reserved)
	if err != nil {
		return ioreturn.Op(selectorName(a.Selector), c.path, err)
	}
	id, err := c.sendCall(p, a)
	if err != nil {
		return ioreturn.Op(selectorName(a.Selector), c.path, err)
	}
	c.at("client.call-sent")
	c.listen(ctx, p)
	c.wg.Done()
	if !p.answered.Load() {
		if err := c.await(ctx, p, id); err != nil {
			return ioreturn.Op(selectorName(a.Selector), c.path, err)
		}
	}
	c.at("client.call-answered")
	if p.err == nil && a.Selector == userclient.SelClose {
		c.mayBeOpen.Store(false)
	}
	return p.err
}

// await waits for an answer that somebody else hears, or gives the call up.
func (c *Conn) await(ctx context.Context, p *pending, id uint32) error {
	select {
	case <-p.wait():
		return nil
	case <-ctx.Done():
		err := p.abandon(context.Cause(ctx))
		if err != nil {
			c.cancel(id)
		}
		return err
	case <-c.done:
		return p.abandon(c.Err())
	}
}

// wait returns what is closed when the call is answered.
func (p *pending) wait() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = make(chan struct{})
	if p.answered.Load() {
		close(p.done)
	}
	return p.done
}

// abandon gives the call up because of cause; nil means that it is answered already.
func (p *pending) abandon(cause error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answered.Load() {
		return nil
	}
	p.args = nil
	return &unknown{cause}
}

// admit checks a call against the limits and waits for its turn.
func (c *Conn) admit(ctx context.Context, a *userclient.Args, reserved bool) (*pending, error) {
	switch {
	case len(a.In) > userclient.MaxScalars || len(a.Out) > userclient.MaxScalars:
		return nil, fmt.Errorf("%d scalars in and %d out, at most %d may be: %w", len(a.In), len(a.Out), userclient.MaxScalars, ioreturn.BadArgument)
	case uint64(len(a.InBytes)) > uint64(c.limits.bulk):
		return nil, fmt.Errorf("%d bytes, the driver takes at most %d: %w", len(a.InBytes), c.limits.bulk, ioreturn.MessageTooLarge)
	}
	p := &pending{args: a, reserved: reserved}
	if !reserved {
		if err := c.acquire(ctx, c.slots); err != nil {
			return nil, err
		}
	}
	if inline := int(c.limits.inline); len(a.InBytes) > inline || len(a.OutBytes) > inline {
		if err := c.acquire(ctx, c.bulk); err != nil {
			c.freeSlots(p)
			return nil, err
		}
		p.bulk = true
	}
	return p, nil
}

// acquire waits for a token of slots.
func (c *Conn) acquire(ctx context.Context, slots chan struct{}) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case slots <- struct{}{}: // as a rule
		return nil
	default:
	}
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("not sent, as many calls as the driver allows are outstanding: %w", context.Cause(ctx))
	case <-c.done:
		return c.Err()
	}
}

// freeSlots gives back what admit took: when the answer has come, or the call was
// not sent. An abandoned call keeps its place until then, because the driver may
// still be at it.
func (c *Conn) freeSlots(p *pending) {
	if !p.reserved {
		<-c.slots
	}
	if p.bulk {
		<-c.bulk
	}
}

// sendCall registers the call and sends it.
func (c *Conn) sendCall(p *pending, a *userclient.Args) (id uint32, err error) {
	f := call{
		selector: a.Selector, in: a.In, bytes: a.InBytes, size: uint32(len(a.InBytes)),
		out: uint32(len(a.Out)), outBytes: uint32(min(uint64(len(a.OutBytes)), uint64(c.limits.bulk))),
	}
	fd := -1
	if len(a.InBytes) > int(c.limits.inline) {
		if fd, err = memfd.NewBulk(a.InBytes); err != nil {
			c.freeSlots(p)
			return 0, err
		}
		defer unix.Close(fd)
		f.bytes = nil
	}
	if a.Selector == userclient.SelOpen {
		c.mayBeOpen.Store(true)
		c.wasOpened.Store(true)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	id = c.newID()
	c.calls[id] = p
	c.scratch = f.append(c.scratch, id, fd >= 0)
	if err := c.send(c.scratch, fd); err != nil {
		delete(c.calls, id)
		c.freeSlots(p)
		return 0, err
	}
	c.wg.Add(1) // until the caller has listened
	return id, nil
}

// newID returns a number that no outstanding conversation has. c.mu is held.
func (c *Conn) newID() uint32 {
	for {
		c.lastID++
		if c.lastID != 0 && c.calls[c.lastID] == nil && (c.mapping == nil || c.mapping.id != c.lastID) {
			return c.lastID
		}
	}
}

// send sends a frame. If the driver has hung up, the receiver will find out why. An
// error that leaves the session unusable ends it. c.mu is held.
func (c *Conn) send(b []byte, fd int) error {
	err := c.sock.Send(b, fd)
	if err == nil || seqpacket.HungUp(err) {
		return nil
	}
	c.endLocked(lost(err))
	return c.err
}

// cancel tells the driver that a call was given up.
func (c *Conn) cancel(id uint32) {
	c.mu.Lock()
	if c.err == nil && c.calls[id] != nil {
		c.scratch = appendCancel(c.scratch, id)
		_ = c.send(c.scratch, -1)
	}
	c.mu.Unlock()
	c.at("client.cancel-sent")
}

// replied hands an answer to its caller, or discards it if the caller has gone.
func (c *Conn) replied(in *incoming) error {
	f, err := parseReply(in.bytes, in.hasFD)
	if err != nil {
		return err
	}
	c.mu.Lock()
	p := c.calls[in.id]
	delete(c.calls, in.id)
	c.mu.Unlock()
	if p == nil {
		return ioreturn.Broken(ioreturn.RuleFrameID, "a REPLY to call %d, which is not outstanding", in.id)
	}
	defer c.freeSlots(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.args == nil {
		return nil
	}
	if err := fill(p.args, &f, in); err != nil {
		return err
	}
	p.err, p.args = status(f.code, f.detail), nil
	p.answered.Store(true)
	if p.done != nil {
		close(p.done)
	}
	return nil
}

// fill puts an answer into the caller's memory.
func fill(a *userclient.Args, f *reply, in *incoming) error {
	if len(f.out) > len(a.Out) || uint64(f.size) > uint64(len(a.OutBytes)) {
		return ioreturn.Broken(ioreturn.RuleAnswer, "a REPLY to selector %#x has %d scalars and %d bytes, there was room for %d and %d",
			a.Selector, len(f.out), f.size, len(a.Out), len(a.OutBytes))
	}
	if in.hasFD {
		fd := in.take()
		defer unix.Close(fd)
		if err := memfd.ReadBulk(fd, a.OutBytes[:f.size]); err != nil {
			return err
		}
	}
	copy(a.OutBytes, f.bytes)
	a.NOut, a.NOutBytes = copy(a.Out, f.out), int(f.size)
	return nil
}
