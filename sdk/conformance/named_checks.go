// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// controls are the named controls of a driver, as one session sees them.
type controls struct {
	t     *T
	p     *plane
	c     *control.Client
	infos []control.Info
}

// controls lists the named controls, or ends the rule.
func (t *T) controls() *controls {
	c, err := t.listed()
	if err != nil {
		t.abortf("could not list the controls: %v", err)
	}
	return c
}

// listed lists the named controls. A driver without any ends the rule.
func (t *T) listed() (*controls, error) {
	p := t.plane()
	r, _ := p.begun()
	p.must("give a command up", p.abandon(r.ID))
	c := &controls{t: t, p: p, c: p.named()}
	var err error
	c.infos, err = c.c.List(t.Context())
	if err == nil && len(c.infos) == 0 {
		t.inapplicable("the driver's list of controls is empty")
	}
	return c, err
}

// someControls is how many controls a rule looks at, by lot, where there are more.
const someControls = 24

// each calls f for controls that can be used in the way a, or can't if want is false, and
// ends the rule if there are none.
func (c *controls) each(a control.Access, want bool, what string, f func(in *control.Info)) {
	var fit []*control.Info
	for i := range c.infos {
		if in := &c.infos[i]; (in.Access&a == a) == want {
			fit = append(fit, in)
		}
	}
	if len(fit) == 0 {
		c.t.inapplicable("the driver has no control that %s", what)
	}
	if len(fit) > someControls {
		c.t.Rand().Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
		fit = fit[:someControls]
	}
	for _, in := range fit {
		f(in)
	}
}

func (c *controls) get(in *control.Info) control.Value {
	v, err := c.c.Get(c.t.Context(), in.Name)
	if err != nil {
		c.t.abortf("could not get control %s: %v", in.Name, err)
	}
	return v
}

func checkNamedList(t *T) {
	c, err := t.listed()
	if err != nil {
		t.Fatalf("the list of controls can't be read: %v", err)
	}
	last := ""
	for i := range c.infos {
		in := &c.infos[i]
		if err := in.Validate(); err != nil {
			t.Errorf("the description of control %q makes no sense: %v", in.Name, err)
		}
		if in.Name <= last {
			t.Errorf("control %q stands behind %q; names are unique and in order", in.Name, last)
		}
		last = in.Name
	}
}

func checkNamedStable(t *T) {
	first := t.controls()
	again, err := first.c.List(t.Context())
	if err != nil || !reflect.DeepEqual(first.infos, again) {
		t.Errorf("the first list has %d controls; the second one of the same session has %d and differs (%s)", len(first.infos), len(again), answer(err))
	}
	if other := t.controls(); !reflect.DeepEqual(first.infos, other.infos) {
		t.Errorf("the list of one session has %d controls; that of another one has %d and differs", len(first.infos), len(other.infos))
	}
}

func checkNamedGet(t *T) {
	c := t.controls()
	c.each(control.CanGet, true, "can be read", func(in *control.Info) {
		v, err := c.c.Get(t.Context(), in.Name)
		if err == nil {
			err = in.Check(v)
		}
		if err != nil {
			t.Errorf("getting control %s came to %s; it must give a value of its description", in.Name, answer(err))
		}
	})
}

func checkNamedUnreadable(t *T) {
	c := t.controls()
	c.each(control.CanGet, false, "can't be read", func(in *control.Info) {
		if v, err := c.c.Get(t.Context(), in.Name); err == nil || lost(err) {
			t.Errorf("getting control %s, which is for %v, came to %s and %v; it must be refused", in.Name, in.Access, answer(err), v)
		}
	})
}

// denied checks that a value is refused.
func (c *controls) denied(in *control.Info, v control.Value, why string) {
	got, err := c.c.Set(c.t.Context(), in.Name, v)
	c.mayChange(in, err)
	if err == nil || lost(err) {
		c.t.Errorf("setting control %s to %v, %s, came to %s and the value %v; it must be refused", in.Name, v, why, answer(err), got)
	}
}

// mayChange ends the rule where the driver does not let this user set or call a control that
// can be: then a refusal shows nothing.
func (c *controls) mayChange(in *control.Info, err error) {
	if in.Access&(control.CanSet|control.CanCall) != 0 && errors.Is(err, streams.EACCES) {
		c.t.Skipf("the driver does not let this user change control %s: run the suite as the driver's user", in.Name)
	}
}

func checkNamedReadOnly(t *T) {
	c := t.controls()
	n := 0
	c.each(control.CanSet, false, "can't be set", func(in *control.Info) {
		if in.Access&control.CanGet != 0 {
			c.denied(in, c.get(in), "which it has, though it can't be set")
			n++
		}
	})
	if n == 0 {
		t.inapplicable("the driver has no control that can only be read")
	}
}

const both = control.CanGet | control.CanSet

