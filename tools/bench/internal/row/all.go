// SPDX-License-Identifier: Apache-2.0

package row

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

const (
	small   = 64 // bytes of a payload that nobody looks at
	page    = 4 << 10
	large   = 1 << 20
	buffers = 64 // where rates are measured
)

// roundTrip is a round trip of one buffer of a stream.
func roundTrip(w iostream.WaitPolicy, p job.Place, size int) job.Job {
	return job.Job{Program: job.Stream, Place: p, Wait: w, Size: size, Batch: 1, Buffers: 1}
}

// rate is a stream of buffers as fast as both sides can.
func rate(w iostream.WaitPolicy, size, batch int, full bool) job.Job {
	return job.Job{Program: job.Stream, Place: job.Cross, Wait: w, Size: size, Batch: batch, Buffers: buffers, Full: full}
}

// inC is the C loop that does what j does. It spins where spin says so.
func inC(j job.Job, spin bool) job.Job {
	j.Program, j.Wait = job.Loop, iostream.WaitPoller
	if spin {
		j.Wait = iostream.WaitSpin
	}
	return j
}

// codeOf is what both sides of a stream do, but for waiting for each other and for each
// other's cache lines.
func codeOf(j job.Job) job.Job {
	j.Program, j.Place = job.Code, job.Same
	return j
}

func inProcess(j job.Job) job.Job {
	j.Inproc = true
	return j
}

// All returns every cell, by row.
func All() []Cell {
	var all []Cell
	for _, cells := range [][]Cell{
		blocking(), spinning(), adaptive(), oneWay(), entries(), fullWork(),
		handOff(), bells(), peers(), allocations(), paced(),
		modules(), moduleAllocations(), commands(), farCommands(), callers(),
	} {
		all = append(all, cells...)
	}
	return all
}

// blocking is rows 1 and 2.
func blocking() []Cell {
	eventfds := job.Job{Program: job.PingPong, Place: job.Same}
	cell := func(n int, name string, w iostream.WaitPolicy, bound float64, why string) []Cell {
		socket := Cell{
			Why: why,
			Row: n, Name: "blocking round trip p50, one CPU, " + name, Unit: NS, Gate: Slack,
			Job: roundTrip(w, job.Same, small), Metric: job.P50, Limit: eventfds, LimitMetric: job.P50, Bound: bound,
		}
		tail, within := socket, socket
		tail.Name, tail.Metric, tail.LimitMetric = "the same, p99", job.P99, job.P99
		within.Name, within.Job = "the same in one process, p50", inProcess(socket.Job)
		for _, c := range []*Cell{&tail, &within} {
			c.Free, c.Gate, c.Bound = true, Report, 0
		}
		return []Cell{socket, tail, within}
	}
	thread := cell(1, "dedicated thread", iostream.WaitThread, 1.10, "the sleep alone, which no client can hold up, takes up to 1.2 "+
		"times as long in C, and a third of the time is spent in code outside the kernel, cold after each switch of processes")
	thread[0].Known = 2.2 // 1.5 where the host is idle, too
	words := thread[0]    // what the same sleep costs without a stream
	words.Name, words.Gate, words.Free, words.Bound, words.Known = "the same two calls for each side, in C, p50", Report, true, 0, 0
	words.Job = job.Job{Program: job.PingPong, Place: job.Same, Wait: iostream.WaitThread}
	thread = append(thread, words)
	poller := cell(2, "poller", iostream.WaitPoller, 2.2, "on each side the goroutine parks after a read that "+
		"finds nothing, and the runtime's poller looks twice before it sleeps")
	poller[0].Known = 3.0 // 1.7 where the host is idle, too
	return append(thread, poller...)
}

// spinning is row 3.
func spinning() []Cell {
	ours := roundTrip(iostream.WaitSpin, job.Cross, small)
	c := Cell{
		Row: 3, Name: "spinning round trip p50, two CPUs", Unit: NS,
		Job: ours, Metric: job.P50, Limit: inC(ours, true), LimitMetric: job.P50, Bound: 1.6,
		Why: "the bare rings take no longer than the C program, and the code of both sides, which reads the time, takes the locks " +
			"and checks what came, nearly as long again",
	}
	rings := c
	rings.Name, rings.Free, rings.Bound = "the bare rings, p50", true, 0
	rings.Job = job.Job{Program: job.Rings, Place: ours.Place, Wait: ours.Wait, Batch: 1, Buffers: 1}
	code := rings
	code.Name, code.Job = "the code of both sides alone, p50", codeOf(ours)
	within := c
	within.Name, within.Job, within.Free, within.Bound = "the same in one process, unpinned", inProcess(ours), true, 0
	within.Job.Place = job.Free
	return []Cell{c, rings, code, within}
}

