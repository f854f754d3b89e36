// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// wantTable is the state table once more, written by hand for people: a state is
// where the operation leads, "=" is the state it was in, and a name in brackets is
// the refusal, which leads nowhere.
const wantTable = `
operation         closed      open         running      suspended    gone
open              open        [StillOpen]  [StillOpen]  [StillOpen]  [NoDevice]
close             [NotOpen]   closed       closed       closed       [NoDevice]
start             [NotOpen]   running      =            running      [NoDevice]
stop              [NotOpen]   =            open         open         [NoDevice]
suspend           [NotOpen]   [NotReady]   suspended    =            [NoDevice]
get-mode          =           =            =            =            [NoDevice]
set-mode          [NotOpen]   =            [Busy]       [Busy]       [NoDevice]
get-buffer-count  =           =            =            =            [NoDevice]
describe          =           =            =            =            [NoDevice]
select            =           [StillOpen]  [StillOpen]  [StillOpen]  [NoDevice]
map               [NotOpen]   =            =            =            [NoDevice]
dequeue           [NotOpen]   =            =            =            [NoDevice]
enqueue           [NotOpen]   =            =            =            [NoDevice]
input-sync        [NotOpen]   =            =            =            [NoDevice]
get-format        =           =            =            =            [NoDevice]
set-format        [NotOpen]   =            [Busy]       [Busy]       [NoDevice]
correlate         =           =            =            =            [NoDevice]
events            =           =            =            =            [NoDevice]
flush             [NotOpen]   =            =            =            [NoDevice]
control           =           =            =            =            [NoDevice]
hang-up           gone        gone         gone         gone         =
`

var refusals = map[string]ioreturn.Code{
	"[StillOpen]": ioreturn.StillOpen, "[NotOpen]": ioreturn.NotOpen, "[NotReady]": ioreturn.NotReady,
	"[Busy]": ioreturn.Busy, "[NoDevice]": ioreturn.NoDevice,
}

func TestC23EveryCellOfTheStateTable(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(wantTable), "\n")
	states := strings.Fields(lines[0])[1:]
	if len(lines)-1 != Operations || len(states) != States {
		t.Fatalf("the test has %d operations and %d states, the table %d and %d", len(lines)-1, len(states), Operations, States)
	}
	for i, line := range lines[1:] {
		op, cells := Operation(i), strings.Fields(line)
		if name := strings.ReplaceAll(op.String(), " ", "-"); name != cells[0] {
			t.Fatalf("operation %d is %q, want %q", i, name, cells[0])
		}
		for s, cell := range cells[1:] {
			from := State(s)
			want := Transition{Next: from, Code: refusals[cell]}
			for n, name := range states {
				if cell == name {
					want.Next = State(n)
				}
			}
			if cell != "=" && want.Next == from && want.Code == ioreturn.Success {
				t.Fatalf("%s while %s: the test has the unknown cell %q", op, from, cell)
			}
			if got := Next(from, op); got != want {
				t.Errorf("%s while %s: got %v, %v, want %v, %v", op, from, got.Next, got.Code, want.Next, want.Code)
			}
		}
	}
}

func TestC23RefusalsChangeNothing(t *testing.T) {
	for op := range opCount {
		for s := range State(States) {
			got := Next(s, op)
			if got.Code != ioreturn.Success && got.Next != s {
				t.Errorf("%s while %s is refused and yet leads to %s", op, s, got.Next)
			}
			if s == StateGone && got.Next != StateGone {
				t.Errorf("%s leads out of gone", op)
			}
		}
	}
}

func TestNextRefusesWhatIsNotInTheTable(t *testing.T) {
	for _, tc := range []struct {
		s  State
		op Operation
	}{
		{States, OpOpen}, {1 << 31, OpOpen}, {1<<32 - 1, OpHangup},
		{StateOpen, opCount}, {StateOpen, 1 << 31}, {StateOpen, 1<<32 - 1},
	} {
		if got := Next(tc.s, tc.op); got != (Transition{tc.s, ioreturn.BadArgument}) {
			t.Errorf("Next(%d, %d) = %+v", uint32(tc.s), uint32(tc.op), got)
		}
	}
}