func checkNamedSet(t *T) {
	c := t.controls()
	c.each(both, true, "can be read and set", func(in *control.Info) {
		told, err := c.c.Set(t.Context(), in.Name, c.get(in))
		c.mayChange(in, err)
		if err != nil {
			t.Errorf("setting control %s to the value that it has was answered with %s; it must succeed", in.Name, answer(err))
			return
		}
		if found := c.get(in); !in.Volatile && !told.Equal(found) {
			t.Errorf("setting control %s answered %v, and the next get found %v", in.Name, told, found)
		}
	})
}

// outOfRange returns values that are of the shape's type and not good.
func outOfRange(s *control.Shape) []control.Value {
	var out []control.Value
	add := func(v control.Value) {
		if s.Check(v) != nil {
			out = append(out, v)
		}
	}
	switch s.Type {
	case control.TypeInt:
		add(control.Int(s.Max.Int() + 1))
		add(control.Int(s.Min.Int() - 1))
		add(control.Int(1<<63 - 1))
		add(control.Int(-1 << 63))
	case control.TypeFloat:
		add(control.Float(2*s.Max.Float() + 1))
		add(control.Float(-2*max(s.Min.Float(), -s.Min.Float()) - 1))
	case control.TypeEnum:
		add(control.Enum(len(s.Choices)))
		add(control.Enum(-1))
	case control.TypeString:
		if s.Length > 0 {
			add(control.String(strings.Repeat("x", s.Length+1)))
		}
	case control.TypeBytes:
		if s.Length > 0 {
			add(control.Bytes(make([]byte, s.Length+1)))
		}
	case control.TypeNone, control.TypeBool, control.TypeStruct: // every value is good, or each field is a case of its own
	}
	return out
}

// eachBad calls f for each settable control and the values that make yields for it.
func (c *controls) eachBad(what string, make func(*control.Shape) []control.Value, f func(in *control.Info, v control.Value)) {
	n := 0
	c.each(control.CanSet, true, "can be set", func(in *control.Info) {
		for _, v := range make(&in.Shape) {
			f(in, v)
			n++
		}
	})
	if n == 0 {
		c.t.inapplicable("the driver has no control that %s", what)
	}
}

func checkNamedRange(t *T) {
	c := t.controls()
	c.eachBad("has a range", outOfRange, func(in *control.Info, v control.Value) { c.denied(in, v, "which is out of range") })
}

func checkNamedRefusedSet(t *T) {
	c := t.controls()
	c.eachBad("has a range", outOfRange, func(in *control.Info, v control.Value) {
		if in.Access&control.CanGet == 0 || in.Volatile {
			return
		}
		before := c.get(in)
		_, err := c.c.Set(t.Context(), in.Name, v)
		c.mayChange(in, err)
		if found, err2 := c.c.Get(t.Context(), in.Name); err != nil && (err2 != nil || !found.Equal(before)) {
			t.Errorf("control %s had the value %v; setting it to %v was refused, and afterwards it had %v (%s)", in.Name, before, v, found, answer(err2))
		}
	})
}

func checkNamedStep(t *T) {
	c := t.controls()
	between := func(s *control.Shape) []control.Value {
		if s.Type != control.TypeInt || s.Step.Int() < 2 {
			return nil
		}
		return []control.Value{control.Int(s.Min.Int() + 1)}
	}
	c.eachBad("has steps", between, func(in *control.Info, v control.Value) { c.denied(in, v, "which is between two steps") })
}

func checkNamedType(t *T) {
	c := t.controls()
	foreign := func(s *control.Shape) []control.Value {
		var out []control.Value
		for _, v := range []control.Value{control.Bool(true), control.String("1"), control.Bytes([]byte{1})} {
			if v.Type() != s.Type {
				out = append(out, v)
			}
		}
		return out
	}
	c.eachBad("has a type", foreign, func(in *control.Info, v control.Value) {
		c.denied(in, v, fmt.Sprintf("a %v, which is no %v", v.Type(), in.Type))
	})
}

func checkNamedUnknown(t *T) {
	c := t.controls()
	name := t.noModule()
	ask := map[string]func() (control.Value, error){
		"getting": func() (control.Value, error) { return c.c.Get(t.Context(), name) },
		"setting": func() (control.Value, error) { return c.c.Set(t.Context(), name, control.Int(1)) },
		"calling": func() (control.Value, error) { return c.c.Call(t.Context(), name, control.Value{}) },
	}
	for what, f := range ask {
		if v, err := f(); err == nil || lost(err) {
			t.Errorf("%s a control with a name that does not exist came to %s and %v; it must be refused", what, answer(err), v)
		}
	}
}

func checkNamedShared(t *T) {
	one, other := t.controls(), t.controls()
	one.eachChanged(func(in *control.Info, told control.Value) {
		if found := other.get(in); !found.Equal(told) {
			t.Errorf("one session set control %s and was answered %v; another session then got %v", in.Name, told, found)
		}
	})
}
