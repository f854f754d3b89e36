// SPDX-License-Identifier: Apache-2.0

//go:build linux

package run

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Model returns what the kernel calls the first CPU.
func Model() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	return parseModel(string(text))
}

func parseModel(text string) string {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "model name", "CPU part": // the latter on ARM, which has no name
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return "unknown CPU"
}

// tick is the unit of /proc/stat, the same on every Linux system.
const tick = 10 * time.Millisecond

// busy returns how long all CPUs together have not been idle, the time that the
// hypervisor took included.
func busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(string(text))
}

func parseBusy(text string) (time.Duration, error) {
	first, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(first)
	// user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", first)
	}
	var sum time.Duration
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		if i != 3 && i != 4 { // idle and iowait
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}

// own returns the CPU time of this process.
func own() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return cpuOf(&u), nil
}

func cpuOf(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watch measures what other programs take.
type watch struct {
	at        time.Time
	busy, own time.Duration
}

func begin() (w watch, err error) {
	if w.own, err = own(); err != nil {
		return w, err
	}
	w.busy, err = busy()
	w.at = time.Now()
	return w, err
}

// others returns how many CPUs' worth of time programs took that are neither this one nor
// the job, which used so much.
func (w *watch) others(job time.Duration) (float64, error) {
	took := time.Since(w.at)
	b, err := busy()
	if err != nil {
		return 0, err
	}
	o, err := own()
	if err != nil || took <= 0 {
		return 0, err
	}
	return max(float64(b-w.busy-(o-w.own)-job)/float64(took), 0), nil
}

const (
	look       = 60 * time.Millisecond // for the machine to be quiet
	quietBelow = 0.15                  // CPUs
)

// awaitQuiet waits until other programs take little, or patience is over.
func awaitQuiet(ctx context.Context, patience time.Duration) error {
	for stop := time.Now().Add(patience); time.Now().Before(stop); {
		w, err := begin()
		if err != nil {
			return err
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if other, err := w.others(0); err != nil || other <= quietBelow {
			return err
		}
	}
	return ctx.Err()
}
