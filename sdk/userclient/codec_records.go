// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
)

// AppendBinary appends d as a record. The error matches ErrInvalid when d does
// not keep the limits of records (a bad name, a text that is too long); b is then
// returned as it was.
func (d Description) AppendBinary(b []byte) ([]byte, error) {
	if err := d.check(); err != nil {
		return encoded(b, "description", err)
	}
	out, err := record.Append(b, descriptionFields, &d)
	return encoded(out, "description", err)
}

// UnmarshalBinary reads a record made by AppendBinary of this or of another
// version: unknown fields are skipped, missing ones are zero. Nothing of b is
// kept. The error is a breach of RuleDescribe, and d is then as it was.
func (d *Description) UnmarshalBinary(b []byte) error {
	var v Description
	err := record.Parse(b, descriptionFields, &v)
	if err == nil {
		err = v.check()
	}
	if err != nil {
		return decoded("description", err)
	}
	*d = v
	return nil
}

// check tests what must hold in a description at both ends before its fields are
// used for anything.
func (d *Description) check() error {
	if _, err := splitName(d.Name); err != nil {
		return err
	}
	lo, hi := d.ABIMin, d.ABIMax
	switch {
	case lo.Major > hi.Major || lo.Major == hi.Major && lo.Minor > hi.Minor:
		return fmt.Errorf("lowest version %d.%d is above the highest, %d.%d", lo.Major, lo.Minor, hi.Major, hi.Minor)
	case !d.Mode.Valid():
		return fmt.Errorf("mode %d does not exist", uint32(d.Mode))
	case d.Buffers.Count > MaxBuffers:
		return fmt.Errorf("%d buffers, at most %d are allowed", d.Buffers.Count, MaxBuffers)
	case d.Buffers.Alignment&(d.Buffers.Alignment-1) != 0:
		return fmt.Errorf("alignment %d is not a power of two", d.Buffers.Alignment)
	}
	return nil
}

var descriptionFields = []field[Description]{
	{Tag: TagDescABI, Name: "ABI versions", Put: putVersions, Get: getVersions},
	record.Text(TagDescName, "name", func(d *Description) *string { return &d.Name }),
	record.Word32(TagDescIndex, "index", func(d *Description) *uint32 { return &d.Index }),
	record.Word64(TagDescInstance, "instance", func(d *Description) *uint64 { return &d.Instance }),
	record.Word32(TagDescGeneration, "generation", func(d *Description) *uint32 { return &d.Generation }),
	record.Text(TagDescDriver, "driver", func(d *Description) *string { return &d.Driver }),
	record.Text(TagDescVersion, "driver version", func(d *Description) *string { return &d.DriverVersion }),
	record.Word32(TagDescMode, "mode", func(d *Description) *Mode { return &d.Mode }),
	record.Word32(TagDescModes, "modes", func(d *Description) *uint32 { return &d.Modes }),
	record.Word32(TagDescLayouts, "layouts", func(d *Description) *uint32 { return &d.Layouts }),
	record.Word32(TagDescRingCount, "ring count", func(d *Description) *uint32 { return &d.RingCount }),
	record.Words32(TagDescBuffers, "buffers", 6, loadBuffers, storeBuffers),
	record.Word32(TagDescPorts, "ports", func(d *Description) *PortKind { return &d.Ports }),
	{Tag: TagDescClock, Name: "clock", Put: putClock, Get: getClock},
	record.Word32(TagDescPolicy, "policy", func(d *Description) *Policy { return &d.Policy }),
	record.Word32(TagDescBacklog, "backlog", func(d *Description) *uint32 { return &d.Backlog }),
	record.Word32(TagDescClients, "clients", func(d *Description) *uint32 { return &d.MaxClients }),
	record.Word32(TagDescObservers, "observers", func(d *Description) *uint32 { return &d.MaxObservers }),
	record.Word64(TagDescOffered, "offered features", func(d *Description) *uint64 { return &d.Offered }),
	record.Word64(TagDescRequired, "required features", func(d *Description) *uint64 { return &d.Required }),
	record.Words64(TagDescSelectors, "selectors", func(d *Description) []uint64 { return d.Selectors[:] }),
	record.Word32(TagDescMaxCopy, "copy limit", func(d *Description) *uint32 { return &d.MaxCopy }),
	record.Word32(TagDescMaxRounds, "round limit", func(d *Description) *uint32 { return &d.MaxRounds }),
	record.Nested(TagDescFormat, "format", formatFields, func(d *Description) *Format { return &d.Format }),
	{Tag: TagDescProperty, Name: "property", Many: MaxProperties, Put: putProperties, Get: getProperty},
	record.Bits(TagDescFlags, "flags",
		func(d *Description) *bool { return &d.SharedMemory },
		func(d *Description) *bool { return &d.SyncNeeded },
		func(d *Description) *bool { return &d.DirectControl }),
}

func putVersions(b []byte, d *Description) ([]byte, error) {
	b = record.Header(b, TagDescABI, 8)
	for _, v := range [...]uint16{d.ABIMin.Major, d.ABIMin.Minor, d.ABIMax.Major, d.ABIMax.Minor} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b, nil
}

func getVersions(d *Description, v []byte) error {
	if err := record.Size(v, 8); err != nil {
		return err
	}
	le := binary.LittleEndian
	d.ABIMin = Version{le.Uint16(v), le.Uint16(v[2:])}
	d.ABIMax = Version{le.Uint16(v[4:]), le.Uint16(v[6:])}
	return nil
}

