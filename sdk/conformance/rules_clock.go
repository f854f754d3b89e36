// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"time"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// clockRules are about the stream's clock (C15, C44).
func clockRules() []Rule {
	stamps := []Capability{CapSequence, CapNative}
	rules := []Rule{
		{
			ID: "CLOCK-01", Needs: stamps, Origin: Both,
			Title:  "Time stamps never go back",
			What:   "Among the entries of a session, each stamp is at least that of the entry before it.",
			Why:    "Players and recorders stop, or sort frames into the wrong place, when time goes back.",
			Remedy: "Stamp the first byte of each frame from one clock, in the order of the frames, and keep the offset of a device counter that wraps.",
			Check:  checkStampsGrow,
		},
		{
			ID: "CLOCK-02", Needs: append([]Capability{CapCorrelate}, stamps...), Origin: Both,
			Title:  "Time stamps lie between start and now",
			What:   "The stamp of an entry is a stream time between those that correlate answered before start and after the entry was received.",
			Why:    "Stamps in another unit or from another epoch look like stamps, and put every recording hours off.",
			Remedy: "Stamps are nanoseconds since the stream's epoch, on the clock that correlate tells: subtract the epoch, convert ticks.",
			Check:  checkStampsInRange,
		},
		{
			ID: "CLOCK-03", Needs: stamps, Origin: HostLibrary,
			Title:  "An entry says whether it has a time stamp",
			What:   "Every entry carries the flag that its time is valid if the description names a clock, and none does if it names none.",
			Why:    "Clients use a stamp only where the flag is set; a missing one throws good stamps away, a wrong one makes a zero into a time.",
			Remedy: "Set bit 56 of the stamp on every entry of a stream that describes a clock.",
			Check:  checkTimeFlag,
		},
		{
			ID: "CLOCK-04", Needs: []Capability{CapCorrelate}, Origin: Both,
			Title:  "Correlate knows its uncertainty, and it is small",
			What:   "Correlate answers three words, and of eight answers at least one has an uncertainty of at most 20 ms, times the device's time scale.",
			Why:    "Two streams are put together by these answers. One that is off by more than a frame is of no use.",
			Remedy: "Read host clock, device clock and host clock again, close together; the uncertainty is half of what lies between, and what the device adds.",
			Check:  checkUncertainty,
		},
		{
			ID: "CLOCK-05", Needs: []Capability{CapCorrelate}, Origin: Both,
			Title:  "Correlate answers with the host's monotonic clock",
			What:   "The second word of the answer lies between the host's monotonic time before and after the call, within the uncertainty.",
			Why:    "Another clock, such as the wall clock, jumps, and can't be compared with that of another driver.",
			Remedy: "Read CLOCK_MONOTONIC on Linux, mach_absolute_time in nanoseconds on macOS.",
			Check:  checkHostTime,
		},
		{
			ID: "CLOCK-06", Needs: []Capability{CapCorrelate}, Origin: Both,
			Title:  "Two correlations agree on how much time has passed",
			What:   "Between two answers stream time and host time advance by the same amount, within both uncertainties, the clock's resolution and one percent.",
			Why:    "A stream clock in other units, or one that stands still, makes every duration of a recording wrong.",
			Remedy: "Convert ticks of the device clock to nanoseconds with its real rate before they are answered.",
			Check:  checkRate,
		},
		{
			ID: "CLOCK-07", Needs: []Capability{CapDescribe}, Origin: Both,
			Title:  "The clock that is described does not change",
			What:   "Clock, epoch, resolution and tick rate in the description are the same before a session is opened, while it runs and after it.",
			Why:    "A client reads the epoch once and puts all stamps on the host's time by it.",
			Remedy: "Take the epoch when the driver starts, and keep it.",
			Check:  checkEpochStays,
		},
		{
			ID: "CLOCK-08", Needs: []Capability{CapDescribe, CapCorrelate}, Origin: HostLibrary,
			Title:  "Epoch and stream time make the host's time",
			What:   "Where the stream's clock is the host's monotonic clock, the epoch in the description plus the stream time of correlate is its host time, within the uncertainty.",
			Why:    "Clients without correlate use the epoch, so both ways must lead to the same time.",
			Remedy: "Answer stream time as monotonic time minus the epoch that the description tells.",
			Check:  checkEpochFits,
		},
		{
			ID: "CLOCK-09", Needs: []Capability{CapDescribe}, Origin: VendorCode,
			Title:  "The clock that is described is possible",
			What:   "The description names a known clock; if it has one, its resolution is above 0 and at most a second, its epoch is not in the future, and a clock that is the host's has no tick rate of its own.",
			Why:    "Clients size filters and time-outs by these numbers, and divide by them.",
			Remedy: "Fill in the resolution of the clock in nanoseconds, and the tick rate of a device clock only.",
			Check:  checkClockPlausible,
		},
	}
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since = Timing, Must, "0.1.0"
	}
	return rules
}

