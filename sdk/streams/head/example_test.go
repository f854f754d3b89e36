// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

func ExamplePipe() {
	ctx := context.Background()
	a, b, err := head.Pipe(streams.NewDomain(nil), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close(ctx)
	_, _ = a.Write(ctx, []byte("ordinary"))
	_ = a.PutMsg(ctx, &head.Message{Control: []byte("first of all"), Flags: streams.MsgUrgent})
	_ = a.Close(ctx)

	m := &head.Message{Control: make([]byte, 64), Data: make([]byte, 64)}
	_, err = b.GetMsg(ctx, m)
	fmt.Printf("%s, %v\n", m.Control[:m.ControlLen], err)
	p := make([]byte, 64)
	n, err := b.Read(ctx, p)
	fmt.Printf("%s, %v\n", p[:n], err)
	_, err = b.Read(ctx, p)
	fmt.Println(err)
	// Output:
	// first of all, <nil>
	// ordinary, <nil>
	// EOF
}
