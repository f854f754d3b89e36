// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Handler is what a driver does about one control. All functions may block until their
// context ends, and those of one control run one at a time. An error goes to the client;
// an ioreturn.Code or an errno of package streams stays what it is.
type Handler struct {
	// Get asks the device. Without it the control has the value that was set last, or its
	// default.
	Get func(ctx context.Context) (Value, error)
	// Set gives the device a value that was checked against the shape, and returns the
	// value that the device has now, which may be another one. Without it every good value
	// is accepted.
	Set func(ctx context.Context, v Value) (Value, error)
	// Call does what the control is for, with an argument that was checked.
	Call func(ctx context.Context, arg Value) (Value, error)
}

// Table has the controls of a driver. The zero Table is empty and ready to use. All
// methods may be called concurrently.
type Table struct {
	mu      sync.RWMutex
	entries []*entry // in the order of their names
	changed func(name string)
}

// entry is one control.
type entry struct {
	info Info
	h    Handler
	turn chan struct{} // has the token while nobody runs a function

	mu    sync.Mutex
	value Value // last known
}

// Add adds a control. The error matches ioreturn.ErrInvalid if the description makes no
// sense or has no function that it needs: a control without a default needs Get to be
// read, and one that can be called needs Call. It matches ioreturn.ErrBusy if the name is
// taken, and ioreturn.ErrNoMemory if there are MaxControls.
func (t *Table) Add(info Info, h Handler) error {
	if err := info.Validate(); err != nil {
		return err
	}
	switch {
	case info.Access&CanCall != 0 && h.Call == nil:
		return invalid("control %s can be called, but there is no function for it", info.Name)
	case info.Access&CanGet != 0 && h.Get == nil && (info.Volatile || info.Default.typ == TypeNone):
		return invalid("control %s can be read, but has neither a function for it nor a lasting default", info.Name)
	}
	// The caller may change its slices.
	info.Choices, info.Fields = slices.Clone(info.Choices), slices.Clone(info.Fields)
	e := &entry{info: info, h: h, turn: make(chan struct{}, 1), value: info.Default}
	e.turn <- struct{}{}
	t.mu.Lock()
	defer t.mu.Unlock()
	i, taken := slices.BinarySearchFunc(t.entries, info.Name, byName)
	switch {
	case taken:
		return ioreturn.Op("add control", info.Name, ioreturn.Busy)
	case len(t.entries) == MaxControls:
		return ioreturn.Op("add control", info.Name, ioreturn.NoResources)
	}
	t.entries = slices.Insert(t.entries, i, e)
	return nil
}

func byName(e *entry, name string) int { return strings.Compare(e.info.Name, name) }

// OnChange makes fn be told of each change of a control that is not volatile, once it has
// happened: after Serve or Set changed it, and by Changed. fn must not block, and is
// called with no lock held. nil ends it.
func (t *Table) OnChange(fn func(name string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed = fn
}

// Changed tells that a control has a new value, or another range, that no client has
// asked for.
func (t *Table) Changed(name string) {
	t.mu.RLock()
	fn := t.changed
	t.mu.RUnlock()
	if fn != nil {
		fn(name)
	}
}

// find returns the control with that name if it can be used in that way.
func (t *Table) find(name string, a Access) (*entry, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, ok := slices.BinarySearchFunc(t.entries, name, byName)
	if !ok {
		return nil, &ioreturn.StatusError{Code: ioreturn.NotFound, Detail: fmt.Sprintf("there is no control %q", name)}
	}
	e := t.entries[i]
	if err := e.info.allows(a); err != nil {
		return nil, err
	}
	return e, nil
}

// run runs fn in turn with the other functions of the control.
func (e *entry) run(ctx context.Context, fn func() (Value, error)) (Value, error) {
	select {
	case <-e.turn:
	case <-ctx.Done():
		return Value{}, context.Cause(ctx)
	}
	defer func() { e.turn <- struct{}{} }()
	return fn()
}

// Get returns the value of a control, as a client would get it.
func (t *Table) Get(ctx context.Context, name string) (Value, error) {
	e, err := t.find(name, CanGet)
	if err != nil {
		return Value{}, err
	}
	if e.h.Get == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.value, nil
	}
	v, err := e.run(ctx, func() (Value, error) { return e.h.Get(ctx) })
	if err != nil {
		return Value{}, ioreturn.Op("get control", name, err)
	}
	return v, e.own(v)
}

