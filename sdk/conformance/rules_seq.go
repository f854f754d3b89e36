// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// seqRules are about the numbers of entries (C14, C15).
func seqRules() []Rule {
	numbers := []Capability{CapSequence, CapNative}
	rules := []Rule{
		{
			ID: "SEQ-01", Needs: numbers,
			Title:  "The first entry of a session has number 0",
			What:   "The first entry that a client sees after it has opened and started the stream has the number 0, unless entries were lost before it; then its number is how many were.",
			Why:    "A client that sees a first number above 0 must take it for a loss, and reports frames as missing that never were.",
			Remedy: "Begin to count at 0 for each open, and give the number when an entry is posted, not when the device makes a frame.",
			Check:  checkFirstNumber,
		},
		{
			ID: "SEQ-02", Needs: numbers,
			Title:  "Numbers grow by one, unless entries were lost",
			What:   "Each entry has the number of the one before it plus one. A greater step says that entries were lost in between; then the entry carries the discontinuity flag.",
			Why:    "Numbers are how a client finds out that something is missing. A step without a loss is a false alarm, and makes real losses unbelievable.",
			Remedy: "Add one for each entry that is posted or lost and for nothing else, such as buffers that come back or calls of the client.",
			Check:  checkSteps,
		},
		{
			ID: "SEQ-03", Needs: numbers,
			Title:  "No number is given twice, and none goes back",
			What:   "Within a session each entry has a greater number than every entry before it.",
			Why:    "A client takes an entry whose number it has seen for a copy, or for four billion lost ones.",
			Remedy: "Give numbers in one place and under one lock, in the order in which entries reach the queue.",
			Check:  checkOrder,
		},
		{
			ID: "SEQ-04", Needs: numbers,
			Title:  "Numbers begin anew with each open",
			What:   "When a client closes the stream and opens it again on the same connection, the first entry has the number 0 again.",
			Why:    "The client counts from 0 too; it would report everything that happened in the session before as lost.",
			Remedy: "Keep the counter with the open session, not with the driver or the connection.",
			Check:  checkNumbersAfterReopen,
		},
		{
			ID: "SEQ-05", Needs: numbers,
			Title:  "Numbers go on over stop and start",
			What:   "The first entry after a stop and a new start in the same session has the number that follows the last one given before the stop.",
			Why:    "A session is numbered once. Numbers that begin anew look like entries of before, or like a loss.",
			Remedy: "Touch the counter in open only; start and stop must leave it alone.",
			Check:  func(t *T) { checkNumbersGoOn(t, "stop", func(l *link) []queue.Entry { l.mustStop(); return nil }) },
		},
		{
			ID: "SEQ-06", Needs: numbers,
			Title:  "Numbers go on over suspend and start",
			What:   "The first entry after a suspend and a new start has the number that follows the last one given before the suspend.",
			Why:    "Suspend loses nothing, so there is nothing that a step in the numbers could tell.",
			Remedy: "Touch the counter in open only; suspend and start must leave it alone.",
			Check: func(t *T) {
				checkNumbersGoOn(t, "suspend", (*link).mustSuspend)
			},
		},
		{
			ID: "SEQ-07", Needs: numbers,
			Title:  "Stop answers with the last number given",
			What:   "If stop (selector 3) answers with a number, it is the one that was given last: no entry of the run has a greater one. The counters asked for afterwards tell the same number, or a greater one if the driver had entries in its hands that it numbered and lost since.",
			Why:    "Only this number shows that entries at the end of a run were lost: no later entry comes whose number could show it.",
			Remedy: "Answer the counter's value after the backlog was discarded, minus one: the number given last, not the one that comes next.",
			Check:  checkStopAnswer,
		},
		{
			ID: "SEQ-08", Needs: []Capability{CapSequence},
			Title:  "Stop answers no number if none was given",
			What:   "Stop of a stream that has numbered no entry since it was opened answers no number.",
			Why:    "An answer of 0 says that an entry with the number 0 was given; the client reports it as lost.",
			Remedy: "Leave the answer empty (no output scalar) as long as nothing was numbered.",
			Check:  checkStopWithoutNumbers,
		},
		{
			ID: "SEQ-09", Needs: numbers,
			Title:  "Nothing follows an entry that says that it is the last",
			What:   "After an entry with the end flag none comes until the client starts the stream again.",
			Why:    "A client stops reading at the end flag, so what follows is lost without a trace.",
			Remedy: "Set the end flag only on the last entry of a run, and stop posting after it.",
			Check:  checkEndFlag,
		},
		{
			ID: "SEQ-10", Needs: append([]Capability{CapMetadata}, numbers...),
			Title:  "The header in the control region says what the entry says",
			What:   "Where the client selected metadata, the header at the start of the control region has the entry's number, widened to 64 bits, and the entry's flags.",
			Why:    "A recorder stores the header beside the frame. If it tells another number than the queue did, losses can't be matched to frames.",
			Remedy: "Write the header after the number is given, in the buffer of the same entry, before the entry is published.",
			Check:  checkHeader,
		},
		{
			ID: "SEQ-11", Needs: append([]Capability{CapStats}, numbers...),
			Title:  "The counters know every number that a client has seen",
			What:   "The last number in the driver's counters is never smaller than the number of an entry that the client has received before it asked.",
			Why:    "Tools compare the two to tell how far a client is behind; a last number from the past hides a loss.",
			Remedy: "Count an entry before it is published, or under the same lock, and answer stats from the same counters.",
			Check:  checkCountersKnow,
		},
	}
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Origin, r.Since = Streaming, Must, HostLibrary, "0.1.0"
	}
	return rules
}

