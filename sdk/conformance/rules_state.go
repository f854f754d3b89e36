// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// stateRules are about the state table: what is refused when, and with which code.
func stateRules() []Rule {
	return []Rule{
		{
			ID: "STATE-01", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "Open is refused while the client has the stream open",
			What:   "Open of a stream that this client has open, running or suspended is refused as still open, and changes nothing.",
			Why:    "A second open that succeeds makes new queues under a client that uses the old ones.",
			Remedy: "Ask the state table (userclient.Next) before every method, and answer its code.",
			Check:  func(t *T) { t.refusedIn(userclient.OpOpen, "open", func(l *link) error { return l.open() }) },
		},
	}
}

// refusedIn checks every cell of one row of the state table that is a refusal: the
// operation is refused with the table's code, in a session of its own for each state.
func (t *T) refusedIn(op userclient.Operation, what string, do func(*link) error) {
	for s := userclient.StateClosed; s <= userclient.StateSuspended; s++ {
		cell := userclient.Next(s, op)
		if cell.Code == ioreturn.Success {
			continue
		}
		l := t.link()
		l.reach(s)
		if l.refused(fmt.Sprintf("%s while the stream is %s", what, s), do(l), cell.Code) {
			l.unchanged(s, what)
		}
		l.must("hang up", l.Close())
	}
}

// unchanged checks that the session is still in state s after a refusal.
func (l *link) unchanged(s userclient.State, what string) {
	if !l.t.Claims(CapObserve) {
		return
	}
	o, err := l.observation()
	switch {
	case err != nil:
		l.t.Errorf("after %s was refused, asking for the state was answered with %s", what, answer(err))
	case o.State != s:
		l.t.Errorf("%s was refused while the stream was %s, but the stream is %s afterwards; a refusal changes nothing", what, s, o.State)
	}
}
