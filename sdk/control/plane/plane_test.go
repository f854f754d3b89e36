// SPDX-License-Identifier: Apache-2.0

package plane_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// kinds are controls of every type, each with two values that it takes and one that it
// does not.
var kinds = []struct {
	name          string
	shape         control.Shape
	one, two, bad control.Value
}{
	{"bool", control.Shape{Type: control.TypeBool}, control.Bool(true), control.Bool(false), control.Int(1)},
	{"int", control.Shape{Type: control.TypeInt, Min: control.Int(-5), Step: control.Int(5)}, control.Int(-5), control.Int(5 << 40), control.Int(1)},
	{"float", control.Shape{Type: control.TypeFloat, Max: control.Float(1)}, control.Float(-0.5), control.Float(1), control.Float(1.5)},
	{"enum", control.Shape{Type: control.TypeEnum, Choices: []string{"a", "b"}}, control.Enum(1), control.Enum(0), control.Enum(2)},
	{
		"string", control.Shape{Type: control.TypeString, Length: 20000},
		control.String("a word"), control.String(strings.Repeat("é", 10000)), control.String(strings.Repeat("x", 20001)),
	},
	{
		"bytes", control.Shape{Type: control.TypeBytes},
		control.Bytes([]byte{0, 255}), control.Bytes(make([]byte, control.MaxLength)), control.String("text"),
	},
	{"struct", control.Shape{Type: control.TypeStruct, Fields: []control.Field{
		{Name: "on", Shape: control.Shape{Type: control.TypeBool}},
		{Name: "data", Shape: control.Shape{Type: control.TypeBytes}},
	}}, control.Struct(control.Bool(true), control.Bytes([]byte("x"))), control.Struct(control.Bool(false), control.Bytes(nil)), control.Struct(control.Bool(true))},
}

func add(t *testing.T, table *control.Table, in control.Info, h control.Handler) {
	t.Helper()
	if err := table.Add(in, h); err != nil {
		t.Fatal(err)
	}
}

// open opens a stream to a table's driver, with two modules on it that do nothing. Nothing
// is left when it is closed at the end.
func open(t *testing.T, table *control.Table) (*head.Head, *control.Client) {
	t.Helper()
	driver, err := plane.Module("controls", table, nil)
	if err != nil {
		t.Fatal(err)
	}
	return openDriver(t, driver)
}

