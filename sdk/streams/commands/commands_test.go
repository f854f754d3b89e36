// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// The cases are those of the STREAMS case list.

// call sends cmdDouble in both forms.
func callDouble(t *testing.T, h *head.Head, n uint64) {
	t.Helper()
	s := head.Str{Command: cmdDouble, Data: encode(t, number{n})}
	rval, err := h.Str(t.Context(), &s)
	if err != nil || rval != 7 || s.Len != 8 || !bytes.Equal(s.Data, encode(t, number{2 * n})) {
		t.Errorf("I_STR: %d, %v, %d bytes % x", rval, err, s.Len, s.Data)
	}
	arg := encode(t, number{n})
	mem, err := ioctl.NewRegions(ioctl.Region{Addr: 0x100, Data: arg})
	if err != nil {
		t.Fatal(err)
	}
	rval, err = h.Transparent(t.Context(), cmdDouble, 0x100, mem)
	if err != nil || rval != 7 || !bytes.Equal(arg, encode(t, number{2 * n})) {
		t.Errorf("transparent: %d, %v, % x", rval, err, arg)
	}
}

func TestBothForms(t *testing.T) {
	d := newDevice(t)
	callDouble(t, open(t, domain(t, nil), d.module(nil)), 21)
	d.wantEnds(true, true)
}

func TestSizesAndRights(t *testing.T) {
	d := newDevice(t)
	m := d.module(&commands.Config{Caller: func(credential any) ioctl.Caller { return ioctl.Caller{Credential: credential} }})
	h := open(t, domain(t, nil), m)
	for _, size := range []int{0, 7, 9} {
		_, err := h.Str(t.Context(), &head.Str{Command: cmdDouble, Data: make([]byte, size)})
		wantErr(t, err, streams.EINVAL)
	}
	_, err := h.Transparent(t.Context(), cmdDouble, 0, nil)
	wantErr(t, err, streams.EFAULT)
	d.wantEnds()
}

// swapMemory is the memory of a caller of cmdSwap: the structure, the input, the output.
func swapMemory(t *testing.T, in string, room int) (arg, out []byte, regions []ioctl.Region) {
	t.Helper()
	arg = encode(t, buffers{In: 0x2000, InLen: uint32(len(in)), Out: 0x3000, OutLen: uint32(room)})
	out = make([]byte, room)
	return arg, out, []ioctl.Region{{Addr: 0x1000, Data: arg, ReadOnly: true}, {Addr: 0x2000, Data: []byte(in)}, {Addr: 0x3000, Data: out}}
}

func TestD25ThreeLegs(t *testing.T) {
	d := newDevice(t)
	var legs []streams.Type
	watch := &streams.Module{Name: "watch", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		legs = append(legs, m.Type())
		q.PutNext(m)
	}}}
	h := open(t, domain(t, nil), d.module(nil), watch)
	in := string(bytes.Repeat([]byte("abcde"), 500)) // more than one block
	_, out, regions := swapMemory(t, in, 4000)
	mem, err := ioctl.NewRegions(regions...)
	if err != nil {
		t.Fatal(err)
	}
	rval, err := h.Transparent(t.Context(), cmdSwap, 0x1000, mem)
	if err != nil || rval != len(in) || string(out[:5]) != "edcba" || out[len(in)-1] != 'a' || out[len(in)] != 0 {
		t.Errorf("%d, %v", rval, err)
	}
	if want := []streams.Type{streams.MCopyIn, streams.MCopyIn, streams.MCopyOut, streams.MIocAck}; !slices.Equal(legs, want) {
		t.Errorf("legs %v, want %v", legs, want)
	}
	d.wantEnds(true)
}

func TestD26FailureInEachLeg(t *testing.T) {
	for leg, ends := range [][]bool{nil, nil, {false}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDevice(t)
			answers := 0
			watch := &streams.Module{Name: "watch", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
				if t := m.Type(); t == streams.MIocAck || t == streams.MIocNak {
					answers++
				}
				q.PutNext(m)
			}}}
			h := open(t, domain(t, nil), d.module(nil), watch)
			_, _, regions := swapMemory(t, "input", 8)
			regions[leg].Data = regions[leg].Data[:3] // too short from now on
			mem, err := ioctl.NewRegions(regions...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.Transparent(t.Context(), cmdSwap, 0x1000, mem)
			wantErr(t, err, streams.EFAULT)
			synctest.Wait() // for the module to be told
			d.wantEnds(ends...)
			if answers != 0 {
				t.Errorf("leg %d: %d answers to a call that has failed", leg, answers)
			}
			callDouble(t, h, 4)
		})
	}
}

func TestD49Unknown(t *testing.T) {
	d := newDevice(t)
	dom := domain(t, nil)
	_, err := open(t, dom, d.module(nil)).Str(t.Context(), &head.Str{Command: cmdUnknown})
	wantErr(t, err, streams.EINVAL)
	// As a module it passes on what it does not know, and the answer of what does.
	lower := &streams.Module{Name: "lower", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if x, _ := m.Ioctl(); m.Type() == streams.MIoctl && x.Cmd == cmdUnknown {
			if err := m.CopyIn(nil, 1, 0); err != nil {
				t.Error(err)
			}
			q.Reply(m)
			return
		}
		if m.Type() == streams.MIocData {
			if err := q.ReplyAck(m, 0, int(m.Next().Bytes()[0])); err != nil {
				t.Error(err)
			}
			return
		}
		q.PassOn(m)
	}}}
	h := open(t, dom, lower, d.module(nil))
	mem, err := ioctl.NewRegions(ioctl.Region{Addr: 0x10, Data: []byte{99}})
	if err != nil {
		t.Fatal(err)
	}
	if rval, err := h.Transparent(t.Context(), cmdUnknown, 0x10, mem); rval != 99 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
	callDouble(t, h, 1)
}

