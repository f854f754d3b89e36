// SPDX-License-Identifier: Apache-2.0

// Package job says what one measurement is: which program runs, where, and what it
// answers.
package job

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// Program is what runs.
type Program string

// The programs. Those of C are limits, in tools/bench/c; the others are roles of the
// bench program itself (package work), or peers.
const (
	PingPong Program = "c/pingpong" // eventfds or words, no queue
	OneWay   Program = "c/oneway"   // one ring
	Loop     Program = "c/loop"     // two rings: lend and return
	Tick     Program = "c/tick"     // a timer and an eventfd, at a rate

	Queue  Program = "queue"  // package queue alone, one way
	Rings  Program = "rings"  // package queue alone, two rings: lend and return
	Stream Program = "stream" // iostream.Driver and iostream.Stream
	Code   Program = "code"   // the same by turns on one goroutine, where nobody waits
	Paced  Program = "paced"  // the same as stream, at a rate

	Put       Program = "put"       // messages down a stack of modules
	Str       Program = "str"       // commands of the control plane
	Callers   Program = "callers"   // many of them at once
	Seqpacket Program = "seqpacket" // the same socket as a stream's, and nothing else

	PeerPrefix = "peer/" // and the name of a peer
)

// Peer returns the program of a peer.
func Peer(name string) Program { return Program(PeerPrefix + name) }

// InC reports whether p is one of the limit programs.
func (p Program) InC() bool { return strings.HasPrefix(string(p), "c/") }

// IsPeer reports whether p is a peer.
func (p Program) IsPeer() bool { return strings.HasPrefix(string(p), PeerPrefix) }

// Place says on which CPUs the two sides run.
type Place string

// The placements.
const (
	Same  Place = "same"  // both on CPU 0
	Cross Place = "cross" // one on CPU 0, one on CPU 1
	Free  Place = "free"  // wherever the system likes
)

// NeedsTwo reports whether the placement makes no sense with one CPU.
func (p Place) NeedsTwo() bool { return p == Cross }

// CPUs returns the CPU of the side that measures and that of the other, of those that
// may be used; -1 is any. Cross needs two of them.
func (p Place) CPUs(usable []int) (near, far int) {
	switch {
	case p == Same && len(usable) > 0:
		return usable[0], usable[0]
	case p == Cross && len(usable) > 1:
		return usable[0], usable[1]
	}
	return -1, -1
}

// Job is one measurement. Jobs can be compared: equal ones are run once for all rows
// that need them. Fields that mean nothing to a program are zero.
type Job struct {
	Program Program
	Place   Place
	Wait    iostream.WaitPolicy // a C program spins for WaitSpin, c/pingpong sleeps on words for WaitThread; else they block
	Full    bool                // the payload is written and read; otherwise it is handed over untouched
	Size    int                 // of a payload in bytes
	Batch   int                 // the most entries that are taken or given at once
	Buffers int                 // with one, round trips are measured; with more, the rate
	Inproc  bool                // both sides in one process
	Cancel  bool                // contexts can end
	Count   bool                // count what is allocated
	Hz      int                 // of a paced stream
	Hog     bool                // a busy process shares the CPU
}

// Millis returns how long the job measures if most of them measure for d: few frames of
// a paced stream come in a short time.
func (j Job) Millis(d time.Duration) int {
	if j.Hz > 0 {
		d *= 5
	}
	return max(int(d.Milliseconds()), 1)
}

// String describes the job in one line, the same for equal jobs only.
func (j Job) String() string {
	parts := []string{string(j.Program), cmp.Or(string(j.Place), "?"), j.Wait.String()}
	add := func(cond bool, s string) {
		if cond {
			parts = append(parts, s)
		}
	}
	add(j.Inproc, "in-process")
	add(j.Hz > 0, strconv.Itoa(j.Hz)+" Hz")
	add(j.Size > 0, Size(j.Size))
	add(j.Batch > 0, fmt.Sprintf("batch %d", j.Batch))
	add(j.Buffers > 0, fmt.Sprintf("buffers %d", j.Buffers))
	add(j.Full, "full work")
	add(j.Cancel, "cancel")
	add(j.Count, "counted")
	add(j.Hog, "beside a hog")
	return strings.Join(parts, ", ")
}

