// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"fmt"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// TestBuffersNeeded holds the formula of the guide to performance: a stream has enough
// buffers for those that come while the reader is away, the ones that it works on, and
// the ones that the device fills. With one less there is a loss, and with that many none.
func TestBuffersNeeded(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.DropNewest, iostream.DropOldest} {
		for _, c := range []struct{ late, held, filling int }{{1, 1, 1}, {3, 1, 1}, {25, 4, 1}, {10, 1, 3}} {
			needed := c.late + c.held + c.filling
			for buffers, want := range map[int]uint64{needed: 0, needed - 1: 1} {
				t.Run(fmt.Sprintf("%v/%+v/%d", policy, c, buffers), func(t *testing.T) {
					if lost := pause(t, policy, buffers, c.late, c.held, c.filling); lost != want {
						t.Errorf("%d lost, want %d", lost, want)
					}
				})
			}
		}
	}
}

// pause lets a reader take some frames and do nothing while late more are posted, with a
// device that has taken some buffers ahead. It returns how many were lost.
func pause(t *testing.T, policy iostream.Policy, buffers, late, held, filling int) uint64 {
	t.Helper()
	ctx := t.Context()
	d, err := iostream.NewDriver(iostream.DriverConfig{
		Name: "acme/device/stream", DataSize: 64, Buffers: buffers, Policy: policy,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	conn, err := inproc.Connect(ctx, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	var device []*iostream.Buffer // in the order in which they are filled
	take := func() {
		b, err := d.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		device = append(device, b)
	}
	post := func(n int) {
		for range n {
			if err := d.Post(device[0], 1); err != nil {
				t.Fatal(err)
			}
			device = device[1:]
			take()
		}
	}
	for range filling {
		take()
	}
	for range held {
		post(1)
		if _, err := s.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	post(late)
	for _, b := range device { // what has no buffer is known to be lost when it is posted
		if err := d.Post(b, 1); err != nil {
			t.Fatal(err)
		}
	}
	st := d.Stats()
	if other := st.TotalLost() - st.Lost[userclient.LossDropNewest] - st.Lost[userclient.LossDropOldest]; other != 0 {
		t.Errorf("lost for other reasons: %v", st.Lost)
	}
	return st.TotalLost()
}
