// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/checksum"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/ratelimit"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// maxRate is the highest rate that a client may set, in frames per second.
const maxRate = 1e6

// controls are the settings of a source: how fast it is, what it has made, and to begin
// again. They belong to the device and not to a client, so they outlive both.
type controls struct {
	table   control.Table
	rate    atomic.Uint64 // bits of a float64
	made    atomic.Int64  // frames for the client that it runs for
	restart atomic.Bool
}

func newControls(rate float64) (*controls, error) {
	c := &controls{}
	c.rate.Store(math.Float64bits(rate))
	for _, add := range []struct {
		info control.Info
		h    control.Handler
	}{
		{
			control.Info{
				Name: "rate", Text: "Frames per second; 0 is as fast as the client takes them", Access: control.CanGet | control.CanSet,
				Shape: control.Shape{
					Type: control.TypeFloat, Unit: "Hz", Min: control.Float(0), Max: control.Float(max(rate, maxRate)), Default: control.Float(rate),
				},
			},
			control.Handler{Set: func(_ context.Context, v control.Value) (control.Value, error) {
				c.rate.Store(math.Float64bits(v.Float()))
				return v, nil
			}},
		},
		{
			control.Info{
				Name: "produced", Text: "Frames made for the client that has the stream", Access: control.CanGet, Volatile: true,
				Shape: control.Shape{Type: control.TypeInt, Min: control.Int(0)},
			},
			control.Handler{Get: func(context.Context) (control.Value, error) { return control.Int(c.made.Load()), nil }},
		},
		{
			control.Info{Name: "restart", Text: "Begin again with the first frame", Access: control.CanCall},
			control.Handler{Call: func(context.Context, control.Value) (control.Value, error) {
				c.restart.Store(true)
				return control.Value{}, nil
			}},
		},
	} {
		if err := c.table.Add(add.info, add.h); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// plane returns the control plane with these controls below modules, the top one last, which
// see commands only. Clients may push a checksum and a limit of the rate, and without other
// modules the payload passes those: "rate:N" lets N bytes pass in a second.
func (c *controls) plane(stack []*streams.Module) (userclient.ControlPlane, error) {
	driver, err := plane.Module("sample", &c.table, nil)
	sum, err2 := checksum.Module(checksum.Config{})
	rate, err3 := ratelimit.Module(ratelimit.Config{})
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, ioreturn.Op("make", "controls", err)
	}
	return &remote.Plane{
		Driver: driver, Stack: stack, CommandsOnly: len(stack) > 0,
		Modules: func(name string, _ userclient.Peer) *streams.Module {
			word, limit, limited := strings.Cut(name, ":")
			n, err := strconv.ParseUint(limit, 10, 31)
			switch {
			case name == sum.Name:
				return sum
			case name == rate.Name:
				return rate
			case word != rate.Name || !limited || n == 0 || err != nil:
				return nil
			}
			m, _ := ratelimit.Module(ratelimit.Config{Up: int(n), Down: int(n)}) // nil on an error
			return m
		},
	}, nil
}

func (c *controls) wanted() float64 { return math.Float64frombits(c.rate.Load()) }
