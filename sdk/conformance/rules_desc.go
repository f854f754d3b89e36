// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// descRules are about the description, versions and features.
func descRules() []Rule {
	describes := []Capability{CapDescribe}
	return []Rule{
		{
			ID: "DESC-01", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0", Needs: describes,
			Title: "The description makes sense",
			What: "It can be decoded, its name has three parts, its ABI range holds the suite's major version, the present direction is among those " +
				"offered, at least one known queue layout is offered, a ring holds all buffers, there is at least one buffer of at least one byte, the " +
				"alignment is a power of two, one client at least is served, and no feature is required that is not offered.",
			Why:    "It is all that a client knows before it opens the stream; what is wrong there goes wrong later, in the client.",
			Remedy: "Compare each field that the message names with the comments of userclient.Description.",
			Check:  checkDescription,
		},
		{
			ID: "DESC-02", Profile: Core, Level: Must, Origin: VendorCode, Since: "0.1.0",
			Title:  "What was declared is what is there",
			What:   "Every capability that the target or the device file declares is there, and, if the list is meant to be complete, nothing else is.",
			Why:    "Rules are chosen by what is claimed: a capability that is claimed and missing, or there and not claimed, is never checked.",
			Remedy: "Mend the list of capabilities, or the driver; `iostreamctl info` shows what the driver offers.",
			Check:  checkDeclared,
		},
		{
			ID: "DESC-03", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: describes,
			Title:  "Everyone gets the same description",
			What:   "Two clients, and an observer where there are observers, get the same description, before and after the stream is opened and started.",
			Why:    "A tool would show another stream than the one that a client gets.",
			Remedy: "Make the description from the driver, not from the session; the format, the direction and the buffers may change it, and then the generation grows.",
			Check:  checkSameDescription,
		},
		{
			ID: "DESC-04", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: describes,
			Timeout: 20 * time.Second,
			Title:   "The bitmap of selectors tells the truth",
			What: "Of the selectors 0x000 to 0x1ff, those whose bit is clear are refused as kIOReturnUnsupported or kIOReturnBadArgument, and Apple's " +
				"(0 to 7), describe and select have theirs set.",
			Why:    "A client decides by the bitmap what it calls; one that is answered but not listed is never used, and an accident if it is.",
			Remedy: "Make the bitmap from the same table that dispatches the selectors.",
			Check:  checkSelectorBitmap,
		},
		{
			ID: "DESC-05", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: describes,
			Title:  "Features that are not offered can't be selected",
			What:   "Select with a feature bit that the description does not offer is refused as kIOReturnUnsupported, and the session can select again and go on.",
			Why:    "The client would take words for what they are not: an entry's number where the driver writes none.",
			Remedy: "Refuse in select every bit that is not in Offered, also those that the driver does not know.",
			Check:  checkSelectUnoffered,
		},
		{
			ID: "DESC-06", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: describes,
			Title:  "A layout that is not offered can't be selected",
			What:   "Select with a queue layout that the description does not offer, or that does not exist, is refused as kIOReturnUnsupported.",
			Why:    "Both sides would read the queues' memory differently.",
			Remedy: "Check the layout in select, as a whole 64-bit word, before it is used as the number of a bit.",
			Check:  checkSelectLayout,
		},
		{
			ID: "DESC-07", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: describes,
			Title:  "Required features can't be left out",
			What:   "Select without a feature that the description requires is refused as kIOReturnUnsupported.",
			Why:    "A client that does not know the feature would read entries or control regions wrongly.",
			Remedy: "Refuse in select when a bit of Required is missing.",
			Check:  checkSelectRequired,
		},
		{
			ID: "DESC-08", Profile: Core, Level: Must, Origin: Both, Since: "0.1.0", Needs: describes,
			Title: "Every feature can be selected alone, with all others, or not at all",
			What: "Select grants no feature that was not asked for; in the native layout it grants every one that was; and whatever was selected, the " +
				"stream opens, starts and posts. The last select before open counts.",
			Why:    "Clients of different ages know different features, and each of them must get a stream that works.",
			Remedy: "Look for what the driver does whether or not a feature was selected.",
			Check:  checkEachFeature,
		},
		{
			ID: "DESC-09", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapDescribe, CapRestart},
			Title:  "A driver that was started anew has another instance number",
			What:   "The instance of the description differs after the driver was started anew.",
			Why:    "A client that reconnects could not tell that numbers and times have begun again.",
			Remedy: "Make the instance from the time of the start, or at random.",
			Check:  checkInstance,
		},
	}
}

