// SPDX-License-Identifier: Apache-2.0

package iostreamkit

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func (c Client) dial(ctx context.Context, name string, observe bool) (userclient.Conn, error) {
	dir, err := rundir.Default()
	if err != nil {
		return nil, err
	}
	found, err := dir.Find(name)
	if err != nil {
		return nil, err
	}
	return socket.Dial(ctx, found.Path, &socket.DialConfig{Observe: observe, AllowUIDs: c.UIDs})
}

func list(ctx context.Context, filter []string) ([]StreamInfo, error) {
	f, err := rundir.ParseFilter(filter...)
	if err != nil {
		return nil, err
	}
	dir, err := rundir.Default()
	if err != nil {
		return nil, err
	}
	streams, err := dir.List(ctx)
	var out []StreamInfo
	for _, s := range f.Select(streams) {
		out = append(out, infoOf(s))
	}
	return out, err
}

func infoOf(s rundir.Stream) StreamInfo {
	return StreamInfo{
		Name: s.Name, Live: s.Live, PID: s.PID, UID: s.UID, Program: s.Program,
		ABI: s.ABI, Properties: s.Properties, Where: s.Path, Err: s.Err,
	}
}

func watch(ctx context.Context, filter []string) iter.Seq2[StreamEvent, error] {
	return func(yield func(StreamEvent, error) bool) {
		f, err := rundir.ParseFilter(filter...)
		var dir rundir.Dir
		if err == nil {
			dir, err = rundir.Default()
		}
		if err != nil {
			yield(StreamEvent{}, err)
			return
		}
		for e, err := range dir.Watch(ctx) {
			if err != nil {
				if !yield(StreamEvent{}, err) {
					return
				}
				continue
			}
			if !f.Match(e.Stream.Name, e.Stream.Properties) {
				continue
			}
			if !yield(StreamEvent{ChangeKind(e.Kind), infoOf(e.Stream)}, nil) {
				return
			}
		}
	}
}

// The kinds of both packages have the same numbers.
const (
	_ = uint(StreamAdded) - uint(rundir.Added)
	_ = uint(StreamRemoved) - uint(rundir.Removed)
	_ = uint(StreamChanged) - uint(rundir.Changed)
	_ = uint(rundir.Added) - uint(StreamAdded)
	_ = uint(rundir.Removed) - uint(StreamRemoved)
	_ = uint(rundir.Changed) - uint(StreamChanged)
)

// serve registers the name, listens, runs run, and takes it all back in reverse order.
func (s Server) serve(ctx context.Context, d *iostream.Driver, run func(context.Context) error) (err error) {
	dir, err := rundir.Default()
	if err != nil {
		return err
	}
	desc := d.Describe()
	entry, err := dir.Register(rundir.Info{
		Name: d.Name(), Program: desc.Driver, Instance: desc.Instance, Properties: desc.Properties,
		SocketMode: s.Mode,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entry.Close()) }()
	l, err := socket.Listen(entry.SocketPath(), &socket.ListenConfig{Mode: s.Mode})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Serve(ctx, d); err != nil {
			cancel(err) // run learns why
		}
	})
	defer func() {
		closed := d.Close()
		err = errors.Join(err, closed, l.Close())
		wg.Wait()
	}()
	if err := entry.Publish(); err != nil {
		return err
	}
	return run(ctx)
}
