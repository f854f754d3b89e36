// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/internal/meter"
	"github.com/spf13/cobra"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	duration, warmUp time.Duration
	samples          int
	wait, touch      string
	batch, depth     int
	benchstat        bool
	histogram        string
	compare          string
	tolerance        float64
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench NAME",
		Short: "Measure how fast a stream is",
		Long: `Open a stream, start it, and measure how many frames a second come through, how long
each one takes, and what that costs this side. The driver is used as any other client
would use it, so what is measured is the driver and the way to it together.

From the device, the latency of a frame is its age when this side has it, counted from
the driver's stamp. To the device and both ways it is the time from sending a buffer
until it comes back; --depth 1 makes that a round trip with nothing else under way.

A result that is kept (--json) can be compared with a later one (--compare). The
comparison goes to standard error. A change counts if no sample of the one run reaches
those of the other and it is larger than the tolerance; if anything got worse the exit
status is 1. --wait and --batch may differ from those of the result that is kept, the
stream and everything else may not.`,
		Example: fmt.Sprintf("  %[1]s bench acme/cam0/video\n  %[1]s bench sample/loopback/echo --depth 1 --wait spin\n  %[1]s bench acme/cam0/video --json > old.json\n  %[1]s bench acme/cam0/video --compare old.json",
			a.opts.Name),
		Args: arguments(1, 1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.compare == "" && cmd.Flags().Changed("tolerance"):
				return usagef("--tolerance needs --compare: nothing else is judged")
			case f.benchstat && a.json:
				return usagef("--benchstat and --json are two forms of one output; choose one")
			}
			return a.bench(cmd, args[0], &f)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&f.duration, "duration", time.Second, "how long a sample takes")
	flags.DurationVar(&f.warmUp, "warm-up", time.Second/2, "how long to run before the first sample")
	flags.IntVar(&f.samples, "samples", 5, "how many samples to take")
	flags.StringVar(&f.wait, "wait", "poller", "how to wait for frames: `policy` poller, thread, adaptive or spin")
	flags.IntVar(&f.batch, "batch", 1, "take and give back up to `N` frames at once")
	flags.IntVar(&f.depth, "depth", 0, "to-device and both-ways: keep `N` buffers under way (default all)")
	flags.StringVar(&f.touch, "touch", "lines", "what to do with the payload: none, lines (a word of each cache line) or all (every byte)")
	flags.BoolVar(&f.benchstat, "benchstat", false, "print the samples in the form of go test -bench, for benchstat")
	flags.StringVar(&f.histogram, "histogram", "", "write the distribution of the latency to this `file`, as HdrHistogram percentiles in microseconds")
	flags.StringVar(&f.compare, "compare", "", "compare with the result in this `file`, written with --json")
	flags.Float64Var(&f.tolerance, "tolerance", 5, "with --compare: changes of up to this many `percent` do not count")
	return cmd
}

// options turns the flags into those of the meter and the client.
func (f *benchFlags) options() (o meter.Options, cfg iostream.Config, err error) {
	switch {
	case f.duration <= 0 || f.warmUp < 0:
		return o, cfg, usagef("--duration must be longer than 0, and --warm-up not shorter")
	case f.samples < 1:
		return o, cfg, usagef("--samples is %d, it needs at least 1", f.samples)
	case f.batch < 1:
		return o, cfg, usagef("--batch is %d, it needs at least 1", f.batch)
	case f.depth < 0:
		return o, cfg, usagef("--depth is %d, it needs at least 1, or 0 for all buffers", f.depth)
	case !(f.tolerance >= 0 && f.tolerance <= math.MaxFloat64): // it may be no number
		return o, cfg, usagef("--tolerance is %v, it needs a number of percent that is not below 0", f.tolerance)
	}
	for w := iostream.WaitPoller; ; w++ {
		if w.String() == f.wait {
			cfg.Wait = w
			break
		}
		if w == iostream.WaitSpin {
			return o, cfg, usagef("--wait is %q, it needs poller, thread, adaptive or spin", f.wait)
		}
	}
	o = meter.Options{Duration: f.duration, Batch: f.batch, Depth: f.depth, Touch: meter.Touch(f.touch)}
	switch o.Touch {
	case meter.TouchNothing, meter.TouchLines, meter.TouchAll:
		return o, cfg, nil
	}
	return o, cfg, usagef("--touch is %q, it needs none, lines or all", f.touch)
}