func loadBuffers(d *Description, w []uint32) {
	s := d.Buffers
	copy(w, []uint32{s.Count, s.DataSize, s.ControlSize, s.Alignment, uint32(s.Kind), 0})
	if s.ReadOnly {
		w[5] = 1
	}
}

func storeBuffers(d *Description, w []uint32) {
	d.Buffers = BufferShape{
		Count: w[0], DataSize: w[1], ControlSize: w[2], Alignment: w[3],
		Kind: MemKind(w[4]), ReadOnly: w[5]&1 != 0,
	}
}

const clockSize = 32

func putClock(b []byte, d *Description) ([]byte, error) {
	le := binary.LittleEndian
	b = record.Header(b, TagDescClock, clockSize)
	b = le.AppendUint32(b, d.Clock.ID)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(d.Clock.Epoch))
	b = le.AppendUint64(b, uint64(d.Clock.Resolution))
	return le.AppendUint64(b, d.Clock.TickRate), nil
}

func getClock(d *Description, v []byte) error {
	if err := record.Size(v, clockSize); err != nil {
		return err
	}
	d.Clock.ID = binary.LittleEndian.Uint32(v)
	d.Clock.Epoch = int64(binary.LittleEndian.Uint64(v[8:]))
	d.Clock.Resolution = time.Duration(binary.LittleEndian.Uint64(v[16:]))
	d.Clock.TickRate = binary.LittleEndian.Uint64(v[24:])
	return nil
}

// errNoName is the error of a property whose name is empty.
var errNoName = errors.New("a property without a name")

func putProperties(b []byte, d *Description) ([]byte, error) {
	if len(d.Properties) > MaxProperties {
		return b, fmt.Errorf("%d properties, at most %d are allowed", len(d.Properties), MaxProperties)
	}
	for _, k := range slices.Sorted(maps.Keys(d.Properties)) {
		v := d.Properties[k]
		if k == "" {
			return b, errNoName
		}
		if err := record.CheckText(k); err != nil {
			return b, fmt.Errorf("name: %w", err)
		}
		if err := record.CheckText(v); err != nil {
			return b, fmt.Errorf("%s: %w", k, err)
		}
		b = record.Header(b, TagDescProperty, 1+len(k)+len(v))
		b = append(b, byte(len(k)))
		b = append(b, k...)
		b = append(b, v...)
	}
	return b, nil
}

func getProperty(d *Description, v []byte) error {
	if len(v) == 0 || v[0] == 0 {
		return errNoName
	}
	n := int(v[0])
	if v = v[1:]; len(v) < n {
		return fmt.Errorf("the name has %d bytes, but only %d are there", n, len(v))
	}
	key, err := record.ParseText(v[:n])
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	value, err := record.ParseText(v[n:])
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if _, dup := d.Properties[key]; dup {
		return fmt.Errorf("%s comes twice", key)
	}
	if d.Properties == nil {
		d.Properties = make(map[string]string)
	}
	d.Properties[key] = value
	return nil
}

// AppendBinary appends f as a record. The error matches ErrInvalid when f.Extra
// is longer than MaxFormatExtra; b is then returned as it was.
func (f Format) AppendBinary(b []byte) ([]byte, error) {
	out, err := record.Append(b, formatFields, &f)
	return encoded(out, "format", err)
}

// UnmarshalBinary reads a record made by AppendBinary, like Description's. Extra
// is a copy.
func (f *Format) UnmarshalBinary(b []byte) error {
	var v Format
	if err := record.Parse(b, formatFields, &v); err != nil {
		return decoded("format", err)
	}
	*f = v
	return nil
}

var formatFields = []field[Format]{
	record.Word32(TagFormatKind, "kind", func(f *Format) *FormatKind { return &f.Kind }),
	record.Word32(TagFormatCode, "code", func(f *Format) *uint32 { return &f.Code }),
	record.Word32(TagFormatEpoch, "epoch", func(f *Format) *uint32 { return &f.Epoch }),
	record.Word32(TagFormatWidth, "width", func(f *Format) *uint32 { return &f.Width }),
	record.Word32(TagFormatHeight, "height", func(f *Format) *uint32 { return &f.Height }),
	record.Word32(TagFormatStride, "stride", func(f *Format) *uint32 { return &f.Stride }),
	record.Word32(TagFormatRateNum, "rate numerator", func(f *Format) *uint32 { return &f.RateNum }),
	record.Word32(TagFormatRateDen, "rate denominator", func(f *Format) *uint32 { return &f.RateDen }),
	record.Word32(TagFormatChannels, "channels", func(f *Format) *uint32 { return &f.Channels }),
	record.Word32(TagFormatBits, "bits per sample", func(f *Format) *uint32 { return &f.BitsPerSample }),
	{Tag: TagFormatExtra, Name: "extra", Put: putExtra, Get: getExtra},
}

func putExtra(b []byte, f *Format) ([]byte, error) {
	if len(f.Extra) > MaxFormatExtra {
		return b, fmt.Errorf("%d bytes, at most %d are allowed", len(f.Extra), MaxFormatExtra)
	}
	if len(f.Extra) == 0 {
		return b, nil
	}
	return append(record.Header(b, TagFormatExtra, len(f.Extra)), f.Extra...), nil
}

func getExtra(f *Format, v []byte) error {
	if len(v) > MaxFormatExtra {
		return fmt.Errorf("%d bytes, at most %d are allowed", len(v), MaxFormatExtra)
	}
	f.Extra = append([]byte(nil), v...) // nil if v is empty
	return nil
}
