// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"reflect"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// formatRules are about what the bytes of a stream mean (C43).
func formatRules() []Rule {
	set := []Capability{CapFormat, CapSetFormat}
	rules := []Rule{
		{
			ID: "FMT-01", Needs: []Capability{CapFormat}, Origin: Both,
			Title:  "The format can be read in every state",
			What:   "Get format (selector 0x106) answers the same record whether the stream is closed, open, running or suspended.",
			Why:    "Clients choose a stream by its format before they open it, and check it while they read.",
			Remedy: "Answer from what the driver knows, in every state and without asking the device.",
			Check:  checkFormatReadable,
		},
		{
			ID: "FMT-02", Needs: []Capability{CapFormat, CapDescribe}, Origin: HostLibrary,
			Title:  "The description has the format that get format answers",
			What:   "The format in the description is the one that get format answers, epoch included.",
			Why:    "Lists of streams show the description, programs ask for the format; both must be of the same stream.",
			Remedy: "Build both from one place.",
			Check:  checkFormatDescribed,
		},
		{
			ID: "FMT-03", Needs: []Capability{CapFormat, CapObserve}, Origin: HostLibrary,
			Title:  "Observers can read the format",
			What:   "A session that only observes gets the format while another client runs the stream.",
			Why:    "Monitors and recorders beside the main client have to know what they see.",
			Remedy: "Allow selector 0x106 to observers.",
			Check:  checkFormatObserved,
		},
		{
			ID: "FMT-04", Needs: set, Origin: HostLibrary,
			Title:  "The format does not change while the stream runs or is suspended",
			What:   "Set format is refused while the stream is running or suspended, and the format is the same afterwards.",
			Why:    "Entries on the queue would change their meaning under the client.",
			Remedy: "Ask the state table before set format; a driver that wants to change the format by itself stops the stream first.",
			Check:  checkFormatFixed,
		},
		{
			ID: "FMT-05", Needs: set, Origin: Both,
			Title:  "A format that was set is the format",
			What:   "When set format succeeds on an open stream, its answer is the format that the driver took, and get format answers the same from then on; when it is refused, the format is as before.",
			Why:    "The client reads the bytes as the answer says. If the stream has another format, every pixel and sample is wrong.",
			Remedy: "Answer the format as it was stored, after the device has taken it, and store nothing when it has not.",
			Check:  checkFormatRoundTrip,
		},
		{
			ID: "FMT-06", Needs: set, Origin: HostLibrary,
			Title:  "Each change of the format has a new epoch",
			What:   "When set format changes the format, its epoch grows.",
			Why:    "Entries from before and after a change are told apart by the epoch only.",
			Remedy: "Add one to the epoch whenever a format is stored that differs.",
			Check:  checkEpochGrows,
		},
		{
			ID: "FMT-07", Needs: []Capability{CapFormat}, Origin: HostLibrary,
			Title:  "The epoch of the format grows with changes only",
			What:   "Open, start, suspend, stop and close leave the format and its epoch as they are.",
			Why:    "A client that sees a new epoch throws away what it has set up, and with it frames.",
			Remedy: "Touch the epoch only where the format is stored.",
			Check:  checkFormatStays,
		},
		{
			ID: "FMT-08", Needs: append([]Capability{CapEvents}, set...), Origin: HostLibrary,
			Title:  "A change of the format is told to every session",
			What:   "When set format changes the format, the client and every other session get the event format-changed with the new epoch.",
			Why:    "Whoever reads along would go on with the old format.",
			Remedy: "Emit the event after the format was stored, to all sessions.",
			Check:  checkFormatEvent,
		},
		{
			ID: "FMT-09", Needs: append([]Capability{CapDescribe}, set...), Origin: HostLibrary,
			Title:  "A change of the format makes a new generation",
			What:   "When set format changes the format, the generation in the description grows.",
			Why:    "Programs that keep descriptions look at the generation to see whether they are still right.",
			Remedy: "Add one to the generation whenever format or buffers change.",
			Check:  checkGeneration,
		},
		{
			ID: "FMT-10", Needs: set, Origin: HostLibrary, Attack: true,
			Title:  "A malformed format is refused",
			What:   "Set format with bytes that are no format record (none, cut off, too long, random) is refused, and the format is the same afterwards.",
			Why:    "The bytes come from another program. A driver that takes them as they are sets the device to anything, or reads beyond its memory.",
			Remedy: "Check the record's length and each field's before any is used; refuse the whole with kIOReturnBadArgument.",
			Check:  checkMalformedFormat,
		},
		{
			ID: "FMT-11", Needs: []Capability{CapFormat, CapMetadata, CapSequence, CapNative}, Origin: HostLibrary,
			Title:  "Entries tell the epoch of their format",
			What:   "The format epoch in the header of a control region is that of the format that get format answers.",
			Why:    "A recording is decoded by it when the stream is long gone.",
			Remedy: "Write the epoch that was valid when the stream was started into each header.",
			Check:  checkHeaderEpoch,
		},
	}
	for i := range rules {
		r := &rules[i]
		r.Profile, r.Level, r.Since = Core, Must, "0.1.0"
	}
	return rules
}

