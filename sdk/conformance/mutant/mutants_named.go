// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// only makes a change of one setting.
func only(name string, change func(*setting)) func(*setting) {
	return func(s *setting) {
		if s.Name == name {
			change(s)
		}
	}
}

func unbounded(s *setting) { s.Min, s.Max, s.Step = control.Value{}, control.Value{}, control.Value{} }

func namedMutants() []Mutant { return append(valueMutants(), toldMutants()...) }

func valueMutants() []Mutant {
	return []Mutant{
		{
			Name: "cut-list", Rule: "NAMED-01", Wrong: "The last byte of its list of controls is missing.",
			New: settled("cut-list", func(v *voice) (Serve, error) {
				t, err := v.tableOf(nil)
				return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
					b, err := t.Serve(ctx, c, in, nil, room)
					if err == nil && c == control.CmdList {
						b = b[:len(b)-1]
					}
					return b, err
				}, err
			}),
		},
		{
			Name: "other-range-each-time", Rule: "NAMED-02", Wrong: "Each list says another range of the gain.",
			New: settled("other-range-each-time", func(v *voice) (Serve, error) {
				one, err := v.tableOf(nil)
				other, err2 := v.tableOf(only("gain", func(s *setting) { s.Max = control.Int(40) }))
				var n atomic.Int32
				return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
					if c == control.CmdList && n.Add(1)%2 == 0 {
						return other.Serve(ctx, c, in, nil, room)
					}
					return one.Serve(ctx, c, in, nil, room)
				}, errors.Join(err, err2)
			}),
		},
		{
			Name: "bad-value", Rule: "NAMED-03", Wrong: "Its gain is 100 dB, of 60 at most.",
			New: lax("bad-value", only("gain", func(s *setting) { s.Max, s.Default = control.Int(100), control.Int(100) })),
		},
		{
			Name: "tells-the-key", Rule: "NAMED-04", Wrong: "It tells a key that can only be set.",
			New: lax("tells-the-key", only("key", func(s *setting) {
				s.Access, s.Default = control.CanGet|control.CanSet, control.Bytes([]byte("secret"))
			})),
		},
		{
			Name: "sets-the-serial", Rule: "NAMED-05", Wrong: "Its serial number can be set, though it says that it can't.",
			New: lax("sets-the-serial", only("serial", func(s *setting) { s.Access |= control.CanSet })),
		},
		{
			Name: "sets-another", Rule: "NAMED-06", Wrong: "It answers another value than the one that it has set.",
			New: lax("sets-another", only("gain", func(s *setting) {
				s.Get = func(context.Context) (control.Value, error) { return control.Int(20), nil }
				s.Set = func(context.Context, control.Value) (control.Value, error) { return control.Int(22), nil }
			})),
		},
		{
			Name: "no-range", Rule: "NAMED-07", Wrong: "It says which gains are good, and takes all.",
			New: lax("no-range", only("gain", unbounded)),
		},
		{
			Name: "sets-and-refuses", Rule: "NAMED-08", Wrong: "It sets a gain that is too large, and refuses it then.",
			New: lax("sets-and-refuses", func(s *setting) {
				if s.Name != "gain" {
					return
				}
				unbounded(s)
				var now atomic.Int64
				s.Get = func(context.Context) (control.Value, error) { return control.Int(now.Load()), nil }
				s.Set = func(_ context.Context, v control.Value) (control.Value, error) {
					now.Store(v.Int())
					if v.Int() > 60 {
						return control.Value{}, ioreturn.BadArgument
					}
					return v, nil
				}
			}),
		},
		{
			Name: "no-steps", Rule: "NAMED-09", Wrong: "It says that gains are even, and takes odd ones.",
			New: lax("no-steps", only("gain", func(s *setting) { s.Step = control.Value{} })),
		},
		{
			Name: "true-gain", Rule: "NAMED-10", Wrong: "It takes true for a gain.",
			New: lax("true-gain", only("gain", func(s *setting) {
				s.Shape = control.Shape{Type: control.TypeBool, Default: control.Bool(true)}
			})),
		},
		{
			Name: "any-name", Rule: "NAMED-11", Wrong: "It answers something for names that it does not know.",
			New: settled("any-name", func(v *voice) (Serve, error) {
				t, err := v.tableOf(nil)
				return func(ctx context.Context, c control.Command, in []byte, room int) ([]byte, error) {
					b, err := t.Serve(ctx, c, in, nil, room)
					if errors.Is(err, ioreturn.ErrNotFound) {
						return t.Serve(ctx, control.CmdList, in, nil, room)
					}
					return b, err
				}, err
			}),
		},
		{
			Name: "own-values", Rule: "NAMED-12", Wrong: "Each session has values of its own.",
			New: func() conformance.Target {
				return conformance.FromStart("own-values", withPlane(func(v *voice) (userclient.ControlPlane, error) { return ownValues{v}, nil }, nil))
			},
		},
	}
}

// ownValues is a control plane that is made anew for each session.
type ownValues struct{ v *voice }

// NewControl makes the values of a session.
func (o ownValues) NewControl(p userclient.Peer) (userclient.ControlSession, error) {
	fresh, err := plain(o.v)
	if err != nil {
		return nil, err
	}
	return fresh.NewControl(p)
}

// MaxCopy is that of the library.
func (ownValues) MaxCopy() int { return remote.MaxData }