func checkDescription(t *T) {
	l := t.link()
	b, err := l.bytes(userclient.SelDescribe)
	l.must("describe the stream", err)
	var d userclient.Description
	if err := d.UnmarshalBinary(b); err != nil {
		t.Fatalf("the description of %d bytes can't be decoded: %v", len(b), err)
	}
	_, _, _, nameErr := userclient.ParseName(d.Name)
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{nameErr != nil, fmt.Sprintf("the name is %q: %v", d.Name, nameErr)},
		{d.ABIMin.Major > d.ABIMax.Major || d.ABIMin.Major == d.ABIMax.Major && d.ABIMin.Minor > d.ABIMax.Minor,
			fmt.Sprintf("the ABI range goes from %s down to %s", version(d.ABIMin), version(d.ABIMax))},
		{d.ABIMin.Major > userclient.ABIMajor || d.ABIMax.Major < userclient.ABIMajor,
			fmt.Sprintf("the ABI range %s to %s has no version of major %d, which the suite speaks", version(d.ABIMin), version(d.ABIMax), userclient.ABIMajor)},
		{!d.Mode.Valid() || d.Modes&(1<<d.Mode) == 0, fmt.Sprintf("the direction is %d, and those offered have the bits %#b", d.Mode, d.Modes)},
		{d.Layouts == 0 || d.Layouts&^3 != 0, fmt.Sprintf("the layouts offered have the bits %#b; 1 is native, 2 is classic", d.Layouts)},
		{d.Buffers.Count == 0 || d.Buffers.Count > userclient.MaxBuffers,
			fmt.Sprintf("there are %d buffers; there must be 1 to %d", d.Buffers.Count, userclient.MaxBuffers)},
		{d.Buffers.DataSize == 0, "the buffers have no data"},
		{bits.OnesCount32(d.Buffers.Alignment) != 1, fmt.Sprintf("the alignment of buffers is %d, no power of two", d.Buffers.Alignment)},
		{d.RingCount < d.Buffers.Count || d.RingCount > queue.MaxCount,
			fmt.Sprintf("the number of entries of a ring is %d, and there are %d buffers; a ring must hold them all", d.RingCount, d.Buffers.Count)},
		{d.Policy > userclient.PolicyDriver, fmt.Sprintf("the overrun policy is %d, which does not exist", d.Policy)},
		{d.Policy == userclient.PolicyDropOldest && d.Backlog == 0, "the policy is drop-oldest, but nothing may be posted ahead of the client: backlog is 0"},
		{d.MaxClients == 0, "no client is served: the largest number of clients is 0"},
		{d.Required&^d.Offered != 0, fmt.Sprintf("what is required but not offered is %s", featureText(d.Required&^d.Offered))},
	} {
		if c.wrong {
			t.Errorf("in the description, %s", c.text)
		}
	}
}

func checkDeclared(t *T) {
	declared, probed := t.s.declared, t.s.probed
	var missing, extra []string
	for _, c := range declared.list() {
		if !told(c) && !probed[c] {
			missing = append(missing, string(c))
		}
	}
	for _, c := range probed.list() {
		if !told(c) && !declared[c] {
			extra = append(extra, string(c))
		}
	}
	if len(missing) > 0 {
		t.Errorf("declared, but not shown by the driver's description: %s", strings.Join(missing, ", "))
	}
	if len(extra) > 0 && declaresSeen(declared) {
		t.Errorf("shown by the driver's description, but not declared: %s; declare them, or nothing that the description shows", strings.Join(extra, ", "))
	}
}

// sameDescription says how two descriptions differ, or nothing.
func sameDescription(a, b *userclient.Description) string {
	x, err := a.AppendBinary(nil)
	y, err2 := b.AppendBinary(nil)
	switch {
	case err != nil || err2 != nil:
		return fmt.Sprintf("one can't be encoded: %v, %v", err, err2)
	case slices.Equal(x, y):
		return ""
	case a.Instance != b.Instance:
		return fmt.Sprintf("instance %#x and %#x", a.Instance, b.Instance)
	case a.Name != b.Name:
		return fmt.Sprintf("name %q and %q", a.Name, b.Name)
	case a.Generation != b.Generation:
		return fmt.Sprintf("generation %d and %d, although nothing was changed", a.Generation, b.Generation)
	}
	return fmt.Sprintf("%+v and %+v", *a, *b)
}

func checkSameDescription(t *T) {
	l := t.link()
	first, err := l.describe()
	l.must("describe the stream", err)
	compare := func(who string, c *link) {
		d, err := c.describe()
		if err != nil {
			t.Errorf("describe by %s was answered with %s", who, answer(err))
			return
		}
		if diff := sameDescription(&first, &d); diff != "" {
			t.Errorf("%s gets another description than a client that has just connected: %s", who, diff)
		}
	}
	compare("a second client", t.link())
	if t.Claims(CapObserve) {
		compare("an observer", t.observer())
	}
	l.mustChoose()
	l.mustOpen()
	compare("the client that has opened the stream", l)
	l.mustStart()
	compare("the client that has started the stream", l)
	compare("a second client, while the stream runs", t.link())
}

func checkSelectorBitmap(t *T) {
	d := t.Describe()
	listed := func(sel uint32) bool { return d.Selectors[sel/64]&(1<<(sel%64)) != 0 }
	must := []uint32{userclient.SelDescribe, userclient.SelSelect}
	for sel := range uint32(8) {
		must = append(must, sel)
	}
	for _, sel := range must {
		if !listed(sel) {
			t.Errorf("the bit of selector %#x is clear; every driver that describes itself answers it", sel)
		}
	}
	l := t.link()
	l.reach(userclient.StateOpen)
	for sel := range uint32(64 * len(d.Selectors)) {
		if listed(sel) {
			continue
		}
		err := l.do(&userclient.Args{Selector: sel})
		switch c := ioreturn.Of(err); {
		case err == nil:
			t.Errorf("the bit of selector %#x is clear, but the driver answers it with success; it must refuse it as unsupported", sel)
		case c != ioreturn.Unsupported && c != ioreturn.BadArgument:
			t.Errorf("selector %#x, whose bit is clear, was answered with %s; it must be refused as unsupported", sel, answer(err))
		}
	}
}

