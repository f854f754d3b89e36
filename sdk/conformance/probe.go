// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"maps"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// probe asks the target what it is and has.
func (s *Suite) probe(ctx context.Context) {
	s.probed = capSet{}
	if err := s.ask(ctx); err != nil {
		s.dead = fmt.Sprintf("the driver could not be reached: %v", err)
	} else {
		s.probed = seen(&s.desc, s.described)
	}
	if _, ok := s.target.(Restarter); ok {
		s.probed[CapRestart] = true
	}
	if _, ok := s.target.(Killer); ok {
		s.probed[CapKill] = true
	}
	s.claimed = claims(s.declared, s.probed)
	for c := range s.claimed { // the target's own can't be claimed, only had
		if ofTarget(c) {
			s.claimed[c] = s.probed[c]
		}
	}
	maps.Copy(s.claimed, onlyOfTarget(s.probed))
}

func onlyOfTarget(s capSet) capSet {
	out := capSet{}
	for c := range s {
		if ofTarget(c) {
			out[c] = true
		}
	}
	return out
}

// ask connects once and fetches the description.
func (s *Suite) ask(ctx context.Context) error {
	d, described, err := s.describe(ctx)
	if err == nil {
		s.desc, s.described = d, described
	}
	return err
}

// describe connects and asks for the description. A driver that has one which can't be
// used is not dead: DESC-01 is about that.
func (s *Suite) describe(ctx context.Context) (d userclient.Description, described bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.scaled(connectBound+answerBound), errTimeUp)
	defer cancel()
	c, err := s.target.Connect(ctx, false)
	if err != nil {
		return d, false, err
	}
	defer func() { _ = c.Close() }() // LIFE rules are about closing
	d, err = iostream.Describe(ctx, c)
	switch {
	case err == nil:
		return d, d.Name != "", nil
	case c.Err() != nil || ctx.Err() != nil:
		return d, false, fmt.Errorf("describe: %w", err)
	}
	s.logger.Debug("the description can't be used", "err", err)
	return userclient.Description{Layouts: 1 << userclient.LayoutClassic, Mode: userclient.ModeOutput}, true, nil
}

// revive looks whether the driver is alive after a rule that may have hurt it, and
// starts it anew if the target can.
func (s *Suite) revive(ctx context.Context, id string) {
	err := s.alive(ctx)
	if err == nil {
		return
	}
	if r, ok := s.target.(Restarter); ok {
		s.logger.Debug("restart the driver", "after", id, "err", err)
		if err = r.Restart(ctx); err == nil {
			err = s.alive(ctx)
		}
	}
	if err != nil {
		s.dead = fmt.Sprintf("the driver is not usable any more since rule %s: %v", id, err)
	}
}

// alive reports why the driver serves no client, or nil.
func (s *Suite) alive(ctx context.Context) error {
	if _, _, err := s.describe(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.scaled(connectBound+answerBound), errTimeUp)
	defer cancel()
	c, err := s.target.Connect(ctx, false)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // the next rule's connection will tell
	if s.described {
		_, _ = choose(ctx, c, &s.desc, preferred(&s.desc)) // opening tells
	}
	err = c.Call(ctx, &userclient.Args{Selector: userclient.SelOpen, In: []uint64{uint64(userclient.OpenExclusive)}})
	if ioreturn.Of(err) == ioreturn.ExclusiveAccess || ioreturn.Of(err) == ioreturn.Busy {
		return fmt.Errorf("the stream stays open for a client that has gone: %w", err)
	}
	return nil // other refusals are what the LIFE rules are about
}

// preferred returns the layout that a client of this project would use.
func preferred(d *userclient.Description) userclient.Layout {
	if d.Layouts&(1<<userclient.LayoutNative) != 0 {
		return userclient.LayoutNative
	}
	return userclient.LayoutClassic
}

// choose settles the layout and every feature that both sides know, and returns what
// the driver granted.
func choose(ctx context.Context, c userclient.Conn, d *userclient.Description, l userclient.Layout) (features uint64, err error) {
	a := userclient.Args{
		Selector: userclient.SelSelect,
		In:       []uint64{d.Offered & userclient.KnownFeatures, uint64(l)},
		Out:      make([]uint64, 1),
	}
	err = c.Call(ctx, &a)
	return a.Out[0], err
}
