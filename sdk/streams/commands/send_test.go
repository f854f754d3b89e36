// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"context"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

func TestSend(t *testing.T) {
	type wide struct{ A, B uint64 }
	d := newDevice(t)
	h := open(t, domain(t, nil), d.module(nil))
	out, rval, err := commands.Send[number, number](t.Context(), h, cmdDouble, number{21})
	if err != nil || rval != 7 || out.N != 42 {
		t.Errorf("%d, %d, %v", out.N, rval, err)
	}
	d.end <- struct{}{}
	if _, _, err := commands.Send[ioctl.None, ioctl.None](t.Context(), h, cmdWait, ioctl.None{}); err != nil {
		t.Error(err)
	}
	_, _, err = commands.Send[ioctl.None, ioctl.None](t.Context(), h, cmdUnknown, ioctl.None{})
	wantErr(t, err, streams.EINVAL)
	_, _, err = commands.Send[wide, number](t.Context(), h, cmdDouble, wide{})
	wantErr(t, err, streams.EINVAL) // not the type that the driver has
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = commands.Send[ioctl.None, ioctl.None](ctx, h, cmdStuck, ioctl.None{})
	wantErr(t, err, streams.EINTR)
	d.end <- struct{}{}
	if _, _, err = commands.Send[string, ioctl.None](t.Context(), h, cmdDouble, ""); err == nil {
		t.Error("sent a type without a layout")
	}
	if _, _, err = commands.Send[ioctl.None, []int](t.Context(), h, cmdDouble, ioctl.None{}); err == nil {
		t.Error("wants a type without a layout")
	}
}
