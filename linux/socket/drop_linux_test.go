// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A client that is dropped looks to the driver like one whose process has died.
func TestC28DropIsADeath(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, nil)
	c := connect(t, path, nil)
	open := &userclient.Args{Selector: userclient.SelOpen, In: []uint64{uint64(userclient.OpenExclusive)}}
	if err := c.Call(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	c.Drop()
	if err := within(t, p.closed); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("Closed(%v), want ErrGone", err)
	}
	if err := c.Call(t.Context(), open); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Call after Drop: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close after Drop: %v", err)
	}
}
