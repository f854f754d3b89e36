// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// caller is a Conn whose bell is a call, as over a transport that has no bells.
type caller struct{ userclient.Conn }

func (c caller) Bell(uint32) (userclient.Bell, error) { return c, nil }

func (c caller) Ring() error {
	return c.Conn.Call(context.Background(), &iostream.Args{Selector: userclient.SelDoorbell, In: []uint64{77}})
}

func TestDoorbellAsACall(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.Block, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDriver(t, iostream.DriverConfig{Buffers: 1, Policy: policy, Direction: iostream.ToDevice}, nil)
				s, err := iostream.Open(t.Context(), caller{dial(t, d)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				start(t, s)
				got := make(chan *iostream.Buffer, 1)
				go func() { b, _ := d.Take(t.Context()); got <- b }()
				synctest.Wait() // it sleeps, and only the call can wake it
				f := next(t, s)
				if err := f.Send(copy(f.Data(), "x")); err != nil {
					t.Fatal(err)
				}
				if b := <-got; b == nil || string(b.Data()) != "x" {
					t.Errorf("the driver got %v", b)
				}
			})
		})
	}
}

func TestDoorbellCarriesItsToken(t *testing.T) {
	h := &inputs{}
	tokens := make(chan uint32, 4)
	h.input = func(token uint32) { tokens <- token }
	d := newDriver(t, iostream.DriverConfig{}, h)
	s, err := iostream.Open(t.Context(), caller{dial(t, d)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := (caller{s.Conn()}).Ring(); err != nil {
		t.Fatal(err)
	}
	if token := <-tokens; token != 77 {
		t.Errorf("the token is %d", token)
	}
}

func TestQueueMemoryByType(t *testing.T) {
	layouts(t, func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config) {
		cfg.Buffers, cfg.ControlSize = 3, 64
		d, s := running(t, cfg, nil, ccfg)
		post(t, d, "payload")
		bytes := func(typ uint32) []byte {
			t.Helper()
			m, err := s.Conn().Map(t.Context(), typ)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = m.Unmap() })
			return m.Bytes
		}
		count := queue.RingCount(ccfg.Layout, 3)
		for _, typ := range []uint32{userclient.MemOutputQueue, userclient.MemInputQueue} {
			b, at := bytes(typ), queue.RingCountOff
			if ccfg.Layout == userclient.LayoutClassic {
				at = queue.ClassicCountOff
			}
			if len(b) != queue.RingSize(ccfg.Layout, count) || binary.LittleEndian.Uint32(b[at:]) != count {
				t.Errorf("queue %#x has %d bytes and %d entries", typ, len(b), binary.LittleEndian.Uint32(b[at:]))
			}
		}
		f := next(t, s)
		data := bytes(userclient.MemBufferData | f.BufferID())
		if &data[0] != &f.Region()[0] || len(data) != 4096 || len(bytes(userclient.MemBufferControl|f.BufferID())) != 64 {
			t.Error("the memory of a buffer is elsewhere")
		}
		_, err := s.Conn().Map(t.Context(), userclient.MemBufferData|3)
		wantIs(t, err, ioreturn.ErrInvalid)
	})
}
