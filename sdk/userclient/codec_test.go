// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"pgregory.net/rapid"
)

// recordType is what every record has in both directions.
type recordType interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

var (
	_ recordType = (*Description)(nil)
	_ recordType = (*Format)(nil)
	_ recordType = (*Stats)(nil)
	_ recordType = (*Observation)(nil)
	_ recordType = (*MetadataHeader)(nil)
)

// goodDescription is a small description that encodes.
func goodDescription() Description { return Description{Name: "acme/cam0/video"} }

// roundTrip encodes in behind a prefix, which must stay, decodes it into out, and
// compares.
func roundTrip(t *rapid.T, in encoding.BinaryAppender, out encoding.BinaryUnmarshaler, want any) {
	b, err := in.AppendBinary([]byte("head"))
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	if !bytes.HasPrefix(b, []byte("head")) {
		t.Fatalf("the bytes before the record changed")
	}
	if err := out.UnmarshalBinary(b[4:]); err != nil {
		t.Fatalf("decode: %v", err)
	}
	if got := reflect.ValueOf(out).Elem().Interface(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	t.Run("description", rapid.MakeCheck(func(t *rapid.T) {
		d := genDescription().Draw(t, "d")
		roundTrip(t, d, &Description{Name: "old/old/old"}, d)
	}))
	t.Run("format", rapid.MakeCheck(func(t *rapid.T) {
		f := genFormat().Draw(t, "f")
		roundTrip(t, f, &Format{Extra: []byte("old")}, f)
	}))
	t.Run("stats", rapid.MakeCheck(func(t *rapid.T) {
		s := genStats().Draw(t, "s")
		roundTrip(t, s, &Stats{Log: make([]LossRecord, 3)}, s)
	}))
	t.Run("observation", rapid.MakeCheck(func(t *rapid.T) {
		o := Observation{
			State: State(rapid.Uint32().Draw(t, "state")), OwnerPID: int(rapid.Int32().Draw(t, "pid")),
			OwnerUID: int(rapid.Int32().Draw(t, "uid")), Owner: genText(MaxText).Draw(t, "owner"),
			Opened: rapid.Int64().Draw(t, "opened"), Stats: genStats().Draw(t, "stats"),
		}
		roundTrip(t, o, &Observation{}, o)
	}))
	t.Run("metadata", rapid.MakeCheck(func(t *rapid.T) {
		v := rapid.Uint64()
		h := MetadataHeader{rapid.Uint32().Draw(t, "flags"), rapid.Uint32().Draw(t, "epoch"), v.Draw(t, "time"), v.Draw(t, "trigger"), v.Draw(t, "seq")}
		roundTrip(t, h, &MetadataHeader{}, h)
	}))
}

func TestListsRoundTrip(t *testing.T) {
	t.Run("regions", rapid.MakeCheck(func(t *rapid.T) {
		var in []Region
		for range rapid.IntRange(0, 20).Draw(t, "rows") {
			u, v := rapid.Uint32(), rapid.Uint64()
			in = append(in, Region{u.Draw(t, "type"), u.Draw(t, "count"), u.Draw(t, "arena"), v.Draw(t, "offset"), v.Draw(t, "length"), v.Draw(t, "stride")})
		}
		b, err := AppendRegions(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := ParseRegions(b); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("got %v, %v, want %v", out, err, in)
		}
	}))
	t.Run("events", rapid.MakeCheck(func(t *rapid.T) {
		var in []Event
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			in = append(in, Event{
				Kind: EventKind(rapid.Uint32().Draw(t, "kind")), Time: rapid.Int64().Draw(t, "time"),
				Value: rapid.Uint64().Draw(t, "value"), Text: genText(MaxText).Draw(t, "text"),
			})
		}
		b, err := AppendEvents(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := ParseEvents(b); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("got %v, %v, want %v", out, err, in)
		}
		if n := FitEvents(in, len(b)); n != len(in) {
			t.Fatalf("%d of %d events fit into their own record", n, len(in))
		}
		if len(in) > 0 && FitEvents(in, len(b)-1) != len(in)-1 {
			t.Fatalf("one byte less does not cost exactly one event")
		}
	}))
}