// correlation is an answer of SelCorrelate, in ns.
type correlation struct{ stream, host, uncertainty int64 }

// mustCorrelate asks for a correlation, or ends the rule in an error.
func (l *link) mustCorrelate() correlation {
	w, err := l.words(userclient.SelCorrelate)
	l.must("correlate the clocks", err)
	if len(w) != 3 {
		l.t.abortf("correlate answered %d words, want 3", len(w))
	}
	return correlation{int64(w[0]), int64(w[1]), int64(w[2])}
}

// tries is how often a reading of clocks is made to get one that was not disturbed.
const tries = 8

// bestCorrelation is the surest of some.
func (l *link) bestCorrelation() correlation {
	best := l.mustCorrelate()
	for range tries - 1 {
		if c := l.mustCorrelate(); c.uncertainty >= 0 && c.uncertainty < best.uncertainty {
			best = c
		}
	}
	return best
}

// mustDescribe asks for the description anew, or ends the rule in an error.
func (l *link) mustDescribe() (d userclient.Description) {
	b, err := l.bytes(userclient.SelDescribe)
	l.must("describe the stream", err)
	l.must("read the description", d.UnmarshalBinary(b))
	return d
}

func checkStampsGrow(t *T) {
	r := t.numbered()
	es := r.mustFollow(t.some())
	for i := 1; i < len(es); i++ {
		a, b := &es[i-1], &es[i]
		if a.Flags()&b.Flags()&queue.FlagTime != 0 && b.Time() < a.Time() {
			t.Fatalf("entry %d has the time %d ns, and entry %d after it %d ns; stamps must not go back", a.Seq, a.Time(), b.Seq, b.Time())
		}
	}
}

func checkStampsInRange(t *T) {
	t.mustDeliver()
	r := t.rig(userclient.LayoutNative)
	before := r.bestCorrelation()
	r.mustStart()
	slack := int64(t.Describe().Clock.Resolution + t.s.period())
	for range 3 {
		e := r.mustFollow(1)[0]
		after := r.mustCorrelate()
		if e.Flags()&queue.FlagTime == 0 {
			t.inapplicable("the entries have no times") // CLOCK-03 says whether they should
		}
		if low, high := before.stream-before.uncertainty-slack, after.stream+after.uncertainty+slack; e.Time() < low || e.Time() > high {
			t.Fatalf("entry %d has the time %d ns; by correlate the stream time was %d ns before start and %d ns after the entry was received, and it must lie between",
				e.Seq, e.Time(), before.stream, after.stream)
		}
	}
}

func checkTimeFlag(t *T) {
	r := t.numbered()
	clock := t.Describe().Clock.ID
	for _, e := range r.mustFollow(t.some()) {
		switch has := e.Flags()&queue.FlagTime != 0; {
		case !has && clock != userclient.ClockNone:
			t.Fatalf("the description names a clock (%d), but entry %d does not carry the flag that its time is valid", clock, e.Seq)
		case has && clock == userclient.ClockNone:
			t.Fatalf("the description names no clock, but entry %d carries the flag that its time is valid", e.Seq)
		}
	}
}

// sure is the greatest uncertainty that is of use, before the device's time scale.
const sure = 20 * time.Millisecond

