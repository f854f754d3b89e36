// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/spf13/cobra"
)

// serveLine is one line of serve's output.
type serveLine struct {
	Event      string            `json:"event" doc:"ready, opened or closed"`
	Stream     string            `json:"stream" doc:"the stream's name"`
	Direction  string            `json:"direction,omitempty" doc:"ready: from-device, to-device or both-ways"`
	Buffers    uint32            `json:"buffers,omitempty" doc:"ready: number of buffers"`
	DataSize   uint32            `json:"data_size,omitempty" doc:"ready: bytes of each buffer"`
	PID        int               `json:"pid,omitempty" doc:"opened: the client's process, unless it has left again"`
	Program    string            `json:"program,omitempty" doc:"opened: the client's program"`
	Frames     *uint64           `json:"frames,omitempty" doc:"closed: frames that reached the client, or came from it on a to-device stream"`
	Bytes      *uint64           `json:"bytes,omitempty" doc:"closed: payload in them"`
	Lost       *uint64           `json:"lost,omitempty" doc:"closed: frames lost"`
	LostByWhat map[string]uint64 `json:"lost_by_cause,omitempty" doc:"closed: the same by cause"`
}

type serveFlags struct {
	source     SourceOptions
	properties []string // key=value
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve SOURCE",
		Short: "Run a driver that needs no hardware",
		Long: `Run a driver and offer its stream to other programs until it is interrupted.
Clients come one after the other; each gets the stream from its beginning.
A line is printed when the stream is ready, and when a client opens or closes it.

Sources:
` + strings.TrimRight(a.sourceTable(), "\n"),
		Example: fmt.Sprintf(`  %[1]s serve pattern --rate 60 --policy drop-oldest
  %[1]s serve file:/var/log/syslog --name acme/dev0/log --loop`, a.opts.Name),
		Args: arguments(1, 1, "a source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"buffers", "size", "count"} {
				if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "0" {
					return usagef("--%s is 0, it needs at least 1", name)
				}
			}
			return a.serve(cmd, args[0], f)
		},
	}
	d, fl := &f.source.Driver, cmd.Flags()
	fl.StringVar(&d.Name, "name", "", "`name` of the stream, vendor/device/stream (default sample/SOURCE/...)")
	fl.IntVar(&d.Buffers, "buffers", 0, "number `N` of buffers (default 8)")
	fl.IntVar(&d.DataSize, "size", 0, "`bytes` of each buffer (default 65536)")
	fl.Var(policyValue{&d.Policy}, "policy", "when a frame is due and no buffer is free: block, drop-newest, drop-oldest or fail")
	fl.Float64Var(&f.source.Rate, "rate", 0, "`frames` per second (default as fast as the client takes them)")
	fl.Uint64Var(&f.source.Count, "count", 0, "end the stream after `N` frames (default never)")
	fl.BoolVar(&f.source.Loop, "loop", false, "begin again at the end instead of ending the stream")
	fl.StringArrayVar(&f.properties, "property", nil, "a property of the stream, as `key=value`; may be repeated")
	return cmd
}

// largest is the most bytes that a buffer can have.
const largest = 2 << 30

// check refuses flags that contradict each other.
func (f *serveFlags) check() error {
	switch {
	case f.source.Rate < 0 || math.IsNaN(f.source.Rate) || math.IsInf(f.source.Rate, 0):
		return usagef("--rate is %g, it needs a number of frames per second", f.source.Rate)
	case f.source.Rate == 0 && f.source.Driver.Policy != iostream.Block:
		return usagef("--policy %v needs --rate: a driver without a rate waits for its client and is never late", f.source.Driver.Policy)
	case f.source.Driver.Buffers < 0 || f.source.Driver.Buffers > userclient.MaxBuffers:
		return usagef("--buffers is %d, it needs 1 to %d", f.source.Driver.Buffers, userclient.MaxBuffers)
	case f.source.Driver.DataSize < 0 || int64(f.source.Driver.DataSize) > largest:
		return usagef("--size is %d, it needs 1 to %d", f.source.Driver.DataSize, int64(largest))
	case f.source.Driver.Name != "":
		return checkName(f.source.Driver.Name)
	}
	return nil
}

