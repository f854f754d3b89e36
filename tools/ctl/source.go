// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/tools/internal/sample"
)

// Source is a kind of driver that serve can run.
type Source struct {
	// Name is the word that selects it: "pattern".
	Name string
	// Argument is what follows the name and a colon: "PATH". Empty means nothing does.
	Argument string
	// About says in one line what the stream carries.
	About string
	// New makes a driver and its loop, which serve runs until its context ends. A nil
	// loop is a driver that lives from its Handler alone.
	New func(SourceOptions) (*iostream.Driver, func(context.Context) error, error)
}

// SourceOptions are what the user asked serve for.
type SourceOptions struct {
	// Argument is the text after the colon.
	Argument string
	// Driver has what flags said about the stream. Fields without a flag, and flags
	// that were not given, are zero: the source fills in its own.
	Driver iostream.DriverConfig
	// Rate is the frames per second asked for; 0 is as fast as the client takes them.
	Rate float64
	// Count is the number of frames after which the stream ends; 0 is never.
	Count uint64
	// Loop says to begin again at the end.
	Loop bool
}

func (o *SourceOptions) sample() sample.Options {
	return sample.Options{Rate: o.Rate, Count: o.Count, Loop: o.Loop}
}

// builtins are the sources that need no hardware.
func builtins() []Source {
	return []Source{
		{"file", "PATH", "from-device: the bytes of a file, then the end of the stream", newFile},
		{"pattern", "", "from-device: the numbers 0, 1, 2 ... as 64-bit little-endian words", newPattern},
		{"loopback", "", "both-ways: each buffer comes back with what was put into it", newLoopback},
		{"null", "", "to-device: takes everything and forgets it", newNull},
	}
}

func newFile(o SourceOptions) (*iostream.Driver, func(context.Context) error, error) {
	return sample.File(o.Argument, o.Driver, o.sample())
}

func newPattern(o SourceOptions) (*iostream.Driver, func(context.Context) error, error) {
	if o.Driver.DataSize%sample.PatternWord != 0 {
		return nil, nil, usagef("--size is %d, a pattern needs a multiple of %d", o.Driver.DataSize, sample.PatternWord)
	}
	if o.Loop {
		return nil, nil, usagef("--loop is for sources that end by themselves; a pattern does not")
	}
	return sample.Pattern(o.Driver, o.sample())
}

func newLoopback(o SourceOptions) (*iostream.Driver, func(context.Context) error, error) {
	if err := o.answersOnly("loopback"); err != nil {
		return nil, nil, err
	}
	return sample.Loopback(o.Driver)
}

func newNull(o SourceOptions) (*iostream.Driver, func(context.Context) error, error) {
	if err := o.answersOnly("null"); err != nil {
		return nil, nil, err
	}
	return sample.Null(o.Driver)
}

// answersOnly refuses flags that mean nothing to a driver that produces nothing.
func (o *SourceOptions) answersOnly(name string) error {
	if o.Rate != 0 || o.Count != 0 || o.Loop || o.Driver.Policy != iostream.Block {
		return usagef("--rate, --count, --loop and --policy are for sources that produce; %s only answers its client", name)
	}
	return nil
}

// sources returns all sources, those of the vendor first.
func (a *app) sources() []Source {
	all := slices.Clone(a.opts.Sources)
	for _, s := range builtins() {
		if !slices.ContainsFunc(all, func(v Source) bool { return v.Name == s.Name }) {
			all = append(all, s)
		}
	}
	return all
}

// source finds the source that a user's word names, and its argument.
func (a *app) source(word string) (Source, string, error) {
	name, argument, given := strings.Cut(word, ":")
	all := a.sources()
	i := slices.IndexFunc(all, func(s Source) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range all {
			names = append(names, s.usage())
		}
		return Source{}, "", usagef("there is no source %q; there are %s", name, strings.Join(names, ", "))
	}
	switch s := all[i]; {
	case s.Argument == "" && given:
		return s, "", usagef("source %s takes nothing after it, got %q", name, argument)
	case s.Argument != "" && argument == "":
		return s, "", usagef("source %s needs %s: %s", name, s.Argument, s.usage())
	}
	return all[i], argument, nil
}

// usage returns how the source is written on the command line.
func (s *Source) usage() string {
	if s.Argument == "" {
		return s.Name
	}
	return s.Name + ":" + s.Argument
}

// sourceTable lists the sources for the help text.
func (a *app) sourceTable() string {
	var b strings.Builder
	for _, s := range a.sources() {
		fmt.Fprintf(&b, "  %-12s %s\n", s.usage(), s.About)
	}
	return b.String()
}

// policyValue is the flag for an overrun policy.
type policyValue struct{ p *iostream.Policy }

func policies() map[string]iostream.Policy {
	all := map[string]iostream.Policy{}
	for _, p := range []iostream.Policy{iostream.Block, iostream.DropNewest, iostream.DropOldest, iostream.Fail} {
		all[p.String()] = p
	}
	return all
}

func (v policyValue) String() string {
	if v.p == nil {
		return iostream.Block.String()
	}
	return v.p.String()
}

func (policyValue) Type() string { return "policy" }

func (v policyValue) Set(s string) error {
	p, ok := policies()[s]
	if !ok {
		return fmt.Errorf("it is one of %s", strings.Join(slices.Sorted(maps.Keys(policies())), ", "))
	}
	*v.p = p
	return nil
}
