// SPDX-License-Identifier: Apache-2.0

package conformance

// lifeRules are about the life of a session: connect, open, close, and again.
func lifeRules() []Rule {
	return []Rule{
		{
			ID: "LIFE-01", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "A client can open and close the stream",
			What:   "A client that has connected and selected a layout which the driver offers can open the stream for itself, and close it.",
			Why:    "Nothing else works without it.",
			Remedy: "Look at the handler of open (HandleOpen) and of the selectors 0 and 1: they must answer success to the first client.",
			Check:  checkOpenClose,
		},
		{
			ID: "LIFE-02", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0",
			Title:  "A closed stream can be opened again at once",
			What:   "When close has been answered, the same connection and every other one can open the stream without waiting.",
			Why:    "A program that restarts would find the stream busy although nobody uses it, and only sometimes.",
			Remedy: "Give the stream up before close is answered, not afterwards or in the background.",
			Check:  checkReopen,
		},
	}
}

func checkOpenClose(t *T) {
	l := t.link()
	l.mustChoose()
	if l.accepted("open by the first client", l.open()) {
		l.accepted("close of the open stream", l.closeStream())
	}
}

// reopens is how often a stream is opened again: a race between close and open shows
// only sometimes.
const reopens = 20

func checkReopen(t *T) {
	l, other := t.link(), t.link()
	l.mustChoose()
	other.mustChoose()
	for range reopens {
		for _, c := range []*link{l, l, other} {
			if err := c.open(); err != nil {
				t.Fatalf("open right after the stream was closed was answered with %s; it must succeed", answer(err))
			}
			c.must("close the stream", c.closeStream())
		}
	}
}