func TestFullRecordsFitInline(t *testing.T) {
	d := goodDescription()
	d.Format.Extra = make([]byte, MaxFormatExtra)
	d.Driver, d.DriverVersion = strings.Repeat("d", MaxText), strings.Repeat("v", MaxText)
	d.Properties = map[string]string{}
	for i := range MaxProperties {
		d.Properties[strings.Repeat("k", MaxText-2)+string([]byte{byte('A' + i/26), byte('A' + i%26)})] = strings.Repeat("v", MaxText)
	}
	b, err := d.AppendBinary(nil)
	if err != nil || len(b) > MaxInline {
		t.Errorf("largest description: %d bytes, %v", len(b), err)
	}
	if b, err = AppendRegions(nil, make([]Region, MaxRegions)); err != nil || len(b) > MaxInline {
		t.Errorf("largest memory map: %d bytes, %v", len(b), err)
	}
	if b, err = (Stats{Log: make([]LossRecord, MaxLossLog)}).AppendBinary(nil); err != nil || len(b) > MaxInline {
		t.Errorf("largest stats: %d bytes, %v", len(b), err)
	}
}

func TestEncodersRefuse(t *testing.T) {
	name := func(change func(*Description)) func() ([]byte, error) {
		return func() ([]byte, error) {
			d := goodDescription()
			change(&d)
			return d.AppendBinary([]byte("kept"))
		}
	}
	many := map[string]string{}
	for i := range MaxProperties + 1 {
		many[string([]byte{byte('A' + i/26), byte('A' + i%26)})] = ""
	}
	for _, tc := range []struct {
		name string
		do   func() ([]byte, error)
	}{
		{"bad name", name(func(d *Description) { d.Name = "acme/cam0" })},
		{"long driver", name(func(d *Description) { d.Driver = strings.Repeat("x", MaxText+1) })},
		{"control character", name(func(d *Description) { d.Driver = "\x1b[2J" })},
		{"not UTF-8", name(func(d *Description) { d.DriverVersion = "\xff" })},
		{"too many properties", name(func(d *Description) { d.Properties = many })},
		{"nameless property", name(func(d *Description) { d.Properties = map[string]string{"": "x"} })},
		{"long property", name(func(d *Description) { d.Properties = map[string]string{"x": strings.Repeat("x", 256)} })},
		{"long property name", name(func(d *Description) { d.Properties = map[string]string{strings.Repeat("x", 256): "x"} })},
		{"versions reversed", name(func(d *Description) { d.ABIMin = Version{0, 1} })},
		{"mode", name(func(d *Description) { d.Mode = 3 })},
		{"buffers", name(func(d *Description) { d.Buffers.Count = MaxBuffers + 1 })},
		{"alignment", name(func(d *Description) { d.Buffers.Alignment = 48 })},
		{"format extra", name(func(d *Description) { d.Format.Extra = make([]byte, MaxFormatExtra+1) })},
		{"extra", func() ([]byte, error) {
			return Format{Extra: make([]byte, MaxFormatExtra+1)}.AppendBinary([]byte("kept"))
		}},
		{"loss log", func() ([]byte, error) {
			return Stats{Log: make([]LossRecord, MaxLossLog+1)}.AppendBinary([]byte("kept"))
		}},
		{"owner", func() ([]byte, error) { return Observation{Owner: "a\nb"}.AppendBinary([]byte("kept")) }},
		{"regions", func() ([]byte, error) { return AppendRegions([]byte("kept"), make([]Region, MaxRegions+1)) }},
		{"events", func() ([]byte, error) { return AppendEvents([]byte("kept"), make([]Event, MaxEvents+1)) }},
		{"event text", func() ([]byte, error) { return AppendEvents([]byte("kept"), []Event{{Text: "a\tb"}}) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if b, err := tc.do(); !errors.Is(err, ioreturn.ErrInvalid) || string(b) != "kept" {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
}

// raw builds a record by hand.
type raw []byte

func (r raw) field(tag Tag, flags uint16, value string) raw {
	r = binary.LittleEndian.AppendUint16(r, tag)
	r = binary.LittleEndian.AppendUint16(r, flags)
	r = binary.LittleEndian.AppendUint32(r, uint32(len(value)))
	return append(r, value...)
}

func (r raw) done() []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(RecordHeaderSize+len(r))), r...)
}

func named() raw { return raw{}.field(TagDescName, 0, "acme/cam0/video") }

func TestC16DescribeIsExtensible(t *testing.T) {
	b := named().field(999, 0, "from the future").field(TagDescIndex, 1<<15|FieldMust, "\x07\x00\x00\x00").done()
	var d Description
	if err := d.UnmarshalBinary(b); err != nil || d.Index != 7 || d.Name != "acme/cam0/video" {
		t.Errorf("unknown field: %+v, %v", d, err)
	}
	if d.Modes != 0 || d.Format.Kind != FormatRaw || d.Properties != nil {
		t.Errorf("missing fields are not zero: %+v", d)
	}
	o := Observation{}
	if err := o.UnmarshalBinary(raw{}.done()); err != nil || o.OwnerPID != -1 || o.OwnerUID != -1 {
		t.Errorf("an observation without owner: %+v, %v", o, err)
	}
}

func TestDecodersRefuse(t *testing.T) {
	describe := func(b []byte) error { return new(Description).UnmarshalBinary(b) }
	events := func(b []byte) error { _, err := ParseEvents(b); return err }
	repeat := func(n int, tag Tag, value string) []byte {
		var r raw
		for range n {
			r = r.field(tag, 0, value)
		}
		return r.done()
	}
	u32 := func(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }
	for _, tc := range []struct {
		name  string
		parse func([]byte) error
		give  []byte
		say   string // a part of the error
	}{
		{"empty", describe, nil, "too short"},
		{"three bytes", describe, []byte{3, 0, 0}, "too short"},
		{"truncated", describe, named().done()[:12], "bytes, but 12 are there"},
		{"overlong", describe, append(named().done(), 0), "are there"},
		{"rest of a field", describe, append(named(), 1, 2, 3).done(), "too few for a field"},
		{"length past the end", describe, append(named(), 9, 0, 0, 0, 0xff, 0xff, 0xff, 0xff).done(), "only 0 are left"},
		{"twice", describe, named().field(TagDescName, 0, "a/b/c").done(), "name (field 2) comes more than 1 times"},
		{"must understand", describe, named().field(4711, FieldMust, "").done(), "field 4711 is unknown"},
		{"no name", describe, raw{}.done(), "1 part,"},
		{"bad name", describe, raw{}.field(TagDescName, 0, "../../etc").done(), "vendor"},
		{"short word", describe, named().field(TagDescIndex, 0, "abc").done(), "index (field 3): 3 bytes instead of 4"},
		{"long word", describe, named().field(TagDescInstance, 0, "123456789").done(), "9 bytes instead of 8"},
		{"clock", describe, named().field(TagDescClock, 0, "1").done(), "instead of 32"},
		{"versions", describe, named().field(TagDescABI, 0, "1").done(), "instead of 8"},
		{"selectors", describe, named().field(TagDescSelectors, 0, "1").done(), "instead of 64"},
		{"versions reversed", describe, named().field(TagDescABI, 0, "\x02\x00\x00\x00\x01\x00\x09\x00").done(), "above the highest"},
		{"mode", describe, named().field(TagDescMode, 0, u32(9)).done(), "mode 9"},
		{"buffers", describe, named().field(TagDescBuffers, 0, u32(1<<20)+strings.Repeat("\x00", 20)).done(), "1048576 buffers"},
		{"driver text", describe, named().field(TagDescDriver, 0, strings.Repeat("x", 256)).done(), "256 bytes"},
		{"escape", describe, named().field(TagDescDriver, 0, "\x1b]0;x\x07").done(), "control character"},
		{"property twice", describe, named().field(TagDescProperty, 0, "\x01ab").field(TagDescProperty, 0, "\x01ac").done(), "a comes twice"},
		{"property cut", describe, named().field(TagDescProperty, 0, "\x05ab").done(), "only 2 are there"},
		{"property empty", describe, named().field(TagDescProperty, 0, "").done(), "without a name"},
		{"property nameless", describe, named().field(TagDescProperty, 0, "\x00x").done(), "without a name"},
		{"property value", describe, named().field(TagDescProperty, 0, "\x01a"+strings.Repeat("x", 256)).done(), "256 bytes"},
		{"nested record", describe, named().field(TagDescFormat, 0, "\x05\x00\x00\x00").done(), "format (field 24)"},
		{"format extra", func(b []byte) error { return new(Format).UnmarshalBinary(b) },
			raw{}.field(TagFormatExtra, 0, strings.Repeat("x", MaxFormatExtra+1)).done(), "4097 bytes"},
		{"loss log", func(b []byte) error { return new(Stats).UnmarshalBinary(b) },
			repeat(MaxLossLog+1, TagStatsLoss, strings.Repeat("\x00", lossSize)), "more than 64 times"},
		{"loss record", func(b []byte) error { return new(Stats).UnmarshalBinary(b) }, repeat(1, TagStatsLoss, "x"), "instead of 40"},
		{"owner", func(b []byte) error { return new(Observation).UnmarshalBinary(b) }, repeat(1, TagObsOwner, "\r"), "control"},
		{"regions", func(b []byte) error { _, err := ParseRegions(b); return err },
			repeat(MaxRegions+1, TagRegion, strings.Repeat("\x00", regionSize)), "more than 1024 times"},
		{"region", func(b []byte) error { _, err := ParseRegions(b); return err }, repeat(1, TagRegion, "x"), "instead of 40"},
		{"events", events, repeat(MaxEvents+1, TagEvent, strings.Repeat("\x00", eventSize)), "more than 256 times"},
		{"event", events, repeat(1, TagEvent, "x"), "at least 24"},
		{"event text", events, repeat(1, TagEvent, strings.Repeat("\x00", eventSize)+"\x07"), "control"},
		{"metadata", func(b []byte) error { return new(MetadataHeader).UnmarshalBinary(b) }, make([]byte, 63), "63 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.parse(tc.give)
			var rule *ioreturn.RuleError
			if !errors.As(err, &rule) || rule.Rule != ioreturn.RuleDescribe || !strings.Contains(err.Error(), tc.say) {
				t.Errorf("got %v, want a breach of RuleDescribe with %q", err, tc.say)
			}
		})
	}
}

