// SPDX-License-Identifier: Apache-2.0

package cbridge_test

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// member is one member of a C struct.
type member struct {
	name         string
	offset, size int
}

// structs returns the members of every struct of the header, reserved ones left
// out, as a C program prints them. A struct's size comes as the member "".
func structs(t *testing.T, c compiler) map[string][]member {
	t.Helper()
	files, err := filepath.Glob("include/iostreamkit/*.h")
	if err != nil || len(files) == 0 {
		t.Fatalf("no headers: %v", err)
	}
	var b strings.Builder
	b.WriteString("#include <stdio.h>\n#include \"iostreamkit/abi.h\"\nint main(void)\n{\n")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?s)\nstruct (iosk_\w+) \{\n(.*?)\n\};`).FindAllStringSubmatch(string(text), -1) {
			fmt.Fprintf(&b, "\tprintf(\"%s . 0 %%d\\n\", (int)sizeof(struct %s));\n", m[1], m[1])
			for _, line := range strings.Split(m[2], "\n") {
				line, _, _ = strings.Cut(strings.TrimSpace(line), ";")
				_, names, ok := strings.Cut(line, " ")
				if !ok {
					t.Fatalf("%s: the test can't read %q", file, line)
				}
				for _, name := range strings.Split(names, ", ") {
					if !strings.HasPrefix(name, "reserved") {
						fmt.Fprintf(&b, "\tprintf(\"%s %s %%d %%d\\n\", (int)offsetof(struct %s, %s), (int)sizeof(((struct %s *)0)->%s));\n",
							m[1], name, m[1], name, m[1], name)
					}
				}
			}
		}
	}
	b.WriteString("\treturn 0;\n}\n")
	out, err := c.run(t, b.String())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]member{}
	for line := range strings.Lines(out) {
		var name string
		var m member
		if _, err := fmt.Sscan(line, &name, &m.name, &m.offset, &m.size); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[name] = append(all[name], m)
	}
	return all
}

// value is what a C struct looks like when Go wrote it: its bytes, and the number
// that each member must have there.
type value struct {
	bytes   []byte
	members map[string]uint64
}

// fieldOf returns the value of the first field of a tag in a record.
func fieldOf(t *testing.T, record []byte, tag userclient.Tag) []byte {
	t.Helper()
	for b := record[userclient.RecordHeaderSize:]; len(b) > 0; {
		n := userclient.FieldHeaderSize + int(binary.LittleEndian.Uint32(b[4:]))
		if binary.LittleEndian.Uint16(b) == tag {
			return b[userclient.FieldHeaderSize:n]
		}
		b = b[n:]
	}
	t.Fatalf("the record has no field %d", tag)
	return nil
}

func encode(t *testing.T, r encoding.BinaryAppender) []byte {
	t.Helper()
	b, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// values are the structs that stand in records, written by the Go side.
func values(t *testing.T) map[string]value {
	t.Helper()
	d := encode(t, userclient.Description{
		Name: "a/b/c", ABIMin: userclient.Version{Major: 1, Minor: 2}, ABIMax: userclient.Version{Major: 3, Minor: 4},
		Buffers: userclient.BufferShape{Count: 5, DataSize: 6, ControlSize: 7, Alignment: 8, Kind: 9, ReadOnly: true},
		Clock:   userclient.Clock{ID: 10, Epoch: 11, Resolution: 12, TickRate: 13},
	})
	s := encode(t, userclient.Stats{Log: []userclient.LossRecord{
		{Time: 1, Cause: 2, Count: 3, LastSeq: 4, Free: 5, Backlog: 6, Posted: 7},
	}})
	regions, err := userclient.AppendRegions(nil, []userclient.Region{{Type: 1, Count: 2, Arena: 3, Offset: 4, Length: 5, Stride: 6}})
	if err != nil {
		t.Fatal(err)
	}
	events, err := userclient.AppendEvents(nil, []userclient.Event{{Kind: 1, Time: 2, Value: 3}})
	if err != nil {
		t.Fatal(err)
	}
	meta := userclient.MetadataHeader{Flags: 1, FormatEpoch: 2, DeviceTime: 3, TriggerID: 4, Sequence: 5}
	return map[string]value{
		"iosk_abi_range": {fieldOf(t, d, userclient.TagDescABI), map[string]uint64{
			"min_major": 1, "min_minor": 2, "max_major": 3, "max_minor": 4}},
		"iosk_buffer_shape": {fieldOf(t, d, userclient.TagDescBuffers), map[string]uint64{
			"count": 5, "data_size": 6, "control_size": 7, "alignment": 8, "kind": 9, "flags": 1}},
		"iosk_clock": {fieldOf(t, d, userclient.TagDescClock), map[string]uint64{
			"id": 10, "epoch": 11, "resolution": 12, "tick_rate": 13}},
		"iosk_loss": {fieldOf(t, s, userclient.TagStatsLoss), map[string]uint64{
			"time": 1, "cause": 2, "count": 3, "last_seq": 4, "free": 5, "backlog": 6, "posted": 7}},
		"iosk_region": {fieldOf(t, regions, userclient.TagRegion), map[string]uint64{
			"type": 1, "count": 2, "arena": 3, "offset": 4, "length": 5, "stride": 6}},
		"iosk_event":    {fieldOf(t, events, userclient.TagEvent), map[string]uint64{"kind": 1, "time": 2, "value": 3}},
		"iosk_metadata": {encode(t, meta), map[string]uint64{"flags": 1, "format_epoch": 2, "device_time": 3, "trigger_id": 4, "sequence": 5}},
		"iosk_field": {events[userclient.RecordHeaderSize:][:userclient.FieldHeaderSize], map[string]uint64{
			"tag": uint64(userclient.TagEvent), "flags": 0, "length": 24}},
	}
}

// offsets are the structs of shared memory, whose offsets Go has as constants or
// as a struct of its own.
func offsets() map[string]map[string]int {
	entry := map[string]int{"": queue.EntrySize}
	typ := reflect.TypeFor[queue.Entry]()
	for i := range typ.NumField() {
		entry[strings.ToLower(gen.Macro(typ.Field(i).Name))] = int(typ.Field(i).Offset)
	}
	return map[string]map[string]int{
		"iosk_entry":          entry,
		"iosk_classic_header": {"": queue.ClassicEntries, "count": queue.ClassicCountOff, "head": queue.ClassicHeadOff, "tail": queue.ClassicTailOff},
		"iosk_ring_header": {"": queue.RingEntries, "magic": queue.RingMagicOff, "count": queue.RingCountOff, "entry": queue.RingEntryOff,
			"entry_size": queue.RingSizeOff, "tail": queue.RingTailOff, "cpu": queue.RingCPUOff, "token": queue.RingTokenOff,
			"status": queue.RingStatusOff, "wakes": queue.RingWakesOff},
		"iosk_reader": {"": queue.ReaderSize, "magic": queue.ReaderMagicOff, "head": queue.ReaderHeadOff, "cpu": queue.ReaderCPUOff,
			"wake": queue.ReaderWakeOff, "how": queue.ReaderHowOff},
		"iosk_wire_header": {"": socket.HeaderSize, "size": socket.HeaderSizeOff, "type": socket.HeaderTypeOff,
			"flags": socket.HeaderFlagsOff, "id": socket.HeaderIDOff, "zero": socket.HeaderZeroOff},
	}
}

func TestABILayouts(t *testing.T) {
	for _, c := range compilers() {
		t.Run(c.name, func(t *testing.T) {
			all := structs(t, c)
			memory, records := offsets(), values(t)
			if len(all) != len(memory)+len(records) {
				t.Errorf("the header has %d structs, the test knows %d", len(all), len(memory)+len(records))
			}
			for name, members := range all {
				if want, ok := memory[name]; ok {
					checkOffsets(t, name, members, want)
				} else if want, ok := records[name]; ok {
					checkValue(t, name, members, want)
				} else {
					t.Errorf("struct %s is in the header only", name)
				}
			}
		})
	}
}

func checkOffsets(t *testing.T, name string, members []member, want map[string]int) {
	t.Helper()
	for _, m := range members {
		got := m.offset
		if m.name == "." {
			m.name, got = "", m.size
		}
		if off, ok := want[m.name]; !ok || off != got {
			t.Errorf("struct %s, member %q: at %d, in Go at %d (known there: %v)", name, m.name, got, off, ok)
		}
	}
	if len(members) != len(want) {
		t.Errorf("struct %s has %d members, Go %d", name, len(members), len(want))
	}
}

func checkValue(t *testing.T, name string, members []member, want value) {
	t.Helper()
	if len(members)-1 != len(want.members) {
		t.Errorf("struct %s has %d members, Go %d", name, len(members)-1, len(want.members))
	}
	for _, m := range members {
		if m.name == "." {
			if m.size != len(want.bytes) {
				t.Errorf("struct %s has %d bytes, Go writes %d", name, m.size, len(want.bytes))
			}
			continue
		}
		if m.offset+m.size > len(want.bytes) {
			t.Errorf("struct %s, member %s: past the %d bytes that Go writes", name, m.name, len(want.bytes))
			continue
		}
		var b [8]byte
		copy(b[:], want.bytes[m.offset:m.offset+m.size])
		v, ok := want.members[m.name]
		if got := binary.LittleEndian.Uint64(b[:]); !ok || got != v {
			t.Errorf("struct %s, member %s: C reads %d where Go wrote %d (known there: %v)", name, m.name, got, v, ok)
		}
	}
}

func TestC23StateTableIsTheSameInBothLanguages(t *testing.T) {
	const source = `#include <stdio.h>
