// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// answer puts scalars into a's output as far as there is room.
func answer(a *Args, out ...uint64) error {
	a.NOut = copy(a.Out, out)
	return nil
}

// answerBytes puts b into a's output. A record is of no use in part.
func answerBytes(a *Args, b []byte, err error) error {
	if err != nil {
		return err
	}
	if len(b) > len(a.OutBytes) {
		return &ioreturn.StatusError{Code: ioreturn.NoSpace,
			Detail: fmt.Sprintf("the answer has %d bytes, the caller has room for %d", len(b), len(a.OutBytes))}
	}
	a.NOutBytes = copy(a.OutBytes, b)
	return nil
}

// scalars checks the number of scalars that came in.
func scalars(a *Args, n int) error {
	if len(a.In) != n {
		return &ioreturn.StatusError{Code: ioreturn.BadArgument,
			Detail: fmt.Sprintf("selector %#x takes %d scalars, got %d", a.Selector, n, len(a.In))}
	}
	return nil
}

func (s *session) describe(_ context.Context, a *Args) error {
	d := s.d.Describe()
	if m, ok := s.res.(userclient.Materials); ok {
		d.Buffers.Kind, d.Ports = m.Materials()
	}
	b, err := d.AppendBinary(nil)
	return answerBytes(a, b, err)
}

func (s *session) selectFeatures(_ context.Context, a *Args) error {
	if err := scalars(a, 2); err != nil {
		return err
	}
	desc := s.d.Describe()
	features, layout := a.In[0], Layout(a.In[1])
	switch {
	case features&^desc.Offered != 0:
		return &ioreturn.StatusError{Code: ioreturn.Unsupported,
			Detail: fmt.Sprintf("features %#x are not offered by this driver (ABI %d.%d)", features&^desc.Offered, desc.ABIMax.Major, desc.ABIMax.Minor)}
	case desc.Required&^features != 0:
		return &ioreturn.StatusError{Code: ioreturn.Unsupported,
			Detail: fmt.Sprintf("features %#x are required by this driver (ABI %d.%d)", desc.Required&^features, desc.ABIMax.Major, desc.ABIMax.Minor)}
	case a.In[1] > 31 || desc.Layouts&(1<<layout) == 0:
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: fmt.Sprintf("queue layout %d is not offered by this driver", a.In[1])}
	}
	if layout == userclient.LayoutClassic {
		features &^= userclient.FeatureSequence | userclient.FeatureSharedWord // it has no room for them
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.features, s.layout = features, layout
	return answer(a, features)
}

func (s *session) getMode(_ context.Context, a *Args) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return answer(a, uint64(s.d.mode))
}

func (s *session) setMode(ctx context.Context, a *Args) error {
	if err := scalars(a, 1); err != nil {
		return err
	}
	m := userclient.Mode(a.In[0])
	if a.In[0] > uint64(userclient.ModeInputOutput) {
		return ioreturn.UnsupportedMode
	}
	if s.d.Describe().Modes&(1<<m) == 0 {
		return &ioreturn.StatusError{Code: ioreturn.UnsupportedMode, Detail: fmt.Sprintf("this stream can't be %v", m)}
	}
	return s.inTurn(ctx, userclient.OpSetMode, func() error {
		s.d.mu.Lock()
		same := s.d.mode == m
		s.d.mu.Unlock()
		if same {
			return nil
		}
		if h, ok := s.d.handler.(ModeHandler); ok {
			if err := h.SetDirection(ctx, directionOf(m)); err != nil {
				return err
			}
		}
		return s.d.changeMode(s, m)
	})
}

// changeMode changes the direction on behalf of s. While a session is open it must be
// s's own, and every buffer must be with the driver.
func (d *Driver) changeMode(s *session, m userclient.Mode) error {
	d.mu.Lock()
	if d.owner != nil && d.owner != s {
		detail := "open by " + peerText(d.owner.peer)
		d.mu.Unlock()
		return &ioreturn.StatusError{Code: ioreturn.Busy, Detail: detail}
	}
	d.mu.Unlock()
	if s.currentState() == userclient.StateOpen {
		if err := s.lane.changeMode(m); err != nil {
			return err
		}
	}
	d.mu.Lock()
	d.mode = m
	d.generation++
	d.mu.Unlock()
	d.Emit(Event{Kind: userclient.EventModeChanged, Value: uint64(m)})
	return nil
}

