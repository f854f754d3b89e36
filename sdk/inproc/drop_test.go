// SPDX-License-Identifier: Apache-2.0

package inproc_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A client that is dropped says nothing to the driver, whose call ends, and which is
// told that the client is gone.
func TestC28DropIsADeath(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	began := make(chan struct{})
	d.call = func(ctx context.Context, a *userclient.Args) error {
		if a.Selector != userclient.SelVendorBase {
			return nil
		}
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}
	c, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	call(t, c, userclient.SelOpen)
	ended := make(chan error, 1)
	go func() { ended <- c.Call(t.Context(), &userclient.Args{Selector: userclient.SelVendorBase}) }()
	<-began
	c.(interface{ Drop() }).Drop()
	if err := <-ended; !errors.Is(err, ioreturn.ErrClosed) || !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		t.Errorf("the call that was under way: %v", err)
	}
	<-d.closed
	if got := d.closedWith(); len(got) != 1 || !errors.Is(got[0], ioreturn.ErrGone) {
		t.Errorf("Closed with %v, want one ErrGone", got)
	}
	if slices.Contains(d.events(), "close") {
		t.Errorf("the driver saw %v, but a dead client says nothing", d.events())
	}
	checkOver(t, c, ioreturn.ErrClosed)
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
