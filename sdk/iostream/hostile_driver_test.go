// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// liar is a Provider around a real driver whose answers and memory a test changes.
type liar struct {
	userclient.Provider
	call   func(a *iostream.Args, err error) error
	memory func(typ uint32, m *userclient.Mem)

	mem map[uint32]userclient.Mem // as last handed out
}

type liarSession struct {
	userclient.Session
	l *liar
}

func (l *liar) NewSession(p iostream.Peer, r userclient.Resources) (userclient.Session, error) {
	s, err := l.Provider.NewSession(p, r)
	l.mem = make(map[uint32]userclient.Mem)
	return liarSession{s, l}, err
}

func (s liarSession) Call(ctx context.Context, a *iostream.Args) error {
	err := s.Session.Call(ctx, a)
	if s.l.call != nil {
		err = s.l.call(a, err)
	}
	return err
}

func (s liarSession) Memory(typ uint32) (userclient.Mem, error) {
	m, err := s.Session.Memory(typ)
	if s.l.memory != nil {
		s.l.memory(typ, &m)
	}
	s.l.mem[typ] = m
	return m, err
}

// answerMap replaces the memory map.
func answerMap(t testing.TB, edit func(regions []userclient.Region) []userclient.Region) func(*iostream.Args, error) error {
	return func(a *iostream.Args, err error) error {
		if a.Selector != userclient.SelMemoryMap {
			return err
		}
		regions, err := userclient.ParseRegions(a.OutBytes[:a.NOutBytes])
		if err != nil {
			t.Error(err)
		}
		b, err := userclient.AppendRegions(nil, edit(regions))
		if err != nil {
			t.Error(err)
		}
		a.NOutBytes = copy(a.OutBytes, b)
		return nil
	}
}

// row finds the row of a memory map that has typ.
func row(regions []userclient.Region, typ uint32) *userclient.Region {
	i := slices.IndexFunc(regions, func(r userclient.Region) bool { return r.Type == typ })
	return &regions[i]
}

// TestHostileMemoryMap opens a stream whose driver tells wrong regions: each is an
// error that names the rule, and gives everything back.
func TestHostileMemoryMap(t *testing.T) {
	const data, control = userclient.MemBufferData, userclient.MemBufferControl
	for name, spoil := range map[string]func(r []userclient.Region) []userclient.Region{
		"no rows": func([]userclient.Region) []userclient.Region { return nil },
		"no data": func(r []userclient.Region) []userclient.Region {
			return slices.DeleteFunc(r, func(r userclient.Region) bool { return r.Type == data })
		},
		"one buffer is missing": func(r []userclient.Region) []userclient.Region { row(r, data).Count--; return r },
		"one buffer too many":   func(r []userclient.Region) []userclient.Region { row(r, data).Count++; return r },
		"very many buffers":     func(r []userclient.Region) []userclient.Region { row(r, data).Count = 1<<32 - 1; return r },
		"no buffers in a row":   func(r []userclient.Region) []userclient.Region { row(r, data).Count = 0; return r },
		"a buffer twice":        func(r []userclient.Region) []userclient.Region { return append(r, *row(r, data)) },
		"past the arena":        func(r []userclient.Region) []userclient.Region { row(r, data).Offset += 1 << 30; return r },
		"longer than the arena": func(r []userclient.Region) []userclient.Region { row(r, data).Length = 1 << 40; return r },
		"the sum overflows":     func(r []userclient.Region) []userclient.Region { row(r, data).Offset = 1<<64 - 64; return r },
		"the stride overflows":  func(r []userclient.Region) []userclient.Region { row(r, data).Stride = 1 << 62; return r },
		"no stride":             func(r []userclient.Region) []userclient.Region { row(r, data).Stride = 0; return r },
		"empty data":            func(r []userclient.Region) []userclient.Region { row(r, data).Length = 0; return r },
		"data over control": func(r []userclient.Region) []userclient.Region {
			row(r, control).Offset = row(r, data).Offset
			return r
		},
		"data over the queue": func(r []userclient.Region) []userclient.Region {
			*row(r, data) = userclient.Region{Type: data, Count: 4, Arena: userclient.MemDriverArena, Length: 64, Stride: 64}
			return r
		},
		"unknown arena": func(r []userclient.Region) []userclient.Region { row(r, data).Arena = 7; return r },
		"queue in the wrong arena": func(r []userclient.Region) []userclient.Region {
			row(r, userclient.MemInputQueue).Arena = userclient.MemDriverArena
			return r
		},
		"reader in the wrong arena": func(r []userclient.Region) []userclient.Region {
			row(r, userclient.MemOutputReader).Arena = userclient.MemDriverArena
			return r
		},
		"driver's queue in the client's arena": func(r []userclient.Region) []userclient.Region {
			row(r, userclient.MemOutputQueue).Arena = userclient.MemClientArena
			return r
		},
		"no reader": func(r []userclient.Region) []userclient.Region {
			return slices.DeleteFunc(r, func(r userclient.Region) bool { return r.Type == userclient.MemOutputReader })
		},
		"queue with a number": func(r []userclient.Region) []userclient.Region {
			row(r, userclient.MemInputQueue).Type++
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, iostream.DriverConfig{Buffers: 4, ControlSize: 64}, nil)
			l := &ledger{Provider: &liar{Provider: d, call: answerMap(t, spoil)}}
			m := &mappings{Conn: dial(t, l)}
			_, err := iostream.Open(t.Context(), m, nil)
			wantRule(t, err, ioreturn.RuleMemoryRange)
			if m.count() != 0 || l.count() != 0 {
				t.Errorf("%d mappings and %d arenas are left", m.count(), l.count())
			}
			connect(t, d, nil) // the next one gets in
		})
	}
}

