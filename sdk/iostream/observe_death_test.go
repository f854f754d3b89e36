// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// TestC34ObserverSeesAClientDie hangs a client up that has not closed the stream, as
// its death does.
func TestC34ObserverSeesAClientDie(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d, s := pair(t, iostream.DriverConfig{}, nil, nil)
	conn, err := inproc.Connect(ctx, d, &inproc.Config{Observe: true})
	if err != nil {
		t.Fatal(err)
	}
	o, err := iostream.NewObserver(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, ok := d.Client(); !ok {
		t.Fatal("nobody has the stream open")
	}
	s.Conn().(userclient.Resources).Hangup(ioreturn.ErrGone)
	for {
		events, _, err := o.NextEvents(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == userclient.EventStateChanged && userclient.State(e.Value) == userclient.StateClosed {
				if _, ok := d.Client(); ok {
					t.Error("it is closed and a client still has it open")
				}
				return
			}
		}
	}
}