// selected asks for features and a layout, and returns what was granted.
func (l *link) selected(features, layout uint64) (granted uint64, err error) {
	w, err := l.words(userclient.SelSelect, features, layout)
	if err != nil {
		return 0, err
	}
	if len(w) != 1 {
		return 0, fmt.Errorf("select answered %d words; it must answer one, the features granted", len(w))
	}
	return w[0], nil
}

func checkSelectUnoffered(t *T) {
	d := t.Describe()
	l := t.link()
	for bit := range 64 {
		f := uint64(1) << bit
		if d.Offered&f != 0 {
			continue
		}
		_, err := l.selected(d.Required|f, uint64(t.layout()))
		l.refused(fmt.Sprintf("select with %s, which is not offered,", featureText(f)), err, ioreturn.Unsupported)
	}
	_, err := l.selected(d.Offered&userclient.KnownFeatures|d.Required, uint64(t.layout()))
	if l.accepted("select with features that are offered, after others were refused,", err) {
		l.accepted("open after it", l.open())
	}
}

func checkSelectLayout(t *T) {
	d := t.Describe()
	l := t.link()
	offered := d.Offered & userclient.KnownFeatures
	for _, layout := range []uint64{0, 1, 2, 31, 32, 33, 64, 0xffffffff, 1 << 32, 1<<32 | uint64(t.layout())} {
		if layout < 32 && d.Layouts&(1<<layout) != 0 {
			continue
		}
		_, err := l.selected(offered, layout)
		l.refused(fmt.Sprintf("select with layout %#x, which is not offered,", layout), err, ioreturn.Unsupported)
	}
}

func checkSelectRequired(t *T) {
	d := t.Describe()
	if d.Required == 0 {
		t.inapplicable("the driver requires no feature")
	}
	l := t.link()
	for bit := range 64 {
		f := uint64(1) << bit
		if d.Required&f == 0 {
			continue
		}
		_, err := l.selected(d.Offered&^f, uint64(t.layout()))
		l.refused(fmt.Sprintf("select without %s, which is required,", featureText(f)), err, ioreturn.Unsupported)
	}
}

func checkEachFeature(t *T) {
	d := t.Describe()
	known := d.Offered & userclient.KnownFeatures
	choices := []uint64{d.Required, known | d.Required}
	for rest := known &^ d.Required; rest != 0; rest &= rest - 1 {
		choices = append(choices, d.Required|rest&-rest)
	}
	slices.Sort(choices)
	for _, want := range slices.Compact(choices) {
		t.tryFeatures(want, t.layout())
	}
	if t.layout() == userclient.LayoutNative && t.Claims(CapClassic) {
		t.tryFeatures(known|d.Required, userclient.LayoutClassic)
	}
}

// tryFeatures selects features and sees whether the stream works with them.
func (t *T) tryFeatures(want uint64, layout userclient.Layout) {
	d := t.Describe()
	what := fmt.Sprintf("select of %s in the %v layout", featureText(want), layout)
	l := t.link()
	_, err := l.selected(d.Offered&userclient.KnownFeatures|d.Required, uint64(layout))
	l.must("select every feature", err) // which the next select replaces
	got, err := l.selected(want, uint64(layout))
	switch {
	case err != nil:
		t.Errorf("%s was answered with %s; it must succeed", what, answer(err))
		return
	case got&^want != 0:
		t.Errorf("%s granted %s, which is more than was asked for", what, featureText(got))
	case layout == userclient.LayoutNative && got != want:
		t.Errorf("%s granted only %s", what, featureText(got))
	}
	if !l.accepted("open after "+what, l.open()) {
		return
	}
	r := l.mustMap(layout)
	r.mustStart()
	e, ok := r.expect("after " + what)
	if ok && got&userclient.FeatureSequence == 0 && (e.Seq != 0 || e.Stamp != 0) {
		t.Errorf("%s did not grant sequence numbers, but the first entry has number %d and stamp %#x; both must be 0", what, e.Seq, e.Stamp)
	}
	r.must("hang up", r.Close())
}

func checkInstance(t *T) {
	before := t.Describe().Instance
	ctx, cancel := t.Within(connectBound + answerBound)
	defer cancel()
	if err := t.Target().(Restarter).Restart(ctx); err != nil {
		t.abortf("could not start the driver anew: %v", err)
	}
	d, err := t.link().describe()
	if err != nil {
		t.abortf("could not describe the driver that was started anew: %v", err)
	}
	if d.Instance == before {
		t.Errorf("the instance is %#x before and after the driver was started anew; it must differ", d.Instance)
	}
}
