// SPDX-License-Identifier: Apache-2.0

package control_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// A receiver's controls, one of each type.
func gain() control.Info {
	return control.Info{
		Name: "rf/gain", Text: "Gain of the first amplifier", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{
			Type: control.TypeInt, Unit: "dB", Min: control.Int(-10), Max: control.Int(60), Step: control.Int(5), Default: control.Int(0),
		},
	}
}

func source() control.Info {
	return control.Info{
		Name: "input", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{Type: control.TypeEnum, Choices: []string{"antenna", "test"}, Default: control.Enum(0)},
	}
}

func window() control.Info {
	return control.Info{
		Name: "window", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{
			Type: control.TypeStruct,
			Fields: []control.Field{
				{Name: "width", Shape: control.Shape{Type: control.TypeInt, Min: control.Int(1)}},
				{Name: "on", Shape: control.Shape{Type: control.TypeBool}},
			},
			Default: control.Struct(control.Int(16), control.Bool(false)),
		},
	}
}

// direct is a client of a table in the same program.
func direct(t *control.Table, room int) *control.Client {
	return &control.Client{Do: func(ctx context.Context, c control.Command, in []byte) ([]byte, error) {
		return t.Serve(ctx, c, in, nil, room)
	}}
}

func add(t *testing.T, table *control.Table, in control.Info, h control.Handler) {
	t.Helper()
	if err := table.Add(in, h); err != nil {
		t.Fatal(err)
	}
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

func TestGetAndSet(t *testing.T) {
	var table control.Table
	add(t, &table, gain(), control.Handler{})
	add(t, &table, source(), control.Handler{Set: func(context.Context, control.Value) (control.Value, error) {
		return control.Enum(0), nil // the device knows better
	}})
	var changes []string
	table.OnChange(func(name string) { changes = append(changes, name) })
	c := direct(&table, control.MaxMessage)

	set := func(name string, v, want control.Value) {
		t.Helper()
		got, err := c.Set(t.Context(), name, v)
		if err != nil || !got.Equal(want) {
			t.Fatalf("set %s to %v: %v, %v", name, v, got, err)
		}
		if got, err := c.Get(t.Context(), name); err != nil || !got.Equal(want) {
			t.Errorf("after setting %s to %v it is %v, %v", name, v, got, err)
		}
	}
	if v, err := c.Get(t.Context(), "rf/gain"); err != nil || v.Int() != 0 {
		t.Errorf("the default is %v, %v", v, err)
	}
	set("rf/gain", control.Int(-10), control.Int(-10))
	set("rf/gain", control.Int(-10), control.Int(-10)) // no change
	set("input", control.Enum(1), control.Enum(0))     // none either
	if !slices.Equal(changes, []string{"rf/gain"}) {
		t.Errorf("the changes were %q", changes)
	}

	_, err := c.Set(t.Context(), "rf/gain", control.Int(61))
	wantIs(t, err, ioreturn.ErrInvalid, "rf/gain", "61 dB is outside -10 dB to 60 dB")
	_, err = c.Set(t.Context(), "rf/gain", control.Int(3))
	wantIs(t, err, ioreturn.ErrInvalid, "3 dB does not lie on a step of 5 from -10")
	_, err = c.Set(t.Context(), "rf/gain", control.Float(5))
	wantIs(t, err, ioreturn.ErrInvalid, "type float, not of type int")
	_, err = c.Get(t.Context(), "gain")
	wantIs(t, err, ioreturn.ErrNotFound, `no control "gain"`)
	_, err = c.Call(t.Context(), "rf/gain", control.Value{})
	wantIs(t, err, ioreturn.ErrPermission, "for get|set, not for call")
}

func TestCall(t *testing.T) {
	var table control.Table
	in := control.Info{
		Name: "calibrate", Access: control.CanCall, Shape: control.Shape{Type: control.TypeFloat, Unit: "Hz", Min: control.Float(1)},
		Result: control.Shape{Type: control.TypeString, Length: 8},
	}
	add(t, &table, in, control.Handler{Call: func(_ context.Context, arg control.Value) (control.Value, error) {
		if arg.Float() == 13 {
			return control.Value{}, ioreturn.DeviceError
		}
		return control.String(strings.Repeat("x", int(arg.Float()))), nil
	}})
	c := direct(&table, control.MaxMessage)
	if v, err := c.Call(t.Context(), "calibrate", control.Float(3)); err != nil || v.Text() != "xxx" {
		t.Errorf("%v, %v", v, err)
	}
	_, err := c.Call(t.Context(), "calibrate", control.Float(0.5))
	wantIs(t, err, ioreturn.ErrInvalid, "0.5 Hz is outside at least 1 Hz")
	_, err = c.Call(t.Context(), "calibrate", control.Float(9))
	wantIs(t, err, ioreturn.InternalError, "the driver's own result is bad: 9 bytes, at most 8")
	_, err = c.Call(t.Context(), "calibrate", control.Float(13))
	wantIs(t, err, ioreturn.DeviceError, "calibrate")
}

// A volatile control is asked each time, and no event tells of it.
func TestVolatile(t *testing.T) {
	var table control.Table
	reads, changes := 0, 0
	table.OnChange(func(string) { changes++ })
	temperature := control.Info{
		Name: "temperature", Access: control.CanGet | control.CanSet, Volatile: true,
		Shape: control.Shape{Type: control.TypeFloat, Unit: "K"},
	}
	wantIs(t, table.Add(temperature, control.Handler{}), ioreturn.ErrInvalid, "temperature", "neither a function")
	add(t, &table, temperature, control.Handler{Get: func(context.Context) (control.Value, error) {
		reads++
		return control.Float(float64(reads)), nil
	}})
	for want := range 3 {
		if v, err := table.Get(t.Context(), "temperature"); err != nil || v.Float() != float64(want+1) {
			t.Errorf("%v, %v", v, err)
		}
	}
	if _, err := table.Set(t.Context(), "temperature", control.Float(1)); err != nil || changes != 0 {
		t.Errorf("%d changes, %v", changes, err)
	}
	table.Changed("temperature") // the driver may tell all the same
	if changes != 1 {
		t.Errorf("%d changes", changes)
	}
}

func TestListInPieces(t *testing.T) {
	var table control.Table
	var want []string
	for i := range 300 {
		in := gain()
		in.Name = fmt.Sprintf("c%03d", i)
		add(t, &table, in, control.Handler{})
		want = append(want, in.Name)
	}
	for _, room := range []int{400, 1000, control.MaxMessage} {
		infos, err := direct(&table, room).List(t.Context())
		var names []string
		for _, in := range infos {
			names = append(names, in.Name)
		}
		if err != nil || !slices.Equal(names, want) {
			t.Errorf("in pieces of %d bytes: %d controls, %v", room, len(names), err)
		}
	}
	_, err := direct(&table, 20).List(t.Context())
	wantIs(t, err, ioreturn.NoSpace, "there is room for 20")

	got, err := direct(&table, control.MaxMessage).Find(t.Context(), "c123")
	if err != nil || got.Text != gain().Text || !got.Max.Equal(control.Int(60)) || got.Range() != "-10 dB to 60 dB" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = direct(&table, control.MaxMessage).Find(t.Context(), "none")
	wantIs(t, err, ioreturn.ErrNotFound, "300 controls")
}

func TestTableRefuses(t *testing.T) {
	call := func(context.Context, control.Value) (control.Value, error) { return control.Value{}, nil }
	with := func(change func(*control.Info)) control.Info {
		in := gain()
		change(&in)
		return in
	}
	enum := control.Shape{Type: control.TypeEnum, Choices: []string{"a", "a"}, Default: control.Enum(0)}
	for say, in := range map[string]control.Info{
		"has 0 bytes":                with(func(in *control.Info) { in.Name = "" }),
		"has 65 bytes":               with(func(in *control.Info) { in.Name = strings.Repeat("x", 65) }),
		"has a ' '":                  with(func(in *control.Info) { in.Name = "a b" }),
		"has a '.'":                  with(func(in *control.Info) { in.Name = ".a" }),
		"has a control character":    with(func(in *control.Info) { in.Text = "\x1b[2J" }),
		"access 0x0":                 with(func(in *control.Info) { in.Access = 0 }),
		"access 0x9":                 with(func(in *control.Info) { in.Access = 9 }),
		"use two controls":           with(func(in *control.Info) { in.Access |= control.CanCall }),
		"it has no type":             with(func(in *control.Info) { in.Shape = control.Shape{} }),
		"only a call has a result":   with(func(in *control.Info) { in.Result.Type = control.TypeBool }),
		"can't be volatile":          with(func(in *control.Info) { in.Access, in.Volatile = control.CanSet, true }),
		"type 9 does not exist":      with(func(in *control.Info) { in.Type = 9 }),
		"with 1 choices":             with(func(in *control.Info) { in.Choices = []string{"a"} }),
		"choice a comes twice":       with(func(in *control.Info) { in.Shape = enum }),
		"with 0 choices":             with(func(in *control.Info) { in.Shape = control.Shape{Type: control.TypeEnum} }),
		"with 0 fields":              with(func(in *control.Info) { in.Shape = control.Shape{Type: control.TypeStruct} }),
		"step 0 is not above 0":      with(func(in *control.Info) { in.Step = control.Int(0) }),
		"minimum 61 is above":        with(func(in *control.Info) { in.Min = control.Int(61) }),
		"maximum is of type float":   with(func(in *control.Info) { in.Max = control.Float(1) }),
		"default: 1 dB does not lie": with(func(in *control.Info) { in.Default = control.Int(1) }),
		"length of -1":               with(func(in *control.Info) { in.Length = -1 }),
		"neither a function":         with(func(in *control.Info) { in.Default = control.Value{} }),
		"there is no function":       with(func(in *control.Info) { in.Access = control.CanCall }),
	} {
		var table control.Table
		wantIs(t, table.Add(in, control.Handler{}), ioreturn.ErrInvalid, say)
		if len(table.List()) > 0 {
			t.Errorf("%s: added all the same", say)
		}
	}
	var table control.Table
	add(t, &table, gain(), control.Handler{})
	wantIs(t, table.Add(gain(), control.Handler{Call: call}), ioreturn.ErrBusy)
	for i := range control.MaxControls - 1 {
		add(t, &table, with(func(in *control.Info) { in.Name = fmt.Sprint(i) }), control.Handler{})
	}
	wantIs(t, table.Add(with(func(in *control.Info) { in.Name = "more" }), control.Handler{}), ioreturn.NoResources)
}

// The functions of one control run one at a time, and a wait for them ends with its
// context.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var table control.Table
		var inside, most atomic.Int32
		in := gain()
		add(t, &table, in, control.Handler{Set: func(_ context.Context, v control.Value) (control.Value, error) {
			most.Store(max(most.Load(), inside.Add(1)))
			<-time.After(time.Second) // of the bubble's clock
			inside.Add(-1)
			return v, nil
		}})
		errs := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := table.Set(t.Context(), in.Name, control.Int(5))
				errs <- err
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := table.Set(ctx, in.Name, control.Int(10))
		wantIs(t, err, context.DeadlineExceeded)
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if most.Load() != 1 {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

func TestParseAndFormat(t *testing.T) {
	float := control.Shape{Type: control.TypeFloat, Unit: "Hz", Max: control.Float(1e9)}
	bytes := control.Shape{Type: control.TypeBytes, Length: 2}
	texts := control.Shape{Type: control.TypeString, Length: 4}
	for _, tc := range []struct {
		shape      control.Shape
		text, want string // what Format makes of it; or a part of the error behind a !
	}{
		{gain().Shape, "15", "15 dB"},
		{gain().Shape, "15 dB", "15 dB"},
		{gain().Shape, "0xa", "10 dB"},
		{gain().Shape, "ten", "!not a whole number"},
		{gain().Shape, "9223372036854775808", "!64 bits"},
		{gain().Shape, "100", "!outside -10 dB to 60 dB"},
		{float, "1e6", "1e+06 Hz"},
		{float, "NaN", "!not a number that can be set"},
		{float, "-Inf", "!not a number that can be set"},
		{float, "2e9", "!outside at most 1e+09 Hz"},
		{float, "x", "!is not a number"},
		{source().Shape, "test", "test"},
		{source().Shape, "1", "test"},
		{source().Shape, "2", "!choice 2 does not exist, there are 2: antenna, test"},
		{source().Shape, "radio", "!none of antenna, test"},
		{control.Shape{Type: control.TypeBool}, "ON", "true"},
		{control.Shape{Type: control.TypeBool}, "0", "false"},
		{control.Shape{Type: control.TypeBool}, "2", "!neither true"},
		{texts, "a=,b", "a=,b"},
		{texts, "\x07", "!control character at byte 0"},
		{texts, "\xff", "!not UTF-8"},
		{texts, "12345", "!5 bytes, at most 4"},
		{bytes, "00ff", "00ff"},
		{bytes, "0", "!pairs of hexadecimal digits"},
		{window().Shape, "on=yes,width=3", "width=3,on=true"},
		{window().Shape, "width=3", "!field on is missing; the fields are width, on"},
		{window().Shape, "width=3,width=3", "!comes twice"},
		{window().Shape, "width=0,on=no", "!field width: 0 is outside at least 1"},
		{window().Shape, "height=0", "!no name=value of a field"},
		{control.Shape{}, "", ""},
		{control.Shape{}, "x", "!no value is taken"},
	} {
		v, err := tc.shape.Parse(tc.text)
		if words, bad := strings.CutPrefix(tc.want, "!"); bad {
			wantIs(t, err, ioreturn.ErrInvalid, words)
			continue
		}
		if err != nil || tc.shape.Format(v) != tc.want {
			t.Errorf("%q is %q, %v; want %q", tc.text, tc.shape.Format(v), err, tc.want)
		}
		if again, err := tc.shape.Parse(tc.shape.Format(v)); err != nil || !again.Equal(v) {
			t.Errorf("%q does not come back: %v, %v", tc.want, again, err)
		}
	}
}

func TestStepsOverTheWholeRange(t *testing.T) {
	s := control.Shape{Type: control.TypeInt, Min: control.Int(math.MinInt64), Max: control.Int(math.MaxInt64), Step: control.Int(math.MaxInt64)}
	for n, good := range map[int64]bool{math.MinInt64: true, -1: true, math.MaxInt64 - 1: true, 0: false, math.MaxInt64: false} {
		if err := s.Check(control.Int(n)); (err == nil) != good {
			t.Errorf("%d: %v", n, err)
		}
	}
}
