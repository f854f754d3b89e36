// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// Check a driver that is a value in this program. Its loop must run beside the suite, as
// it would beside a client.
func ExampleRun() {
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/cam0/video", DataSize: 4096}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			b, err := d.Take(ctx)
			if err != nil {
				return
			}
			_ = d.Post(b, copy(b.Data(), "a frame")) // Take tells when it is over
		}
	}()
	defer func() { stop(); <-ended; _ = d.Close(); <-d.Done() }()

	rep, err := conformance.Run(ctx, conformance.FromProvider(d), &conformance.Options{Only: []string{"LIFE"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rep.Fail, "rules broken;", rep.Result, "because other areas were not selected")
	// Output:
	// 0 rules broken; incomplete because other areas were not selected
}
