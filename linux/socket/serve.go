// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"context"
	"fmt"
	"sync"

	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// answer sends the answer to a call, with the memfd out unless that is -1. If the
// client has hung up, the receiver will find out; any other error ends the session.
func (s *session) answer(id uint32, f *reply, out int) {
	s.sendMu.Lock()
	s.scratch = f.append(s.scratch, id, out >= 0)
	err := s.sock.Send(s.scratch, out)
	s.sendMu.Unlock()
	if err != nil && !seqpacket.HungUp(err) {
		s.end(lost(err))
	}
}

// running is a call that was received and is not answered. It is the context of its handler.
type running struct {
	handling
	bulk bool
}

// accept checks a call and counts it.
func (h *hand) accept(in *incoming) (*running, error) {
	s := h.s
	f, err := parseCall(in.bytes, in.hasFD)
	if err != nil {
		return nil, err
	}
	s.l.at("driver.call-read")
	bulk := f.size > userclient.MaxInline || f.outBytes > userclient.MaxInline
	if f.size > uint32(s.l.cfg.MaxBulk) || f.outBytes > uint32(s.l.cfg.MaxBulk) {
		return nil, ioreturn.Broken(ioreturn.RuleFrameLimit, "CALL has %d and wants %d bytes, %d are allowed", f.size, f.outBytes, s.l.cfg.MaxBulk)
	}
	r := &running{handling: handling{session: s.ctx, blocks: s.summon}, bulk: bulk}
	if err := s.admit(in.id, f.selector, r); err != nil {
		return nil, err
	}
	clear(h.out[:f.out])
	h.id, h.fd, h.size, h.outBytes = in.id, in.take(), f.size, f.outBytes
	h.args = userclient.Args{Selector: f.selector, In: f.in, Out: h.out[:f.out], InBytes: f.bytes}
	return r, nil
}

// admit counts a call, if it keeps the limits and has a number of its own.
func (s *session) admit(id, selector uint32, r *running) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case id == 0 || s.calls[id] != nil:
		return ioreturn.Broken(ioreturn.RuleFrameID, "CALL has number %d, which is 0 or outstanding", id)
	case len(s.calls) >= s.l.cfg.MaxCalls:
		return ioreturn.Broken(ioreturn.RuleFrameLimit, "%d calls are outstanding, %d are allowed", len(s.calls)+1, s.l.cfg.MaxCalls)
	case r.bulk && s.bulk >= maxBulkCalls:
		return ioreturn.Broken(ioreturn.RuleFrameLimit, "%d large calls are outstanding, %d are allowed", s.bulk+1, maxBulkCalls)
	}
	s.calls[id] = r
	if r.bulk {
		s.bulk++
	}
	s.opened = s.opened || selector == userclient.SelOpen
	return nil
}

// finish makes room for another call. It comes before the answer is sent, because
// the client may use the room as soon as it has the answer.
func (s *session) finish(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[id].bulk {
		s.bulk--
	}
	delete(s.calls, id)
}

// run runs a call and answers it. An error ends the session.
func (h *hand) run(r *running) error {
	defer r.cancel()
	s, a := h.s, &h.args
	if h.fd >= 0 {
		a.InBytes = make([]byte, h.size)
		err := memfd.ReadBulk(h.fd, a.InBytes)
		unix.Close(h.fd)
		if err != nil {
			return err
		}
	}
	a.OutBytes = h.roomFor(int(h.outBytes))
	err := s.user.Call(r, a)
	s.l.at("driver.call-done")
	if err == nil && (a.NOut < 0 || a.NOut > len(a.Out) || a.NOutBytes < 0 || a.NOutBytes > len(a.OutBytes)) {
		err = refusal(ioreturn.InternalError, "the driver's answer to selector %#x is larger than the client's room", a.Selector)
	}
	f := reply{}
	f.code, f.detail = ioreturn.Status(err)
	if err == nil {
		f.out, f.bytes, f.size = a.Out[:a.NOut], a.OutBytes[:a.NOutBytes], uint32(a.NOutBytes)
	}
	out := -1
	if len(f.bytes) > userclient.MaxInline {
		if out, err = memfd.NewBulk(f.bytes); err != nil {
			f = reply{}
			f.code, f.detail = ioreturn.NoMemory, err.Error()
		} else {
			defer unix.Close(out)
		}
		f.bytes = nil
	}
	s.finish(h.id)
	s.answer(h.id, &f, out)
	s.l.at("driver.reply-sent")
	return nil
}

// roomFor returns memory for the answer of a call. A hand keeps one piece that was used
// before, of which nothing is sent that a handler has not said to have written.
func (h *hand) roomFor(size int) []byte {
	if size > userclient.MaxInline {
		return make([]byte, size)
	}
	if size > cap(h.room) {
		h.room = make([]byte, size)
	}
	return h.room[:size]
}

// handleCancel ends the context of a call. The call may be answered already.
func (s *session) handleCancel(in *incoming) error {
	if err := parseCancel(in.bytes); err != nil {
		return err
	}
	s.l.at("driver.cancel-read")
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.calls[in.id]; r != nil {
		r.cancel()
	}
	return nil
}

// resources is what the session lends to the driver. It implements
// userclient.Resources.
type resources struct{ s *session }

func (r resources) Alloc(size int, w userclient.Writer) (userclient.Mem, func() error, error) {
	m, err := memfd.Create("iosk-arena", size, w == userclient.DriverWrites)
	if err != nil {
		return userclient.Mem{}, nil, ioreturn.Op("allocate", "shared memory", fmt.Errorf("%w: %w", ioreturn.NoMemory, err))
	}
	var once sync.Once
	release := func() error {
		err := ioreturn.Op("release", "shared memory", ioreturn.ErrClosed)
		once.Do(func() { err = m.Close() })
		return err
	}
	return userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemMemfd, FD: m.FD}, release, nil
}

// Doorbell returns a port that nobody rings to an observer's session, which has no
// queues.
func (r resources) Doorbell() userclient.Port {
	if r.s.doorbell == nil {
		return quiet(r)
	}
	return r.s.doorbell
}

// quiet is the doorbell of an observer.
type quiet struct{ s *session }

func (q quiet) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-q.s.done:
		q.s.mu.Lock()
		defer q.s.mu.Unlock()
		return q.s.endError()
	}
}

func (q quiet) FD() int { return -1 }

func (q quiet) Close() error { return nil }

func (r resources) Hangup(reason error) {
	if reason == nil {
		reason = ioreturn.ErrClosed
	}
	r.s.end(reason)
}
