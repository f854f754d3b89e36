// SPDX-License-Identifier: Apache-2.0

package streams_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// A module that changes data on its way down, on a driver that sends everything back.
func Example() {
	upper := &streams.Module{Name: "upper", Write: streams.Procedures{
		Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type() == streams.MData && !m.Shared() {
				copy(m.Bytes(), bytes.ToUpper(m.Bytes()))
			}
			q.PutNext(m)
		},
	}}
	echo := &streams.Module{Name: "echo", Write: streams.Procedures{
		Put: func(q *streams.Queue, m *streams.Block) {
			if m.Type() != streams.MData {
				q.PassOn(m)
				return
			}
			q.Reply(m)
		},
	}}
	head := &streams.Module{Name: "head", Read: streams.Procedures{
		Put: func(_ *streams.Queue, m *streams.Block) {
			fmt.Printf("%v %s\n", m.Type(), m.Bytes())
			m.Free()
		},
	}}

	ctx := context.Background()
	s, err := streams.NewDomain(nil).Open(echo, head, streams.OpenInfo{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close(ctx, 0)
	p, err := s.Plumb(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = p.Push(upper, streams.OpenInfo{})
	p.Release()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Names())
	m, err := s.Arena().From(streams.MData, []byte("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Put(m); err != nil {
		m.Free()
	}
	// Output:
	// [upper echo]
	// M_DATA HELLO
}
