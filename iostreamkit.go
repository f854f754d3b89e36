// SPDX-License-Identifier: Apache-2.0

// Package iostreamkit is the front door of IOStreamKit: it opens, lists, watches and
// serves streams on the operating system that it is built for.
//
// A program that uses hardware opens a stream by name and reads frames; a driver makes
// an iostream.Driver and serves it. On Linux the two are processes of their own, and
// find each other through a run directory. On other systems only a driver in the same
// process can be reached for now, by package sdk/inproc; Open and Serve say so.
//
// The stream itself is in package sdk/iostream; this package only puts it together with
// a transport.
package iostreamkit

import (
	"context"
	"errors"
	"io/fs"
	"iter"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// StreamInfo is one stream as discovery shows it. Everything but Name, Live, UID and
// Where is the driver's own word; ask an Observer for what it says now.
type StreamInfo struct {
	Name       string // "vendor/device/stream"
	Live       bool   // its driver is there; otherwise it died and left the entry behind
	PID        int    // of the driver, -1 if unknown
	UID        int    // owner of the entry, -1 if unknown
	Program    string // the driver's
	ABI        userclient.Version
	Properties map[string]string // vendor, model, serial, bus …
	Where      string            // what it is connected through: a socket's path
	Err        error             // why the entry can't be used, if it can't
}

// ChangeKind says how the list of streams changed.
type ChangeKind uint8

// The kinds of change.
const (
	StreamAdded   ChangeKind = iota + 1 // it is there; also told of every stream when a watch begins
	StreamRemoved                       // its driver has closed it or died
	StreamChanged                       // its driver was started anew
)

// String returns "added", "removed" or "changed".
func (k ChangeKind) String() string {
	switch k {
	case StreamAdded:
		return "added"
	case StreamRemoved:
		return "removed"
	case StreamChanged:
		return "changed"
	}
	return "unknown change"
}

// StreamEvent is one change of the list of streams.
type StreamEvent struct {
	Kind   ChangeKind
	Stream StreamInfo
}

// Client says which drivers this program trusts. The zero value trusts those of its own
// user and of root, and is what Open and Observe use.
type Client struct {
	// UIDs are other users whose drivers are trusted, such as a service's.
	UIDs []int
}

// Open is the function Open for this client.
func (c Client) Open(ctx context.Context, name string, cfg *iostream.Config) (*iostream.Stream, error) {
	conn, err := c.dial(ctx, name, false)
	if err != nil {
		return nil, ioreturn.Op("open", name, err)
	}
	return iostream.Open(ctx, conn, cfg)
}

// Observe is the function Observe for this client.
func (c Client) Observe(ctx context.Context, name string) (*iostream.Observer, error) {
	conn, err := c.dial(ctx, name, true)
	if err != nil {
		return nil, ioreturn.Op("observe", name, err)
	}
	return iostream.NewObserver(ctx, conn)
}

// Open opens the stream of that name for this program alone. It does not start it. cfg
// may be nil. Opening blocks until the driver has answered; ctx ends that.
//
// A name is never another stream's: there is no fallback. The error matches
// fs.ErrNotExist when there is no such stream, ioreturn.ErrGone when its driver has
// died, and ioreturn.ErrBusy when another program has it open.
func Open(ctx context.Context, name string, cfg *iostream.Config) (*iostream.Stream, error) {
	return Client{}.Open(ctx, name, cfg)
}

// Observe looks at the stream of that name without opening it. Its errors are those of
// Open, but for ErrBusy: a stream in use can be observed.
func Observe(ctx context.Context, name string) (*iostream.Observer, error) {
	return Client{}.Observe(ctx, name)
}

// List returns the streams that are there, by name. Each word of filter is a name
// pattern ("acme", "acme/cam*/video") or a property with a pattern for its value
// ("serial=47*"). It does not connect to any driver. When some place can't be looked at,
// the streams of the others come with the error.
func List(ctx context.Context, filter ...string) ([]StreamInfo, error) {
	streams, err := list(ctx, filter)
	return streams, ioreturn.Op("list streams", "", err)
}

// Watch yields the streams that are there as StreamAdded, then every change, until ctx
// ends, whose cause is then the last error. An error about one place that can't be
// watched is yielded once, and the watch goes on with the others. filter is that of List.
func Watch(ctx context.Context, filter ...string) iter.Seq2[StreamEvent, error] {
	return func(yield func(StreamEvent, error) bool) {
		for e, err := range watch(ctx, filter) {
			if !yield(e, ioreturn.Op("watch streams", "", err)) {
				return
			}
		}
	}
}

// Serve offers d to other programs under its name while run produces or consumes. When
// run returns, or ctx ends, it withdraws the name, closes d, ends its sessions and
// returns run's error. run may be nil for a driver that lives from its Handler alone:
// Serve then returns when ctx ends. A context that ended is no error.
//
// A second live driver of the same name is refused with an error matching
// ioreturn.ErrBusy that names the first.
func Serve(ctx context.Context, d *iostream.Driver, run func(context.Context) error) error {
	return Server{}.Serve(ctx, d, run)
}

// Server says who may reach a driver. The zero value admits programs of the same user
// and of root, and is what Serve uses.
type Server struct {
	// Mode is the permission of the stream's socket: who may write to it may connect.
	// Zero means 0600. The directory that streams are registered in decides too.
	Mode fs.FileMode
}

// Serve is the function Serve for this server.
func (s Server) Serve(ctx context.Context, d *iostream.Driver, run func(context.Context) error) error {
	defer d.Close()
	if run == nil {
		run = func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
	}
	err := s.serve(ctx, d, run)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return ioreturn.Op("serve", d.Name(), err)
}
