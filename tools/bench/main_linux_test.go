// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/peer"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/row"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/run"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/work"
)

// TestMain makes this test program the processes of the bench.
func TestMain(m *testing.M) {
	if done, err := work.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout); done {
		if err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	leak.Main(m)
}

// runner makes a runner with the C programs, whose files go to a directory that must be
// empty in the end.
func runner(t *testing.T) *run.Runner {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	o := options{rounds: 1, duration: 20 * time.Millisecond, dir: t.TempDir()}
	r, err := o.runner(t.Context(), io.Discard)
	if err != nil || r.NoLimits != nil {
		t.Fatal(err, r.NoLimits)
	}
	return r
}

// TestEachKindOfJob runs one job of each kind for a moment.
func TestEachKindOfJob(t *testing.T) {
	leak.Check(t)
	r := runner(t)
	stream := job.Job{Program: job.Stream, Place: job.Same, Size: 64, Batch: 1, Buffers: 1}
	rate := job.Job{Program: job.Stream, Place: job.Free, Size: 4096, Batch: 8, Buffers: 64, Full: true}
	with := func(j job.Job, change func(*job.Job)) job.Job {
		change(&j)
		return j
	}
	spinning := with(stream, func(j *job.Job) { j.Wait, j.Place = iostream.WaitSpin, job.Cross })
	limits := func(j job.Job) job.Job { return with(j, func(j *job.Job) { j.Program = job.Loop }) }
	want := map[job.Job][]job.Metric{
		{Program: job.PingPong, Place: job.Same}:                                   {job.P50, job.P90, job.P99, job.P999, job.P9999, job.Max},
		{Program: job.PingPong, Place: job.Same, Wait: iostream.WaitThread}:        {job.P50},
		{Program: job.Tick, Place: job.Same, Hz: 500}:                              {job.CPU, job.FarCPU},
		{Program: job.OneWay, Place: job.Cross, Wait: iostream.WaitSpin, Batch: 8}: {job.PerSecond},
		limits(stream):   {job.P50},
		limits(spinning): {job.P50},
		limits(rate):     {job.PerSecond},
		stream:           {job.P50, job.Mean, job.Entries, job.Bells, job.CPU, job.FarCPU},
		spinning:         {job.P50},
		rate:             {job.PerSecond, job.Entries},
		with(stream, func(j *job.Job) { j.Wait = iostream.WaitThread }):              {job.P50},
		with(stream, func(j *job.Job) { j.Wait = iostream.WaitAdaptive }):            {job.P50},
		with(stream, func(j *job.Job) { j.Inproc, j.Cancel = true, true }):           {job.P50, job.CPU},
		{Program: job.Queue, Place: job.Cross, Batch: 8}:                             {job.PerSecond},
		{Program: job.Rings, Place: job.Cross, Batch: 8, Buffers: 64}:                {job.PerSecond},
		{Program: job.Rings, Place: job.Cross, Batch: 1, Buffers: 1}:                 {job.P50, job.P99, job.Max, job.Mean},
		with(spinning, func(j *job.Job) { j.Program, j.Place = job.Code, job.Same }): {job.P50, job.P99, job.Entries},
		with(rate, func(j *job.Job) { j.Program, j.Place = job.Code, job.Same }):     {job.PerSecond, job.Entries},
		{Program: job.Paced, Place: job.Same, Size: 4096, Batch: 1, Buffers: 4, Hz: 500, Hog: true}: {
			job.P99, job.CPU, job.FarCPU, job.Entries,
		},
		{Program: job.Put, Place: job.Same}:                                                 {job.Through(0), job.Calls(0), job.Through(8), job.Calls(8)},
		{Program: job.Str, Place: job.Same, Inproc: true}:                                   {job.Channel, job.Command(0), job.Command(64), job.Typed},
		{Program: job.Str, Place: job.Same, Size: 64}:                                       {job.P50, job.P999, job.CPU, job.FarCPU},
		{Program: job.Callers, Place: job.Free, Inproc: true}:                               {job.OneCaller, job.OneHead, job.ManyHeads},
		{Program: job.Callers, Place: job.Free}:                                             {job.OneCaller, job.OneHead, job.ManyHeads},
		{Program: job.Seqpacket, Place: job.Same, Size: 64, Buffers: 1}:                     {job.P50},
		{Program: job.Peer(work.Unix), Place: job.Free, Size: 4096, Full: true}:             {job.PerSecond},
		{Program: job.Peer(work.Pipe), Place: job.Same, Size: 4096, Buffers: 1, Full: true}: {job.P50, job.P9999, job.Max},
	}
	var jobs []job.Job
	for j := range want {
		jobs = append(jobs, j)
	}
	set, err := r.Run(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	for j, metrics := range want {
		s := set.Of(j)
		if j.Place.NeedsTwo() && len(r.CPUs) < 2 {
			if !strings.Contains(s.NotRun, "two CPUs") {
				t.Errorf("%s: %q", j, s.NotRun)
			}
			continue
		}
		if s.Why() != "" || len(s.Samples) == 0 { // more than one where the processors changed places meanwhile
			t.Errorf("%s: %d samples; %s", j, len(s.Samples), s.Why())
			continue
		}
		for _, m := range metrics {
			if v := s.Samples[0].Result[m]; v <= 0 {
				t.Errorf("%s: %s is %v of %v", j, m, v, s.Samples[0].Result)
			}
		}
	}
}

// TestAllocationsAreCounted runs a job that counts them.
func TestAllocationsAreCounted(t *testing.T) {
	r := runner(t)
	j := job.Job{Program: job.Stream, Place: job.Free, Size: 64, Batch: 1, Buffers: 64, Count: true}
	set, err := r.Run(t.Context(), []job.Job{j})
	if err != nil {
		t.Fatal(err)
	}
	s := set.Of(j)
	if len(s.Samples) == 0 {
		t.Fatal(s.Why())
	}
	if n, counted := s.Samples[0].Result[job.Allocs]; !counted || n != 0 {
		t.Errorf("%v allocations for each entry, counted: %v", n, counted)
	}
}

// TestInterruptEndsEverything gives a run up in its middle.
func TestInterruptEndsEverything(t *testing.T) {
	leak.Check(t)
	r := runner(t)
	r.Duration = time.Hour
	why := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, why)
	defer cancel()
	begin := time.Now()
	_, err := r.Run(ctx, []job.Job{{Program: job.Stream, Place: job.Same, Size: 64, Batch: 1, Buffers: 1}})
	if took := time.Since(begin); !errors.Is(err, why) || took > 10*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// TestWhatCannotRunSaysWhy has no compiler, one CPU, and a peer that is not there.
func TestWhatCannotRunSaysWhy(t *testing.T) {
	t.Setenv("CC", filepath.Join(t.TempDir(), "no-compiler"))
	o := options{rounds: 1, duration: time.Millisecond, dir: t.TempDir()}
	r, err := o.runner(t.Context(), io.Discard)
	if err != nil || r.NoLimits == nil {
		t.Fatal(err, r.NoLimits)
	}
	r.CPUs = r.CPUs[:1]
	for j, want := range map[job.Job]string{
		{Program: job.PingPong, Place: job.Same}:          "there are no C programs",
		{Program: job.Stream, Place: job.Cross}:           "two CPUs",
		{Program: job.Peer("absent"), Place: job.Same}:    "peer/absent",
		{Program: "unheard of", Place: job.Same, Size: 1}: "exit status 1; it printed: there is no program",
	} {
		set, err := r.Run(t.Context(), []job.Job{j})
		if err != nil || len(set[j].Samples) > 0 || !strings.Contains(set[j].Why(), want) {
			t.Errorf("%s: %v, %+v", j, err, set[j])
		}
	}
}

func TestFlags(t *testing.T) {
	o, err := parse([]string{"-rounds", "7", "-rows", "1, 9", "-gate"}, io.Discard)
	if err != nil || o.rounds != 7 || o.duration != 300*time.Millisecond || !o.gate {
		t.Errorf("%+v, %v", o, err)
	}
	cells, err := o.choose(row.All())
	if err != nil || len(cells) == 0 {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.Row != 1 && c.Row != 9 || c.Gate == row.Report {
			t.Errorf("%+v", c)
		}
	}
	if o, err := parse([]string{"-quick"}, io.Discard); err != nil || o.rounds != 3 || o.patience != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	for text, want := range map[string]string{
		"": "build/latency.svg", "-rows 1": "", "-gate": "", "-curves x": "", "-rows 1 -svg x": "x", "-gate -svg x": "x",
	} {
		if o, err := parse(strings.Fields(text), io.Discard); err != nil || o.svg != want {
			t.Errorf("%q: draws to %q, %v", text, o.svg, err)
		}
	}
	for _, bad := range [][]string{
		{"-rounds", "0"}, {"more"}, {"-unheard-of"}, {"-duration", "0s"},
		{"-figures", "rate"}, {"-curves", "x", "-gate"}, {"-curves", "x", "-rows", "1"}, {"-curves", "x", "-svg", "y"},
	} {
		if _, err := parse(bad, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"18", "x", "3"} { // 3 is no gate
		o.rows = bad
		if _, err := o.choose(row.All()); err == nil {
			t.Errorf("rows %q", bad)
		}
	}
}

// TestBench is the command itself with one row.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	out, svg := filepath.Join(dir, "new", "bench.json"), filepath.Join(dir, "latency.svg")
	var text strings.Builder
	args := []string{"-rounds", "1", "-duration", "20ms", "-patience", "0", "-rows", "10", "-svg", svg, "-o", out, "-build", filepath.Join(dir, "bench")}
	if err := bench(t.Context(), args, &text, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, p := range peer.All("", "") {
		there := strings.Contains(text.String(), "peer "+p.Name()+": ")
		told := strings.Contains(text.String(), "messages of 4 KiB against "+p.Name()+": not run: ")
		if !there && !told {
			t.Errorf("nothing is said of %s:\n%s", p.Name(), &text)
		}
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []row.Outcome
	if err := json.Unmarshal(b, &outcomes); err != nil || len(outcomes) < 2 || outcomes[0].Row != 10 {
		t.Errorf("%v: %s", err, b)
	}
	if b, err = os.ReadFile(svg); err != nil || !bytes.Contains(b, []byte(">stream, poller<")) {
		t.Errorf("%v: %s", err, b)
	}
}

// TestCurves draws a figure, and no other.
func TestCurves(t *testing.T) {
	dir := t.TempDir()
	svgs := filepath.Join(dir, "new")
	args := []string{"-rounds", "1", "-duration", "5ms", "-patience", "0", "-curves", svgs, "-figures", "rate", "-build", filepath.Join(dir, "bench")}
	var text strings.Builder
	if err := bench(t.Context(), args, &text, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CPU of the client", "10 k", "adaptive", "others took"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if strings.Contains(text.String(), "not run") {
		t.Errorf("lines are missing:\n%s", &text)
	}
	files, err := os.ReadDir(svgs)
	if err != nil || len(files) != 1 || files[0].Name() != "rate.svg" {
		t.Errorf("%v, %v", files, err)
	}
	if err := bench(t.Context(), append(args, "-figures", "rate,speed"), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Errorf("a figure that is not there: %v", err)
	}
}
