// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"encoding"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// hookedRaw is a raw driver with hooks; it takes every format that it is asked for.
func hookedRaw(name string, hooks func() Hooks) func() conformance.Target {
	return func() conformance.Target {
		return conformance.FromStart(name, func() (userclient.Provider, func() error, error) {
			d := NewRaw(name, RawConfig{})
			return Wrap(d, hooks()), d.Close, nil
		})
	}
}

// recordOf is what travels as a record.
type recordOf[T any] interface {
	*T
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// rewriting makes hooks that change the record which a selector answers.
func rewriting[T any, R recordOf[T]](sel uint32, change func(*Session, R)) func() Hooks {
	return onCall(sel, func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		return rewrite(a, func(r R) { change(s, r) })
	})
}

// rewrite changes the record in an answer.
func rewrite[T any, R recordOf[T]](a *userclient.Args, change func(R)) error {
	r := R(new(T))
	if err := r.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
		return err
	}
	change(r)
	b, err := r.AppendBinary(nil)
	a.NOutBytes = copy(a.OutBytes, b)
	return err
}

// events makes hooks that change the events of an answer.
func events(change func(*Session, []userclient.Event) []userclient.Event) func() Hooks {
	return onCall(userclient.SelEvents, func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		if err := next(); err != nil {
			return err
		}
		es, err := userclient.ParseEvents(a.OutBytes[:a.NOutBytes])
		if err != nil {
			return err
		}
		b, err := userclient.AppendEvents(nil, change(s, es))
		a.NOutBytes = copy(a.OutBytes, b)
		return err
	})
}

// scalars makes hooks that change the scalars which a selector answers.
func scalars(sel uint32, change func(s *Session, out []uint64)) func() Hooks {
	return onCall(sel, func(_ context.Context, s *Session, a *userclient.Args, next func() error) error {
		err := next()
		if err == nil {
			change(s, a.Out[:a.NOut])
		}
		return err
	})
}