// adaptive is row 4.
func adaptive() []Cell {
	var cells []Cell
	for _, x := range []struct {
		name  string
		place job.Place
		spin  bool // the limit
		why   string
	}{
		{"two CPUs, against spinning", job.Cross, true, "of what row 3 says"},
		{"unpinned, against spinning", job.Free, true, "of what row 3 says"},
		{"one CPU, against blocking", job.Same, false, "of what row 1 says"},
	} {
		ours := roundTrip(iostream.WaitAdaptive, x.place, small)
		cells = append(cells, Cell{
			Why: x.why,
			Row: 4, Name: "adaptive round trip p50, " + x.name, Unit: NS,
			Job: ours, Metric: job.P50, Limit: inC(ours, x.spin), LimitMetric: job.P50, Bound: 1.4,
		})
	}
	// No sample may have its median near what a wake-up of the other CPU costs.
	regime := cells[1]
	regime.Name, regime.Worst = "worst sample, unpinned, against a wake-up across CPUs", true
	regime.Limit, regime.Bound = job.Job{Program: job.PingPong, Place: job.Cross}, 0.5
	return append(cells, regime)
}

// oneWay is row 5.
func oneWay() []Cell {
	var cells []Cell
	for batch, bound := range ordered(1, 0.60, 8, 0.90, 64, 0.95) {
		ours := job.Job{Program: job.Queue, Place: job.Cross, Wait: iostream.WaitSpin, Batch: batch}
		limit := ours
		limit.Program = job.OneWay
		cells = append(cells, Cell{
			Row: 5, Name: fmt.Sprintf("queue one way, batch %d", batch), Unit: PerSecond,
			Job: ours, Metric: job.PerSecond, Limit: limit, LimitMetric: job.PerSecond, Bound: bound, AtLeast: true,
		})
	}
	return cells
}

// entries is row 6.
func entries() []Cell {
	var cells []Cell
	for batch, bound := range ordered(1, 0.60, 8, 0.65, 64, 0.80) {
		ours := rate(iostream.WaitSpin, small, batch, false)
		c := Cell{
			Row: 6, Name: fmt.Sprintf("stream API, batch %d", batch), Unit: PerSecond,
			Job: ours, Metric: job.PerSecond, Limit: inC(ours, true), LimitMetric: job.PerSecond, Bound: bound, AtLeast: true,
			Why: "each side does half of what the code of both sides does alone, which locks, checks ranges, owners and numbers and " +
				"stamps the time; that half leaves no time for the bound, or little, and nothing for the lines between the sides",
		}
		rings := c
		rings.Name, rings.Free, rings.Bound = fmt.Sprintf("the bare rings, batch %d", batch), true, 0
		rings.Job = job.Job{Program: job.Rings, Place: ours.Place, Wait: ours.Wait, Batch: batch, Buffers: buffers}
		code := rings
		code.Name, code.Job = fmt.Sprintf("the code of both sides alone, batch %d", batch), codeOf(ours)
		within := c
		within.Name += ", in one process, unpinned"
		within.Job, within.Free, within.Bound = inProcess(ours), true, 0
		within.Job.Place = job.Free
		cells = append(cells, c, rings, code, within)
	}
	return cells
}

// fullWork is row 7.
func fullWork() []Cell {
	var cells []Cell
	for size, bound := range ordered(small, 0.50, page, 0.75, 64<<10, 0.90, large, 0) {
		ours := rate(iostream.WaitSpin, size, 1, true)
		cells = append(cells, Cell{
			Row: 7, Name: "full-work stream, " + job.Size(size), Unit: PerSecond,
			Job: ours, Metric: job.PerSecond, Limit: inC(ours, true), LimitMetric: job.PerSecond,
			Bound: bound, AtLeast: true, Free: bound == 0,
		})
	}
	return cells
}

// handOff is row 8.
func handOff() []Cell {
	cell := func(name string, w iostream.WaitPolicy, p job.Place) Cell {
		return Cell{
			Row: 8, Name: "hand-off round trip 1 MiB to 4 KiB, " + name, Unit: NS,
			Job: roundTrip(w, p, large), Metric: job.P50, Limit: roundTrip(w, p, page), LimitMetric: job.P50, Bound: 1.15,
		}
	}
	gated := cell("poller, one CPU", iostream.WaitPoller, job.Same)
	gated.Gate = Slack
	return []Cell{gated, cell("spinning, two CPUs", iostream.WaitSpin, job.Cross)}
}

