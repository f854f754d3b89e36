// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/internal/meter"
)

// benchResult is what bench --json prints.
type benchResult struct {
	Stream    string         `json:"stream" doc:"the stream's name"`
	Direction string         `json:"direction" doc:"from-device, to-device or both-ways"`
	Wait      string         `json:"wait" doc:"how this side waited"`
	Batch     int            `json:"batch" doc:"how many frames were taken at once, at most"`
	Depth     int            `json:"depth,omitempty" doc:"how many buffers were under way; all if it is missing"`
	Touch     string         `json:"touch" doc:"what was done with the payload"`
	Buffers   int            `json:"buffers" doc:"buffers of the stream"`
	DataSize  uint32         `json:"data_size" doc:"size of the first one"`
	Frames    uint64         `json:"frames" doc:"frames in all samples"`
	Lost      uint64         `json:"lost" doc:"frames that were lost meanwhile"`
	Wakeups   float64        `json:"wakeups_per_frame" doc:"how often this side slept"`
	CPU       float64        `json:"cpu" doc:"processors that this side used: 1 is one of them all the time"`
	Rate      spread         `json:"frames_per_s" doc:"frames a second"`
	Bytes     spread         `json:"bytes_per_s" doc:"payload a second"`
	Latency   *latencyResult `json:"latency_ns,omitempty" doc:"how long a frame takes, in nanoseconds; missing if the driver gives no stamps"`

	samples []*meter.Sample
}

// spread is a number that was measured several times.
type spread struct {
	Median float64 `json:"median" doc:"of the samples"`
	Min    float64 `json:"min" doc:"the smallest sample"`
	Max    float64 `json:"max" doc:"the largest sample"`
}

// latencyResult is the distribution of the latency: percentiles of each sample.
type latencyResult struct {
	What  string `json:"what" doc:"from when to when"`
	Count int64  `json:"count" doc:"how many were measured"`
	P50   spread `json:"p50" doc:"half of the frames take no longer"`
	P99   spread `json:"p99" doc:"99 of 100 take no longer"`
	P999  spread `json:"p99_9" doc:"999 of 1000 take no longer"`
	Max   int64  `json:"max" doc:"the longest"`
}

func (r *benchResult) add(s *meter.Sample) {
	r.samples = append(r.samples, s)
	r.Frames += s.Frames
	r.Lost += s.Lost
}

// summarise fills in what is said of all samples.
func (r *benchResult) summarise(all *hdrhistogram.Histogram) {
	var seconds, cpu, wakeups float64
	for _, s := range r.samples {
		seconds += s.Seconds
		cpu += s.CPU
		wakeups += float64(s.Wakeups)
	}
	r.Wakeups, r.CPU = wakeups/float64(r.Frames), cpu/seconds
	r.Rate = over(r.samples, func(s *meter.Sample) float64 { return float64(s.Frames) / s.Seconds })
	r.Bytes = over(r.samples, func(s *meter.Sample) float64 { return float64(s.Bytes) / s.Seconds })
	if all == nil {
		return
	}
	timed := slices.DeleteFunc(slices.Clone(r.samples), func(s *meter.Sample) bool { return s.Latency.TotalCount() == 0 })
	percentile := func(p float64) spread {
		return over(timed, func(s *meter.Sample) float64 { return float64(s.Latency.ValueAtPercentile(p)) })
	}
	r.Latency = &latencyResult{
		What: "from sending a buffer until it comes back", Count: all.TotalCount(),
		P50: percentile(50), P99: percentile(99), P999: percentile(99.9), Max: all.Max(),
	}
	if r.Direction == iostream.FromDevice.String() {
		r.Latency.What = "from the driver's stamp until this side has the frame"
	}
}

// over returns the spread of a value over samples, of which there is at least one.
func over(samples []*meter.Sample, value func(*meter.Sample) float64) spread {
	var all []float64
	for _, s := range samples {
		all = append(all, value(s))
	}
	slices.Sort(all)
	return spread{Median: (all[(len(all)-1)/2] + all[len(all)/2]) / 2, Min: all[0], Max: all[len(all)-1]}
}

// text is the result for people.
func (r *benchResult) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d buffers of %s\n", r.Stream, r.Direction, r.Buffers, size(uint64(r.DataSize)))
	row := func(title, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s  %s\n", title, fmt.Sprintf(format, args...))
	}
	depth := ""
	if r.Depth > 0 {
		depth = fmt.Sprintf(", %s under way", plural(r.Depth, "buffer"))
	}
	row("settings", "wait %s, batches of up to %d, payload touched: %s%s", r.Wait, r.Batch, r.Touch, depth)
	row("rate", "%s/s, samples from %s to %s", number(r.Rate.Median, "frames"), number(r.Rate.Min, ""), number(r.Rate.Max, ""))
	row("payload", "%sB/s, samples from %sB/s to %sB/s", scaled(r.Bytes.Median), scaled(r.Bytes.Min), scaled(r.Bytes.Max))
	if l := r.Latency; l != nil {
		row("latency", "%v median, %v p99, %v p99.9, at most %v of %s", ns(int64(l.P50.Median)), ns(int64(l.P99.Median)),
			ns(int64(l.P999.Median)), ns(l.Max), plural(uint64(l.Count), "frame"))
		row("", "%s", l.What)
	} else {
		row("latency", "unknown: the driver gives its frames no time")
	}
	row("this side", "%.0f %% of a processor, %.3f wake-ups per frame", 100*r.CPU, r.Wakeups)
	row("lost", "%s", plural(r.Lost, "frame"))
	return b.String()
}