// inTurn runs fn in its turn if the table allows op.
func (s *session) inTurn(ctx context.Context, op userclient.Operation, fn func() error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.check(op); err != nil {
		return err
	}
	return fn()
}

func (s *session) getBufferCount(_ context.Context, a *Args) error {
	s.mu.Lock()
	ln, open := s.lane, s.state != userclient.StateClosed
	s.mu.Unlock()
	if open && ln != nil {
		return answer(a, uint64(len(ln.buffers)))
	}
	return answer(a, uint64(s.d.BufferCount()))
}

func (s *session) memoryMap(_ context.Context, a *Args) error {
	s.mu.Lock()
	ln := s.lane
	s.mu.Unlock()
	if ln == nil {
		return ioreturn.NotOpen
	}
	b, err := userclient.AppendRegions(nil, ln.plan.regions)
	return answerBytes(a, b, err)
}

func (s *session) getStats(_ context.Context, a *Args) error {
	st := s.d.Stats()
	b, err := st.AppendBinary(nil)
	return answerBytes(a, b, err)
}

func (s *session) correlate(_ context.Context, a *Args) error {
	stream, host, uncertainty := s.d.clock.correlate()
	return answer(a, uint64(stream), uint64(host), uint64(uncertainty))
}

func (s *session) getFormat(_ context.Context, a *Args) error {
	b, err := s.d.Format().AppendBinary(nil)
	return answerBytes(a, b, err)
}

func (s *session) setFormat(ctx context.Context, a *Args) error {
	var f Format
	if err := f.UnmarshalBinary(a.InBytes); err != nil {
		return &ioreturn.StatusError{Code: ioreturn.BadArgument, Detail: err.Error()}
	}
	h, ok := s.d.handler.(FormatHandler)
	if !ok {
		return &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: "the format of this stream is fixed"}
	}
	return s.inTurn(ctx, userclient.OpSetFormat, func() error {
		if err := h.SetFormat(ctx, &f); err != nil {
			return err
		}
		f, err := s.d.setFormat(f)
		if err != nil || len(a.OutBytes) == 0 {
			return err
		}
		b, err := f.AppendBinary(nil)
		return answerBytes(a, b, err)
	})
}

func (s *session) observe(_ context.Context, a *Args) error {
	o := s.d.Observe()
	b, err := o.AppendBinary(nil)
	return answerBytes(a, b, err)
}

// Observe returns what an observer of the stream sees.
func (d *Driver) Observe() Observation {
	d.mu.Lock()
	owner := d.owner
	d.mu.Unlock()
	o := Observation{OwnerPID: -1, OwnerUID: -1, Stats: d.Stats()}
	if owner == nil {
		return o
	}
	owner.mu.Lock()
	defer owner.mu.Unlock()
	o.State, o.Opened = owner.state, owner.opened
	o.OwnerPID, o.OwnerUID, o.Owner = owner.peer.PID, owner.peer.UID, owner.peer.Program
	return o
}

func (s *session) flush(_ context.Context, a *Args) error {
	s.mu.Lock()
	n := s.lane.dropBacklog(userclient.LossFlushed)
	_ = s.lane.unlock(nil, queue.WakeNone) // no publication, so nothing can fail
	return answer(a, uint64(n))
}

// doorbell is trap 0 as a call, for transports and clients without a bell.
func (s *session) doorbell(_ context.Context, a *Args) error {
	if err := scalars(a, 1); err != nil {
		return err
	}
	s.mu.Lock()
	ln := s.lane
	s.mu.Unlock()
	return ln.rung(uint32(a.In[0]))
}

// inputSync is trap 1 as a call: it returns when the driver has consumed every entry
// that the client published before it.
func (s *session) inputSync(ctx context.Context, a *Args) error {
	if err := scalars(a, 1); err != nil {
		return err
	}
	s.mu.Lock()
	ln := s.lane
	s.mu.Unlock()
	if h, ok := s.d.handler.(InputHandler); ok {
		err := s.inTurn(ctx, userclient.OpInputSync, func() error { return h.InputSync(ctx, uint32(a.In[0])) })
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return answer(a, uint64(ln.consumed()))
	}
	n, err := ln.waitConsumed(ctx)
	if err != nil {
		return err
	}
	return answer(a, uint64(n))
}
