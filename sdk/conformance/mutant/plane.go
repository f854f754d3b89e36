// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Serve answers one command of named controls, as control.Table.Serve does.
type Serve func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error)

// message is the argument of the commands of named controls.
type message struct {
	Request, Reply uint64
	Length, Room   uint32
}

// entries are the commands of named controls.
func entries(serve Serve) []ioctl.Entry {
	var out []ioctl.Entry
	for c, name := range map[control.Command]string{
		control.CmdList: "LIST_CONTROLS", control.CmdGet: "GET_CONTROL", control.CmdSet: "SET_CONTROL", control.CmdCall: "CALL_CONTROL",
	} {
		out = append(out, ioctl.Command[message, ioctl.None]{
			Number: 'C'<<8 | streams.Command(c), Name: name, Forms: ioctl.ByStr,
			Ranges: []ioctl.Range{
				{Dir: ioctl.In, Addr: "Request", Len: "Length", Max: control.MaxMessage},
				{Dir: ioctl.Out, Addr: "Reply", Len: "Room", Max: control.MaxMessage},
			},
			Do: func(ctx context.Context, job *ioctl.Job, _ message) (ioctl.None, error) {
				reply, err := serve(ctx, c, job.Input("Request"), job.Room("Reply"))
				if err != nil {
					return ioctl.None{}, err
				}
				job.Return(int32(len(reply)))
				return ioctl.None{}, job.Output("Reply", reply)
			},
		})
	}
	return out
}

// planeOf returns a control plane with named controls. Clients may push a module "pass".
func planeOf(serve Serve, stack ...*streams.Module) (*remote.Plane, error) {
	return planeWith(&streams.Module{Name: "pass"}, serve, stack...)
}

// SafeModules are the modules that may be pushed to the correct driver.
func SafeModules() []string { return []string{"pass"} }

// planeWith is planeOf with another module that clients may push.
func planeWith(pass *streams.Module, serve Serve, stack ...*streams.Module) (*remote.Plane, error) {
	table, err := ioctl.NewTable(nil, append(entries(serve), swap())...)
	if err != nil {
		return nil, err
	}
	driver, err := commands.Module("device", table, nil)
	if err != nil {
		return nil, err
	}
	return &remote.Plane{Driver: driver, Stack: stack, Modules: func(name string, _ userclient.Peer) *streams.Module {
		if name != pass.Name {
			return nil
		}
		return pass
	}}, nil
}

// from serves a table of controls.
func from(t *control.Table) Serve {
	return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
		return t.Serve(ctx, c, in, nil, room)
	}
}

// setting is a control with what the driver does about it.
type setting struct {
	control.Info
	control.Handler
}

func percent() control.Shape {
	return control.Shape{Type: control.TypeInt, Unit: "%", Min: control.Int(0), Max: control.Int(100)}
}

// settings are controls of every kind.
func settings() []setting {
	level := new(atomic.Int64)
	never := func(context.Context, control.Value) (control.Value, error) { return control.Bool(true), nil }
	return []setting{
		{Info: control.Info{Name: "calibrate", Access: control.CanCall, Result: control.Shape{Type: control.TypeBool}}, Handler: control.Handler{Call: never}},
		{Info: control.Info{Name: "gain", Access: control.CanGet | control.CanSet, Shape: control.Shape{
			Type: control.TypeInt, Unit: "dB", Min: control.Int(0), Max: control.Int(60), Step: control.Int(2), Default: control.Int(20),
		}}},
		{Info: control.Info{Name: "key", Access: control.CanSet, Shape: control.Shape{Type: control.TypeBytes, Length: 16}}},
		{Info: control.Info{Name: "label", Access: control.CanGet | control.CanSet, Shape: control.Shape{
			Type: control.TypeString, Length: 16, Default: control.String("left"),
		}}},
		{
			Info:    control.Info{Name: "level", Access: control.CanGet, Volatile: true, Shape: percent()},
			Handler: control.Handler{Get: func(context.Context) (control.Value, error) { return control.Int(level.Add(1) % 101), nil }},
		},
		{Info: control.Info{Name: "mode", Access: control.CanGet | control.CanSet, Shape: control.Shape{
			Type: control.TypeEnum, Choices: []string{"slow", "fast"}, Default: control.Enum(0),
		}}},
		{Info: control.Info{Name: "serial", Access: control.CanGet, Shape: control.Shape{Type: control.TypeInt, Default: control.Int(4711)}}},
	}
}

