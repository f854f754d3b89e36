// SPDX-License-Identifier: Apache-2.0

package head

import (
	"math"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/internal/ids"
)

// Where the counter of IDs begins again, no two ioctls that are under way have the same one,
// and none has 0, to which no answer would belong.
func TestD60IDsWrap(t *testing.T) {
	before := ids.Last.Load()
	defer ids.Last.Store(before)
	ids.Last.Store(math.MaxUint64 - 3)
	type pending struct {
		m    *streams.Block
		port *streams.Port
	}
	came := make(chan pending, 1)
	driver := &streams.Module{Name: "driver", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		port, err := q.Partner().Port()
		if err != nil {
			t.Error(err)
		}
		came <- pending{m, port}
	}}}
	type result struct {
		rval int
		err  error
	}
	var all []pending
	var results []chan result
	seen := map[uint64]bool{0: true}
	for range 8 {
		h, err := Open(streams.NewDomain(nil), driver, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close(t.Context())
		done := make(chan result, 1)
		go func() {
			rval, err := h.Str(t.Context(), &Str{Command: 0x6101, Wait: Forever})
			done <- result{rval, err}
		}()
		p := <-came
		x, _ := p.m.Ioctl()
		if seen[x.ID] {
			t.Errorf("a call has the ID %d, which is none or another's", x.ID)
		}
		seen[x.ID] = true
		all, results = append(all, p), append(results, done)
	}
	for i, p := range all {
		if err := p.m.Ack(0, i); err != nil {
			t.Fatal(err)
		}
		if err := p.port.Put(nil, p.m); err != nil {
			t.Fatal(err)
		}
		if r := <-results[i]; r != (result{rval: i}) {
			t.Errorf("call %d: %+v", i, r)
		}
	}
}
