// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"sync/atomic"
	"time"
)

// A watcher looks after patience whether somebody listens, and each time that it finds much
// traffic it waits twice as long, up to mostPatience: on a busy machine each look costs more
// than a frame. What comes while nobody listens waits for less than two looks.
const (
	patience     = time.Millisecond
	mostPatience = 16 * time.Millisecond
)

// ear is the right to receive from a socket, which one goroutine at a time has. Waking a
// goroutine costs more than a frame, so that whoever needs a frame takes the ear, if it is
// free, and receives the frame itself: a caller its answer, the driver's goroutine that has
// served a call the next one. A watcher sees to it that somebody listens when they don't: it
// takes the ear when nobody has had it for a while, or when it is summoned. While there is
// no traffic it sleeps.
type ear struct {
	word   atomic.Uint64 // counts takes and leaves: odd while somebody listens
	asleep atomic.Bool   // the watcher waits for a leave
	urgent atomic.Bool   // the watcher is to take the ear at once
	wake   chan struct{} // of capacity one, for the watcher
}

func (e *ear) init() { e.wake = make(chan struct{}, 1) }

// free reports whether nobody listens.
func (e *ear) free() bool { return e.word.Load()&1 == 0 }

// take makes the ear the caller's, unless somebody has it. It does not block.
func (e *ear) take() bool { return e.retake(e.word.Load()) }

// retake is take that fails also if somebody had the ear since the leave that returned v.
func (e *ear) retake(v uint64) bool { return v&1 == 0 && e.word.CompareAndSwap(v, v+1) }

// leave gives the ear back.
func (e *ear) leave() uint64 {
	v := e.word.Add(1)
	if e.asleep.Load() && e.asleep.CompareAndSwap(true, false) {
		e.rouse()
	}
	return v
}

// summon makes the watcher take the ear at once, if it is free.
func (e *ear) summon() {
	e.urgent.Store(true)
	e.rouse()
}

func (e *ear) rouse() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// watch is the watcher: it blocks until it has the ear, and then returns true; false when
// done is closed. One goroutine at a time watches.
func (e *ear) watch(done <-chan struct{}) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	pause := patience
	for seen := e.word.Load(); ; {
		tick := timer.C
		if e.asleep.Load() {
			tick = nil
		}
		select {
		case <-done:
			e.asleep.Store(false)
			return false
		case <-e.wake:
			e.asleep.Store(false)
			pause = patience
			if e.urgent.Swap(false) && e.take() {
				return true
			}
		case <-tick:
			switch now := e.word.Load(); {
			case now != seen: // they come and go
				pause = min(2*pause, mostPatience)
			case e.retake(now):
				return true
			default:
				// Swap, because a Store may be late under the race detector (C4).
				if e.asleep.Swap(true); e.word.Load() == seen {
					continue
				}
				e.asleep.Store(false)
			}
		}
		seen = e.word.Load()
		timer.Reset(pause)
	}
}
