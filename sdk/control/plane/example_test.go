// SPDX-License-Identifier: Apache-2.0

package plane_test

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// A driver's control is set from the other end of its stream.
func Example() {
	var table control.Table
	err := table.Add(control.Info{
		Name: "rf/gain", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{Type: control.TypeInt, Unit: "dB", Min: control.Int(0), Max: control.Int(60), Default: control.Int(20)},
	}, control.Handler{})
	if err != nil {
		fmt.Println(err)
		return
	}
	driver, err := plane.Module("tuner", &table, nil)
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
	client := plane.Client(h)
	for _, dB := range []int64{30, 90} {
		v, err := client.Set(ctx, "rf/gain", control.Int(dB))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("the gain is", v, "dB")
	}
	// Output:
	// the gain is 30 dB
	// set control rf/gain: 90 dB is outside 0 dB to 60 dB: bad argument (kIOReturnBadArgument, 0xe00002c2)
}
