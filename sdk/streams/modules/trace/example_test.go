// SPDX-License-Identifier: Apache-2.0

package trace_test

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/modules/trace"
)

// Push the module on a stream and see a command that nobody knows.
func Example() {
	module, err := trace.Module(trace.Config{Hook: func(e trace.Event) {
		fmt.Println(e.Down, e.Type, e.Ioctl.Cmd, e.Size)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	h, err := head.Open(streams.NewDomain(nil), &streams.Module{Name: "driver"}, &head.Config{
		Modules: func(string) *streams.Module { return module },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close(ctx)
	if err := h.Push(ctx, "trace"); err != nil {
		fmt.Println(err)
		return
	}
	_, err = h.Str(ctx, &head.Str{Command: 0x7801, Data: []byte("data")})
	fmt.Println(err)
	// Output:
	// true M_IOCTL 0x7801 4
	// false M_IOCNAK 0x7801 4
	// I_STR driver: invalid argument (EINVAL, 22)
}