func TestD51AnswerPassesModules(t *testing.T) {
	d := newDevice(t)
	watch := &streams.Module{Name: "watch", Read: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if a, ok := m.Reply(); ok && m.Type() == streams.MIocAck {
			if err := m.Ack(a.Count, a.Rval+1); err != nil {
				t.Error(err)
			}
		}
		q.PutNext(m)
	}}}
	h := open(t, domain(t, nil), d.module(nil), watch)
	s := head.Str{Command: cmdDouble, Data: encode(t, number{3})}
	if rval, err := h.Str(t.Context(), &s); rval != 8 || err != nil || s.Data[0] != 6 {
		t.Errorf("%d, %v, % x", rval, err, s.Data)
	}
}

// TestBase has commands and data in one module.
func TestBase(t *testing.T) {
	d := newDevice(t)
	var events []string
	base := &streams.Module{
		Name:  "other", // does not count
		Open:  func(*streams.Queue, streams.OpenInfo) error { events = append(events, "open"); return nil },
		Close: func(*streams.Queue) { events = append(events, "close") },
		Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
			events = append(events, m.Type().String())
			q.PassOn(m)
		}},
	}
	h := open(t, domain(t, nil), d.module(&commands.Config{Base: base}))
	callDouble(t, h, 2)
	_, err := h.Str(t.Context(), &head.Str{Command: cmdUnknown})
	wantErr(t, err, streams.EINVAL)
	m, err := h.Stream().Arena().From(streams.MData, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Stream().Put(m); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"open", "M_IOCTL", "M_DATA", "close"}; !slices.Equal(events, want) {
		t.Errorf("%v, want %v", events, want)
	}
}

func TestBaseRefusesToOpen(t *testing.T) {
	m := newDevice(t).module(&commands.Config{Base: &streams.Module{
		Name: "base", Open: func(*streams.Queue, streams.OpenInfo) error { return streams.ENODEV },
	}})
	_, err := head.Open(domain(t, nil), m, nil)
	wantErr(t, err, streams.ENODEV)
}

func TestModuleRefuses(t *testing.T) {
	d := newDevice(t)
	for name, fn := range map[string]func() (*streams.Module, error){
		"no table":  func() (*streams.Module, error) { return commands.Module("name", nil, nil) },
		"long name": func() (*streams.Module, error) { return commands.Module("ninebytes", d.table, nil) },
		"no name":   func() (*streams.Module, error) { return commands.Module("", d.table, nil) },
		"running": func() (*streams.Module, error) {
			return commands.Module("name", d.table, &commands.Config{Running: -1})
		},
	} {
		if m, err := fn(); m != nil {
			t.Errorf("%s: it was made", name)
		} else {
			wantErr(t, err, streams.EINVAL)
		}
	}
}

// TestNoMemory makes each allocation of a call fail once.
func TestNoMemory(t *testing.T) {
	for fail := uint64(1); ; fail++ {
		d := newDevice(t)
		var at, bad atomic.Uint64
		dom := domain(t, &streams.ArenaConfig{Fault: func(n uint64, _ int) bool { at.Store(n); return n == bad.Load() }})
		h := open(t, dom, d.module(nil))
		bad.Store(at.Load() + fail)
		arg, _, regions := swapMemory(t, "input", 8)
		regions[0].ReadOnly = false // the answer has room there, though this one uses none
		mem, err := ioctl.NewRegions(regions...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Str(t.Context(), &head.Str{Command: cmdSwap, Data: arg, Memory: mem, Addr: 0x1000})
		if err == nil {
			if fail < 5 {
				t.Errorf("only %d allocations", fail-1)
			}
			d.wantEnds(true)
			return
		}
		wantErr(t, err, streams.ENOSR)
		d.mu.Lock()
		for _, delivered := range d.ends {
			if delivered {
				t.Errorf("failure of allocation %d: told that it was delivered", fail)
			}
		}
		d.mu.Unlock()
		callDouble(t, h, 1)
	}
}

// TestDuplicateKept has a module keep duplicates of messages on their way down. Nobody may
// change those then, so the caller gets no answer; nothing else comes of it.
func TestDuplicateKept(t *testing.T) {
	for _, kept := range []streams.Type{streams.MIoctl, streams.MIocData} {
		synctest.Test(t, func(t *testing.T) {
			d := newDevice(t)
			var double *streams.Block
			keeper := &streams.Module{Name: "keeper", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
				if m.Type() == kept && double == nil {
					var err error
					if double, err = m.Dup(); err != nil {
						t.Error(err)
					}
				}
				q.PutNext(m)
			}}}
			h := open(t, domain(t, nil), d.module(nil), keeper)
			arg, _, regions := swapMemory(t, "input", 8)
			mem, err := ioctl.NewRegions(regions...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.Str(t.Context(), &head.Str{Command: cmdSwap, Data: arg, Memory: mem, Addr: 0x1000, Wait: time.Second})
			wantErr(t, err, streams.ETIME)
			double.Free()
			d.wantEnds()
			callDouble(t, h, 1)
		})
	}
}
