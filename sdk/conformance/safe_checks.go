// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// The checks of commands that the device file names.

// sentTimes is how often a safe command is sent where once would not show all.
const sentTimes = 4

func checkSafeSucceeds(t *T) {
	for _, k := range t.safe() {
		p := t.plane()
		for i := range sentTimes {
			when := "for the first time in a session"
			if i > 0 {
				when = "again"
			}
			if !p.succeeds(k, when) {
				break
			}
		}
	}
}

func checkSafeRoom(t *T) {
	for _, k := range t.safe() {
		r, n, err := t.plane().upTo(k, maxCopies)
		switch {
		case err != nil || n.Kind != ioctl.Ack:
			t.abortf("%s was answered with %s", k.what, nextText(n, err))
		case len(n.Data) > len(r.Data):
			t.Errorf("%s was sent with %d bytes of data and answered with %s; no more may come back than were sent", k.what, len(r.Data), nextText(n, nil))
		}
	}
}

func checkSafeMemory(t *T) {
	for _, k := range t.copying() {
		p := t.plane()
		mem, err := ioctl.NewRegions(k.memory()...)
		p.must("register memory", err)
		c := ioctl.NewCopier(mem, ioctl.LimitsOf(streams.Strict.Tunables()))
		n, err := p.ask(k.request(p))
		for err == nil && asks(n) {
			e := c.Do(n)
			if e.Kind == ioctl.CopyFailed {
				t.Errorf("%s asked for %s, which a stream head refuses with %v; a command may reach the memory that the device file gives it, "+
					"with at most %d copies", k.what, nextText(n, nil), e.Errno, maxRounds)
			}
			n, err = p.tell(e)
		}
	}
}

func checkSafeGivenUp(t *T) {
	for _, k := range t.copying() {
		t.plane().givesUp(k)
	}
}

func checkSafeFails(t *T) {
	for _, k := range t.copying() {
		t.plane().fails(k)
	}
}

func checkSafeShared(t *T) {
	for _, k := range t.copying() {
		stuck, other := t.plane(), t.plane()
		stuck.eachCopy(k, func(n ioctl.Next, at string) bool {
			ok := other.succeeds(k, "of one session, while the same command of another one waited for its client "+at+",")
			stuck.must("give a command up", stuck.abandon(n.ID))
			return ok
		})
	}
}