func openDriver(t *testing.T, driver *streams.Module) (*head.Head, *control.Client) {
	t.Helper()
	arena := streams.NewArena(nil)
	h, err := head.Open(streams.NewDomain(&streams.Config{Arena: arena}), driver, &head.Config{
		Modules: func(name string) *streams.Module { return &streams.Module{Name: name} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if u := arena.Usage(); u != (streams.Usage{}) {
			t.Errorf("leaked: %+v", u)
		}
	})
	for _, name := range []string{"lower", "upper"} {
		if err := h.Push(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	return h, plane.Client(h)
}

func wantIs(t *testing.T, err, target error, words ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error %v, want one matching %v", err, target)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestEveryKind(t *testing.T) {
	var table control.Table
	for _, k := range kinds {
		k.shape.Default = k.one
		add(t, &table, control.Info{Name: k.name, Access: control.CanGet | control.CanSet, Shape: k.shape}, control.Handler{})
		k.shape.Default = control.Value{}
		add(t, &table, control.Info{Name: "call/" + k.name, Access: control.CanCall, Shape: k.shape, Result: k.shape}, control.Handler{
			Call: func(_ context.Context, arg control.Value) (control.Value, error) { return arg, nil },
		})
	}
	_, c := open(t, &table)
	for _, k := range kinds {
		got, err := c.Get(t.Context(), k.name)
		if err != nil || !got.Equal(k.one) {
			t.Errorf("%s: it is %v, %v", k.name, got, err)
		}
		for _, v := range []control.Value{k.two, k.one, k.two} {
			if got, err := c.Set(t.Context(), k.name, v); err != nil || !got.Equal(v) {
				t.Errorf("set %s: %v, %v", k.name, got, err)
			}
			if got, err := c.Get(t.Context(), k.name); err != nil || !got.Equal(v) {
				t.Errorf("get %s: %v, %v", k.name, got, err)
			}
			if got, err := c.Call(t.Context(), "call/"+k.name, v); err != nil || !got.Equal(v) {
				t.Errorf("call %s: %v, %v", k.name, got, err)
			}
		}
		// What is wrong with a value is told in words, and as the errno that travelled.
		want := k.shape.Check(k.bad)
		_, err = c.Set(t.Context(), k.name, k.bad)
		wantIs(t, err, streams.EINVAL, k.name, want.Error())
		_, err = c.Call(t.Context(), "call/"+k.name, k.bad)
		wantIs(t, err, ioreturn.BadArgument, k.name, want.Error())
	}
	infos, err := c.List(t.Context())
	if err != nil || len(infos) != 2*len(kinds) {
		t.Errorf("%d controls, %v", len(infos), err)
	}
}

func TestButtonAndErrors(t *testing.T) {
	var table control.Table
	pressed := 0
	add(t, &table, control.Info{Name: "button", Access: control.CanCall}, control.Handler{
		Call: func(context.Context, control.Value) (control.Value, error) { pressed++; return control.Value{}, nil },
	})
	var fails error
	add(t, &table, control.Info{Name: "fails", Access: control.CanGet | control.CanSet, Volatile: true, Shape: control.Shape{Type: control.TypeInt}}, control.Handler{
		Get: func(context.Context) (control.Value, error) { return control.Value{}, fails },
		Set: func(context.Context, control.Value) (control.Value, error) { return control.Value{}, fails },
	})
	h, c := open(t, &table)
	if _, err := c.Call(t.Context(), "button", control.Value{}); err != nil || pressed != 1 {
		t.Errorf("%v, pressed %d times", err, pressed)
	}
	_, err := c.Get(t.Context(), "button")
	wantIs(t, err, streams.EPERM, "get control button", "for call, not for get")
	_, err = c.Get(t.Context(), "nothing")
	wantIs(t, err, ioreturn.ErrNotFound, "get control nothing", "ENOENT")
	for _, tc := range []struct {
		fails error
		want  streams.Errno
	}{
		{ioreturn.Busy, streams.EBUSY}, {ioreturn.DeviceError, streams.EIO}, {streams.ENODEV, streams.ENODEV},
		{fmt.Errorf("too hot: %w", streams.EINVAL), streams.EINVAL}, {errors.New("broken"), streams.EIO},
	} {
		fails = tc.fails
		_, err := c.Get(t.Context(), "fails")
		wantIs(t, err, tc.want, "get control fails")
		_, err = c.Set(t.Context(), "fails", control.Int(1))
		wantIs(t, err, tc.want, "set control fails", tc.want.Name())
	}
	fails = nil // and a value of the wrong type
	_, err = c.Get(t.Context(), "fails")
	wantIs(t, err, streams.EIO)

	// What is no request, or no command of controls.
	_, err = h.Str(t.Context(), &head.Str{Command: plane.CmdGet, Data: make([]byte, 23)})
	wantIs(t, err, streams.EINVAL)
	_, err = h.Transparent(t.Context(), plane.CmdGet, 0, nil)
	wantIs(t, err, streams.EINVAL)
	_, err = c.Do(t.Context(), control.Command(9), []byte{4, 0, 0, 0})
	wantIs(t, err, streams.EINVAL)
	_, err = c.Do(t.Context(), control.CmdGet, []byte("nonsense"))
	wantIs(t, err, streams.EINVAL)
}

func TestLongList(t *testing.T) {
	var table control.Table
	for i := range control.MaxControls {
		add(t, &table, control.Info{
			Name: fmt.Sprintf("c%04d", i), Text: strings.Repeat("long ", 40), Access: control.CanGet | control.CanSet,
			Shape: control.Shape{Type: control.TypeInt, Default: control.Int(int64(i))},
		}, control.Handler{})
	}
	_, c := open(t, &table)
	infos, err := c.List(t.Context())
	if err != nil || len(infos) != control.MaxControls {
		t.Fatalf("%d controls, %v", len(infos), err)
	}
	if v, err := c.Get(t.Context(), infos[777].Name); err != nil || v.Int() != 777 {
		t.Errorf("%v, %v", v, err)
	}
}

// TestBlockingHandler has a control that takes its time: the context of its caller ends the
// call, and the next command ends the function.
func TestBlockingHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table control.Table
		ended := 0
		add(t, &table, control.Info{Name: "slow", Access: control.CanCall}, control.Handler{
			Call: func(ctx context.Context, _ control.Value) (control.Value, error) {
				<-ctx.Done()
				ended++
				return control.Value{}, ctx.Err()
			},
		})
		add(t, &table, control.Info{
			Name: "fast", Access: control.CanGet, Shape: control.Shape{Type: control.TypeBool, Default: control.Bool(true)},
		}, control.Handler{})
		_, c := open(t, &table)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := c.Call(ctx, "slow", control.Value{})
			done <- err
		}()
		synctest.Wait()
		cancel()
		wantIs(t, <-done, context.Canceled, "call control slow")
		if v, err := c.Get(t.Context(), "fast"); err != nil || !v.Bool() || ended != 1 {
			t.Errorf("%v, %v, %d functions have ended", v, err, ended)
		}
	})
}

func TestManyClients(t *testing.T) {
	var table control.Table
	for i := range 4 {
		add(t, &table, control.Info{
			Name: fmt.Sprint(i), Access: control.CanGet | control.CanSet, Shape: control.Shape{Type: control.TypeInt, Default: control.Int(0)},
		}, control.Handler{})
	}
	_, c := open(t, &table)
	done := make(chan error)
	for i := range 4 {
		go func() {
			for n := range int64(50) {
				if v, err := c.Set(t.Context(), fmt.Sprint(i), control.Int(n)); err != nil || v.Int() != n {
					done <- fmt.Errorf("set %d to %d: %v, %w", i, n, v, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// liar answers with any length.
type liar int

func (l liar) Str(context.Context, *head.Str) (int, error) { return int(l), nil }

func TestLiar(t *testing.T) {
	for _, n := range []int{-1, control.MaxMessage + 1, 3, control.MaxMessage} {
		_, err := plane.Client(liar(n)).Get(t.Context(), "x")
		wantIs(t, err, ioreturn.ErrProtocol)
	}
}

// TestBesideOthers has controls and a command of a vendor's own in one driver.
func TestBesideOthers(t *testing.T) {
	var table control.Table
	own := ioctl.Command[ioctl.None, ioctl.None]{
		Number: 0x7801, Name: "OWN",
		Do: func(_ context.Context, job *ioctl.Job, _ ioctl.None) (ioctl.None, error) {
			job.Return(5)
			return ioctl.None{}, nil
		},
	}
	all, err := ioctl.NewTable(nil, append(plane.Commands(&table), own)...)
	if err != nil {
		t.Fatal(err)
	}
	driver, err := commands.Module("driver", all, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, c := openDriver(t, driver)
	if infos, err := c.List(t.Context()); err != nil || len(infos) != 0 {
		t.Errorf("%v, %v", infos, err)
	}
	if n, err := h.Str(t.Context(), &head.Str{Command: 0x7801}); err != nil || n != 5 {
		t.Errorf("%d, %v", n, err)
	}
}
