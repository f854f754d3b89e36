// SPDX-License-Identifier: Apache-2.0

package control_test

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/control"
)

// A driver offers a gain; a client finds it, and sets what a person typed.
func Example() {
	var table control.Table
	err := table.Add(control.Info{
		Name: "rf/gain", Text: "Gain of the first amplifier", Access: control.CanGet | control.CanSet,
		Shape: control.Shape{
			Type: control.TypeInt, Unit: "dB", Min: control.Int(0), Max: control.Int(60), Step: control.Int(2), Default: control.Int(20),
		},
	}, control.Handler{Set: func(_ context.Context, v control.Value) (control.Value, error) {
		return v, nil // write it to the device, and return what that has made of it
	}})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	client := control.Client{Do: func(ctx context.Context, c control.Command, in []byte) ([]byte, error) {
		return table.Serve(ctx, c, in, nil, control.MaxMessage) // between processes the control plane does this
	}}
	gain, err := client.Find(ctx, "rf/gain")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{"31", "30 dB"} {
		v, err := gain.Parse(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		v, err = client.Set(ctx, gain.Name, v)
		fmt.Println(gain.Name, gain.Format(v), err)
	}
	// Output:
	// 31 dB does not lie on a step of 2 from 0: bad argument (kIOReturnBadArgument, 0xe00002c2)
	// rf/gain 30 dB <nil>
}