func checkUncertainty(t *T) {
	l := t.link()
	w, err := l.words(userclient.SelCorrelate)
	if err != nil || len(w) != 3 {
		t.Fatalf("correlate was answered with %s and %d words; it must succeed and answer three", answer(err), len(w))
	}
	c := l.bestCorrelation()
	if limit := t.s.scaled(sure); c.uncertainty < 0 || time.Duration(c.uncertainty) > limit {
		t.Errorf("the best of %d answers of correlate has an uncertainty of %v; at most %v is of use", tries, time.Duration(c.uncertainty), limit)
	}
}

// virtual reports whether time in this process is not the machine's, as in a test under
// testing/synctest.
func (t *T) virtual() bool {
	host, own := monotime.Now(), time.Now()
	t.wait()
	return time.Duration(monotime.Now()-host) < time.Since(own)/2
}

func checkHostTime(t *T) {
	if t.virtual() {
		t.Logf("time is virtual here, so there is no host clock to compare with")
		return
	}
	l := t.link()
	missed := 0 // a virtual machine's processors may disagree for a moment
	for range tries {
		before := monotime.Now()
		c := l.mustCorrelate()
		after := monotime.Now()
		if c.host+c.uncertainty >= before && c.host-c.uncertainty <= after {
			continue
		}
		if missed++; missed > 1 {
			t.Fatalf("correlate was called between %d and %d ns of the host's monotonic clock, and answered the host time %d ns with an uncertainty of %v",
				before, after, c.host, time.Duration(c.uncertainty))
		}
	}
}

func checkRate(t *T) {
	l := t.link()
	a := l.bestCorrelation()
	t.wait()
	b := l.bestCorrelation()
	host, stream := b.host-a.host, b.stream-a.stream
	slack := a.uncertainty + b.uncertainty + 2*int64(t.Describe().Clock.Resolution) + max(host, -host)/100
	if off := stream - host; off > slack || off < -slack {
		t.Errorf("between two calls of correlate the host's clock advanced by %v and the stream's by %v; the two must agree within %v",
			time.Duration(host), time.Duration(stream), time.Duration(slack))
	}
}

func checkEpochStays(t *T) {
	l := t.link()
	first := l.mustDescribe().Clock
	l.mustChoose()
	for _, step := range []struct {
		after string
		do    func()
	}{
		{"open", l.mustOpen}, {"start", l.mustStart}, {"stop", l.mustStop},
		{"close", func() { l.must("close the stream", l.closeStream()) }},
	} {
		step.do()
		if now := l.mustDescribe().Clock; now != first {
			t.Fatalf("the description told the clock %+v at first, and %+v after %s; it must not change", first, now, step.after)
		}
	}
}

func checkEpochFits(t *T) {
	l := t.link()
	clock := l.mustDescribe().Clock
	if clock.ID != userclient.ClockMonotonic {
		t.inapplicable("the stream's clock is not the host's")
	}
	c := l.bestCorrelation()
	if off := clock.Epoch + c.stream - c.host; off > c.uncertainty || off < -c.uncertainty {
		t.Errorf("the epoch %d ns and the stream time %d ns make the host time %d ns; correlate answered %d ns, with an uncertainty of %v",
			clock.Epoch, c.stream, clock.Epoch+c.stream, c.host, time.Duration(c.uncertainty))
	}
}

func checkClockPlausible(t *T) {
	clock := t.link().mustDescribe().Clock
	switch {
	case clock.ID > userclient.ClockDevice:
		t.Fatalf("the description names the clock %d, which does not exist", clock.ID)
	case clock.ID == userclient.ClockNone:
		return
	case clock.Resolution <= 0 || clock.Resolution > time.Second:
		t.Errorf("the description tells a resolution of %v; it must be above 0 and at most a second", clock.Resolution)
	}
	if clock.ID == userclient.ClockMonotonic && clock.TickRate != 0 {
		t.Errorf("the description names the host's clock and a tick rate of %d; only a device's clock has one", clock.TickRate)
	}
	if now := monotime.Now(); clock.Epoch > now && !t.virtual() {
		t.Errorf("the description tells the epoch %d ns; the host's monotonic clock is at %d ns", clock.Epoch, now)
	}
}
