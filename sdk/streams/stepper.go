// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// Stepper runs what streams leave for later, one piece at a time, and only when told to:
// a service procedure, a message or callback that came while its stream was busy or from
// another stream. Which one is drawn by lot, so that a seed stands for one order of
// events. It is for tests.
//
// What happens at once without a Stepper still does with one: a put into a quiet stream
// calls the put procedures, and opens and closes don't wait. A stream that one goroutine
// uses under a Stepper starts no goroutine and does the same thing each time.
type Stepper struct {
	mu   sync.Mutex
	lot  *rand.Rand
	work []*perimeter // in the order in which they offered work
}

// NewStepper returns a Stepper that draws lots from seed.
func NewStepper(seed uint64) *Stepper {
	return &Stepper{lot: rand.New(rand.NewPCG(seed, 0))}
}

// Step runs one piece of work of one stream. It returns false if there was none. It must
// not be called from a procedure.
func (s *Stepper) Step() bool {
	for {
		p, lot := s.draw()
		if p == nil {
			return false
		}
		if !p.tryEnter() { // another goroutine is inside; soon it isn't
			s.list(p)
			runtime.Gosched()
			continue
		}
		did := p.step(lot)
		p.leave()
		if did {
			return true
		}
	}
}

// Run steps until nothing is left, but at most limit times. It returns the number of
// steps, and whether nothing is left.
func (s *Stepper) Run(limit int) (steps int, idle bool) {
	for steps < limit {
		if !s.Step() {
			return steps, true
		}
		steps++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return steps, len(s.work) == 0
}

// draw takes a stream out of those with work, and a number to choose its work with.
func (s *Stepper) draw() (*perimeter, uint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.work) == 0 {
		return nil, 0
	}
	i := s.lot.IntN(len(s.work))
	p := s.work[i]
	s.work = slices.Delete(s.work, i, i+1)
	p.stepping = false
	return p, uint(s.lot.Uint32())
}

// offer notes that p has work, if it has. The caller is inside p.
func (s *Stepper) offer(p *perimeter) {
	if p.ready() {
		s.list(p)
	}
}

func (s *Stepper) list(p *perimeter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.stepping {
		p.stepping = true
		s.work = append(s.work, p)
	}
}

func (s *Stepper) knows(p *perimeter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.stepping
}

// step does one piece of work. The caller is inside.
func (p *perimeter) step(lot uint) bool {
	p.refill()
	n := uint(0)
	for q := p.runFirst; q != nil; q = q.nextRun {
		n++
	}
	switch {
	case p.pending != nil && lot%(n+1) == n:
		p.deliver()
	case n == 0:
		return false
	default:
		var prev *Queue
		for range lot % n {
			if prev == nil {
				prev = p.runFirst
			} else {
				prev = prev.nextRun
			}
		}
		p.serve(prev)
	}
	return true
}