// explained checks that what is missing before e was lost: e says so, and the counters do.
func (r *rig) explained(where string, missing uint32, e *queue.Entry) bool {
	if missing == 0 {
		return true
	}
	if e.Flags()&queue.FlagDiscontinuity == 0 {
		r.t.Errorf("%s has the number %d where %d was due, and does not carry the discontinuity flag; "+
			"numbers grow by one unless entries were lost, and then the flag says so", where, e.Seq, e.Seq-missing)
		return false
	}
	if !r.t.Claims(CapStats) {
		return true
	}
	if st := r.mustStats(); st.TotalLost() < uint64(missing) {
		r.t.Errorf("%s has the number %d where %d was due, so %d entries must have been lost; the counters tell of %d",
			where, e.Seq, e.Seq-missing, missing, st.TotalLost())
		return false
	}
	return true
}

func checkFirstNumber(t *T) {
	r := t.numbered()
	e := r.mustFollow(1)[0]
	r.explained("the first entry of the session", e.Seq, &e)
}

func checkSteps(t *T) {
	r := t.numbered()
	es := r.mustFollow(t.some())
	for i := 1; i < len(es); i++ {
		before, e := es[i-1].Seq, &es[i]
		if newer(before, e.Seq) && !r.explained(fmt.Sprintf("the entry after number %d", before), e.Seq-before-1, e) {
			return
		}
	}
}

func checkOrder(t *T) {
	es := t.numbered().mustFollow(t.some())
	for i := 1; i < len(es); i++ {
		if a, b := es[i-1].Seq, es[i].Seq; !newer(a, b) {
			t.Fatalf("an entry with the number %d was followed by one with the number %d; each must be greater than the one before", a, b)
		}
	}
}

func checkNumbersAfterReopen(t *T) {
	r := t.numbered()
	r.mustFollow(3)
	r.must("close the stream", r.closeStream())
	r.must("select features", r.choose(userclient.LayoutNative))
	r.mustOpen()
	again := r.mustMap(userclient.LayoutNative)
	again.mustStart()
	e := again.mustFollow(1)[0]
	again.explained("the first entry after close and a new open", e.Seq, &e)
}

// checkNumbersGoOn pauses a stream and checks that the numbers go on. pause returns what
// it has read.
func checkNumbersGoOn(t *T, what string, pause func(*link) []queue.Entry) {
	r := t.numbered()
	seen := append(r.mustFollow(4), pause(r.link)...)
	more := r.mustDrain()
	last := append(seen, more...)[len(seen)+len(more)-1].Seq
	r.mustGiveBack(more...)
	r.mustStart()
	e := r.mustFollow(1)[0]
	if !newer(last, e.Seq) {
		t.Fatalf("before the %s an entry had the number %d; the first one after the next start has the number %d, and must have a greater one",
			what, last, e.Seq)
	}
	r.explained("the first entry after "+what+" and start", e.Seq-last-1, &e)
}

