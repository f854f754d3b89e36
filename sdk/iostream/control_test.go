// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// plane is a control plane that answers with the selector, and counts.
type plane struct {
	refuse         error
	opened, closed int
}

func (p *plane) NewControl(userclient.Peer) (userclient.ControlSession, error) {
	p.opened++
	return p, p.refuse
}

func (p *plane) MaxCopy() int { return 1234 }

func (p *plane) Call(_ context.Context, a *userclient.Args) error {
	a.NOut = copy(a.Out, []uint64{uint64(a.Selector)})
	return nil
}

func (p *plane) Close() { p.closed++ }

func TestControlPlane(t *testing.T) {
	p := &plane{}
	d := newDriver(t, iostream.DriverConfig{Control: p}, nil)
	desc := d.Describe()
	if desc.Offered&userclient.FeatureControl == 0 || !desc.DirectControl || desc.MaxCopy != 1234 {
		t.Errorf("described as %+v", desc)
	}
	ask := func(conn userclient.Conn, sel uint32) error {
		var out [1]uint64
		a := iostream.Args{Selector: sel, Out: out[:]}
		err := conn.Call(t.Context(), &a)
		if err == nil && out[0] != uint64(sel) {
			t.Errorf("selector %#x answered %d", sel, out[0])
		}
		return err
	}
	s := connect(t, d, nil)
	unopened := dial(t, d) // another client: settings are for everybody
	if p.opened != 0 {
		t.Error("a session that uses no controls has opened the control plane")
	}
	for sel := userclient.SelIoctl; sel <= userclient.SelControlLast; sel++ {
		_, known := userclient.OperationOf(sel)
		if known != (desc.Selectors[sel/64]&(1<<(sel%64)) != 0) {
			t.Errorf("selector %#x: described %v", sel, !known)
		}
		for _, conn := range []userclient.Conn{s.Conn(), unopened} {
			if err := ask(conn, sel); known && err != nil || !known && !errors.Is(err, ioreturn.ErrUnsupported) {
				t.Errorf("selector %#x: %v", sel, err)
			}
		}
	}
	if p.opened != 2 || p.closed != 0 {
		t.Errorf("opened %d times, closed %d times", p.opened, p.closed)
	}
	if err := errors.Join(s.Close(), unopened.Close(), d.Close()); err != nil {
		t.Error(err)
	}
	<-d.Done()
	if p.closed != 2 {
		t.Errorf("closed %d times", p.closed)
	}
}

func TestControlPlaneThatDoesNotOpen(t *testing.T) {
	p := &plane{refuse: ioreturn.ErrBusy}
	d := newDriver(t, iostream.DriverConfig{Control: p}, nil)
	conn := dial(t, d)
	for range 2 { // it is tried again
		wantIs(t, conn.Call(t.Context(), &iostream.Args{Selector: userclient.SelIoctl}), ioreturn.ErrBusy)
	}
	if p.opened != 2 || p.closed != 0 {
		t.Errorf("opened %d times, closed %d times", p.opened, p.closed)
	}
}

func TestNoControlPlane(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	if desc := d.Describe(); desc.Offered&userclient.FeatureControl != 0 || desc.DirectControl {
		t.Errorf("described as %+v", desc)
	}
	wantIs(t, dial(t, d).Call(t.Context(), &iostream.Args{Selector: userclient.SelIoctl}), ioreturn.ErrUnsupported)
}