// parseProperties turns "key=value" into properties.
func parseProperties(words []string) (map[string]string, error) {
	m := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, usagef("--property is %q, it needs key=value", word)
		}
		if _, twice := m[key]; twice {
			return nil, usagef("--property %s is given twice", key)
		}
		m[key] = value
	}
	return m, nil
}

func (a *app) serve(cmd *cobra.Command, word string, f serveFlags) error {
	source, argument, err := a.source(word)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	o := f.source
	o.Argument = argument
	if o.Driver.Properties, err = parseProperties(f.properties); err != nil {
		return err
	}
	o.Driver.Driver, o.Driver.Version = a.opts.Name, a.version().Version
	d, run, err := source.New(o)
	if err != nil {
		return err
	}
	ctx, stop := whileRead(cmd.Context(), cmd.OutOrStdout())
	defer stop()
	return iostreamkit.Serve(ctx, d, func(ctx context.Context) error {
		return a.offer(ctx, d, run, stdout(cmd))
	})
}

// offer runs a driver that can be reached, and tells who comes and goes.
func (a *app) offer(ctx context.Context, d *iostream.Driver, run func(context.Context) error, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := inproc.Connect(ctx, d, &inproc.Config{Observe: true})
	if err != nil {
		return err
	}
	o, err := iostream.NewObserver(ctx, conn)
	if err != nil {
		return err
	}
	defer o.Close()
	told := make(chan struct{})
	go func() {
		defer close(told)
		cancel(a.tell(ctx, d, o, w))
	}()
	if run == nil {
		<-ctx.Done()
	} else if err = run(ctx); err != nil && ctx.Err() == nil {
		cancel(err)
	}
	cancel(nil)
	<-told
	return context.Cause(ctx)
}

// tell prints what happens to a driver until ctx ends.
func (a *app) tell(ctx context.Context, d *iostream.Driver, o *iostream.Observer, w io.Writer) error {
	desc := d.Describe()
	ready := serveLine{
		Event: "ready", Stream: d.Name(), Direction: desc.Mode.String(), Buffers: desc.Buffers.Count, DataSize: desc.Buffers.DataSize,
	}
	text := fmt.Sprintf("%s is ready: %s, %s of %s; end it with Ctrl-C\n",
		d.Name(), ready.Direction, plural(ready.Buffers, "buffer"), plural(ready.DataSize, "byte"))
	if err := a.emit(w, ready, text); err != nil {
		return err
	}
	open := false
	for {
		events, _, err := o.NextEvents(ctx)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Kind != userclient.EventStateChanged {
				continue
			}
			is := userclient.State(e.Value) != userclient.StateClosed
			if is != open {
				open = is
				if err := a.tellClient(d, open, w); err != nil {
					return err
				}
			}
		}
	}
}

// tellClient prints that the stream was opened or closed.
func (a *app) tellClient(d *iostream.Driver, open bool, w io.Writer) error {
	if open {
		p, there := d.Client()
		client := who(p.Program, p.PID)
		if !there {
			client = "a client that has left again"
		}
		return a.emit(w, serveLine{Event: "opened", Stream: d.Name(), PID: p.PID, Program: p.Program},
			fmt.Sprintf("opened by %s\n", client))
	}
	st := d.Stats()
	frames, lost := st.Posted, st.TotalLost()
	if d.Describe().Mode == userclient.ModeInput {
		frames = st.Returned
	}
	line := serveLine{Event: "closed", Stream: d.Name(), Frames: &frames, Bytes: &st.Bytes, Lost: &lost, LostByWhat: lostByCause(&st)}
	return a.emit(w, line, fmt.Sprintf("closed after %s, %s, %s\n", plural(frames, "frame"), size(st.Bytes), lossText(&st)))
}