func checkStopAnswer(t *T) {
	r := t.numbered()
	seen := r.mustFollow(4)
	answered, told := r.mustStopNumber()
	seen = append(seen, r.mustDrain()...)
	if !told {
		t.inapplicable("stop answers no number")
	}
	last := seen[len(seen)-1].Seq
	if newer(uint32(answered), last) {
		t.Fatalf("stop answered %d as the last number given, but an entry of the run has the number %d", answered, last)
	}
	if !t.Claims(CapStats) {
		return
	}
	st := r.mustStats()
	if !st.Numbered || st.LastSeq < answered {
		t.Fatalf("stop answered %d as the last number given, but the counters asked for afterwards say %s; both must be the number that was given last",
			answered, lastText(&st))
	}
	if missing := uint64(uint32(answered) - last); missing > st.TotalLost() {
		t.Errorf("stop answered %d as the last number given, but the last entry on the queue has the number %d and the counters tell of %d lost entries; "+
			"what was given and is not on the queue must be counted as lost", answered, last, st.TotalLost())
	}
}

func lastText(st *userclient.Stats) string {
	if !st.Numbered {
		return "that none was given"
	}
	return fmt.Sprint(st.LastSeq)
}

func checkStopWithoutNumbers(t *T) {
	r := t.rig(t.layout())
	if n, told := r.mustStopNumber(); told {
		t.Errorf("the stream was opened and never started, but stop answered that the last number given is %d; it must answer no number", n)
	}
}

func checkEndFlag(t *T) {
	r := t.numbered()
	ctx, cancel := t.Frames(t.some())
	defer cancel()
	for range t.some() {
		es, err := r.follow(ctx, 1, nil)
		if err != nil {
			return // it has stopped by itself, which it may
		}
		if es[0].Flags()&queue.FlagEnd == 0 {
			continue
		}
		t.wait()
		if after := r.mustDrain(); len(after) > 0 {
			t.Errorf("entry %d carries the end flag, but entry %d came after it although the stream was not started again; nothing may follow",
				es[0].Seq, after[0].Seq)
		}
		return
	}
}

func checkHeader(t *T) {
	r := t.numbered()
	if r.features&userclient.FeatureMetadata == 0 {
		t.abortf("the driver offers metadata, but granted only %s", featureText(r.features))
	}
	var last userclient.MetadataHeader
	seen := false
	r.mustSee(t.some(), func(e *queue.Entry) {
		var h userclient.MetadataHeader
		if err := h.UnmarshalBinary(r.control[e.Buffer]); err != nil || e.ControlLength < userclient.MetadataSize {
			t.Fatalf("entry %d has %d bytes of control data in a region of %d; the header alone has %d",
				e.Seq, e.ControlLength, len(r.control[e.Buffer]), userclient.MetadataSize)
		}
		switch {
		case h.Sequence&(1<<32-1) != uint64(e.Seq):
			t.Fatalf("the header of entry %d has the number %d; its low half must be the entry's number", e.Seq, h.Sequence)
		case seen && h.Sequence <= last.Sequence:
			t.Fatalf("the header with number %d was followed by one with number %d; the widened number must grow", last.Sequence, h.Sequence)
		case h.Flags != uint32(e.Flags()):
			t.Fatalf("entry %d has the flags %#x, but its header has %#x; they must be the same", e.Seq, uint32(e.Flags()), h.Flags)
		}
		last, seen = h, true
	})
}

func checkCountersKnow(t *T) {
	r := t.numbered()
	for range 3 {
		es := r.gather(t.some())
		if len(es) == 0 {
			t.abortf("no entry came")
		}
		e := es[len(es)-1]
		st := r.mustStats()
		if !st.Numbered || newer(uint32(st.LastSeq), e.Seq) {
			t.Fatalf("entry %d was received, but the counters asked for after that say that the last number given is %s", e.Seq, lastText(&st))
		}
		r.mustGiveBack(es...)
		if r.overran() {
			r.mustStart()
		}
	}
}
