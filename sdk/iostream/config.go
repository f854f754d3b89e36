// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The records of the user client that appear in this package's API.
type (
	Description = userclient.Description
	Format      = userclient.Format
	Event       = userclient.Event
	Observation = userclient.Observation
	Stats       = userclient.Stats
	LossRecord  = userclient.LossRecord
	Cause       = userclient.Cause
	Policy      = userclient.Policy
	State       = userclient.State
	Layout      = userclient.Layout
	Args        = userclient.Args
	Peer        = userclient.Peer
)

// The overrun policies; see the constants of package userclient.
const (
	Block      = userclient.PolicyBlock
	DropNewest = userclient.PolicyDropNewest
	DropOldest = userclient.PolicyDropOldest
	Fail       = userclient.PolicyFail
)

// Direction says which way the payload of a stream travels. The zero value is from
// the device, Apple's output.
type Direction uint8

// The directions.
const (
	FromDevice Direction = iota // Apple's output: driver to client
	ToDevice                    // Apple's input: client to driver
	BothWays                    // Apple's input-output: in the same buffers
)

// String returns "from-device", "to-device" or "both-ways".
func (d Direction) String() string { return d.mode().String() }

func (d Direction) mode() userclient.Mode {
	switch d {
	case FromDevice:
		return userclient.ModeOutput
	case ToDevice:
		return userclient.ModeInput
	}
	return userclient.ModeInputOutput
}

func directionOf(m userclient.Mode) Direction {
	switch m {
	case userclient.ModeInput:
		return ToDevice
	case userclient.ModeOutput:
		return FromDevice
	}
	return BothWays
}

// WaitPolicy says how a side waits for the other. It changes latency and CPU time,
// never meaning. Before it sleeps a side looks at the queue for up to 4 µs more, but only
// while that has lately saved a sleep and the other side runs on another CPU: or a
// side that is a little faster than the other sleeps, and is woken, every few entries.
type WaitPolicy uint8

// The wait policies.
const (
	// WaitPoller parks the goroutine in Go's poller. The default: no thread of its
	// own, a good tail.
	WaitPoller WaitPolicy = iota
	// WaitThread blocks the OS thread on the queue's index word where the transport
	// can, for the lowest median of a blocking wait. Call it from a goroutine that is
	// locked to its thread.
	WaitThread
	// WaitAdaptive spins, for up to 200 µs, while the other side has lately been quick and
	// runs on another CPU. Otherwise it sleeps, as WaitThread does where that is possible, so that a
	// stream that is read without a pause costs a thread.
	WaitAdaptive
	// WaitSpin never sleeps: one CPU is busy all the time.
	WaitSpin
)

// String returns "poller", "thread", "adaptive" or "spin".
func (p WaitPolicy) String() string {
	if names := [...]string{"poller", "thread", "adaptive", "spin"}; int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("WaitPolicy(%d)", uint8(p))
}

// Config tunes a client's Stream. The zero value, and nil, are ready to use.
type Config struct {
	// Wait says how Next and its relatives wait.
	Wait WaitPolicy
	// Layout is the form of the queues. Native unless the driver has only the classic one.
	Layout Layout
	// Without lists feature bits that the stream shall not use although both sides know them.
	Without uint64
	// Logger receives debug events. Nil discards them.
	Logger *slog.Logger
}

func (c *Config) withDefaults() Config {
	out := *cmp.Or(c, &Config{})
	out.Logger = cmp.Or(out.Logger, slog.New(slog.DiscardHandler))
	return out
}

// DriverConfig describes the stream that a Driver offers. Name and DataSize are
// required; everything else has a default.
type DriverConfig struct {
	// Name is "vendor/device/stream".
	Name string
	// Buffers is the number of buffers. Zero means 8.
	Buffers int
	// DataSize is the length of each buffer's data region in bytes.
	DataSize int
	// ControlSize is the length of each buffer's control region. Zero means none,
	// or 64 where Metadata is set.
	ControlSize int
	// Alignment of data regions in bytes, a power of two from 64 to the size of a page.
	// Zero means 4096.
	Alignment int

	// Direction is where the payload goes. The zero value is from the device.
	Direction Direction
	// Directions that a client may switch to while stopped. Nil means Direction only.
	Directions []Direction
	// Policy says what happens when no buffer is free. The zero value, Block, waits.
	Policy Policy
	// Backlog is W: how many entries are posted ahead of the client under DropOldest;
	// the rest stay where the oldest can still be dropped (C13). Zero means 2.
	Backlog int
	// Format is what the bytes mean; a client reads it at any time.
	Format Format
	// Metadata offers a 64-byte header at the start of each control region (C44).
	Metadata bool
	// Classic offers Apple's queue layout too, for clients that know no other.
	Classic bool

	// Index is the number of the stream within its device.
	Index int
	// Driver and Version name the driver program.
	Driver, Version string
	// Properties group streams by device: vendor, model, serial, bus, firmware ….
	Properties map[string]string
	// Clock is the time base of stamps. Nil means the host's monotonic clock.
	Clock Clock
	// Wait says how Take waits. Under DropOldest, and with an InputHandler, a goroutine
	// of the Driver waits in its place; it never spins for good and has no thread of its own.
	Wait WaitPolicy
	// Control answers the commands of clients (FeatureControl): settings, ioctls, modules.
	// Each session gets its own. Nil means that the driver has none.
	Control userclient.ControlPlane
	// Logger receives debug events. Nil discards them.
	Logger *slog.Logger
}

