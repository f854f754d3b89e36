// SPDX-License-Identifier: Apache-2.0

package inproc_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// open returns a connection with both ports made and the stream opened.
func open(t *testing.T, d *driver) (c userclient.Conn, output, events userclient.Port) {
	t.Helper()
	c = connect(t, d)
	output, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	if events, err = c.Port(userclient.PortEvents); err != nil {
		t.Fatal(err)
	}
	call(t, c, userclient.SelOpen)
	return c, output, events
}

func TestRingsMergeAndAreKept(t *testing.T) {
	d := newDriver()
	c, output, events := open(t, d)
	input, err := c.Bell(userclient.PortInput)
	if err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]struct {
		bell userclient.Bell
		port userclient.Port
	}{
		"output": {d.bell(userclient.PortOutput), output},
		"events": {d.bell(userclient.PortEvents), events},
		"input":  {input, d.res.Doorbell()},
	} {
		for range 3 {
			if err := way.bell.Ring(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := way.port.Wait(t.Context()); err != nil {
			t.Errorf("%s: a ring before Wait: %v", name, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := way.port.Wait(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: three rings woke twice: %v", name, err)
		}
		if fd := way.port.FD(); fd != -1 {
			t.Errorf("%s: FD() = %d", name, fd)
		}
	}
}

func TestWaitTimesOutAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver()
		c, err := inproc.Connect(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		port, err := c.Port(userclient.PortOutput)
		if err != nil {
			t.Fatal(err)
		}
		late := errors.New("no frame within a minute")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, late)
		defer cancel()
		start := time.Now()
		if err := port.Wait(ctx); !errors.Is(err, late) || time.Since(start) != time.Minute {
			t.Errorf("Wait: %v after %v, want the cause after a minute", err, time.Since(start))
		}
		if err := d.bell(userclient.PortOutput).Ring(); err != nil {
			t.Fatal(err)
		}
		if err := port.Wait(t.Context()); err != nil {
			t.Errorf("the ring after a time-out: %v", err)
		}
	})
}

func TestPortIsMadeOnceAndBeforeOpen(t *testing.T) {
	d := newDriver()
	c := connect(t, d)
	first, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	call(t, c, userclient.SelOpen)
	again, err := c.Port(userclient.PortOutput)
	if err != nil || again != first {
		t.Errorf("second Port: %v, %v, want the first one", again, err)
	}
	if got, want := d.events(), []string{"notify", "open"}; !slices.Equal(got, want) {
		t.Errorf("the driver saw %v, want %v", got, want)
	}
	if _, err := c.Port(userclient.PortEvents); !errors.Is(err, ioreturn.ErrState) {
		t.Errorf("a port made after open: %v, want ErrState", err)
	}
	for _, typ := range []uint32{userclient.PortInput, 7} {
		if _, err := c.Port(typ); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("port %#x: %v, want ErrInvalid", typ, err)
		}
	}
	for _, typ := range []uint32{userclient.PortOutput, userclient.PortEvents} {
		if _, err := c.Bell(typ); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("bell %#x: %v, want ErrInvalid", typ, err)
		}
	}
}

func TestClosedPortEndsWaitAndTakesRings(t *testing.T) {
	d := newDriver()
	_, output, _ := open(t, d)
	waited := make(chan error, 1)
	go func() { waited <- output.Wait(context.Background()) }()
	for range 2 {
		if err := output.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-waited; !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Wait: %v, want ErrClosed", err)
	}
	if err := d.bell(userclient.PortOutput).Ring(); err != nil {
		t.Errorf("a bell's error means that the session is over, which it is not: %v", err)
	}
	if err := output.Wait(context.Background()); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Wait after a ring: %v, want ErrClosed", err)
	}
}

func TestRingAndWaitDoNotAllocate(t *testing.T) {
	d := newDriver()
	_, output, _ := open(t, d)
	bell := d.bell(userclient.PortOutput)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": ctx} {
		n := testing.AllocsPerRun(200, func() {
			if bell.Ring() != nil || output.Wait(ctx) != nil {
				t.Error("ring and wait failed")
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per ring and wait", name, n)
		}
	}
}

func BenchmarkRingAndWait(b *testing.B) {
	d := newDriver()
	c, err := inproc.Connect(b.Context(), d, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	output, err := c.Port(userclient.PortOutput)
	if err != nil {
		b.Fatal(err)
	}
	bell := d.bell(userclient.PortOutput)
	b.ReportAllocs()
	for b.Loop() {
		if bell.Ring() != nil || output.Wait(b.Context()) != nil {
			b.Fatal("ring and wait failed")
		}
	}
}
