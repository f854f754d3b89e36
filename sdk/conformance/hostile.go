// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// attack is one way to break the protocol.
type attack struct {
	what string // "the client returned buffer 4 of 4"
	// do writes the rubbish. The stream is running, and the client owns the buffer of own.
	do func(r *rig, own queue.Entry) error
}

// outlaw is a client that is about to attack: its stream runs, and it owns the buffer
// of own. before says what has happened to the driver until now.
func (t *T) outlaw(layout userclient.Layout, before string) (r *rig, own queue.Entry) {
	r, err := t.successor(layout)
	if err == nil {
		if err = r.start(); err == nil {
			own, err = r.await()
		}
	}
	if err != nil && before != "" {
		t.Fatalf("after %s, the next client %v; it must find the driver as if nothing had happened", before, err)
	}
	if err != nil {
		t.abortf("the client that should attack %v", err)
	}
	return r, own
}

// chosen returns all attacks, or one of them where the device is slow.
func (t *T) chosen(all []attack) []attack {
	if t.fewer(3) == 3 || len(all) == 0 {
		return all
	}
	return all[t.Rand().IntN(len(all)):][:1]
}

// attacks runs each attack in a session of its own, lets judge look at what the driver
// does, and checks that the next client is served.
func (t *T) attacks(layout userclient.Layout, all []attack, judge func(r *rig, own queue.Entry, what string)) {
	before := ""
	for _, a := range t.chosen(all) {
		r, own := t.outlaw(layout, before)
		if err := a.do(r, own); err != nil && r.Err() == nil {
			t.abortf("the attack failed (%s): %v", a.what, err)
		}
		before = fmt.Sprintf("%s (%v layout)", a.what, layout)
		judge(r, own, before)
		_ = r.Close() // the session may be broken on both sides
		if t.Failed() {
			return
		}
	}
	t.served(layout, before)
}

// mustEnd checks that each attack ends its session.
func (t *T) mustEnd(layout userclient.Layout, all []attack) {
	t.attacks(layout, all, func(r *rig, _ queue.Entry, what string) { r.mustBeOver(what) })
}

// mustBeOver checks that the driver ends the session.
func (r *rig) mustBeOver(what string) {
	r.poke()
	r.expose()
	ctx, cancel := r.t.Frames(len(r.bounds) + 1) // until it needs a buffer again
	defer cancel()
	select {
	case <-r.Done():
	case <-ctx.Done():
		r.t.Errorf("%s; the driver has not ended the session; it must, because the client has broken a rule", what)
	}
}

// expose lets a driver see what was published that may have stopped the stream by itself:
// some look at the input queue only when they are started.
func (r *rig) expose() {
	if r.t.Claims(CapFail) {
		_ = r.start() // the session may be over
	}
}

// poke makes the driver look at the input queue.
func (r *rig) poke() {
	_ = r.bell.Ring() // the session may be over
	if r.t.Claims(CapDoorbell) {
		_ = r.call(userclient.SelDoorbell, 0) // the same
	}
}

// endureFrames is how many entries must come after an attack that need not end the session.
const endureFrames = 12

// mustEndure checks that each attack ends its session or lets it go on. spoil goes on
// with the attack while entries travel; it may be nil.
func (t *T) mustEndure(layout userclient.Layout, all []attack, spoil func(*rig)) {
	t.attacks(layout, all, func(r *rig, own queue.Entry, what string) {
		r.poke()
		r.endures(what, own, func() {
			if spoil != nil {
				spoil(r)
			}
		})
	})
}

// endures gives the client's buffer back and checks that the session is over or that
// entries travel. It reports whether they do.
func (r *rig) endures(what string, own queue.Entry, spoil func()) bool {
	n := endureFrames
	if r.t.s.period() > 0 {
		n = 2
	}
	err := r.put(r.returning([]queue.Entry{own})...)
	if err == nil {
		err = r.pulse(n, spoil)
	}
	switch {
	case err == nil:
		return true
	case r.Err() != nil: // the driver may end it
	case errors.Is(err, ioreturn.ErrProtocol):
		r.t.Errorf("%s; the driver then broke a rule itself: %v", what, err)
	default:
		r.t.Errorf("%s; the driver then neither went on nor ended the session: %v", what, err)
	}
	return false
}

// pulse exchanges n entries. It looks at the queue again and again instead of sleeping
// at the port, and calls spoil before each look.
func (r *rig) pulse(n int, spoil func()) error {
	for seen := 0; seen < n; {
		ctx, cancel := r.t.Frames(1)
		var es []queue.Entry
		var err error
		r.t.Until(ctx, func() bool {
			spoil()
			switch es, err = r.drain(); {
			case len(es) > 0 || err != nil:
			case r.end.Ended():
				err = r.restart()
			default:
				r.revive()
			}
			return len(es) > 0 || err != nil || r.Err() != nil
		})
		cancel()
		switch {
		case err != nil:
			return err
		case r.Err() != nil:
			return r.Err()
		case len(es) == 0:
			return fmt.Errorf("%d of %d entries came, and no more", seen, n)
		}
		if err := r.put(r.returning(es)...); err != nil {
			return err
		}
		seen += len(es)
	}
	return nil
}

// inputIndex is the index of the input queue that the client writes.
func (r *rig) inputIndex() *atomic.Uint32 {
	switch {
	case r.layout == userclient.LayoutNative:
		return word(r.in.Ring, queue.RingTailOff)
	case r.roles.Role() == queue.TailWrites:
		return word(r.in.Ring, queue.ClassicTailOff)
	}
	return word(r.in.Ring, queue.ClassicHeadOff)
}

// driversIndex is the index of a classic queue that the driver writes.
func (r *rig) driversIndex(output bool) *atomic.Uint32 {
	ring := r.in.Ring
	if output {
		ring = r.out.Ring
	}
	if output == (r.roles.Role() == queue.HeadWrites) {
		return word(ring, queue.ClassicHeadOff)
	}
	return word(ring, queue.ClassicTailOff)
}

// ringCount is the number of entries of the input queue.
func (r *rig) ringCount() uint32 {
	if r.layout == userclient.LayoutClassic {
		return word(r.in.Ring, queue.ClassicCountOff).Load()
	}
	return word(r.in.Ring, queue.RingCountOff).Load()
}

// wild32 is the low half of wild.
func (t *T) wild32() uint32 { return uint32(t.wild()) }
