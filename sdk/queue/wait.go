// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"github.com/iostreamkit/iostreamkit/sdk/internal/cpu"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Arm asks to be woken when after entries can be received, and says whether they
// are there already; see [Consumer.Arm]. after is cut to the number of buffers that
// the other side can still send, so that nobody waits for more than can come.
func (e *End) Arm(after uint32, how Sleep) (ready bool, err error) {
	e.lock()
	defer e.unlock()
	if e.broken != nil {
		return false, e.broken
	}
	after = uint32(min(uint64(after), uint64(len(e.buffers)-e.owned)))
	ready, err = e.in.Arm(after, how)
	if err != nil {
		return false, e.latch(err)
	}
	if !ready {
		e.counters.Arms++
	}
	return ready, nil
}

// Disarm takes an Arm back; see [Consumer.Disarm].
func (e *End) Disarm() {
	e.lock()
	defer e.unlock()
	e.in.Disarm()
}

// Queued returns how many entries the other side has not read yet, as far as it
// has said so; see [Producer.Queued].
func (e *End) Queued() (int, error) {
	e.lock()
	defer e.unlock()
	if e.broken != nil {
		return 0, e.broken
	}
	n, err := e.out.Queued()
	if err != nil {
		return 0, e.latch(err)
	}
	return n, nil
}

// Len returns how many entries Receive could take now; see [Consumer.Len].
func (e *End) Len() (int, error) {
	e.lock()
	defer e.unlock()
	if e.broken != nil {
		return 0, e.broken
	}
	n, err := e.in.Len()
	if err != nil {
		return 0, e.latch(err)
	}
	return n, nil
}

// Poll reports whether there may be something to receive, at the price of two loads
// and no lock; see [Consumer.Poll].
func (e *End) Poll() bool { return e.in.Poll() }

// Look is how to spin: it polls up to times times, with a Pause after each look that saw
// nothing, and reports whether there may be something to receive; see [Consumer.Look].
func (e *End) Look(times int) bool { return e.in.Look(times) }

// Prepare says that n entries are sent at once; see [Producer.Prepare].
func (e *End) Prepare(n int) {
	e.lock()
	e.out.Prepare(n)
	e.unlock()
}

// Pause is for callers that look at a queue again and again: it belongs between two
// looks. It tells the processor that they spin, so that the line with the index is
// left to its writer for a moment and a sibling of the core gets its share. It takes
// some 15 to 50 ns.
func Pause() { cpu.Pause() }

// Index returns the own read index; see [Consumer.Index].
func (e *End) Index() uint32 {
	e.lock()
	defer e.unlock()
	return e.in.Index()
}

// Token returns the token that the other side stored last.
func (e *End) Token() uint32 { return e.in.Token() }

// SetToken stores the token of the next doorbell where the other side finds it.
func (e *End) SetToken(token uint32) { e.out.SetToken(token) }

// Seen returns what a sleeper on Word must compare it with; see [Consumer.Seen].
func (e *End) Seen() uint32 { return e.in.Seen() }

// Word returns the word to sleep on after Arm with SleepWord, nil in the classic
// layout.
func (e *End) Word() userclient.Word { return e.in.Word() }

// OutWord returns the word whose sleeper is to be woken when Send returns
// WakeWord, nil in the classic layout.
func (e *End) OutWord() userclient.Word { return e.out.Word() }

// SetCPU tells the other side where this one runs: 1 + the number of the CPU, or
// 0 for unknown. Repeating a hint costs no access to shared memory.
func (e *End) SetCPU(hint uint32) {
	if e.cpu.Load() == hint {
		return
	}
	e.cpu.Store(hint)
	e.in.SetCPU(hint)
	e.out.SetCPU(hint)
}

// PeerCPU returns the hint that the other side gave with SetCPU, 0 if none.
func (e *End) PeerCPU() uint32 { return e.in.PeerCPU() }