// TestLaterVersionsMayAddRows has a row of a type that this version does not know.
func TestLaterVersionsMayAddRows(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	add := func(r []userclient.Region) []userclient.Region {
		return append(r, userclient.Region{Type: 0xf0000000, Count: 1<<32 - 1, Arena: 77, Offset: 1<<64 - 1})
	}
	s := connect(t, &liar{Provider: d, call: answerMap(t, add)}, nil)
	start(t, s)
	post(t, d, "x")
	wantText(t, read(t, s), "x")
}

func TestHostileMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg   iostream.DriverConfig
		spoil func(typ uint32, m *userclient.Mem)
		rule  ioreturn.Rule
	}{
		"short":       {spoil: func(_ uint32, m *userclient.Mem) { m.Bytes = m.Bytes[:128] }, rule: ioreturn.RuleMemoryRange},
		"empty":       {spoil: func(_ uint32, m *userclient.Mem) { m.Bytes = nil }, rule: ioreturn.RuleMemoryRange},
		"misaligned":  {spoil: func(_ uint32, m *userclient.Mem) { m.Bytes = m.Bytes[1:] }, rule: ioreturn.RuleMemoryRange},
		"read-only":   {spoil: func(_ uint32, m *userclient.Mem) { m.ReadOnly = true }, rule: ioreturn.RuleMemoryRange},
		"no magic":    {spoil: func(_ uint32, m *userclient.Mem) { m.Bytes[0] ^= 1 }, rule: ioreturn.RuleQueueMagic},
		"small count": {spoil: func(_ uint32, m *userclient.Mem) { m.Bytes[queue.RingCountOff] = 2 }, rule: ioreturn.RuleQueueGeometry},
		"bad count": {spoil: func(_ uint32, m *userclient.Mem) {
			binary.LittleEndian.PutUint32(m.Bytes[queue.RingCountOff:], 1<<30)
		}, rule: ioreturn.RuleQueueGeometry},
		"moved indices": {spoil: func(_ uint32, m *userclient.Mem) {
			binary.LittleEndian.PutUint32(m.Bytes[queue.RingTailOff:], 1<<20)
		}, rule: ioreturn.RuleQueueIndex},
		"read-only data to the device": {
			cfg: iostream.DriverConfig{Direction: iostream.ToDevice},
			spoil: func(typ uint32, m *userclient.Mem) {
				m.ReadOnly = typ == userclient.MemClientArena
			}, rule: ioreturn.RuleMemoryRange,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Buffers = 8
			d := newDriver(t, tc.cfg, nil)
			m := &mappings{Conn: dial(t, &liar{Provider: d, memory: tc.spoil})}
			_, err := iostream.Open(t.Context(), m, nil)
			wantRule(t, err, tc.rule)
			if m.count() != 0 {
				t.Errorf("%d mappings are left", m.count())
			}
		})
	}
}

func TestHostileAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		sel   uint32
		spoil func(a *iostream.Args)
		rule  ioreturn.Rule
	}{
		"no count":        {userclient.SelGetBufferCount, func(a *iostream.Args) { a.NOut = 0 }, ioreturn.RuleAnswer},
		"count 0":         {userclient.SelGetBufferCount, func(a *iostream.Args) { a.Out[0] = 0 }, ioreturn.RuleAnswer},
		"huge count":      {userclient.SelGetBufferCount, func(a *iostream.Args) { a.Out[0] = 1 << 40 }, ioreturn.RuleAnswer},
		"no features":     {userclient.SelSelect, func(a *iostream.Args) { a.NOut = 0 }, ioreturn.RuleAnswer},
		"more features":   {userclient.SelSelect, func(a *iostream.Args) { a.Out[0] |= 1 << 50 }, ioreturn.RuleAnswer},
		"no description":  {userclient.SelDescribe, func(a *iostream.Args) { a.NOutBytes = 0 }, ioreturn.RuleDescribe},
		"bad description": {userclient.SelDescribe, func(a *iostream.Args) { clear(a.OutBytes) }, ioreturn.RuleDescribe},
		"bad memory map":  {userclient.SelMemoryMap, func(a *iostream.Args) { a.NOutBytes-- }, ioreturn.RuleDescribe},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, iostream.DriverConfig{}, nil)
			_, err := iostream.Open(t.Context(), dial(t, &liar{Provider: d, call: func(a *iostream.Args, err error) error {
				if a.Selector == tc.sel {
					tc.spoil(a)
				}
				return err
			}}), nil)
			wantRule(t, err, tc.rule)
			connect(t, d, nil)
		})
	}
}

func TestHostileModeOfAClassicDriver(t *testing.T) {
	k := &kext{absent: ioreturn.Unsupported, buffers: 1, mode: 9, role: queue.HeadWrites}
	_, err := iostream.Open(t.Context(), dial(t, k), nil)
	wantRule(t, err, ioreturn.RuleAnswer)
}

func TestHostileRecords(t *testing.T) {
	ctx := bounded(t)
	d := newDriver(t, iostream.DriverConfig{}, nil)
	on := false
	s := connect(t, &liar{Provider: d, call: func(a *iostream.Args, err error) error {
		if on {
			a.NOut = min(a.NOut, 1)
			a.NOutBytes = min(a.NOutBytes, 5)
			if len(a.Out) > 0 {
				a.Out[0] = 0
			}
		}
		return err
	}}, nil)
	if _, _, err := s.NextEvents(ctx); err != nil {
		t.Fatal(err)
	}
	on = true
	for name, call := range map[string]func() error{
		"format":    func() error { _, err := s.Format(ctx); return err },
		"stats":     func() error { _, err := s.DriverStats(ctx); return err },
		"correlate": func() error { _, err := s.Correlate(ctx); return err },
		"events":    func() error { _, _, err := s.NextEvents(ctx); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			wantIs(t, err, ioreturn.ErrProtocol)
		}
	}
}

