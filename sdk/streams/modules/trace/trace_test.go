// SPDX-License-Identifier: Apache-2.0

package trace_test

import (
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/internal/modtest"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/trace"
)

func TestTrace(t *testing.T) {
	var lines []string
	m, err := trace.Module(trace.Config{Hook: func(e trace.Event) { lines = append(lines, e.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	r := modtest.Open(t, m, nil)
	banded := r.Message(streams.MData, "da", "ta")
	banded.SetBand(3)
	r.SendDown(banded)
	r.SendUp(r.Message(streams.MProto, "x"))
	for _, answer := range []func(*streams.Block) error{
		func(m *streams.Block) error { return nil },
		func(m *streams.Block) error { return m.Ack(0, 42) },
		func(m *streams.Block) error { return m.Nak(streams.EBUSY) },
	} {
		m, err := r.Arena.Ioctl(streams.Ioctl{Cmd: 0x7801, ID: 3}, r.Message(streams.MData, "12345678"))
		if err == nil {
			err = answer(m)
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Type() == streams.MIoctl {
			r.SendDown(m)
		} else {
			r.SendUp(m)
		}
	}
	r.Want(r.Down(), "data", "M_IOCTL 12345678")
	r.Want(r.Up(), "M_PROTO x", "M_IOCACK 12345678", "M_IOCNAK 12345678")
	want := []string{
		"down M_DATA 4 bytes, band 3",
		"up   M_PROTO 0 bytes",
		"down M_IOCTL 8 bytes, command 0x7801 (3)",
		"up   M_IOCACK 8 bytes, command 0x7801 (3), returns 42",
		"up   M_IOCNAK 8 bytes, command 0x7801 (3), fails with in use (EBUSY, 16)",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
}

func TestRefuses(t *testing.T) {
	for _, cfg := range []trace.Config{{}, {Hook: func(trace.Event) {}, Name: "ninebytes"}} {
		if m, err := trace.Module(cfg); m != nil || err != error(streams.EINVAL) { //nolint:errorlint // the very value
			t.Errorf("%+v: %v, %v", cfg, m, err)
		}
	}
}

// TestCostsNothing sends data past the module.
func TestCostsNothing(t *testing.T) {
	seen := 0
	module, err := trace.Module(trace.Config{Hook: func(trace.Event) { seen++ }})
	if err != nil {
		t.Fatal(err)
	}
	sink := &streams.Module{Name: "sink", Write: streams.Procedures{Put: func(_ *streams.Queue, m *streams.Block) { m.Free() }}}
	s, err := streams.NewDomain(nil).Open(sink, &streams.Module{Name: "head"}, streams.OpenInfo{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plumb(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Push(module, streams.OpenInfo{}); err != nil {
		t.Fatal(err)
	}
	p.Release()
	data := []byte("data")
	allocs := testing.AllocsPerRun(200, func() {
		m, err := s.Arena().From(streams.MData, data)
		if err == nil {
			err = s.Put(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if seen < 200 || allocs >= 1 && !raceEnabled {
		t.Errorf("%d messages seen, %v allocations for each", seen, allocs)
	}
	if err := s.Close(t.Context(), 0); err != nil {
		t.Error(err)
	}
}
