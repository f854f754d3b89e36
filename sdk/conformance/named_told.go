// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The checks of changes that are told, of volatile controls, and of calls.

// eachChanged sets controls to another value, calls f with what the driver has answered,
// and sets them back. Without a control that can be changed it ends the rule.
func (c *controls) eachChanged(f func(in *control.Info, told control.Value)) {
	n := 0
	c.each(both, true, "can be read and set", func(in *control.Info) {
		if in.Volatile || in.Type != control.TypeInt && in.Type != control.TypeBool && in.Type != control.TypeEnum && in.Type != control.TypeFloat {
			return
		}
		before := c.get(in)
		for _, v := range []control.Value{in.Min, in.Max, control.Bool(!before.Bool()), control.Enum(0), control.Enum(len(in.Choices) - 1)} {
			if v.Equal(before) || in.Check(v) != nil {
				continue
			}
			told, err := c.c.Set(c.t.Context(), in.Name, v)
			c.mayChange(in, err)
			if err != nil {
				continue // not now, which the driver may say
			}
			if !told.Equal(before) {
				n++
				f(in, told)
			}
			if _, err := c.c.Set(c.t.Context(), in.Name, before); err != nil {
				c.t.abortf("could not set control %s back: %v", in.Name, err)
			}
			return
		}
	})
	if n == 0 {
		c.t.inapplicable("no control could be set to another value")
	}
}

// tells reports whether an event told of a control, once it has had time to come.
func (w *watch) tells(name string) bool {
	ctx, cancel := w.l.t.Within(answerBound)
	defer cancel()
	return w.l.t.Until(ctx, func() bool {
		w.fetch()
		return w.hears(name)
	})
}

// hears reports whether an event that was fetched tells of a control.
func (w *watch) hears(name string) bool {
	return slices.ContainsFunc(w.events, func(e userclient.Event) bool {
		return e.Kind == userclient.EventControlChanged && e.Text == name
	})
}

func checkNamedTold(t *T) {
	c := t.controls()
	own, other := c.p.watchNow(), t.onlooker(false).watchNow()
	c.eachChanged(func(in *control.Info, told control.Value) {
		for who, w := range map[string]*watch{"the session that did it": own, "another session": other} {
			if !w.tells(in.Name) {
				t.Errorf("control %s was set to another value, %v, and no event told %s", in.Name, told, who)
			}
			w.events = nil
		}
	})
}

func checkNamedNotTold(t *T) {
	c := t.controls()
	w := t.onlooker(false).watchNow()
	refused := map[*control.Info]control.Value{} // and the values that they have
	c.eachBad("has a range", outOfRange, func(in *control.Info, v control.Value) {
		if in.Access&control.CanGet == 0 || in.Volatile {
			return
		}
		refused[in] = c.get(in)
		_, _ = c.c.Set(t.Context(), in.Name, v) // NAMED-07 is about its answer
	})
	if t.pause(t.QuietTime()) != nil {
		t.abortf("the rule's time was over")
	}
	w.fetch()
	for in, v := range refused {
		if w.hears(in.Name) && c.get(in).Equal(v) {
			t.Errorf("setting control %s to values out of range was told to another session by an event; nothing has changed", in.Name)
		}
	}
}

func checkNamedSteady(t *T) {
	c := t.controls()
	w := t.onlooker(false).watchNow()
	first := map[*control.Info]control.Value{}
	c.each(control.CanGet, true, "can be read", func(in *control.Info) {
		if !in.Volatile {
			first[in] = c.get(in)
		}
	})
	if len(first) == 0 {
		t.inapplicable("all controls that can be read are volatile")
	}
	if t.pause(t.QuietTime()) != nil {
		t.abortf("the rule's time was over")
	}
	for in, v := range first {
		if again := c.get(in); !again.Equal(v) && !w.tells(in.Name) {
			t.Errorf("control %s, which is not volatile, had the value %v, then %v, and no event told of the change", in.Name, v, again)
		}
	}
}

// manyReadings is how often a volatile control is read.
const manyReadings = 16

func checkNamedVolatile(t *T) {
	c := t.controls()
	n := 0
	c.each(control.CanGet, true, "can be read", func(in *control.Info) {
		if !in.Volatile {
			return
		}
		n++
		for i := range manyReadings {
			v, err := c.c.Get(t.Context(), in.Name)
			if err == nil {
				err = in.Check(v)
			}
			if err != nil {
				t.Errorf("reading %d of control %s, which is volatile, came to %s; each must give a value of its description", i+1, in.Name, answer(err))
				return
			}
		}
	})
	if n == 0 {
		t.inapplicable("the driver has no volatile control")
	}
}

// good returns a value of a shape.
func good(s *control.Shape) control.Value {
	fields := make([]control.Value, len(s.Fields))
	for i := range s.Fields {
		fields[i] = good(&s.Fields[i].Shape)
	}
	for _, v := range []control.Value{
		s.Default, s.Min, s.Max, control.Bool(false), control.Int(0), control.Float(0), control.Enum(0),
		control.String(""), control.Bytes(nil), control.Struct(fields...),
	} {
		if s.Check(v) == nil {
			return v
		}
	}
	return control.Value{}
}

func checkNamedUncallable(t *T) {
	c := t.controls()
	c.each(control.CanCall, false, "can't be called", func(in *control.Info) {
		for _, v := range []control.Value{{}, good(&in.Shape)} {
			if got, err := c.c.Call(t.Context(), in.Name, v); err == nil || lost(err) {
				t.Errorf("calling control %s, which is for %v, with the argument %v came to %s and %v; it must be refused", in.Name, in.Access, v, answer(err), got)
				return
			}
		}
	})
}

// eachCall calls f for each control that may be called, or ends the rule.
func (c *controls) eachCall(f func(in *control.Info)) {
	n := 0
	c.each(control.CanCall, true, "can be called", func(in *control.Info) {
		if c.t.s.device.AllowDestructive || slices.Contains(c.t.s.device.SafeCalls, in.Name) {
			f(in)
			n++
		}
	})
	if n == 0 {
		c.t.Skipf("nobody has said which controls may be called: name them in the device file, or permit all by allow_destructive")
	}
}

func checkNamedCall(t *T) {
	c := t.controls()
	c.eachCall(func(in *control.Info) {
		arg := good(&in.Shape)
		got, err := c.c.Call(t.Context(), in.Name, arg)
		c.mayChange(in, err)
		if err == nil {
			err = in.Result.Check(got)
		}
		if err != nil {
			t.Errorf("calling control %s with the argument %v came to %s and the result %v; it must succeed with a result of its description",
				in.Name, arg, answer(err), got)
		}
	})
}

func checkNamedCallArgument(t *T) {
	c := t.controls()
	c.eachCall(func(in *control.Info) {
		for _, v := range append(outOfRange(&in.Shape), control.Bool(true), control.String("1"), control.Bytes([]byte{1})) {
			if in.Check(v) == nil {
				continue
			}
			got, err := c.c.Call(t.Context(), in.Name, v)
			c.mayChange(in, err)
			if err == nil || lost(err) {
				t.Errorf("calling control %s with the argument %v, a %v that is not of its description, came to %s and the result %v; it must be refused",
					in.Name, v, v.Type(), answer(err), got)
				return
			}
		}
	})
}
