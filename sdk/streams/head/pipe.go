// SPDX-License-Identifier: Apache-2.0

package head

import (
	"cmp"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Pipe opens two streams that are each other's end: what is written to one is read from
// the other. When one is closed, the other is hung up: it reads what is left and then the
// end, and writing is EPIPE. The error is ENOSR.
func Pipe(d *streams.Domain, cfg *Config) (a, b *Head, err error) {
	ends := [2]*Head{newHead(cfg), newHead(cfg)}
	opened := 0
	tun := ends[0].tun
	module := &streams.Module{
		Name: "strhead",
		Open: func(q *streams.Queue, _ streams.OpenInfo) error {
			q.SetPrivate(ends[opened])
			opened++
			return nil
		},
		Read: streams.Procedures{
			Put:       func(q *streams.Queue, m *streams.Block) { end(q).arrive(q, m) },
			HighWater: tun.HighWater, LowWater: tun.LowWater,
		},
		Write: streams.Procedures{Service: func(q *streams.Queue) { end(q).writable(q) }},
	}
	sa, sb, err := d.Pipe(module, streams.OpenInfo{Credential: ends[0].cfg.Credential})
	for i, s := range [...]*streams.Stream{sa, sb} {
		h := ends[i]
		h.module, h.stream = module, s
		h.cfg.Name = cmp.Or(h.cfg.Name, "pipe")
	}
	if err != nil {
		return nil, nil, ioreturn.Op("open", ends[0].cfg.Name, err)
	}
	return ends[0], ends[1], nil
}

// end returns the head that the queue of a pipe belongs to.
func end(q *streams.Queue) *Head { return q.Private().(*Head) }