#include "iostreamkit/abi.h"
int main(void)
{
	uint32_t op, state, row = 0;

#define ROW(name, closed, open, running, suspended, gone) if (IOSK_OP_##name != row++) return 1;
	IOSK_STATE_TABLE(ROW)
	for (op = 0; op <= IOSK_OPERATIONS; op++)
		for (state = 0; state <= IOSK_STATES; state++)
			printf("%u\n", (unsigned)iosk_state_next(state, op));
	return 0;
}
`
	var want []string
	for op := range userclient.Operation(userclient.Operations + 1) {
		for s := range userclient.State(userclient.States + 1) {
			next := userclient.Next(s, op)
			cell := uint32(next.Next)
			if next.Code != ioreturn.Success {
				cell = uint32(next.Code)
			}
			want = append(want, fmt.Sprint(cell))
		}
	}
	for _, c := range compilers() {
		t.Run(c.name, func(t *testing.T) {
			out, err := c.run(t, source)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Fields(out)
			if len(got) != len(want) {
				t.Fatalf("%d cells, in Go %d", len(got), len(want))
			}
			for i, cell := range got {
				if cell != want[i] {
					n := userclient.States + 1
					t.Errorf("%s while %s is %s, in Go %s", userclient.Operation(i/n), userclient.State(i%n), cell, want[i])
				}
			}
		})
	}
}

func TestC50ErrorListsAreTheSameInBothLanguages(t *testing.T) {
	const source = `#include <stdio.h>
