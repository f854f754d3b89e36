// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// callControl answers a selector of the control plane. It takes no turn: a command may
// take long, and must hold up neither the stream nor another session (C7).
func (s *session) callControl(ctx context.Context, a *Args) error {
	c, err := s.controlPlane()
	if err != nil {
		return err
	}
	return c.Call(ctx, a)
}

// controlPlane returns the session's control plane, which begins with its first use.
func (s *session) controlPlane() (userclient.ControlSession, error) {
	s.controlMu.Lock()
	defer s.controlMu.Unlock()
	if s.control == nil {
		c, err := s.d.cfg.Control.NewControl(s.peer)
		if err != nil {
			s.log("open control plane", "err", err)
			return nil, &ioreturn.StatusError{Code: ioreturn.Of(err), Detail: "control plane: " + userclient.CleanText(err.Error())}
		}
		if t, ok := c.(userclient.ControlTeller); ok {
			t.TellBy(s.tell)
		}
		s.control = c
		s.joinModules(c)
	}
	return s.control, nil
}

// joinModules lets payload pass the modules of a control plane that has begun.
func (s *session) joinModules(c userclient.ControlSession) {
	p, ok := c.(userclient.PayloadPath)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.payload = p; s.lane != nil && !s.lane.finished && s.lane.mods == nil {
		s.lane.join(p)
	}
}

// tell passes an event of the control plane on to this session's client.
func (s *session) tell(e Event) {
	e.Text, e.Time = userclient.CleanText(e.Text), s.d.clock.now()
	s.event(e)
}

// closeControl ends the control plane. No Call is under way any more.
func (s *session) closeControl() {
	s.controlMu.Lock()
	defer s.controlMu.Unlock()
	if s.control != nil {
		s.control.Close()
	}
}