func TestOperationOf(t *testing.T) {
	known := map[uint32]Operation{
		SelOpen: OpOpen, SelClose: OpClose, SelStart: OpStart, SelStop: OpStop, SelSuspend: OpSuspend,
		SelGetMode: OpGetMode, SelSetMode: OpSetMode, SelGetBufferCount: OpGetBufferCount,
		SelDescribe: OpDescribe, SelObserve: OpDescribe, SelStats: OpDescribe, SelSelect: OpSelect, SelMemoryMap: OpMap,
		SelEvents: OpEvents, SelCorrelate: OpCorrelate, SelGetFormat: OpGetFormat, SelSetFormat: OpSetFormat,
		SelInputSync: OpInputSync, SelDoorbell: OpEnqueue, SelArm: OpEnqueue, SelFlush: OpFlush,
		SelIoctl: OpControl, SelIoctlData: OpControl, SelIoctlAbandon: OpControl, SelControlPush: OpControl, SelControlPop: OpControl,
		SelControlNames: OpControl, SelControlFlush: OpControl,
	}
	for sel := range SelVendorBase + 2 {
		want, ok := known[sel]
		if op, has := OperationOf(sel); op != want || has != ok {
			t.Errorf("OperationOf(%#x) = %v, %v, want %v, %v", sel, op, has, want, ok)
		}
	}
	if _, ok := OperationOf(1<<32 - 1); ok {
		t.Error("the last selector has an operation")
	}
}

// TestNames gives every number of an enumeration its name, and asks for the name
// of numbers that a hostile peer may send.
func TestNames(t *testing.T) {
	check := func(what string, name func(uint32) string, unknown string, want ...string) {
		t.Helper()
		for i, w := range want {
			if got := name(uint32(i)); got != w {
				t.Errorf("%s %d is %q, want %q", what, i, got, w)
			}
		}
		for _, n := range []uint32{uint32(len(want)), 1<<31 - 1, 1 << 31, 1<<32 - 1} {
			if got := name(n); got != unknown && !(what == "event" && n >= uint32(EventVendor) && got == "vendor") {
				t.Errorf("%s %d is %q, want %q", what, n, got, unknown)
			}
		}
	}
	check("state", func(n uint32) string { return State(n).String() }, "unknown state",
		"closed", "open", "running", "suspended", "gone")
	check("mode", func(n uint32) string { return Mode(n).String() }, "unknown direction",
		"to-device", "from-device", "both-ways")
	check("layout", func(n uint32) string { return Layout(n).String() }, "unknown layout", "native", "classic")
	check("memory", func(n uint32) string { return MemKind(n).String() }, "unknown memory", "heap", "memfd", "dmabuf", "device")
	check("policy", func(n uint32) string { return Policy(n).String() }, "unknown policy",
		"block", "drop-newest", "drop-oldest", "fail", "driver")
	check("cause", func(n uint32) string { return Cause(n).String() }, "unknown cause",
		"drop-newest", "drop-oldest", "fail", "stopped", "session-ended", "flushed", "module", "device")
	check("event", func(n uint32) string { return EventKind(n).String() }, "unknown event",
		"unknown event", "state-changed", "mode-changed", "format-changed", "property-changed", "control-changed", "clock-step",
		"signal-lost", "signal-locked", "overrun-began", "overrun-ended", "reset", "gone",
		"stream-error", "stream-hangup", "stream-signal")
	check("operation", func(n uint32) string { return Operation(n).String() }, "unknown operation", opNames[:]...)
	if got := EventVendor.String(); got != "vendor" {
		t.Errorf("EventVendor is %q", got)
	}
	if Causes != len(Stats{}.Lost) || Cause(Causes-1).String() == "unknown cause" || Cause(Causes).String() != "unknown cause" {
		t.Errorf("Causes is %d", Causes)
	}
}

func TestC52Directions(t *testing.T) {
	for _, tc := range []struct {
		m                     Mode
		valid, fromDev, toDev bool
	}{
		{ModeInput, true, false, true},
		{ModeOutput, true, true, false},
		{ModeInputOutput, true, true, true},
	} {
		if tc.m.Valid() != tc.valid || tc.m.FromDevice() != tc.fromDev || tc.m.ToDevice() != tc.toDev {
			t.Errorf("%s: valid %v, from the device %v, to the device %v", tc.m, tc.m.Valid(), tc.m.FromDevice(), tc.m.ToDevice())
		}
	}
	if Mode(3).Valid() || Mode(1<<31).Valid() {
		t.Error("a mode that does not exist is valid")
	}
}

func TestTotalLost(t *testing.T) {
	s := Stats{Lost: [Causes]uint64{1, 2, 4, 8, 16, 32, 64, 128}}
	if got := s.TotalLost(); got != 255 {
		t.Errorf("TotalLost is %d, want 255", got)
	}
}
