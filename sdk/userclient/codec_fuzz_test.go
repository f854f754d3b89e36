// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"errors"
	"reflect"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// fuzzRecord checks a decoder: it never panics, every error is a breach of
// RuleDescribe, and what it accepts survives a round trip.
func fuzzRecord[T any, P interface {
	*T
	recordType
}](f *testing.F, seeds ...T) {
	for i := range seeds {
		b, err := P(&seeds[i]).AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, again T
		if err := P(&v).UnmarshalBinary(b); err != nil {
			wantRule(t, err)
			return
		}
		out, err := P(&v).AppendBinary(nil)
		if err != nil {
			t.Fatalf("accepted %+v, which does not encode: %v", v, err)
		}
		if err := P(&again).UnmarshalBinary(out); err != nil || !reflect.DeepEqual(v, again) {
			t.Fatalf("%+v became %+v, %v", v, again, err)
		}
	})
}

func wantRule(t *testing.T, err error) {
	t.Helper()
	var rule *ioreturn.RuleError
	if !errors.As(err, &rule) || rule.Rule != ioreturn.RuleDescribe {
		t.Fatalf("%v is not a breach of RuleDescribe", err)
	}
}

func FuzzDescription(f *testing.F) {
	full := goodDescription()
	full.ABIMax, full.Driver, full.DriverVersion = Version{ABIMajor, ABIMinor}, "camd", "1.2"
	full.Properties = map[string]string{"vendor": "Acme", "serial": "4711"}
	full.Format.Extra = []byte("extra")
	fuzzRecord(f, goodDescription(), full)
}

func FuzzFormat(f *testing.F) {
	fuzzRecord(f, Format{}, Format{Kind: FormatVideo, Width: 640, Height: 480, Extra: []byte("x")})
}

func FuzzStats(f *testing.F) {
	fuzzRecord(f, Stats{}, Stats{Numbered: true, LastSeq: 9, Log: make([]LossRecord, 2)})
}

func FuzzObservation(f *testing.F) {
	fuzzRecord(f, Observation{OwnerPID: -1, OwnerUID: -1}, Observation{State: StateRunning, OwnerPID: 7, Owner: "prog"})
}

func FuzzMetadataHeader(f *testing.F) {
	fuzzRecord(f, MetadataHeader{}, MetadataHeader{Flags: 1, Sequence: 1 << 40})
}

// fuzzList is fuzzRecord for the two lists.
func fuzzList[T any](f *testing.F, encode func([]byte, []T) ([]byte, error), parse func([]byte) ([]T, error), seed []T) {
	b, err := encode(nil, seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b)
		if err != nil {
			wantRule(t, err)
			return
		}
		out, err := encode(nil, v)
		if err != nil {
			t.Fatalf("accepted %+v, which does not encode: %v", v, err)
		}
		if again, err := parse(out); err != nil || !reflect.DeepEqual(v, again) {
			t.Fatalf("%+v became %+v, %v", v, again, err)
		}
	})
}

func FuzzRegions(f *testing.F) {
	fuzzList(f, AppendRegions, ParseRegions, []Region{{Type: MemOutputQueue, Count: 1, Length: 4096}, {}})
}

func FuzzEvents(f *testing.F) {
	fuzzList(f, AppendEvents, ParseEvents, []Event{{Kind: EventGone, Text: "why"}, {}})
}

func FuzzParseName(f *testing.F) {
	f.Add("acme/cam0/video")
	f.Add("../x/y")
	f.Fuzz(func(t *testing.T, s string) {
		vendor, device, stream, err := ParseName(s)
		if err != nil {
			if !errors.Is(err, ioreturn.ErrInvalid) {
				t.Fatalf("%v does not match ErrInvalid", err)
			}
			return
		}
		if vendor+"/"+device+"/"+stream != s || len(s) > MaxName {
			t.Fatalf("%q became %q, %q, %q", s, vendor, device, stream)
		}
	})
}