func TestDecodersLeaveTheTargetOnError(t *testing.T) {
	d := goodDescription()
	if err := d.UnmarshalBinary([]byte("nonsense")); err == nil || d.Name != "acme/cam0/video" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestDecodersKeepNothing(t *testing.T) {
	b, err := Format{Extra: []byte("vendor")}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var f Format
	if err := f.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	clear(b)
	if string(f.Extra) != "vendor" {
		t.Errorf("Extra is %q after the record was overwritten", f.Extra)
	}
}

func TestC44MetadataInPlace(t *testing.T) {
	control := bytes.Repeat([]byte{0xee}, 128)
	h := MetadataHeader{Flags: 1, FormatEpoch: 2, DeviceTime: 3, TriggerID: 4, Sequence: 5}
	var back MetadataHeader
	allocs := testing.AllocsPerRun(100, func() {
		_, _ = h.AppendBinary(control[:0])
		_ = back.UnmarshalBinary(control)
	})
	if back != h || allocs != 0 {
		t.Errorf("got %+v with %v allocations", back, allocs)
	}
	if !bytes.Equal(control[32:64], make([]byte, 32)) || control[64] != 0xee {
		t.Errorf("reserved bytes: % x", control[32:65])
	}
}

func TestCleanText(t *testing.T) {
	for give, want := range map[string]string{
		"plain": "plain", "a\nb\x1b": "a b ", "\xff": "?", "é": "é",
		strings.Repeat("x", 300):       strings.Repeat("x", MaxText),
		strings.Repeat("x", 254) + "é": strings.Repeat("x", 254),
	} {
		if got := CleanText(give); got != want || record.CheckText(got) != nil {
			t.Errorf("CleanText(%q) = %q, want %q", give, got, want)
		}
	}
}

func TestTagsAreUnique(t *testing.T) {
	tags := func(what string, n int, at func(int) Tag) {
		seen := map[Tag]bool{}
		for i := range n {
			if tag := at(i); tag == 0 || seen[tag] {
				t.Errorf("%s: tag %d is zero or comes twice", what, tag)
			}
			seen[at(i)] = true
		}
		if n > record.MaxRows {
			t.Errorf("%s has %d rows, record.Parse counts %d", what, n, record.MaxRows)
		}
	}
	tags("description", len(descriptionFields), func(i int) Tag { return descriptionFields[i].Tag })
	tags("format", len(formatFields), func(i int) Tag { return formatFields[i].Tag })
	tags("stats", len(statsFields), func(i int) Tag { return statsFields[i].Tag })
	tags("observation", len(observationFields), func(i int) Tag { return observationFields[i].Tag })
}
