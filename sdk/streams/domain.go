// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"cmp"
	"sync/atomic"
)

// Defaults of a Config.
const (
	DefaultPushLimit = 64 // modules: OpenSS7's nstrpush, the largest there is
	DefaultBudget    = 64 // pieces of work
)

// Config tunes a Domain. The zero value is ready to use.
type Config struct {
	// Arena gives the messages of all streams of the domain. Nil means a new one without
	// limits.
	Arena *Arena
	// PushLimit is how many modules a stream may have. Zero means DefaultPushLimit. Stream
	// heads have a limit of their own, that of their profile.
	PushLimit int
	// Budget is how many service procedures, and messages that came while it was inside, a
	// goroutine takes care of before it leaves the rest to another. Zero means
	// DefaultBudget.
	Budget int
	// Stepper decides what runs when, in tests. Nil runs everything at once.
	Stepper *Stepper
}

// Domain is a set of streams that can be joined with each other: they share an arena, a
// scheduler and the order of multiplexers. Its methods are safe for concurrent use.
type Domain struct {
	arena     *Arena
	stepper   *Stepper
	budget    int
	pushLimit int
	pipe      *Module
	streams   atomic.Uint64 // numbers given away
	links     linkTable
}

// NewDomain returns a domain without streams. A nil cfg means defaults.
func NewDomain(cfg *Config) *Domain {
	c := *cmp.Or(cfg, &Config{})
	if c.Arena == nil {
		c.Arena = NewArena(nil)
	}
	return &Domain{
		arena:     c.Arena,
		stepper:   c.Stepper,
		budget:    cmp.Or(max(c.Budget, 0), DefaultBudget),
		pushLimit: cmp.Or(max(c.PushLimit, 0), DefaultPushLimit),
		pipe:      pipeModule(),
	}
}

// Arena returns the arena of the domain's streams.
func (d *Domain) Arena() *Arena { return d.arena }
