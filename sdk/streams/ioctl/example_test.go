// SPDX-License-Identifier: Apache-2.0

package ioctl_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// label is the argument of SET_LABEL: where the caller keeps the new label.
type label struct {
	Text   uint64 // address of the bytes
	Length uint32
	_      [4]byte
}

// A driver has a command whose argument points to a text of any length. The function
// sees neither addresses nor copies.
func Example() {
	const setLabel streams.Command = 0x40106c01 // _IOW('l', 1, struct label)

	table, err := ioctl.NewTable(nil, ioctl.Command[label, ioctl.None]{
		Number: setLabel, Name: "SET_LABEL", Access: ioctl.ForWriting,
		Ranges: []ioctl.Range{{Dir: ioctl.In, Addr: "Text", Len: "Length", Max: 64}},
		Do: func(_ context.Context, job *ioctl.Job, _ label) (ioctl.None, error) {
			text := string(job.Input("Text"))
			if strings.Contains(text, "\n") {
				return ioctl.None{}, streams.EINVAL
			}
			fmt.Printf("label is %q\n", text)
			return ioctl.None{}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// A caller, without a stream between them.
	text := []byte("front camera")
	layout, err := ioctl.LayoutOf[label]()
	if err != nil {
		fmt.Println(err)
		return
	}
	arg := layout.Append(nil, &label{Text: 0x2000, Length: uint32(len(text))})
	mem, err := ioctl.NewRegions(ioctl.Region{Addr: 0x1000, Data: arg}, ioctl.Region{Addr: 0x2000, Data: text})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, caller := range []ioctl.Caller{{Read: true, Write: true}, {Read: true}} {
		req := ioctl.Request{Command: setLabel, Transparent: true, Arg: 0x1000, Caller: caller}
		_, _, err := ioctl.Run(context.Background(), table, req, mem)
		fmt.Println(err)
	}
	// Output:
	// label is "front camera"
	// <nil>
	// access denied (EACCES, 13)
}
