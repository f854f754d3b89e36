// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Client uses the controls of a driver.
type Client struct {
	// Do sends a command with its request and returns the reply, of at most MaxMessage
	// bytes. It must not keep in. What it returns is read before the next call of Do.
	Do func(ctx context.Context, c Command, in []byte) ([]byte, error)
}

// do sends a request and reads the reply.
func (c *Client) do(ctx context.Context, cmd Command, req *request) (*reply, error) {
	in, err := record.Append(nil, requestFields, req)
	if err != nil {
		return nil, invalid("%v", err)
	}
	out, err := c.Do(ctx, cmd, in)
	if err != nil {
		return nil, err
	}
	if len(out) > MaxMessage {
		return nil, ioreturn.Broken(ioreturn.RuleAnswer, "controls: a reply of %d bytes, at most %d are allowed", len(out), MaxMessage)
	}
	return parseReply(out)
}

// List asks for the descriptions of all controls, in the order of their names. It blocks
// until the driver has answered.
func (c *Client) List(ctx context.Context) ([]Info, error) {
	var all []Info
	for from := uint32(0); ; {
		r, err := c.do(ctx, CmdList, &request{from: from})
		if err != nil {
			return nil, ioreturn.Op("list controls", "", err)
		}
		all = append(all, r.infos...)
		if r.next == 0 {
			return all, nil
		}
		if r.next != from+uint32(len(r.infos)) || len(r.infos) == 0 || len(all) > MaxControls {
			return nil, ioreturn.Broken(ioreturn.RuleAnswer, "controls: %d of them from %d on, and then %d", len(r.infos), from, r.next)
		}
		from = r.next
	}
}

// Find asks for the description of one control. The error matches ioreturn.ErrNotFound if
// there is none with that name.
func (c *Client) Find(ctx context.Context, name string) (*Info, error) {
	infos, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	for i := range infos {
		if infos[i].Name == name {
			return &infos[i], nil
		}
	}
	return nil, ioreturn.Op("find control", name, &ioreturn.StatusError{
		Code: ioreturn.NotFound, Detail: fmt.Sprintf("the driver has %d controls, and none with this name", len(infos)),
	})
}

// Get asks for the value of a control. It blocks until the driver has answered.
func (c *Client) Get(ctx context.Context, name string) (Value, error) {
	return c.value(ctx, CmdGet, name, Value{})
}

// Set sets a control and returns the value that it has then, which may be another one
// that the device can do. It blocks until the driver has answered. The driver checks the
// value. Where its refusal says no more than that, Set asks for the control's description
// and says what is wrong.
func (c *Client) Set(ctx context.Context, name string, v Value) (Value, error) {
	return c.value(ctx, CmdSet, name, v)
}

// Call calls a control with an argument and returns the result. It blocks until the driver
// has answered.
func (c *Client) Call(ctx context.Context, name string, arg Value) (Value, error) {
	return c.value(ctx, CmdCall, name, arg)
}

func (c *Client) value(ctx context.Context, cmd Command, name string, v Value) (Value, error) {
	r, err := c.do(ctx, cmd, &request{name: name, value: v})
	if err != nil {
		return Value{}, ioreturn.Op(cmd.String()+" control", name, c.explain(ctx, cmd, name, v, err))
	}
	return r.value, nil
}

// explain says what is wrong with a request that the driver has refused, where the
// transport has carried only a number. It asks the driver what it would have taken, and
// leaves the error as it is unless that accounts for it.
func (c *Client) explain(ctx context.Context, cmd Command, name string, v Value, err error) error {
	refused, denied := errors.Is(err, ioreturn.ErrInvalid) && cmd != CmdGet, errors.Is(err, ioreturn.ErrPermission)
	if told := (*ioreturn.StatusError)(nil); !refused && !denied || errors.As(err, &told) {
		return err
	}
	in, failed := c.Find(ctx, name)
	var why error
	switch {
	case failed != nil:
	case denied:
		why = in.allows(map[Command]Access{CmdGet: CanGet, CmdSet: CanSet, CmdCall: CanCall}[cmd])
	default:
		why = in.Check(v)
	}
	if why == nil {
		return err
	}
	return &explained{why: why, err: err}
}

// explained is an error with its reason, which is what people read.
type explained struct{ why, err error }

func (e *explained) Error() string   { return e.why.Error() }
func (e *explained) Unwrap() []error { return []error{e.why, e.err} }
