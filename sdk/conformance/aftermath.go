// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// What rules use that look at a driver after something bad has happened to it, or at
// many frames.

// errHalted is the error of waiting for entries that the driver says will not come.
var errHalted = errors.New("the driver has stopped the stream")

// pull takes the next entry. A stream that has come to its end, or that was stopped
// because this side was late, is started again.
func (r *rig) pull(ctx context.Context) (queue.Entry, error) {
	var buf [1]queue.Entry
	for {
		halted := r.end.Ended() // before the queue is looked at, so that no entry is missed
		n, err := r.end.Receive(buf[:])
		if n == 1 || err != nil {
			return buf[0], err
		}
		if halted {
			if err := r.restart(); err != nil {
				return buf[0], err
			}
			continue
		}
		if err := r.doze(ctx); err != nil {
			return buf[0], err
		}
	}
}

// restart starts a stream again that stopped by itself.
func (r *rig) restart() error {
	status := r.end.Status()
	if status != queue.StatusEnd && status != uint32(ioreturn.Overrun) {
		return fmt.Errorf("%w (status %#x)", errHalted, status)
	}
	return r.start()
}

// doze sleeps until there may be an entry.
func (r *rig) doze(ctx context.Context) error {
	ready, err := r.end.Arm(1, queue.SleepBell)
	if ready || err != nil {
		return err
	}
	return r.nap(ctx)
}

// nap waits at the output port. A classic stream does not say that it has stopped
// because this side was late, so there it is started anew now and then.
func (r *rig) nap(ctx context.Context) error {
	if r.layout != userclient.LayoutClassic || !r.t.Claims(CapFail) {
		return r.port.Wait(ctx)
	}
	quiet, cancel := r.t.Quiet()
	defer cancel()
	err := r.port.Wait(quiet)
	if err != nil && r.Err() == nil && ctx.Err() == nil {
		err = r.start()
	}
	return err
}

// await is pull with time for one frame.
func (r *rig) await() (queue.Entry, error) {
	ctx, cancel := r.t.Frames(1)
	defer cancel()
	return r.pull(ctx)
}

const (
	slowFrames = 16          // how many frames of a device with a period a rule looks at
	fewFrames  = 16          // how many at least of any other
	longLook   = time.Second // and for how long, if there are more
)

// plenty returns what says whether a rule that looks at up to want frames has seen
// enough. A device that is slow, told or not, is done sooner.
func (t *T) plenty(want int) (enough func(seen int) bool) {
	if t.s.period() > 0 {
		want = min(want, slowFrames)
	}
	end := time.Now().Add(t.s.scaled(longLook))
	return func(seen int) bool {
		return seen >= want || seen >= fewFrames && time.Now().After(end)
	}
}

// fewer returns a number of starts that a slow device has time for.
func (t *T) fewer(n int) int {
	if t.s.device.WarmUp > 0 || t.s.period() > 0 {
		return min(n, 2)
	}
	return n
}

// dropper is implemented by connections that can end the way they do when the client's
// process dies: without SelClose and without a goodbye. It does not block.
type dropper interface{ Drop() }

// drop ends the connection as the client's death would.
func (l *link) drop() {
	d, ok := l.Conn.(dropper)
	if !ok {
		l.t.inapplicable("this transport can't end a connection as the death of a client does (its connections have no Drop)")
	}
	d.Drop()
}

// bare connects and makes the ports, without ending the rule if that fails.
func (t *T) bare() (*link, error) {
	c, err := t.Connect(false)
	if err != nil {
		return nil, fmt.Errorf("could not connect: %w", err)
	}
	l := &link{Conn: c, t: t}
	if l.port, err = l.Port(userclient.PortOutput); err == nil {
		l.bell, err = l.Bell(userclient.PortInput)
	}
	if err == nil && t.Describe().Offered&userclient.FeatureEvents != 0 {
		l.ev, err = l.Port(userclient.PortEvents)
	}
	if err != nil {
		return nil, fmt.Errorf("could not make its ports: %w", err)
	}
	return l, nil
}

// openSoon opens the stream as soon as it is free, or says why it could not within the
// time that a driver has to notice a death. The link has selected its features.
func (l *link) openSoon() error {
	ctx, cancel := l.t.Within(deathBound)
	defer cancel()
	var err error
	l.t.Until(ctx, func() bool {
		err = l.open()
		return err == nil || !held(err)
	})
	if held(err) {
		return fmt.Errorf("found the stream still taken after %v: %w", l.t.s.scaled(deathBound), err)
	}
	if err != nil {
		return fmt.Errorf("could not open the stream: %w", err)
	}
	return nil
}

// held reports whether err says that another client has the stream.
func held(err error) bool {
	c := ioreturn.Of(err)
	return c == ioreturn.ExclusiveAccess || c == ioreturn.Busy
}

// successor is a client that opens the stream after another one has left it in some way
// and maps its memory. The error says what it could not do.
func (t *T) successor(layout userclient.Layout) (*rig, error) {
	l, err := t.bare()
	if err != nil {
		return nil, err
	}
	if err := l.choose(layout); err != nil {
		return nil, fmt.Errorf("could not select its features: %w", err)
	}
	if err := l.openSoon(); err != nil {
		return nil, err
	}
	r := &rig{link: l, layout: layout, arenas: map[uint32][]byte{}}
	if err := r.mapMemory(); err != nil {
		return nil, fmt.Errorf("could not map its memory: %w", err)
	}
	if err := r.makeEnd(); err != nil {
		return nil, fmt.Errorf("found bad queues: %w", err)
	}
	return r, nil
}

// exchange starts the stream and takes and returns n entries.
func (r *rig) exchange(n int) error {
	if err := r.start(); err != nil {
		return fmt.Errorf("could not start the stream: %w", err)
	}
	for i := range n {
		e, err := r.await()
		if err != nil {
			return fmt.Errorf("got %d of %d entries: %w", i, n, err)
		}
		if err := r.put(r.returning([]queue.Entry{e})...); err != nil {
			return fmt.Errorf("could not give a buffer back: %w", err)
		}
	}
	return nil
}

// served checks that the next client can use the stream, from connecting to the first
// entries, and leave it. after says what has happened before.
func (t *T) served(layout userclient.Layout, after string) bool {
	r, err := t.successor(layout)
	if err == nil {
		err = r.exchange(1)
	}
	if err == nil {
		if err = r.closeStream(); err != nil {
			err = fmt.Errorf("could not close the stream: %w", err)
		}
	}
	if err == nil {
		_ = r.Close() // its errors are told at the end of the rule
		return true
	}
	t.Errorf("after %s, the next client %v; it must find the driver as if nothing had happened", after, err)
	return false
}

// raceBuild reports whether this program was built with Go's race detector, which takes
// memory that a client changes under a driver of the same program for a mistake of the
// program.
func raceBuild() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}
