// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"encoding/binary"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
)

// AppendRegions appends the rows of a memory map as a record. The error matches
// ErrInvalid when there are more than MaxRegions; b is then returned as it was.
func AppendRegions(b []byte, regions []Region) ([]byte, error) {
	out, err := record.Append(b, regionFields, &regions)
	return encoded(out, "memory map", err)
}

// ParseRegions reads a record made by AppendRegions. Whether the regions lie
// inside their memory is for the reader to check. The error is a breach of
// RuleDescribe.
func ParseRegions(b []byte) ([]Region, error) {
	var regions []Region
	if err := record.Parse(b, regionFields, &regions); err != nil {
		return nil, decoded("memory map", err)
	}
	return regions, nil
}

var regionFields = []field[[]Region]{
	{Tag: TagRegion, Name: "region", Many: MaxRegions, Put: putRegions, Get: getRegion},
}

const regionSize = 40

func putRegions(b []byte, regions *[]Region) ([]byte, error) {
	if len(*regions) > MaxRegions {
		return b, fmt.Errorf("%d rows, at most %d are allowed", len(*regions), MaxRegions)
	}
	le := binary.LittleEndian
	for _, r := range *regions {
		b = record.Header(b, TagRegion, regionSize)
		b = le.AppendUint32(b, r.Type)
		b = le.AppendUint32(b, r.Count)
		b = le.AppendUint32(b, r.Arena)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, r.Offset)
		b = le.AppendUint64(b, r.Length)
		b = le.AppendUint64(b, r.Stride)
	}
	return b, nil
}

func getRegion(regions *[]Region, v []byte) error {
	if err := record.Size(v, regionSize); err != nil {
		return err
	}
	le := binary.LittleEndian
	*regions = append(*regions, Region{
		Type:   le.Uint32(v),
		Count:  le.Uint32(v[4:]),
		Arena:  le.Uint32(v[8:]),
		Offset: le.Uint64(v[16:]),
		Length: le.Uint64(v[24:]),
		Stride: le.Uint64(v[32:]),
	})
	return nil
}

// AppendEvents appends events as a record. The error matches ErrInvalid when
// there are more than MaxEvents or a text is not one (see CleanText); b is then
// returned as it was. See FitEvents for how many fit into one answer.
func AppendEvents(b []byte, events []Event) ([]byte, error) {
	out, err := record.Append(b, eventFields, &events)
	return encoded(out, "events", err)
}

// ParseEvents reads a record made by AppendEvents. Kinds that this version does
// not know are kept. The error is a breach of RuleDescribe.
func ParseEvents(b []byte) ([]Event, error) {
	var events []Event
	if err := record.Parse(b, eventFields, &events); err != nil {
		return nil, decoded("events", err)
	}
	return events, nil
}

// FitEvents returns how many of the first events AppendEvents can put into room
// bytes, at most MaxEvents. With less room than an empty record needs it is 0 too.
func FitEvents(events []Event, room int) int {
	room -= RecordHeaderSize
	for i, e := range events {
		if room -= FieldHeaderSize + eventSize + len(e.Text); room < 0 || i == MaxEvents {
			return i
		}
	}
	return len(events)
}

var eventFields = []field[[]Event]{
	{Tag: TagEvent, Name: "event", Many: MaxEvents, Put: putEvents, Get: getEvent},
}

const eventSize = 24 // and the text

func putEvents(b []byte, events *[]Event) ([]byte, error) {
	if len(*events) > MaxEvents {
		return b, fmt.Errorf("%d events, at most %d are allowed", len(*events), MaxEvents)
	}
	le := binary.LittleEndian
	for i, e := range *events {
		if err := record.CheckText(e.Text); err != nil {
			return b, fmt.Errorf("text of event %d: %w", i, err)
		}
		b = record.Header(b, TagEvent, eventSize+len(e.Text))
		b = le.AppendUint32(b, uint32(e.Kind))
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(e.Time))
		b = le.AppendUint64(b, e.Value)
		b = append(b, e.Text...)
	}
	return b, nil
}

func getEvent(events *[]Event, v []byte) error {
	if len(v) < eventSize {
		return fmt.Errorf("%d bytes, at least %d are needed", len(v), eventSize)
	}
	s, err := record.ParseText(v[eventSize:])
	if err != nil {
		return fmt.Errorf("text: %w", err)
	}
	le := binary.LittleEndian
	*events = append(*events, Event{
		Kind:  EventKind(le.Uint32(v)),
		Time:  int64(le.Uint64(v[8:])),
		Value: le.Uint64(v[16:]),
		Text:  s,
	})
	return nil
}
