// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

func nothing[I, O any](context.Context, *Job, I) (O, error) {
	var o O
	return o, nil
}

func TestTableLint(t *testing.T) {
	type long struct{ A [70000]byte }
	xfer := func(change func(r *Range)) Entry {
		r := Range{Dir: In, Addr: "From", Len: "Bytes", Max: 16}
		change(&r)
		return Command[transferArg, None]{Number: 0x7801, Name: "X", Ranges: []Range{r}, Do: nothing[transferArg, None]}
	}
	for _, tc := range []struct {
		name    string
		entries []Entry
		want    string // empty: accepted
	}{
		{"empty table", nil, ""},
		{"plain number", []Entry{Command[gain, stats]{Number: 0x7801, Do: nothing[gain, stats]}}, ""},
		{"no number", []Entry{Command[None, None]{Name: "X", Do: nothing[None, None]}}, "command X (0x0): it has no number"},
		{"no function", []Entry{Command[None, None]{Number: 0x7801}}, "it has no function"},
		{"the head's", []Entry{Command[None, None]{Number: streams.CmdPush, Do: nothing[None, None]}}, "I_PUSH is carried out by the stream head"},
		{"direction", []Entry{Command[None, gain]{Number: cmdSetGain, Do: nothing[None, gain]}}, "says in and 8 bytes, the types say out and 8"},
		{"size", []Entry{Command[stats, None]{Number: cmdSetGain, Do: nothing[stats, None]}}, "says in and 8 bytes, the types say in and 16"},
		{"larger result", []Entry{Command[gain, stats]{Number: 0xc0107801, Do: nothing[gain, stats]}}, ""},
		{"type", []Entry{Command[int, None]{Number: 0x7801, Do: nothing[int, None]}}, "the width of int depends on the machine"},
		{"two types", []Entry{Command[int, bool]{Number: 0x7801, Do: nothing[int, bool]}}, "compare it with 0"},
		{"too large", []Entry{Command[long, None]{Number: 0x7801, Do: nothing[long, None]}}, "70000 bytes are more than may be copied at once, 65536: pass them as a Range"},
		{"minimum", []Entry{Command[gain, None]{Number: 0x7801, MinSize: 9, Do: nothing[gain, None]}}, "sizes 9 to 8 leave out that of its types, 8"},
		{"maximum", []Entry{Command[gain, None]{Number: 0x7801, MaxSize: 7, Do: nothing[gain, None]}}, "sizes 8 to 7 leave out"},
		{"bits", []Entry{Command[None, None]{Number: 0x7801, Access: 8, Do: nothing[None, None]}}, "a bit without a meaning"},
		{"word by I_STR", []Entry{Command[Word, None]{Number: 0x7801, Forms: ByStr, Do: nothing[Word, None]}}, "transparent only"},
		{"word with a result", []Entry{Command[Word, gain]{Number: 0x7801, Do: nothing[Word, gain]}}, "transparent only"},
		{"word with a size", []Entry{Command[Word, None]{Number: 0x40087801, Do: nothing[Word, None]}}, "the types say none and 0"},
		{"range", []Entry{xfer(func(*Range) {})}, ""},
		{"range, both ways", []Entry{xfer(func(r *Range) { r.Dir = In | Out })}, "neither In nor Out"},
		{"range, no address", []Entry{xfer(func(r *Range) { r.Addr = "Nowhere" })}, `no field "Nowhere" of type uint64`},
		{"range, address too small", []Entry{xfer(func(r *Range) { r.Addr = "Bytes" })}, `no field "Bytes" of type uint64`},
		{"range, no length", []Entry{xfer(func(r *Range) { r.Len = "" })}, `no unsigned field ""`},
		{"range, blank length", []Entry{xfer(func(r *Range) { r.Len = "_" })}, `no unsigned field "_"`},
		{"range, no maximum", []Entry{xfer(func(r *Range) { r.Max = 0 })}, "needs a Max"},
		{"range, negative element", []Entry{xfer(func(r *Range) { r.Elem = -1 })}, "not negative"},
		{"range, large", []Entry{xfer(func(r *Range) { r.Max = 1 << 20 })}, "1048576 bytes are more than may be copied at once"},
		{"range twice", []Entry{Command[transferArg, None]{Number: 0x7801, Do: nothing[transferArg, None], Ranges: []Range{
			{Dir: In, Addr: "From", Len: "Bytes", Max: 16}, {Dir: Out, Addr: "From", Len: "Bytes", Max: 16},
		}}}, `range "From" comes twice`},
		{"many ranges", []Entry{Command[transferArg, None]{Number: 0x7801, Do: nothing[transferArg, None], Ranges: make([]Range, 15)}}, "it may need 17 copies, the limit is 16"},
		{"number twice", []Entry{
			Command[None, None]{Number: 0x7801, Name: "A", Do: nothing[None, None]},
			Command[gain, None]{Number: 0x7801, Name: "B", Do: nothing[gain, None]},
		}, "command B: A has the number 0x7801 too"},
		{"sizes of one number apart", []Entry{
			Command[gain, None]{Number: 0x40087801, Name: "A", Do: nothing[gain, None]},
			Command[stats, None]{Number: 0x40107801, Name: "B", Do: nothing[stats, None]},
		}, ""},
		{"range of sizes after one", []Entry{
			Command[gain, None]{Number: 0x40087801, Name: "A", Do: nothing[gain, None]},
			Command[stats, None]{Number: 0x40107801, Name: "B", MinSize: 8, Do: nothing[stats, None]},
		}, "command B: A has the number"},
		{"one after a range of sizes", []Entry{
			Command[stats, None]{Number: 0x40107801, Name: "B", MinSize: 8, Do: nothing[stats, None]},
			Command[gain, None]{Number: 0x40087801, Name: "A", Do: nothing[gain, None]},
		}, "command A: B has the number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table, err := NewTable(nil, tc.entries...)
			switch {
			case tc.want == "":
				if err != nil {
					t.Error(err)
				}
			case !errors.Is(err, streams.EINVAL) || !strings.Contains(err.Error(), tc.want) || table != nil:
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestTableReportsEveryProblem(t *testing.T) {
	_, err := NewTable(nil,
		Command[int, None]{Number: 0x7801, Name: "FIRST"},
		Command[gain, None]{Number: cmdGetStats, Name: "SECOND", Access: 64},
	)
	for _, want := range []string{"FIRST", "depends on the machine", "SECOND", "no function", "without a meaning", "says out"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestTableNames(t *testing.T) {
	table := (&device{}).table(t, Config{})
	for number, want := range map[streams.Command]string{
		cmdSetGain: "SET_GAIN", cmdGrown: "GROWN", cmdGrown &^ 0x3fff0000: "GROWN", 0x7899: "", cmdSetGain + 1<<16: "",
	} {
		if got := table.Name(number); got != want || table.Knows(number) != (want != "") {
			t.Errorf("%#x is %q, want %q", uint32(number), got, want)
		}
	}
	if _, ok := table.Call(Request{Command: 0x7899}); ok {
		t.Error("an unknown command has a call")
	}
}

// TestTableCodings builds the same command in the other codings.
func TestTableCodings(t *testing.T) {
	for _, c := range []Coding{Solaris, FreeBSD} {
		n, err := c.Encode(Parts{Dir: In | Out, Group: 'x', Nr: 1, Size: 16})
		if err != nil {
			t.Fatal(err)
		}
		good := Command[gain, stats]{Number: n, Do: nothing[gain, stats]}
		if _, err := NewTable(&Config{Coding: c}, good); err != nil {
			t.Error(err)
		}
		bad := Command[gain, None]{Number: n, Do: nothing[gain, None]}
		if _, err := NewTable(&Config{Coding: c}, bad); !errors.Is(err, streams.EINVAL) {
			t.Errorf("coding %d: %v", c, err)
		}
	}
}

func TestLimits(t *testing.T) {
	if got := (Limits{Total: -1}).withDefaults(); got != (Limits{65536, -1, 16}) {
		t.Errorf("got %+v", got)
	}
	if got := LimitsOf(streams.Solaris.Tunables()); got != (Limits{-1, -1, -1}) {
		t.Errorf("got %+v", got)
	}
	entry := Command[transferArg, None]{Number: 0x7801, Do: nothing[transferArg, None], Ranges: []Range{{Dir: In, Addr: "From", Len: "Bytes", Max: 1 << 30}}}
	if _, err := NewTable(&Config{Limits: LimitsOf(streams.Solaris.Tunables())}, entry); err != nil {
		t.Error(err)
	}
}

// TestTableIsShared has many goroutines use one table, for the race detector.
func TestTableIsShared(t *testing.T) {
	table, err := NewTable(nil, Command[gain, gain]{
		Number: 0xc0087801, Name: "X",
		Do: func(_ context.Context, _ *Job, in gain) (gain, error) { return gain{in.Channel + 1, -in.Level}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				in := gain{uint32(i), int32(j)}
				_, out, err := Run(t.Context(), table, Request{Command: 0xc0087801, Data: bytesOf(t, in)}, regions(t))
				if err != nil || !bytes.Equal(out, bytesOf(t, gain{in.Channel + 1, -in.Level})) {
					t.Errorf("%+v: %v, %v", in, out, err)
				}
			}
		})
	}
	wg.Wait()
}
