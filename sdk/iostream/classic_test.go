// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// kext is a driver as Apple's class makes it: selectors 0 to 7, memory by type, two
// ports, and nothing of ours. It fills each buffer with its ID and posts it.
type kext struct {
	role    queue.Role
	absent  ioreturn.Code // how it answers what it does not know
	buffers int
	mode    userclient.Mode

	mu    sync.Mutex
	calls []uint32
	bell  userclient.Bell
	port  userclient.Port
	end   *queue.End
	mem   map[uint32]userclient.Mem
	state iostream.State
}

func (k *kext) Describe() iostream.Description { return iostream.Description{} }

func (k *kext) NewSession(_ iostream.Peer, r userclient.Resources) (userclient.Session, error) {
	k.port = r.Doorbell()
	k.mem = make(map[uint32]userclient.Mem)
	count := queue.RingCount(userclient.LayoutClassic, k.buffers)
	size := queue.RingSize(userclient.LayoutClassic, count)
	for _, typ := range []uint32{userclient.MemOutputQueue, userclient.MemInputQueue} {
		m, _, err := r.Alloc(size, userclient.ClientWrites)
		if err != nil {
			return nil, err
		}
		if err := queue.Format(queue.Memory{Ring: m.Bytes}, userclient.LayoutClassic, count); err != nil {
			return nil, err
		}
		for i := range m.Bytes[16:] { // an old driver does not clear its entries
			m.Bytes[16+i] = 0xee
		}
		m.Bytes = m.Bytes[:size]
		k.mem[typ] = m
	}
	bounds := make([]queue.Bound, k.buffers)
	for id := range uint32(k.buffers) {
		m, _, err := r.Alloc(4096, userclient.ClientWrites)
		if err != nil {
			return nil, err
		}
		k.mem[userclient.MemBufferData|id] = m
		bounds[id].Data = uint32(len(m.Bytes))
	}
	cfg := queue.Config{Layout: userclient.LayoutClassic, Roles: queue.NewRoles(k.role), Name: "queue"}
	out, err := queue.NewProducer(queue.Memory{Ring: k.mem[userclient.MemOutputQueue].Bytes}, cfg)
	if err != nil {
		return nil, err
	}
	in, err := queue.NewConsumer(queue.Memory{Ring: k.mem[userclient.MemInputQueue].Bytes}, cfg)
	if err != nil {
		return nil, err
	}
	k.end = queue.NewEnd(in, out, bounds, true)
	return k, nil
}

func (k *kext) Call(_ context.Context, a *iostream.Args) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, a.Selector)
	op, ok := userclient.OperationOf(a.Selector)
	if !ok || a.Selector > userclient.SelGetBufferCount {
		return k.absent
	}
	t := userclient.Next(k.state, op)
	if t.Code != ioreturn.Success {
		return t.Code
	}
	k.state = t.Next
	switch a.Selector {
	case userclient.SelGetMode:
		a.NOut = copy(a.Out, []uint64{uint64(k.mode)})
	case userclient.SelGetBufferCount:
		a.NOut = copy(a.Out, []uint64{uint64(k.buffers)})
	case userclient.SelStart:
		for id := range uint32(k.buffers) {
			if k.end.Owns(id) {
				k.postLocked(id)
			}
		}
	}
	return nil
}

func (k *kext) postLocked(id uint32) {
	b := k.mem[userclient.MemBufferData|id].Bytes
	for i := range b {
		b[i] = byte(id)
	}
	e := queue.Entry{Buffer: id, DataLength: 100 + id, Seq: 0xeeeeeeee, Stamp: 0xeeeeeeeeeeeeeeee}
	if wake, err := k.end.Send([]queue.Entry{e}); err == nil && wake != queue.WakeNone {
		_ = k.bell.Ring()
	}
}

// back returns the buffers that the client has given back.
func (k *kext) back() []uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	var ids []uint32
	es := make([]queue.Entry, k.buffers)
	n, err := k.end.Receive(es)
	for i := range es[:n] {
		ids = append(ids, es[i].Buffer)
	}
	if err != nil {
		return nil
	}
	return ids
}

func (k *kext) Memory(typ uint32) (userclient.Mem, error) {
	m, ok := k.mem[typ]
	if !ok {
		return m, ioreturn.BadArgument
	}
	return m, nil
}

func (k *kext) Notify(typ uint32, b userclient.Bell) {
	if typ == userclient.PortOutput {
		k.bell = b
	}
}

func (k *kext) Closed(error) {}