// benchstat is the result in the form of go test -bench: one line for each sample.
func (r *benchResult) benchstat() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\n", runtime.GOOS, runtime.GOARCH)
	for _, s := range r.samples {
		if s.Frames == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s-%d\t%d\t%.1f ns/op\t%.2f MB/s", r.benchName(), runtime.GOMAXPROCS(0), s.Frames,
			1e9*s.Seconds/float64(s.Frames), float64(s.Bytes)/s.Seconds/1e6)
		if h := s.Latency; h != nil && h.TotalCount() > 0 {
			fmt.Fprintf(&b, "\t%d p50-ns\t%d p99-ns", h.ValueAtPercentile(50), h.ValueAtPercentile(99))
		}
		fmt.Fprintf(&b, "\t%.6f lost/op\t%.4f wakeups/op\n", float64(s.Lost)/float64(s.Frames), float64(s.Wakeups)/float64(s.Frames))
	}
	return b.String()
}

// mostOfResult bounds how much of a file is read as a result: far more than one has.
const mostOfResult = 1 << 20

// readBench reads a result that was written with --json.
func readBench(path string) (*benchResult, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p, err := io.ReadAll(io.LimitReader(file, mostOfResult))
	if err != nil {
		return nil, err
	}
	r := &benchResult{}
	if err := json.Unmarshal(p, r); err != nil {
		return nil, fmt.Errorf("%s is no result of bench --json: %w", path, err)
	}
	if why := r.flaw(); why != "" {
		return nil, fmt.Errorf("%s is no result of bench --json: %s", path, why)
	}
	return r, nil
}

// flaw says why a result that was read can't be one, or nothing.
func (r *benchResult) flaw() string {
	switch l := r.Latency; {
	case r.Stream == "":
		return "it names no stream"
	case !r.Rate.sound():
		return "it has no rate"
	case l != nil && !(l.P50.sound() && l.P99.sound()):
		return "its latency has no percentiles"
	}
	return ""
}

// sound reports whether a spread can have been measured.
func (s spread) sound() bool {
	return 0 <= s.Min && s.Min <= s.Median && s.Median <= s.Max && s.Median > 0
}

// comparable returns an error if a result, of which only the settings are needed, must
// not be compared with an old one. Nothing can always be compared.
func (r *benchResult) comparable(old *benchResult) error {
	if old == nil {
		return nil
	}
	if a, b := old.settings(), r.settings(); a != b {
		return fmt.Errorf("the two results can't be compared: the old one is of %s, this one of %s", a, b)
	}
	return nil
}

// settings says what must be the same in results that are compared.
func (r *benchResult) settings() string {
	depth := cmp.Or(r.Depth, r.Buffers)
	return fmt.Sprintf("%s with %d buffers of %d bytes, depth %d, touch %s", r.Stream, r.Buffers, r.DataSize, depth, r.Touch)
}

// taking says what may differ: how this side takes the frames.
func (r *benchResult) taking() string { return fmt.Sprintf("wait %s, batch %d", r.Wait, r.Batch) }

// compareBench prints what changed, and fails if something got worse.
func compareBench(w io.Writer, old, now *benchResult, tolerance float64) error {
	if a, b := old.taking(), now.taking(); a != b {
		if _, err := fmt.Fprintf(w, "old: %s\nnew: %s\n\n", a, b); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tOLD\tNEW\tCHANGE")
	var worse []string
	row := func(name string, a, b spread, lessIsBetter bool, text func(float64) string) {
		change := 100 * (b.Median - a.Median) / a.Median
		verdict := "within the noise"
		apart := b.Min > a.Max || b.Max < a.Min
		switch {
		case !apart || math.Abs(change) <= tolerance:
		case (change < 0) == lessIsBetter:
			verdict = "better"
		default:
			verdict = "worse"
			worse = append(worse, name)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%+.1f %%\t%s\n", name, text(a.Median), text(b.Median), change, verdict)
	}
	row("rate", old.Rate, now.Rate, false, func(v float64) string { return number(v, "") + "/s" })
	if o, n := old.Latency, now.Latency; o != nil && n != nil {
		duration := func(v float64) string { return ns(int64(v)).String() }
		row("latency p50", o.P50, n.P50, true, duration)
		row("latency p99", o.P99, n.P99, true, duration)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(worse) > 0 {
		return fmt.Errorf("bench %s: worse than before: %s", now.Stream, strings.Join(worse, ", "))
	}
	return nil
}
