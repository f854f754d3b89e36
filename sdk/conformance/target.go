// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Target is a driver under test. Its methods are called by one goroutine at a time,
// except Connect, which may be called at any time.
type Target interface {
	// Name is what reports call the target: the stream's name or address.
	Name() string
	// Connect begins a session. It returns within a bounded time after ctx has ended.
	Connect(ctx context.Context, observe bool) (userclient.Conn, error)
	// Capabilities declares what the driver has. A list that names any capability which
	// the description would show is taken for complete, and compared with it (DESC-02);
	// a nil list, or one that only tells what no description shows, leaves the rest to
	// the description.
	Capabilities() []Capability
	// Close gives the target back.
	Close() error
}

// Restarter is implemented by targets that can start their driver anew after it died.
type Restarter interface {
	Restart(ctx context.Context) error
}

// Killer is implemented by targets whose driver is a process of its own. Kill ends it
// without warning and returns when it is dead.
type Killer interface {
	Kill() error
}

// FromProvider returns a target for a driver in this process. The driver stays the
// caller's, who keeps it going; Close does nothing.
func FromProvider(p userclient.Provider, declared ...Capability) Target {
	return &provided{p: p, caps: declared}
}

type provided struct {
	p    userclient.Provider
	caps []Capability
}

func (t *provided) Name() string               { return t.p.Describe().Name }
func (t *provided) Capabilities() []Capability { return t.caps }
func (t *provided) Close() error               { return nil }

func (t *provided) Connect(ctx context.Context, observe bool) (userclient.Conn, error) {
	return inproc.Connect(ctx, t.p, &inproc.Config{Observe: observe})
}

// Dial begins a session with a driver somewhere else.
type Dial func(ctx context.Context, observe bool) (userclient.Conn, error)

// FromDial returns a target for a driver that is reached by dial: an address, a stream
// found by name. Close does nothing.
func FromDial(name string, dial Dial, declared ...Capability) Target {
	return &dialled{name: name, dial: dial, caps: declared}
}

type dialled struct {
	name string
	dial Dial
	caps []Capability
}

func (t *dialled) Name() string               { return t.name }
func (t *dialled) Capabilities() []Capability { return t.caps }
func (t *dialled) Close() error               { return nil }

func (t *dialled) Connect(ctx context.Context, observe bool) (userclient.Conn, error) {
	return t.dial(ctx, observe)
}

// Start starts a driver in this process and returns it with what ends it. stop must
// return when everything of the driver's is over.
type Start func() (p userclient.Provider, stop func() error, err error)

// FromStart returns a target that starts its driver when it is first connected to, and
// again on Restart. Close stops it. It also has a method Provider() (userclient.Provider,
// error), for those who serve the driver to other processes.
func FromStart(name string, start Start, declared ...Capability) Target {
	return &started{name: name, start: start, caps: declared}
}

type started struct {
	name  string
	start Start
	caps  []Capability

	mu   sync.Mutex
	p    userclient.Provider
	stop func() error
}

var _ Restarter = (*started)(nil)

func (t *started) Name() string               { return t.name }
func (t *started) Capabilities() []Capability { return t.caps }

func (t *started) Connect(ctx context.Context, observe bool) (userclient.Conn, error) {
	p, err := t.Provider()
	if err != nil {
		return nil, ioreturn.Op("start driver", t.name, err)
	}
	return inproc.Connect(ctx, p, &inproc.Config{Observe: observe})
}

// Provider starts the driver, unless it runs, and returns it.
func (t *started) Provider() (userclient.Provider, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.p != nil {
		return t.p, nil
	}
	p, stop, err := t.start()
	if err != nil {
		return nil, err
	}
	t.p, t.stop = p, stop
	return p, nil
}

func (t *started) Restart(context.Context) error {
	if err := t.Close(); err != nil {
		return fmt.Errorf("stop the driver to start it anew: %w", err)
	}
	_, err := t.Provider()
	return err
}

func (t *started) Close() error {
	t.mu.Lock()
	stop := t.stop
	t.p, t.stop = nil, nil
	t.mu.Unlock()
	if stop == nil {
		return nil
	}
	return ioreturn.Op("stop driver", t.name, stop())
}