// TestHostileDriverDuringTheRun writes what no driver writes into the driver's arena.
// The client's calls return the rule, the session ends, and leases stay readable.
func TestHostileDriverDuringTheRun(t *testing.T) {
	le := binary.LittleEndian
	entry := func(ring []byte, i int) []byte { return ring[queue.RingEntries+i*queue.EntrySize:] }
	for name, tc := range map[string]struct {
		write func(ring []byte)
		rule  ioreturn.Rule
	}{
		"tail far ahead": {func(ring []byte) { le.PutUint32(ring[queue.RingTailOff:], 1<<31) }, ioreturn.RuleQueueIndex},
		"tail goes back": {func(ring []byte) { le.PutUint32(ring[queue.RingTailOff:], 0) }, ioreturn.RuleQueueIndex},
		"unknown buffer": {func(ring []byte) {
			le.PutUint32(entry(ring, 1), 99)
			le.PutUint32(ring[queue.RingTailOff:], 2)
		}, ioreturn.RuleEntryBuffer},
		"foreign buffer": {func(ring []byte) {
			copy(entry(ring, 1)[:32], entry(ring, 0))
			le.PutUint32(ring[queue.RingTailOff:], 2)
		}, ioreturn.RuleEntryOwner},
		"long data": {func(ring []byte) {
			le.PutUint32(entry(ring, 1), 1)
			le.PutUint32(entry(ring, 1)[4:], 1<<32-1)
			le.PutUint32(entry(ring, 1)[8:], 2)
			le.PutUint32(ring[queue.RingTailOff:], 2)
		}, ioreturn.RuleEntryRange},
		"same number": {func(ring []byte) {
			copy(entry(ring, 1)[:32], entry(ring, 0))
			le.PutUint32(entry(ring, 1), 1)
			le.PutUint32(ring[queue.RingTailOff:], 2)
		}, ioreturn.RuleEntrySeq},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := bounded(t)
			d := newDriver(t, iostream.DriverConfig{Buffers: 4}, nil)
			l := &liar{Provider: d}
			s := connect(t, l, nil)
			start(t, s)
			post(t, d, "honest")
			f := next(t, s)
			wantText(t, string(f.Data()), "honest")
			ring := l.mem[userclient.MemDriverArena].Bytes
			tc.write(ring)
			for range 2 { // the error stays
				_, err := s.Next(ctx)
				wantRule(t, err, tc.rule)
				_, _, err = s.TryNext()
				wantRule(t, err, tc.rule)
			}
			<-s.Conn().Done()
			wantText(t, string(f.Data()), "honest")
			if err := f.Release(); err != nil { // over either way; it may say why
				wantIs(t, err, ioreturn.ErrProtocol)
			}
			if st := s.Stats(); st.Leased != 0 {
				t.Errorf("%d frames are lent", st.Leased)
			}
			if err := s.Close(); err != nil {
				t.Errorf("closing what is over: %v", err)
			}
		})
	}
}

// TestHostileDriverFillsTheInputQueue moves the reader's index, so that giving a frame
// back finds the ring full or the index wrong.
func TestHostileDriverFillsTheInputQueue(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Buffers: 2}, nil)
	l := &liar{Provider: d}
	var at uint64
	l.call = func(a *iostream.Args, err error) error {
		if a.Selector == userclient.SelMemoryMap {
			regions, _ := userclient.ParseRegions(a.OutBytes[:a.NOutBytes])
			at = row(regions, userclient.MemInputReader).Offset
		}
		return err
	}
	m := &mappings{Conn: dial(t, l)}
	s, err := iostream.Open(t.Context(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	reader := l.mem[userclient.MemDriverArena].Bytes[at:]
	var f iostream.Frame
	for i := 0; err == nil && i < 20; i++ { // as many as the ring takes without a look at the index
		post(t, d, "x")
		f = next(t, s)
		binary.LittleEndian.PutUint32(reader[queue.ReaderHeadOff:], 1<<30)
		err = f.Release()
	}
	wantRule(t, err, ioreturn.RuleQueueIndex)
	<-s.Conn().Done()
	s.Close()
	if m.count() != 0 {
		t.Errorf("%d mappings are left: a loan was lost with the session", m.count())
	}
}