// bells is row 9. A dedicated thread has no bell: it sleeps on a word of memory.
func bells() []Cell {
	var cells []Cell
	for _, x := range []struct {
		wait  iostream.WaitPolicy
		bound float64
	}{{iostream.WaitAdaptive, 0.01}, {iostream.WaitPoller, 0.05}} {
		ours := rate(x.wait, page, 1, true)
		cells = append(cells, Cell{
			Row: 9, Name: "bells per message, as the kernel counts them, " + x.wait.String(), Unit: PerEntry, Gate: Exact,
			Job: ours, Metric: job.Bells, Constant: 1, Bound: x.bound,
		})
	}
	return cells
}

// peers is row 10.
func peers() []Cell {
	var cells []Cell
	for _, x := range []struct {
		name  string
		bound float64
		polls bool
	}{{"unix", 4, false}, {"grpc", 6, false}, {"iceoryx", 3, true}, {"pipe", 0, false}, {"zeromq", 0, false}} {
		ours := rate(iostream.WaitAdaptive, page, 1, true)
		cells = append(cells, Cell{
			Row: 10, Name: "messages of 4 KiB against " + x.name, Unit: PerSecond,
			Job: ours, Metric: job.PerSecond, LimitMetric: job.PerSecond, Bound: x.bound, AtLeast: true, Free: x.bound == 0,
			Limit: job.Job{Program: job.Peer(x.name), Place: ours.Place, Size: ours.Size, Full: ours.Full},
		})
		trip := func(where string, w iostream.WaitPolicy, p job.Place) {
			cells = append(cells, Cell{
				Row: 10, Name: fmt.Sprintf("round trip p50 against %s, %s", x.name, where), Unit: NS, Free: true,
				Job: roundTrip(w, p, small), Metric: job.P50, Limit: peerTrip(x.name, p), LimitMetric: job.P50,
			})
		}
		if x.polls { // both sides, for which one CPU is not enough
			trip("two CPUs, spinning", iostream.WaitSpin, job.Cross)
			continue
		}
		trip("one CPU, poller", iostream.WaitPoller, job.Same)
		trip("two CPUs, adaptive", iostream.WaitAdaptive, job.Cross)
	}
	return cells
}

// peerTrip is a round trip of a small message of a peer.
func peerTrip(name string, p job.Place) job.Job {
	return job.Job{Program: job.Peer(name), Place: p, Size: small, Buffers: 1}
}

// allocations is row 11. With one buffer each entry is waited for.
func allocations() []Cell {
	var cells []Cell
	for _, w := range []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitThread, iostream.WaitAdaptive, iostream.WaitSpin} {
		for _, cancel := range []bool{false, true} {
			j := roundTrip(w, job.Free, small)
			j.Count, j.Cancel = true, cancel
			name := fmt.Sprintf("allocations, %v, context without cancel", w)
			if cancel {
				name = fmt.Sprintf("allocations, %v, context with cancel", w)
			}
			cells = append(cells, Cell{
				Row: 11, Name: name, Unit: PerEntry, Gate: Exact, Job: j, Metric: job.Allocs,
			})
		}
	}
	return cells
}

// paced is row 12.
func paced() []Cell {
	var cells []Cell
	for _, x := range []struct {
		name  string
		hz    int
		size  int
		bound float64
	}{{"60 Hz of 8 MiB", 60, 8 << 20, 0.01}, {"1 kHz of 4 KiB", 1000, page, 0.05}} {
		j := job.Job{Program: job.Paced, Place: job.Free, Size: x.size, Batch: 1, Buffers: 4, Hz: x.hz}
		hog := j
		hog.Place, hog.Hog = job.Same, true
		cell := func(what string, j job.Job, m job.Metric) Cell {
			c := Cell{
				Row: 12, Name: x.name + ", " + what, Job: j, Metric: m, Unit: CPU, Constant: 1, Bound: x.bound,
				Why: "each frame wakes each side once, through the runtime's poller and on an idle CPU, where even the C program's " +
					"timer and bell take much of the bound",
			}
			switch {
			case m == job.P99:
				c.Unit, c.Free, c.Constant, c.Bound = NS, true, 0, 0
			case j.Program == job.Tick:
				c.Free, c.Bound = true, 0
			}
			return c
		}
		inC := job.Job{Program: job.Tick, Place: job.Free, Hz: x.hz}
		cells = append(
			cells, cell("CPU of the client", j, job.CPU), cell("CPU of the driver", j, job.FarCPU),
			cell("CPU of a client in C that only wakes", inC, job.CPU), cell("CPU of a driver in C that only rings", inC, job.FarCPU),
			cell("arrival p99", j, job.P99), cell("arrival p99 beside a hog on the same CPU", hog, job.P99),
		)
	}
	return cells
}

// ordered yields pairs of a number and its bound.
func ordered(pairs ...float64) func(yield func(int, float64) bool) {
	return func(yield func(int, float64) bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if !yield(int(pairs[i]), pairs[i+1]) {
				return
			}
		}
	}
}
