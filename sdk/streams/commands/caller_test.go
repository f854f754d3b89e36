// SPDX-License-Identifier: Apache-2.0

package commands_test

import (
	"context"
	"os"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func nothing(context.Context, *ioctl.Job, ioctl.None) (ioctl.None, error) { return ioctl.None{}, nil }

func TestOwner(t *testing.T) {
	me, other := os.Geteuid(), os.Geteuid()+1000
	for name, tc := range map[string]struct {
		credential any
		write      bool
	}{
		"in the process, without a name": {nil, true},
		"in the process, with one":       {"panel", true},
		"this process by its number":     {userclient.Peer{PID: os.Getpid(), UID: other}, true},
		"the same user":                  {userclient.Peer{PID: 1, UID: me}, me != 65534},
		"root":                           {userclient.Peer{PID: 1, UID: 0}, true},
		"another user":                   {userclient.Peer{PID: 1, UID: other}, false},
		"another user who looks":         {userclient.Peer{PID: 1, UID: other, Observe: true}, false},
		"a user that is not known":       {userclient.Peer{PID: -1, UID: -1}, false},
		"a user of another container":    {userclient.Peer{UID: 65534}, false},
	} {
		want := ioctl.Caller{Read: true, Write: tc.write, Credential: tc.credential}
		if got := commands.Owner(tc.credential); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		want.Write = true
		if got := commands.Anyone(tc.credential); got != want {
			t.Errorf("%s: anyone is %+v, want %+v", name, got, want)
		}
	}
}

// Without a Caller in its Config a module lets only the driver's user and root write.
func TestCallerByDefault(t *testing.T) {
	table, err := ioctl.NewTable(nil,
		ioctl.Command[ioctl.None, ioctl.None]{Number: cmdDouble, Name: "SET", Access: ioctl.ForWriting, Do: nothing},
		ioctl.Command[ioctl.None, ioctl.None]{Number: cmdDouble + 1, Name: "GET", Access: ioctl.ForReading, Do: nothing},
	)
	if err != nil {
		t.Fatal(err)
	}
	other := userclient.Peer{PID: 1, UID: os.Geteuid() + 1000}
	for _, tc := range []struct {
		cfg        *commands.Config
		credential any
		set        streams.Errno
	}{
		{nil, nil, 0},
		{nil, other, streams.EACCES},
		{&commands.Config{}, other, streams.EACCES},
		{&commands.Config{Caller: commands.Anyone}, other, 0},
	} {
		m, err := commands.Module("driver", table, tc.cfg)
		if err != nil {
			t.Fatal(err)
		}
		h, err := head.Open(domain(t, nil), m, &head.Config{Credential: tc.credential})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Str(t.Context(), &head.Str{Command: cmdDouble})
		if got := streams.ErrnoOf(err); got != tc.set {
			t.Errorf("%+v, %v: setting came to %v, want %v", tc.cfg, tc.credential, err, tc.set)
		}
		if _, err = h.Str(t.Context(), &head.Str{Command: cmdDouble + 1}); err != nil {
			t.Errorf("%+v, %v: getting came to %v", tc.cfg, tc.credential, err)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