// own checks a value that the driver's own function returned.
func (e *entry) own(v Value) error {
	if err := e.info.Shape.Check(v); err != nil {
		return ioreturn.Op("get control", e.info.Name, &ioreturn.StatusError{
			Code: ioreturn.InternalError, Detail: fmt.Sprintf("the driver's own value is bad: %v", err),
		})
	}
	return nil
}

// Set sets a control, as a client would, and returns the value that it has now.
func (t *Table) Set(ctx context.Context, name string, v Value) (Value, error) {
	e, err := t.find(name, CanSet)
	if err == nil {
		err = e.info.Shape.Check(v)
	}
	if err != nil {
		return Value{}, ioreturn.Op("set control", name, err)
	}
	changed := false
	v, err = e.run(ctx, func() (Value, error) {
		if e.h.Set != nil {
			var err error
			if v, err = e.h.Set(ctx, v); err != nil {
				return v, ioreturn.Op("set control", name, err)
			}
			if err := e.own(v); err != nil {
				return Value{}, err
			}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		changed = !e.value.Equal(v) && !e.info.Volatile
		e.value = v
		return v, nil
	})
	if changed {
		t.Changed(name)
	}
	return v, err
}

// Call calls a control, as a client would, and returns the result.
func (t *Table) Call(ctx context.Context, name string, arg Value) (Value, error) {
	e, err := t.find(name, CanCall)
	if err == nil {
		err = e.info.Shape.Check(arg)
	}
	if err != nil {
		return Value{}, ioreturn.Op("call control", name, err)
	}
	v, err := e.run(ctx, func() (Value, error) { return e.h.Call(ctx, arg) })
	if err == nil {
		if err = e.info.Result.Check(v); err != nil {
			err = &ioreturn.StatusError{Code: ioreturn.InternalError, Detail: fmt.Sprintf("the driver's own result is bad: %v", err)}
		}
	}
	if err != nil {
		return Value{}, ioreturn.Op("call control", name, err)
	}
	return v, nil
}

// List returns the descriptions of all controls in the order of their names.
func (t *Table) List() []Info {
	t.mu.RLock()
	defer t.mu.RUnlock()
	infos := make([]Info, len(t.entries))
	for i, e := range t.entries {
		infos[i] = e.info
	}
	return infos
}

// Serve answers one command of a client. It appends the reply to out and returns all of
// it; there are at most room bytes in the reply. in is not kept. The error matches
// ioreturn.ErrInvalid for a bad request, and ErrUnsupported for an unknown command.
func (t *Table) Serve(ctx context.Context, c Command, in, out []byte, room int) ([]byte, error) {
	req, err := parseRequest(in)
	if err != nil {
		return out, err
	}
	var r reply
	switch c {
	case CmdList:
		return t.serveList(req.from, out, room)
	case CmdGet:
		r.value, err = t.Get(ctx, req.name)
	case CmdSet:
		r.value, err = t.Set(ctx, req.name, req.value)
	case CmdCall:
		r.value, err = t.Call(ctx, req.name, req.value)
	default:
		err = &ioreturn.StatusError{Code: ioreturn.Unsupported, Detail: fmt.Sprintf("control %v does not exist", c)}
	}
	if err != nil {
		return out, err
	}
	return appendReply(out, &r, room)
}

// serveList answers with as many descriptions as fit.
func (t *Table) serveList(from uint32, out []byte, room int) ([]byte, error) {
	infos := t.List()
	infos = infos[min(uint64(from), uint64(len(infos))):]
	for n := len(infos); ; n /= 2 {
		r := reply{infos: infos[:n]}
		if n < len(infos) {
			r.next = from + uint32(n)
		}
		b, err := appendReply(out, &r, room)
		if err == nil || n <= 1 {
			return b, err
		}
	}
}

// appendReply appends a reply of at most room bytes.
func appendReply(out []byte, r *reply, room int) ([]byte, error) {
	b, err := record.Append(out, replyFields, r)
	if err != nil {
		return out, &ioreturn.StatusError{Code: ioreturn.InternalError, Detail: err.Error()}
	}
	if n := len(b) - len(out); n > room {
		return out, &ioreturn.StatusError{Code: ioreturn.NoSpace, Detail: fmt.Sprintf("the reply has %d bytes, there is room for %d", n, room)}
	}
	return b, nil
}