// Size returns a number of bytes as people write it.
func Size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// Task is a job with all that its processes must know. It travels as JSON.
type Task struct {
	Job       Job
	Millis    int    // how long to measure
	Near, Far int    // CPUs of the side that measures and of the other; -1 is any
	Dir       string // for sockets, exists
}

// CArgs returns the arguments of a C program.
func (t *Task) CArgs() []string {
	j := &t.Job
	wait, work := "block", "handoff"
	switch j.Wait {
	case iostream.WaitSpin:
		wait = "spin"
	case iostream.WaitThread:
		wait = "words"
	}
	if j.Full {
		work = "full"
	}
	return []string{
		strconv.Itoa(t.Near), strconv.Itoa(t.Far), strconv.Itoa(max(j.Size, 64)), strconv.Itoa(max(j.Batch, 1)),
		strconv.Itoa(max(j.Buffers, 1)), strconv.Itoa(t.Millis), wait, work, strconv.Itoa(j.Hz),
	}
}

// Metric names one number of a Result.
type Metric string

// The metrics. Times are in ns.
const (
	P50       Metric = "p50"
	P90       Metric = "p90"
	P99       Metric = "p99"
	P999      Metric = "p999"
	P9999     Metric = "p9999"
	Max       Metric = "max"
	Mean      Metric = "mean"
	PerSecond Metric = "per_s"
	Entries   Metric = "entries"
	// Bells are the rings by which the sides woke each other, per entry, counted where
	// they are heard: an eventfd's counter is the kernel's count, and a sleep on a word of
	// memory counts as one.
	Bells Metric = "bells"
	// Allocs are allocations per entry of the side that made more of them.
	Allocs Metric = "allocs"
	// Channel is a question and its answer over channels, between two goroutines.
	Channel Metric = "channel"
	// Typed is a command with Go types, whose function runs in a goroutine.
	Typed Metric = "typed"
	// OneCaller, OneHead and ManyHeads are commands a second of one caller, and of
	// ManyCallers with one stream head and with one each.
	OneCaller Metric = "one_caller"
	OneHead   Metric = "one_head"
	ManyHeads Metric = "many_heads"
	// CPU and FarCPU are the shares of one CPU that each side took.
	CPU    Metric = "cpu"
	FarCPU Metric = "far_cpu"
)

// ManyCallers is how many send commands at the same time.
const ManyCallers = 8

// Through is a message down n modules, and Calls as many calls through interfaces and the
// one of the end, which no compiler inlines.
func Through(n int) Metric { return Metric("through_" + strconv.Itoa(n)) }

// Calls is the limit of Through.
func Calls(n int) Metric { return Metric("calls_" + strconv.Itoa(n)) }

// Hop is what each of n modules adds to Through(0), and HopLimit what each of n calls adds
// to Calls(0).
func Hop(n int) Metric { return Metric("hop_" + strconv.Itoa(n)) }

// HopLimit is the limit of Hop.
func HopLimit(n int) Metric { return Metric("hop_limit_" + strconv.Itoa(n)) }

// Command is a command with n bytes there and back.
func Command(n int) Metric { return Metric("command_" + strconv.Itoa(n)) }

// Percentile is a metric of a distribution.
type Percentile struct {
	Metric Metric
	Share  float64 // of all times, which are not above it
}

// Percentiles returns those that every job of round trips has; Max is not among them.
func Percentiles() []Percentile {
	return []Percentile{{P50, 0.5}, {P90, 0.9}, {P99, 0.99}, {P999, 0.999}, {P9999, 0.9999}}
}

// Result is what a job found out. A program prints it as one line of JSON.
type Result map[Metric]float64

// ParseResult takes the line apart. A result has a number at least, and a time or a rate
// that it has is not zero: that would be one of nothing.
func ParseResult(line []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("%q is no result: %w", line, err)
	}
	if len(r) == 0 {
		return nil, fmt.Errorf("%q has no number", line)
	}
	for _, m := range []Metric{P50, PerSecond} {
		if v, there := r[m]; there && v <= 0 {
			return nil, fmt.Errorf("%q has measured nothing: the time was too short", line)
		}
	}
	return r, nil
}
