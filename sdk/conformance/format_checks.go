// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"reflect"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// throughStates leads a connection through every state and calls look in each.
func (l *link) throughStates(look func(state string)) {
	l.mustChoose()
	look("closed")
	l.mustOpen()
	look("open")
	l.mustStart()
	look("running")
	l.mustSuspend()
	look("suspended")
	l.mustStop()
	look("stopped")
	l.must("close the stream", l.closeStream())
	look("closed again")
}

func checkFormatReadable(t *T) {
	l := t.link()
	var first userclient.Format
	l.throughStates(func(state string) {
		f, err := l.format()
		switch {
		case err != nil:
			t.Errorf("get format while the stream is %s was answered with %s; it must answer a format", state, answer(err))
		case state == "closed":
			first = f
		case differ(first, f):
			t.Errorf("the format is %s while the stream is %s; it was %s before, and nobody changed it", formatText(f), state, formatText(first))
		}
	})
}

func checkFormatDescribed(t *T) {
	l := t.link()
	l.throughStates(func(state string) {
		if described, f := l.mustDescribe().Format, l.mustFormat(); !reflect.DeepEqual(described, f) {
			t.Fatalf("while the stream is %s the description tells the format %s, and get format %s; they must be the same",
				state, formatText(described), formatText(f))
		}
	})
}

func checkFormatObserved(t *T) {
	l := t.link()
	l.reach(userclient.StateRunning)
	want := l.mustFormat()
	f, err := t.observer().format()
	if err != nil {
		t.Fatalf("get format by an observer was answered with %s; it must succeed", answer(err))
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("the client that runs the stream was told the format %s, and an observer %s", formatText(want), formatText(f))
	}
}

func checkFormatFixed(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	before := l.mustFormat()
	for _, s := range []userclient.State{userclient.StateRunning, userclient.StateSuspended} {
		l.mustStart()
		if s == userclient.StateSuspended {
			l.mustSuspend()
		}
		for _, f := range others(before) {
			_, err := l.setFormat(f)
			if err == nil && l.stopped() {
				_, _ = l.setFormat(before) // it could not be known
				return
			}
			if err == nil {
				t.Errorf("set format succeeded while the stream is %s; it must be refused", s)
			}
		}
		if f := l.mustFormat(); !reflect.DeepEqual(f, before) {
			t.Fatalf("set format was called while the stream is %s; the format was %s before and is %s now", s, formatText(before), formatText(f))
		}
	}
}

// stopped reports whether the driver has stopped the stream by itself, which a policy of
// fail allows.
func (l *link) stopped() bool {
	switch {
	case !l.t.Claims(CapFail):
		return false
	case !l.t.Claims(CapObserve):
		return l.failed(l.suspend())
	}
	o, err := l.observation()
	return err == nil && o.State == userclient.StateOpen
}

func checkFormatRoundTrip(t *T) {
	t.setting(func(l *link, before, answered userclient.Format, err error) {
		now := l.mustFormat()
		if err != nil && !reflect.DeepEqual(now, before) {
			t.Fatalf("set format was refused with %s, but the format was %s before and is %s now; a refusal changes nothing",
				answer(err), formatText(before), formatText(now))
		}
		if err == nil && !reflect.DeepEqual(now, answered) {
			t.Fatalf("set format answered %s, but get format answers %s; they must be the same", formatText(answered), formatText(now))
		}
	})
}

func checkEpochGrows(t *T) {
	t.changing(func(_ *link, before, after userclient.Format) {
		if after.Epoch <= before.Epoch {
			t.Fatalf("set format changed the format, and its epoch went from %d to %d; it must grow", before.Epoch, after.Epoch)
		}
	})
}

func checkFormatStays(t *T) {
	l := t.link()
	before := l.mustFormat()
	l.throughStates(func(state string) {
		if f := l.mustFormat(); f.Epoch != before.Epoch {
			t.Fatalf("the epoch of the format was %d before the stream was opened and is %d while it is %s; nobody changed the format", before.Epoch, f.Epoch, state)
		}
	})
}

func checkFormatEvent(t *T) {
	watches := map[string]*watch{"a client that did not open the stream": t.onlooker(false).watchNow()}
	if t.Claims(CapObserve) {
		watches["an observer"] = t.onlooker(true).watchNow()
	}
	t.changing(func(l *link, _, after userclient.Format) {
		watches["the client that set it"] = l.watch()
		for who, w := range watches {
			if !w.told(userclient.EventFormatChanged, uint64(after.Epoch)) {
				t.Fatalf("the format was changed to epoch %d, but %s was told no event format-changed with that epoch", after.Epoch, who)
			}
		}
	})
}

// told waits for an event, within the bound for answers.
func (w *watch) told(k userclient.EventKind, value uint64) bool {
	ctx, cancel := w.l.t.Within(answerBound)
	defer cancel()
	return w.l.t.Until(ctx, func() bool {
		w.fetch()
		for _, e := range w.events {
			if e.Kind == k && e.Value == value {
				return true
			}
		}
		return false
	})
}

func checkGeneration(t *T) {
	last := t.link().mustDescribe().Generation
	t.changing(func(l *link, before, after userclient.Format) {
		now := l.mustDescribe().Generation
		if now <= last {
			t.Fatalf("the format was changed from epoch %d to %d, but the generation in the description went from %d to %d; it must grow",
				before.Epoch, after.Epoch, last, now)
		}
		last = now
	})
}

func checkMalformedFormat(t *T) {
	l := t.link()
	l.mustChoose()
	l.mustOpen()
	before := l.mustFormat()
	good, err := before.AppendBinary(nil)
	l.must("encode the format", err)
	noise := make([]byte, 64)
	for i := range noise {
		noise[i] = byte(t.Rand().Uint32())
	}
	for _, bad := range []struct {
		name string
		b    []byte
	}{
		{"no bytes", nil},
		{"three bytes", good[:3]},
		{"a record that is cut off", good[:len(good)-2]},
		{"a record with bytes behind it", append(append([]byte(nil), good...), 1, 2, 3)},
		{"random bytes", noise},
	} {
		a := userclient.Args{Selector: userclient.SelSetFormat, InBytes: bad.b, OutBytes: make([]byte, userclient.MaxInline)}
		switch err := l.do(&a); {
		case err == nil:
			t.Errorf("set format with %s succeeded; it must be refused", bad.name)
		case lost(err):
			t.Fatalf("set format with %s was not answered: %v; it must be refused", bad.name, err)
		}
	}
	if f := l.mustFormat(); !reflect.DeepEqual(f, before) {
		t.Errorf("after malformed formats were set, the format is %s; it was %s", formatText(f), formatText(before))
	}
}

func checkHeaderEpoch(t *T) {
	r := t.numbered()
	want := r.mustFormat().Epoch
	r.mustSee(3, func(e *queue.Entry) {
		var h userclient.MetadataHeader
		r.must("read the header", h.UnmarshalBinary(r.control[e.Buffer]))
		if h.FormatEpoch != want {
			t.Fatalf("the header of entry %d has the format epoch %d; get format answers %d", e.Seq, h.FormatEpoch, want)
		}
	})
}
