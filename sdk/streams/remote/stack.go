// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// plumb does something with the right to change the stack.
func (e *End) plumb(ctx context.Context, fn func(*streams.Plumbing) error) error {
	p, err := e.stream.Plumb(ctx)
	if err != nil {
		return err
	}
	defer p.Release()
	return fn(p)
}

func (e *End) push(ctx context.Context, name string) error {
	var m *streams.Module
	if e.plane.Modules != nil {
		m = e.plane.Modules(name, e.peer)
	}
	if m == nil {
		return &ioreturn.StatusError{Code: ioreturn.NotFound, Detail: fmt.Sprintf("there is no module %q to push", record.CleanText(name))}
	}
	return asStatus(e.plumb(ctx, func(p *streams.Plumbing) error {
		if len(e.stream.Names())-1 >= streams.Strict.Tunables().Modules {
			return streams.EINVAL
		}
		err := p.Push(m, streams.OpenInfo{Credential: e.peer})
		if err == nil {
			e.modules.Add(1)
		}
		return err
	}))
}

func (e *End) pop(ctx context.Context) error {
	return asStatus(e.plumb(ctx, func(p *streams.Plumbing) error {
		if len(e.stream.Names())-1 <= len(e.plane.Stack) {
			return &ioreturn.StatusError{Code: ioreturn.NotPermitted, Detail: "what is left was pushed by the driver"}
		}
		err := p.Pop()
		if err == nil {
			e.modules.Add(-1)
		}
		return err
	}))
}

// asStatus gives an errno the code that its meaning has between processes.
func asStatus(err error) error {
	if status := (*ioreturn.StatusError)(nil); err == nil || errors.As(err, &status) {
		return err
	}
	return &ioreturn.StatusError{Code: ioreturn.Of(err), Detail: err.Error()}
}

func (e *End) names(a *userclient.Args) error {
	list := names(e.stream.Names())
	b, err := record.Append(nil, nameFields, &list)
	if err != nil {
		return &ioreturn.StatusError{Code: ioreturn.InternalError, Detail: err.Error()}
	}
	return answer(a, b)
}

// flush sends an M_FLUSH through the stack.
func (e *End) flush(a *userclient.Args) error {
	if len(a.In) != 2 || a.In[0] > 7 || a.In[1] > 255 {
		return refused("a flush has flags of 0 to 7 and a band of 0 to 255")
	}
	body := []byte{byte(a.In[0])}
	if streams.FlushFlags(a.In[0])&streams.FlushBand != 0 {
		body = append(body, byte(a.In[1]))
	}
	return asStatus(e.sendFlush(body))
}

func (e *End) sendFlush(body []byte) error {
	m, err := e.stream.Arena().From(streams.MFlush, body)
	if err == nil {
		if err = e.stream.Put(m); err != nil {
			m.Free()
		}
	}
	return err
}

// names is a list of modules.
type names []string

var nameFields = []record.Field[names]{record.Texts(1, "name", 256, func(n *names) *[]string { return (*[]string)(n) })}
