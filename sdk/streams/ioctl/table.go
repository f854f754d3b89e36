// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Limits bound what a command may copy. A field of zero means the limit of
// streams.Strict, a negative one no limit.
type Limits struct {
	Size   int // bytes of one copy
	Total  int // bytes of all copies of a command
	Rounds int // copies of a command
}

// LimitsOf returns the limits of a stream head with the given tunables.
func LimitsOf(t streams.Tunables) Limits {
	none := func(n int) int {
		if n == 0 {
			return -1
		}
		return n
	}
	return Limits{Size: none(t.CopySize), Total: none(t.CopyTotal), Rounds: none(t.CopyRounds)}
}

// withDefaults returns l with every zero replaced.
func (l Limits) withDefaults() Limits {
	d := LimitsOf(streams.Strict.Tunables())
	for _, f := range []struct{ have, def *int }{{&l.Size, &d.Size}, {&l.Total, &d.Total}, {&l.Rounds, &d.Rounds}} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	return l
}

// over reports whether n is more than the limit allows.
func over(n, limit int) bool { return limit >= 0 && n > limit }

// Config tunes a Table. The zero value is ready to use.
type Config struct {
	// Coding is how numbers say direction and size. The zero value is Linux.
	Coding Coding
	// Limits bound what a command may ask for.
	Limits Limits
	// OnPanic, if not nil, is told of each panic in a command's function. It is called
	// in the goroutine that panicked, before the command is answered.
	OnPanic func(Panic)
}

// Panic is a panic in a command's function.
type Panic struct {
	Command streams.Command
	Name    string // the command's
	Value   any    // what was passed to panic
	Stack   []byte // of the goroutine, as runtime/debug formats it
}

// Table is the commands of a module or driver. It does not change, and any number of
// goroutines may use it at the same time.
type Table struct {
	coding  Coding
	limits  Limits
	onPanic func(Panic)
	exact   map[streams.Command]*command
	open    map[streams.Command]*command // those that take several sizes, by their number without it
}

// NewTable checks commands and makes a table of them. A nil cfg means defaults. The
// error reports every problem of every command, each with the command's name and what
// to do about it; it matches streams.EINVAL.
func NewTable(cfg *Config, commands ...Entry) (*Table, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	t := &Table{
		coding: cfg.Coding, limits: cfg.Limits.withDefaults(), onPanic: cfg.OnPanic,
		exact: map[streams.Command]*command{}, open: map[streams.Command]*command{},
	}
	var problems []error
	for _, e := range commands {
		c, err := e.compile(t.coding, t.limits)
		if err == nil {
			err = t.add(c)
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w:\n%w", streams.EINVAL, errors.Join(problems...))
	}
	return t, nil
}

// add enters c under its number, which must not be taken.
func (t *Table) add(c *command) error {
	base := t.coding.sizeless(c.number)
	other := t.exact[c.number]
	if other == nil {
		other = t.open[base]
	}
	if _, sized := t.coding.sized(c.number); sized && c.minSize != c.maxSize {
		for _, x := range t.exact {
			if t.coding.sizeless(x.number) == base {
				other = x
			}
		}
		t.open[base] = c
	} else {
		t.exact[c.number] = c
	}
	if other != nil {
		return fmt.Errorf("command %s: %s has the number %#x too", c.name, other.name, uint32(c.number))
	}
	return nil
}

// find returns the command with the number n, or nil.
func (t *Table) find(n streams.Command) *command {
	if c := t.exact[n]; c != nil {
		return c
	}
	return t.open[t.coding.sizeless(n)]
}

// Knows reports whether the table has the command n.
func (t *Table) Knows(n streams.Command) bool { return t.find(n) != nil }

// Name returns the name of the command n, or "".
func (t *Table) Name(n streams.Command) string {
	if c := t.find(n); c != nil {
		return c.name
	}
	return ""
}
