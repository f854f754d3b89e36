// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// advanced wakes those who wait for the driver to have consumed something.
func (ln *lane) advanced() {
	if ln.syncing > 0 && !ln.finished {
		close(ln.progress)
		ln.progress = make(chan struct{})
	}
}

// consumed is how many of the client's entries the driver is done with: where the
// client fills buffers those that the driver has posted again, otherwise those received.
func (ln *lane) consumed() uint32 {
	if ln.mode.ToDevice() {
		return ln.done
	}
	return ln.received
}

// waitConsumed returns when everything that the client had published at the call is
// consumed.
func (ln *lane) waitConsumed(ctx context.Context) (uint32, error) {
	s := ln.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if ln.finished {
		return 0, ioreturn.NotOpen
	}
	// Only the numbers matter here; Take would receive them as well.
	if err := ln.receive(); err != nil {
		s.mu.Unlock()
		defer s.mu.Lock()
		return 0, s.fail(err)
	}
	ln.nudge()
	target := ln.received
	ln.leave() // lets them into the modules
	s.mu.Lock()
	ln.syncing++
	defer func() { ln.syncing-- }()
	for int32(ln.consumed()-target) < 0 {
		switch {
		case ln.finished:
			return 0, ioreturn.Aborted
		case !ln.accepts():
			return 0, &ioreturn.StatusError{Code: ioreturn.NotReady, Detail: "the stream is stopped, so the driver takes nothing"}
		}
		progress := ln.progress
		s.mu.Unlock()
		select {
		case <-progress:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
	}
	return ln.consumed(), nil
}