// format asks for the format.
func (l *link) format() (f userclient.Format, err error) {
	b, err := l.bytes(userclient.SelGetFormat)
	if err == nil {
		err = f.UnmarshalBinary(b)
	}
	return f, err
}

func (l *link) mustFormat() userclient.Format {
	f, err := l.format()
	l.must("get the format", err)
	return f
}

// setFormat asks for a format and returns the driver's answer, or what get format
// answers then if there is none.
func (l *link) setFormat(f userclient.Format) (got userclient.Format, err error) {
	b, err := f.AppendBinary(nil)
	if err != nil {
		return got, err
	}
	a := userclient.Args{Selector: userclient.SelSetFormat, InBytes: b, OutBytes: make([]byte, userclient.MaxInline)}
	if err := l.do(&a); err != nil {
		return got, err
	}
	if a.NOutBytes == 0 {
		return l.mustFormat(), nil
	}
	if err := got.UnmarshalBinary(a.OutBytes[:a.NOutBytes]); err != nil {
		l.t.Fatalf("set format succeeded, but its answer is no format: %v", err)
	}
	return got, nil
}

// formatText says what is set in a format.
func formatText(f userclient.Format) string {
	text := fmt.Sprintf("kind %d, code %#x, epoch %d", f.Kind, f.Code, f.Epoch)
	for _, field := range []struct {
		name  string
		value uint32
	}{
		{"width", f.Width}, {"height", f.Height}, {"stride", f.Stride}, {"rate", f.RateNum}, {"per", f.RateDen},
		{"channels", f.Channels}, {"bits", f.BitsPerSample}, {"bytes of the vendor's", uint32(len(f.Extra))},
	} {
		if field.value > 0 {
			text += fmt.Sprintf(", %s %d", field.name, field.value)
		}
	}
	return "{" + text + "}"
}

// others returns formats that differ a little from f, in the hope that the driver takes one.
func others(f userclient.Format) []userclient.Format {
	rate, rateBack, code := f, f, f
	rate.RateNum, rate.RateDen = f.RateNum+1, max(f.RateDen, 1)
	rateBack.RateNum, rateBack.RateDen = max(f.RateNum, 1)*2, max(f.RateDen, 1)
	code.Code++
	return []userclient.Format{f, rate, rateBack, code}
}

// differ reports whether two formats differ in more than the epoch.
func differ(a, b userclient.Format) bool {
	a.Epoch, b.Epoch = 0, 0
	return !reflect.DeepEqual(a, b)
}

// setting tries formats on an open stream: each is told with the format before it and
// what the driver answered. The first format is set again at the end.
func (t *T) setting(look func(l *link, before, answered userclient.Format, err error)) {
	l := t.link()
	l.mustChoose()
	l.mustOpen()
	first := l.mustFormat()
	t.Cleanup(func() string {
		_ = l.call(userclient.SelClose)
		return ""
	})
	for _, f := range others(first) {
		before := l.mustFormat()
		got, err := l.setFormat(f)
		look(l, before, got, err)
	}
	if _, err := l.setFormat(first); err != nil && differ(l.mustFormat(), first) {
		t.Logf("the driver took another format and now refuses the first one: %v", err)
	}
}

// changing is setting that looks only at what changed the format, and says so if nothing did.
func (t *T) changing(look func(l *link, before, after userclient.Format)) {
	changed := false
	t.setting(func(l *link, before, answered userclient.Format, err error) {
		if err == nil && differ(before, answered) {
			changed = true
			look(l, before, answered)
		}
	})
	if !changed {
		t.inapplicable("the driver takes none of the formats that were tried")
	}
}