#include "iostreamkit/abi.h"
int main(void)
{
#define CODE(name, apple, id, text) printf("code %u|%s|%s|%s\n", (unsigned)IOSK_RETURN_##name, apple, id, text);
	IOSK_RETURN_LIST(CODE)
#define RULE(name, text, id) printf("rule %u|%s|%s\n", (unsigned)IOSK_RULE_##name, text, id);
	IOSK_RULE_LIST(RULE)
	return 0;
}
`
	want := map[string]bool{}
	for c := range ioreturn.Codes() {
		want[fmt.Sprintf("code %d|%s|%s|%s", uint32(c.Code), c.Name, c.Code.ID(), c.Text)] = true
	}
	for r := range ioreturn.Rules() {
		want[fmt.Sprintf("rule %d|%s|%s", uint16(r.Rule), r.Name, r.Rule.ID())] = true
	}
	for _, c := range compilers() {
		t.Run(c.name, func(t *testing.T) {
			out, err := c.run(t, source)
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for line := range strings.Lines(out) {
				if lines++; !want[strings.TrimSuffix(line, "\n")] {
					t.Errorf("Go does not have %q", line)
				}
			}
			if lines != len(want) {
				t.Errorf("the lists have %d rows, Go %d", lines, len(want))
			}
		})
	}
}
