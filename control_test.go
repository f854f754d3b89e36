// SPDX-License-Identifier: Apache-2.0

package iostreamkit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// tuner makes a driver with one setting, which tells of its changes.
func tuner(t *testing.T) *iostream.Driver {
	t.Helper()
	var table control.Table
	err := table.Add(control.Info{
		Name: "gain", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{Type: control.TypeInt, Unit: "dB", Max: control.Int(60), Default: control.Int(20)},
	}, control.Handler{})
	driver, err2 := plane.Module("tuner", &table, nil)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "acme/radio0/iq", DataSize: 4096, Control: &remote.Plane{Driver: driver},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	table.OnChange(func(name string) { d.Emit(iostream.Event{Kind: userclient.EventControlChanged, Text: name}) })
	return d
}

func controls(t *testing.T, d *iostream.Driver) *iostreamkit.Control {
	t.Helper()
	conn, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := iostreamkit.NewControl(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// One program sets, another one hears of it.
func TestControlsOfTwoPrograms(t *testing.T) {
	leak.Check(t)
	d := tuner(t)
	sets, watches := controls(t, d), controls(t, d)
	if _, err := sets.Settings.Set(t.Context(), "gain", control.Int(42)); err != nil {
		t.Fatal(err)
	}
	for name, err := range watches.Changes(t.Context()) {
		if name != "gain" || err != nil {
			t.Errorf("%q, %v", name, err)
		}
		break
	}
	if v, err := watches.Settings.Get(t.Context(), "gain"); v.Int() != 42 || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	_, err := sets.Settings.Set(t.Context(), "gain", control.Int(61))
	if !errors.Is(err, ioreturn.ErrInvalid) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range watches.Changes(ctx) {
		if name != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("%q, %v", name, err)
		}
	}
}

func TestNoControls(t *testing.T) {
	leak.Check(t)
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/cam0/video", DataSize: 4096}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	conn, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iostreamkit.NewControl(t.Context(), conn, nil); !errors.Is(err, ioreturn.ErrUnsupported) {
		t.Error(err)
	}
	select {
	case <-conn.Done():
	default:
		t.Error("the connection was left open")
	}
}
