// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/checksum"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/ratelimit"
)

// Control is what became of a setting of the driver that was changed.
type Control struct {
	Name    string   `json:"name" doc:"the setting"`
	Before  float64  `json:"before" doc:"its value at first"`
	Set     float64  `json:"set" doc:"what it was set to"`
	Read    float64  `json:"read" doc:"what it was then"`
	Modules []string `json:"modules" doc:"what a command passes in the driver's process, from the top down; the last one answers"`
	Trace   []string `json:"trace" doc:"each step of setting it, as this side saw it"`
}

// good reports whether the setting was changed through the modules.
func (c *Control) good() bool { return c.Read == c.Set && c.Read != c.Before && len(c.Modules) >= 3 }

// setting is what is changed: how many frames a second the driver makes.
const setting = "rate"

// stack are the modules that commands for bulkStream pass.
func stack() ([]*streams.Module, error) {
	sum, err := checksum.Module(checksum.Config{})
	rate, err2 := ratelimit.Module(ratelimit.Config{})
	return []*streams.Module{sum, rate}, errors.Join(err, err2)
}

// steps keeps the trace of a command.
type steps struct {
	mu    sync.Mutex
	begin time.Time
	lines []string
}

func (s *steps) add(step head.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begin.IsZero() {
		return // not the command that is shown
	}
	at := step.Time.Sub(s.begin)
	s.lines = append(s.lines, fmt.Sprintf("%4d us  %s", at.Microseconds(), step.Text()))
}

// record makes fn's command the one that is shown.
func (s *steps) record(fn func() error) error {
	s.mu.Lock()
	s.begin = time.Now()
	s.mu.Unlock()
	err := fn()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin = time.Time{}
	return err
}

// controls changes a setting of the driver, and changes it back.
func controls(ctx context.Context, l *link, r *Report, _ time.Duration) (err error) {
	conn, err := l.connect(ctx, bulkStream, false)
	if err != nil {
		return err
	}
	var trace steps
	c, err := iostreamkit.NewControl(ctx, conn, &head.Config{Trace: trace.add})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	out := Control{Name: setting}
	if out.Modules, err = c.List(ctx); err != nil {
		return err
	}
	before, err := c.Settings.Get(ctx, setting)
	if err != nil {
		return err
	}
	out.Before, out.Set = before.Float(), before.Float()+1000
	err = trace.record(func() error {
		_, err := c.Settings.Set(ctx, setting, control.Float(out.Set))
		return err
	})
	if err != nil {
		return err
	}
	now, err := c.Settings.Get(ctx, setting)
	if err != nil {
		return err
	}
	out.Read, out.Trace = now.Float(), trace.lines
	_, err = c.Settings.Set(ctx, setting, before)
	r.Control = out
	return err
}