func (a *app) bench(cmd *cobra.Command, name string, f *benchFlags) (err error) {
	o, cfg, err := f.options()
	if err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	var old *benchResult
	if f.compare != "" {
		if old, err = readBench(f.compare); err != nil {
			return err
		}
	}
	if err := checkWritable(f.histogram); err != nil {
		return err
	}
	ctx := cmd.Context()
	s, err := openStream(ctx, name, &cfg)
	if err != nil {
		return a.explain(ctx, name, err)
	}
	defer closing(&err, s)
	if err := o.Check(s); err != nil {
		return &usageError{fmt.Errorf("bench %s: %w", name, err)}
	}
	r := &benchResult{
		Stream: name, Direction: s.Direction().String(), Wait: f.wait, Batch: f.batch, Depth: f.depth, Touch: f.touch,
		Buffers: s.BufferCount(), DataSize: s.Description().Buffers.DataSize,
	}
	if err := r.comparable(old); err != nil {
		return err
	}
	all, err := r.measure(ctx, s, o, f)
	if err != nil {
		err = fmt.Errorf("bench %s: %w", name, err)
		if silent := (*meter.Silent)(nil); errors.As(err, &silent) {
			err = &hintedError{err, []string{"see that the device has something to send"}}
		}
		return explainEnd(ctx, name, err)
	}
	text := r.text()
	if f.benchstat {
		text = r.benchstat()
	}
	printed := a.emit(stdout(cmd), r, text)
	if f.histogram != "" {
		if err := writeHistogram(f.histogram, all); err != nil {
			return err
		}
	}
	if printed != nil || old == nil {
		return printed
	}
	return compareBench(cmd.ErrOrStderr(), old, r, f.tolerance)
}

// measure takes the samples and returns the latencies of all of them, nil if there
// are none.
func (r *benchResult) measure(ctx context.Context, s *iostream.Stream, o meter.Options, f *benchFlags) (all *hdrhistogram.Histogram, err error) {
	if f.warmUp > 0 {
		o.Duration = f.warmUp
	}
	m, err := meter.New(ctx, s, o)
	if err != nil {
		return nil, err
	}
	defer closing(&err, m)
	if f.warmUp > 0 {
		if _, err := m.Sample(ctx); err != nil {
			return nil, err
		}
		m.SetDuration(f.duration)
	}
	for range f.samples {
		sample, err := m.Sample(ctx)
		if err != nil {
			return nil, err
		}
		if sample.Frames == 0 && sample.Ended {
			break
		}
		r.add(sample)
		if h := sample.Latency; h != nil && h.TotalCount() > 0 {
			if all == nil {
				all = hdrhistogram.Import(h.Export())
			} else {
				all.Merge(h)
			}
		}
		if sample.Ended {
			break
		}
	}
	if r.Frames == 0 {
		return nil, errors.New("not one frame came; see that the device has something to send")
	}
	r.summarise(all)
	return all, nil
}

// writeHistogram writes the distribution of the latency.
func writeHistogram(path string, h *hdrhistogram.Histogram) (err error) {
	if h == nil {
		return fmt.Errorf("there is no latency to write to %s: the driver gives its frames no time", path)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer closing(&err, file)
	_, err = h.PercentilesPrint(file, 5, float64(time.Microsecond))
	return err
}

// benchName is the name of the measurement for benchstat.
func (r *benchResult) benchName() string {
	name := fmt.Sprintf("BenchmarkStream/%s/wait=%s/batch=%d/touch=%s", r.Stream, r.Wait, r.Batch, r.Touch)
	if r.Depth > 0 {
		name += fmt.Sprintf("/depth=%d", r.Depth)
	}
	return name
}
