// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// temperature is the result of GET_TEMPERATURE, in thousandths of a degree.
type temperature struct{ MilliCelsius int64 }

// A driver that answers one command, and a program that sends it.
func Example() {
	const getTemperature streams.Command = 0x7401
	table, err := ioctl.NewTable(nil, ioctl.Command[ioctl.None, temperature]{
		Number: getTemperature, Name: "GET_TEMPERATURE", Access: ioctl.ForReading,
		Do: func(context.Context, *ioctl.Job, ioctl.None) (temperature, error) {
			return temperature{21_500}, nil // ask the device, however long that takes
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	driver, err := commands.Module("thermo", table, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	h, err := head.Open(streams.NewDomain(nil), driver, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close(ctx)
	layout, err := ioctl.LayoutOf[temperature]()
	if err != nil {
		fmt.Println(err)
		return
	}
	var t temperature
	s := head.Str{Command: getTemperature, Data: make([]byte, layout.Size())}
	if _, err = h.Str(ctx, &s); err == nil {
		err = layout.Decode(s.Data[:s.Len], &t)
	}
	fmt.Println(t.MilliCelsius, err)
	_, err = h.Str(ctx, &head.Str{Command: 0x7402})
	fmt.Println(err)
	// Output:
	// 21500 <nil>
	// I_STR thermo: invalid argument (EINVAL, 22)
}