// voice tells the clients of a driver of changes. One is made for each start.
type voice struct {
	d atomic.Pointer[iostream.Driver]
}

// tell emits the event of a control that has changed.
func (v *voice) tell(name string) {
	if d := v.d.Load(); d != nil {
		d.Emit(iostream.Event{Kind: userclient.EventControlChanged, Text: name})
	}
}

// hear makes p the driver whose clients are told, if it is one.
func (v *voice) hear(p userclient.Provider) {
	if d, ok := p.(*iostream.Driver); ok {
		v.d.Store(d)
	}
}

// tableOf makes a table of the settings that tells of changes. change, unless nil, sees
// each of them before.
func (v *voice) tableOf(change func(*setting)) (*control.Table, error) {
	var t control.Table
	t.OnChange(v.tell)
	for _, s := range settings() {
		if change != nil {
			change(&s)
		}
		if err := t.Add(s.Info, s.Handler); err != nil {
			return nil, err
		}
	}
	return &t, nil
}

// plain makes the control plane of a correct driver.
func plain(v *voice) (userclient.ControlPlane, error) {
	t, err := v.tableOf(nil)
	if err != nil {
		return nil, err
	}
	return planeOf(from(t))
}

// withPlane starts a loopback driver with a control plane. wrap may be nil.
func withPlane(plane func(*voice) (userclient.ControlPlane, error), wrap func(userclient.Provider) userclient.Provider) conformance.Start {
	return withPlaneOn(LoopbackConfig(), Echo, plane, wrap)
}

// withPlaneOn is withPlane for another driver.
func withPlaneOn(
	cfg iostream.DriverConfig, loop Loop, plane func(*voice) (userclient.ControlPlane, error), wrap func(userclient.Provider) userclient.Provider,
) conformance.Start {
	return func() (userclient.Provider, func() error, error) {
		v := new(voice)
		p, err := plane(v)
		if err != nil {
			return nil, nil, err
		}
		cfg := cfg
		cfg.Control = p
		return Served(cfg, nil, loop, func(d userclient.Provider) userclient.Provider {
			v.hear(d)
			if wrap == nil {
				return d
			}
			return wrap(d)
		})()
	}
}

// commanded is a loopback driver with a control plane and hooks.
func commanded(name string, hooks func() Hooks) func() conformance.Target {
	return func() conformance.Target {
		return conformance.FromStart(name, func() (userclient.Provider, func() error, error) {
			return withPlane(plain, Wrapping(hooks()))()
		})
	}
}

// settled is a loopback driver whose named controls are served in another way.
func settled(name string, serve func(*voice) (Serve, error)) func() conformance.Target {
	return func() conformance.Target {
		return conformance.FromStart(name, withPlane(func(v *voice) (userclient.ControlPlane, error) {
			s, err := serve(v)
			if err != nil {
				return nil, err
			}
			return planeOf(s)
		}, nil))
	}
}

// lax lists the settings as they are, and obeys others.
func lax(name string, change func(*setting)) func() conformance.Target {
	return settled(name, func(v *voice) (Serve, error) {
		told, err := v.tableOf(nil)
		kept, err2 := v.tableOf(change)
		return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
			if c == control.CmdList {
				return told.Serve(ctx, c, in, nil, room)
			}
			return kept.Serve(ctx, c, in, nil, room)
		}, errors.Join(err, err2)
	})
}