const (
	minAlignment = 64
	maxDataSize  = 1 << 31
)

func (c *DriverConfig) withDefaults() (DriverConfig, error) {
	out := *c
	out.Buffers = cmp.Or(out.Buffers, 8)
	out.Alignment = cmp.Or(out.Alignment, 4096)
	out.Backlog = cmp.Or(out.Backlog, 2)
	out.Logger = cmp.Or(out.Logger, slog.New(slog.DiscardHandler))
	if out.Metadata {
		out.ControlSize = max(out.ControlSize, userclient.MetadataSize)
	}
	if out.Directions == nil {
		out.Directions = []Direction{out.Direction}
	}
	err := out.check()
	return out, err
}

func (c *DriverConfig) check() error {
	if _, _, _, err := userclient.ParseName(c.Name); err != nil {
		return err
	}
	bad := func(field string, v int, want string) error {
		return fmt.Errorf("%s is %d, want %s: %w", field, v, want, ioreturn.BadArgument)
	}
	switch page := os.Getpagesize(); {
	case c.Buffers < 1 || c.Buffers > userclient.MaxBuffers:
		return bad("Buffers", c.Buffers, fmt.Sprintf("1 to %d", userclient.MaxBuffers))
	case c.DataSize < 1 || int64(c.DataSize) > maxDataSize:
		return bad("DataSize", c.DataSize, "1 to 2 GiB")
	case c.ControlSize < 0 || int64(c.ControlSize) > maxDataSize:
		return bad("ControlSize", c.ControlSize, "0 to 2 GiB")
	case c.Alignment < minAlignment || c.Alignment > page || c.Alignment&(c.Alignment-1) != 0:
		return bad("Alignment", c.Alignment, fmt.Sprintf("a power of two from %d to %d", minAlignment, page))
	case c.Backlog < 1:
		return bad("Backlog", c.Backlog, "at least 1")
	case c.Policy > Fail:
		return bad("Policy", int(c.Policy), "block, drop-newest, drop-oldest or fail")
	case c.Index < 0:
		return bad("Index", c.Index, "at least 0")
	case c.Wait > WaitSpin:
		return bad("Wait", int(c.Wait), "poller, thread, adaptive or spin")
	}
	for _, d := range c.Directions {
		if d > BothWays {
			return bad("Direction", int(d), "from-device, to-device or both-ways")
		}
	}
	if !slices.Contains(c.Directions, c.Direction) {
		return fmt.Errorf("the Directions %v lack the Direction %v: %w", c.Directions, c.Direction, ioreturn.BadArgument)
	}
	return nil
}

// clientFills reports whether a client may ever write into the buffers.
func (c *DriverConfig) clientFills() bool {
	return slices.ContainsFunc(c.Directions, func(d Direction) bool { return d != FromDevice })
}

// Handler is told the turns of a stream's life. Its methods run one at a time, with
// no lock held; they may call any method of the Driver. A refusal goes to the client
// as it is: return an ioreturn.Code or *ioreturn.StatusError for a code of your own.
// ctx ends when the client gives the call up or is gone.
//
// A handler may also implement OpenHandler, InputHandler, FormatHandler,
// ModeHandler and MethodHandler.
type Handler interface {
	// Start begins producing or consuming. The stream counts as running already, so
	// Start may post.
	Start(ctx context.Context) error
	// Stop ends it. Nothing that is posted after Stop has returned reaches the client.
	// It is also called when a client closes or is gone while the stream is running or
	// suspended; then its error has no effect, and ctx may end early or not at all.
	Stop(ctx context.Context) error
	// Suspend pauses it; what is posted while suspended waits in the backlog.
	Suspend(ctx context.Context) error
}

// OpenHandler is told who opens and closes the stream (Apple's handleOpen and
// handleClose).
type OpenHandler interface {
	HandleOpen(ctx context.Context, client Peer) error
	HandleClose(client Peer)
}

// InputHandler is called when the client notifies the driver, instead of the driver
// waiting in Take (Apple's inputCallback and inputSyncCallback). Input may stand for
// several notifications; token is the last one's. InputSync is the client waiting:
// what it enqueued before the call is there. Both take buffers with TryTake until it
// has none; they must not wait in Take.
type InputHandler interface {
	Input(token uint32)
	InputSync(ctx context.Context, token uint32) error
}

// FormatHandler is asked before a client's format is taken; it may correct f.
type FormatHandler interface {
	SetFormat(ctx context.Context, f *Format) error
}

// ModeHandler is asked before a client switches the direction.
type ModeHandler interface {
	SetDirection(ctx context.Context, d Direction) error
}

// MethodHandler answers the vendor's own selectors, from userclient.SelVendorBase
// up. Calls may be concurrent with each other and with everything else.
type MethodHandler interface {
	Call(ctx context.Context, a *Args) error
}
