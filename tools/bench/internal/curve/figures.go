// SPDX-License-Identifier: Apache-2.0

package curve

import (
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/plot"
)

const page = 4 << 10

// policies are all wait policies, or those that do something with one CPU.
func policies(spin bool) []iostream.WaitPolicy {
	all := []iostream.WaitPolicy{iostream.WaitPoller, iostream.WaitThread, iostream.WaitAdaptive, iostream.WaitSpin}
	if !spin {
		return all[:3]
	}
	return all
}

// byPolicy returns a line for each policy, in the same style in every graph.
func byPolicy(policies []iostream.WaitPolicy, at func(w iostream.WaitPolicy, x int) job.Job) []line {
	var lines []line
	for i, w := range policies {
		lines = append(lines, line{w.String(), plot.Cold + i, func(x int) job.Job { return at(w, x) }})
	}
	return lines
}

// sizes is the rate by the size of a message, with both sides working on all of it.
func sizes() *chart {
	ours := func(batch int) func(int) job.Job {
		return func(size int) job.Job {
			return job.Job{
				Program: job.Stream, Place: job.Cross, Wait: iostream.WaitAdaptive,
				Size: size, Batch: batch, Buffers: 64, Full: true,
			}
		}
	}
	limit := func(batch int) func(int) job.Job {
		return func(size int) job.Job {
			j := ours(batch)(size)
			j.Program, j.Wait = job.Loop, iostream.WaitSpin
			return j
		}
	}
	unix := func(size int) job.Job {
		return job.Job{Program: job.Peer("unix"), Place: job.Cross, Size: size, Full: true}
	}
	messages := graph{
		title: "Messages a second",
		x:     plot.Axis{Name: "size of a message", Label: bytes},
		y:     plot.Axis{Name: "messages/s", Label: plot.Count},
		ticks: []int{64, 256, 1 << 10, page, 16 << 10, 64 << 10, 256 << 10, 1 << 20},
		at:    page,
		lines: []line{
			{"C, two queues, batch 1", plot.Neutral, limit(1)},
			{"C, two queues, batch 16", plot.Neutral + 1, limit(16)},
			{"stream, adaptive, batch 1", plot.Cold, ours(1)},
			{"stream, adaptive, batch 16", plot.Cold + 1, ours(16)},
			{"Unix socket", plot.Warm, unix},
		},
		value: func(r job.Result, _ int) float64 { return r[job.PerSecond] },
	}
	payload := messages
	payload.title, payload.y.Name = "Payload a second", "bytes/s"
	payload.value = func(r job.Result, size int) float64 { return r[job.PerSecond] * float64(size) }
	return &chart{
		"What a stream carries: the driver copies in, the client reads each cache line; two CPUs", []graph{messages, payload},
	}
}

func bytes(v float64) string { return job.Size(int(v)) }

// rates is what a stream of a device with a rate of its own costs.
func rates() *chart {
	paced := func(w iostream.WaitPolicy, hz int) job.Job {
		return job.Job{Program: job.Paced, Place: job.Free, Wait: w, Size: page, Batch: 1, Buffers: 4, Hz: hz}
	}
	with := func(title, unit string, label func(float64) string, m job.Metric) graph {
		return graph{
			title: title,
			x:     plot.Axis{Name: "frames of 4 KiB a second", Label: plot.Count},
			y:     plot.Axis{Name: unit, Label: label},
			ticks: []int{10, 100, 1000, 10_000},
			at:    1000,
			lines: byPolicy(policies(true), paced),
			value: func(r job.Result, _ int) float64 { return r[m] },
		}
	}
	return &chart{
		"What waiting for a paced device costs, unpinned",
		[]graph{
			with("CPU of the client", "share of one CPU", plot.Percent, job.CPU),
			with("CPU of the driver, which sleeps on a timer between frames", "share of one CPU", plot.Percent, job.FarCPU),
			with("From the driver's stamp to the client, median", "time", plot.Duration, job.P50),
			with("From the driver's stamp to the client, 99 %", "time", plot.Duration, job.P99),
		},
	}
}

// buffers is what buffers are good for where both sides go as fast as they can.
func buffers() *chart {
	at := func(title string, p job.Place) graph {
		return graph{
			title: title,
			x:     plot.Axis{Name: "buffers", Label: plot.Count},
			y:     plot.Axis{Name: "messages/s", Label: plot.Count},
			ticks: []int{1, 2, 4, 8, 16, 32, 64},
			at:    8,
			lines: byPolicy(policies(p.NeedsTwo()), func(w iostream.WaitPolicy, n int) job.Job {
				return job.Job{Program: job.Stream, Place: p, Wait: w, Size: page, Batch: 1, Buffers: n, Full: true}
			}),
			value: perSecond,
		}
	}
	return &chart{
		"What buffers are good for: messages of 4 KiB, one at a time",
		[]graph{at("Each process on a CPU of its own", job.Cross), at("Both processes on one CPU", job.Same)},
	}
}

// perSecond is the rate of a job. One with a single buffer has round trips in its place.
func perSecond(r job.Result, buffers int) float64 {
	if buffers > 1 {
		return r[job.PerSecond]
	}
	if r[job.P50] == 0 {
		return 0
	}
	return 1e9 / r[job.P50]
}