// TestC17ClassicDriverWithoutExtensions also is C19 and C21 from the client's side:
// the roles of the indices are found out, and each batch rings.
func TestC17ClassicDriverWithoutExtensions(t *testing.T) {
	for _, role := range []queue.Role{queue.HeadWrites, queue.TailWrites} {
		for _, absent := range []ioreturn.Code{ioreturn.Unsupported, ioreturn.BadArgument} {
			t.Run(role.String()+", absent is "+absent.Name(), func(t *testing.T) {
				ctx := bounded(t)
				k := &kext{role: role, absent: absent, buffers: 3, mode: userclient.ModeOutput}
				s := connect(t, k, nil)
				if s.Layout() != userclient.LayoutClassic || s.Features() != 0 || s.Name() != "stream" ||
					s.Description().Policy != userclient.PolicyDriver || s.BufferCount() != 3 {
					t.Fatalf("layout %v, features %#x, %d buffers", s.Layout(), s.Features(), s.BufferCount())
				}
				_, err := s.Next(ctx)
				wantIs(t, err, ioreturn.ErrState) // not started
				start(t, s)
				for round := range 5 {
					frames := make([]iostream.Frame, 3)
					if n, err := s.NextBatch(ctx, frames, 3); n != 3 || err != nil {
						t.Fatalf("round %d: %d frames, %v", round, n, err)
					}
					rings := s.Stats().Rings
					for i := range frames {
						f := &frames[i]
						if len(f.Data()) != 100+i || f.Data()[0] != byte(i) || f.Control() != nil {
							t.Fatalf("frame %d has %d bytes of %d", i, len(f.Data()), f.Data()[0])
						}
						if f.Seq() != uint64(3*round+i) || f.Time() != 0 || f.Flags() != 0 || f.Missed() != 0 {
							t.Fatalf("frame %d: number %d, time %v, flags %#x: reserved words were used", i, f.Seq(), f.Time(), f.Flags())
						}
						release(t, *f)
					}
					if got := s.Stats().Rings - rings; got != 3 {
						t.Errorf("%d rings for 3 entries: an unknown driver is rung for each", got)
					}
					if ids := k.back(); !slices.Equal(ids, []uint32{0, 1, 2}) {
						t.Fatalf("the driver got %v back", ids)
					}
					k.mu.Lock()
					for id := range uint32(3) {
						k.postLocked(id)
					}
					k.mu.Unlock()
				}
				if err := s.Stop(ctx); err != nil {
					t.Fatal(err)
				}
				if st := s.Stats(); st.Given || st.Divergences != 0 {
					t.Errorf("the client counts %+v", st)
				}
				for name, call := range map[string]func() error{
					"format": func() error { _, err := s.Format(ctx); return err },
					"stats":  func() error { _, err := s.DriverStats(ctx); return err },
					"events": func() error { _, _, err := s.NextEvents(ctx); return err },
				} {
					if err := call(); err == nil {
						t.Errorf("%s succeeded", name)
					} else if name == "events" {
						wantIs(t, err, ioreturn.ErrUnsupported)
					} else {
						wantIs(t, err, map[ioreturn.Code]error{
							ioreturn.Unsupported: ioreturn.ErrUnsupported, ioreturn.BadArgument: ioreturn.ErrInvalid,
						}[absent])
					}
				}
			})
		}
	}
}

func TestC17ClassicDriverToTheDevice(t *testing.T) {
	k := &kext{role: queue.TailWrites, absent: ioreturn.Unsupported, buffers: 2, mode: userclient.ModeInput}
	s := connect(t, k, nil)
	if s.Direction() != iostream.ToDevice {
		t.Fatalf("direction %v", s.Direction())
	}
	start(t, s)
	f := next(t, s)
	if len(f.Data()) != 4096 {
		t.Fatalf("%d bytes to fill", len(f.Data()))
	}
	if err := f.Send(7); err != nil {
		t.Fatal(err)
	}
	es := make([]queue.Entry, 2)
	n, err := k.end.Receive(es)
	if err != nil || n != 1 || es[0] != (queue.Entry{Buffer: f.BufferID(), DataLength: 7}) {
		t.Errorf("the driver got %d entries, %+v, %v: reserved words must be zero", n, es[0], err)
	}
}

func TestC17OrderOfCalls(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	var calls []uint32
	conn := &hooked{Conn: dial(t, d), before: func(a *iostream.Args) { calls = append(calls, a.Selector) }}
	s, err := iostream.Open(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := []uint32{
		userclient.SelDescribe, userclient.SelSelect, userclient.SelOpen, userclient.SelGetBufferCount, userclient.SelMemoryMap,
	}
	if !slices.Equal(calls, want) {
		t.Errorf("the calls are %#x, want %#x", calls, want)
	}
}

func TestC17FeaturesAreSettled(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{Metadata: true}, nil)
	for _, tc := range []struct {
		offered, required, without, want uint64
		fails                            error
	}{
		{want: userclient.FeatureSequence | userclient.FeatureEvents | userclient.FeatureSharedWord | userclient.FeatureMetadata},
		{without: userclient.FeatureEvents | userclient.FeatureMetadata, want: userclient.FeatureSequence | userclient.FeatureSharedWord},
		{required: 1 << 40, fails: ioreturn.ErrUnsupported},
	} {
		p := &edited{Provider: d, edit: func(desc *iostream.Description) { desc.Required |= tc.required }}
		s, err := iostream.Open(t.Context(), dial(t, p), &iostream.Config{Without: tc.without})
		if tc.fails != nil {
			wantIs(t, err, tc.fails)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.Features() != tc.want {
			t.Errorf("features %#x, want %#x", s.Features(), tc.want)
		}
		s.Close()
	}
}

func TestC17VersionsAreCompared(t *testing.T) {
	d := newDriver(t, iostream.DriverConfig{}, nil)
	p := &edited{Provider: d, edit: func(desc *iostream.Description) { desc.ABIMin.Major, desc.ABIMax.Major = 7, 9 }}
	_, err := iostream.Open(t.Context(), dial(t, p), nil)
	wantRule(t, err, ioreturn.RuleVersion)
}

// edited is a Provider whose sessions describe themselves differently.
type edited struct {
	userclient.Provider
	edit func(*iostream.Description)
}

type editedSession struct {
	userclient.Session
	p *edited
}

func (p *edited) NewSession(peer iostream.Peer, r userclient.Resources) (userclient.Session, error) {
	s, err := p.Provider.NewSession(peer, r)
	return editedSession{s, p}, err
}

func (s editedSession) Call(ctx context.Context, a *iostream.Args) error {
	if a.Selector != userclient.SelDescribe {
		return s.Session.Call(ctx, a)
	}
	desc := s.p.Provider.Describe()
	s.p.edit(&desc)
	b, err := desc.AppendBinary(nil)
	a.NOutBytes = copy(a.OutBytes, b)
	return err
}
