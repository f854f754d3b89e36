// SPDX-License-Identifier: Apache-2.0

package inproc_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestConnectTellsPeers(t *testing.T) {
	for _, cfg := range []*inproc.Config{nil, {}, {Observe: true}} {
		d := newDriver()
		c, err := inproc.Connect(t.Context(), d, cfg)
		if err != nil {
			t.Fatal(err)
		}
		observe := cfg != nil && cfg.Observe
		if p := d.peer; p.PID != os.Getpid() || p.UID != os.Getuid() || p.GID != os.Getgid() || p.Program == "" || p.Observe != observe {
			t.Errorf("the driver sees %+v", p)
		}
		if p := c.Peer(); p.PID != os.Getpid() || p.Observe {
			t.Errorf("the client sees %+v", p)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestConnectRefused(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	d.refusal = ioreturn.NoResources
	_, err := inproc.Connect(t.Context(), d, nil)
	if ioreturn.Of(err) != ioreturn.NoResources || !strings.Contains(err.Error(), "acme/fake/stream") {
		t.Errorf("got %v, want the driver's refusal with the stream's name", err)
	}
	if err := d.res.Doorbell().Wait(t.Context()); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("doorbell of a refused session: %v", err)
	}
	if _, err := inproc.Connect(t.Context(), nil, nil); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("no provider: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := inproc.Connect(ctx, newDriver(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

func TestC25CloseIsACallThenAHangUp(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	c := connect(t, d)
	if _, err := c.Port(userclient.PortOutput); err != nil {
		t.Fatal(err)
	}
	call(t, c, userclient.SelOpen)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, want := d.events(), []string{"notify", "open", "close", "closed"}; !slices.Equal(got, want) {
		t.Errorf("the driver saw %v, want %v", got, want)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if got := d.closedWith(); len(got) != 1 || got[0] != nil {
		t.Errorf("Closed with %v, want one nil", got)
	}
	checkOver(t, c, ioreturn.ErrClosed)
	if err := d.res.Doorbell().Wait(t.Context()); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("doorbell: %v", err)
	}
}

// checkOver checks that every method of c says that the session is over.
func checkOver(t *testing.T, c userclient.Conn, want error) {
	t.Helper()
	select {
	case <-c.Done():
	default:
		t.Error("Done is not closed")
	}
	_, mapErr := c.Map(t.Context(), userclient.MemOutputQueue)
	_, portErr := c.Port(userclient.PortOutput)
	_, bellErr := c.Bell(userclient.PortInput)
	for what, err := range map[string]error{
		"Err": c.Err(), "Call": c.Call(t.Context(), &userclient.Args{Selector: userclient.SelGetMode}), "Map": mapErr, "Port": portErr, "Bell": bellErr,
	} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
}

func TestCloseWithoutOpenMakesNoCall(t *testing.T) {
	for _, prepare := range []struct {
		name string
		do   func(t *testing.T, c userclient.Conn)
		want []string
	}{
		{"never opened", func(*testing.T, userclient.Conn) {}, []string{"closed"}},
		{"closed before", func(t *testing.T, c userclient.Conn) {
			call(t, c, userclient.SelOpen)
			call(t, c, userclient.SelClose)
		}, []string{"open", "close", "closed"}},
	} {
		t.Run(prepare.name, func(t *testing.T) {
			d := newDriver()
			c := connect(t, d)
			prepare.do(t, c)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if got := d.events(); !slices.Equal(got, prepare.want) {
				t.Errorf("the driver saw %v, want %v", got, prepare.want)
			}
		})
	}
}

func TestRefusedOpenLeavesPortsOpenToMake(t *testing.T) {
	d := newDriver()
	d.call = func(context.Context, *userclient.Args) error { return ioreturn.Busy }
	c := connect(t, d)
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen}); !errors.Is(err, ioreturn.ErrBusy) {
		t.Fatal(err)
	}
	if _, err := c.Port(userclient.PortOutput); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, want := d.events(), []string{"open", "notify", "closed"}; !slices.Equal(got, want) {
		t.Errorf("the driver saw %v, want %v", got, want)
	}
}

// A driver that hangs in SelClose delays Close by its two bounds and no more; what
// cannot be joined is counted, and Closed still comes once and last.
func TestC10CloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver()
		release := make(chan struct{})
		d.call = func(_ context.Context, a *userclient.Args) error {
			if a.Selector == userclient.SelClose {
				<-release // does not look at its context
				d.note("late")
			}
			return nil
		}
		c, err := inproc.Connect(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		call(t, c, userclient.SelOpen)
		start := time.Now()
		err = c.Close()
		if !errors.Is(err, ioreturn.ErrTimeout) || !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
			t.Errorf("Close: %v, want ErrTimeout and ErrOutcomeUnknown", err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("Close took %v", took)
		}
		orphans := c.(interface{ Orphans() int })
		if n := orphans.Orphans(); n != 1 {
			t.Errorf("%d orphans, want 1", n)
		}
		if got := d.closedWith(); len(got) != 0 {
			t.Errorf("Closed came before the last call returned: %v", got)
		}
		close(release)
		<-d.closed
		if n := orphans.Orphans(); n != 0 {
			t.Errorf("%d orphans after the call returned", n)
		}
		if got := d.closedWith(); len(got) != 1 || !errors.Is(got[0], ioreturn.ErrGone) {
			t.Errorf("Closed with %v, want one ErrGone", got)
		}
		if got, want := d.events(), []string{"open", "close", "late", "closed"}; !slices.Equal(got, want) {
			t.Errorf("the driver saw %v, want %v", got, want)
		}
	})
}

func TestCloseEndsRunningCalls(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	began := make(chan struct{})
	d.call = func(ctx context.Context, _ *userclient.Args) error {
		close(began)
		<-ctx.Done()
		d.note("returned")
		return ctx.Err()
	}
	c := connect(t, d)
	failed := make(chan error, 1)
	go func() { failed <- c.Call(context.Background(), &userclient.Args{Selector: userclient.SelVendorBase}) }()
	<-began
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	// The driver may answer its ended context before the client sees the end; both are true.
	if err := <-failed; !errors.Is(err, ioreturn.ErrClosed) && !errors.Is(err, ioreturn.ErrAborted) {
		t.Errorf("the blocked call: %v", err)
	}
	if got, want := d.events(), []string{"returned", "closed"}; !slices.Equal(got, want) {
		t.Errorf("the driver saw %v, want %v", got, want)
	}
}

func TestDriverHangsUp(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	began := make(chan struct{})
	d.call = func(_ context.Context, a *userclient.Args) error {
		if a.Selector == userclient.SelVendorBase {
			close(began)
			<-d.res.(interface{ Done() <-chan struct{} }).Done()
		}
		return nil
	}
	c := connect(t, d)
	port, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	bell, err := c.Bell(userclient.PortInput)
	if err != nil {
		t.Fatal(err)
	}
	call(t, c, userclient.SelOpen)
	waited := make(chan error, 1)
	go func() { waited <- port.Wait(context.Background()) }()
	blocked := make(chan error, 1)
	go func() { blocked <- c.Call(context.Background(), &userclient.Args{Selector: userclient.SelVendorBase}) }()
	<-began
	reason := errors.New("cable pulled")
	d.res.Hangup(reason)
	d.res.Hangup(errors.New("again"))
	<-c.Done()
	if err := <-waited; !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), "cable pulled") {
		t.Errorf("Wait: %v, want ErrGone with the driver's words", err)
	}
	if err := bell.Ring(); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("Ring: %v, want ErrGone", err)
	}
	// The driver's last answer may still count; if not, the outcome is unknown.
	if err := <-blocked; err != nil && (!errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrOutcomeUnknown)) {
		t.Errorf("Call: %v, want ErrGone and ErrOutcomeUnknown", err)
	}
	checkOver(t, c, ioreturn.ErrGone)
	<-d.closed
	if got := d.closedWith(); len(got) != 1 || !errors.Is(got[0], reason) {
		t.Errorf("Closed with %v, want the driver's own reason", got)
	}
	if err := d.res.Doorbell().Wait(t.Context()); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("doorbell: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Err(); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("Err after Close: %v, want the first reason", err)
	}
}

func TestHangupInsideNewSession(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	c, err := inproc.Connect(t.Context(), hangsUp{d}, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-d.closed
	checkOver(t, c, ioreturn.ErrGone)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

type hangsUp struct{ *driver }

func (h hangsUp) NewSession(p userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	r.Hangup(nil)
	return h.driver.NewSession(p, r)
}

// Closed comes once and after every call, however closing, hanging up and calling meet.
func TestC25ClosedIsLast(t *testing.T) {
	leak.Check(t)
	for range 200 {
		d := newDriver()
		d.call = func(context.Context, *userclient.Args) error { d.note("call"); return nil }
		c := connect(t, d)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for c.Call(context.Background(), &userclient.Args{Selector: userclient.SelVendorBase}) == nil {
				}
			})
		}
		wg.Go(func() { d.res.Hangup(nil) })
		wg.Go(func() { c.Close() })
		wg.Wait()
		<-d.closed
		log := d.events()
		if i := slices.Index(log, "closed"); i != len(log)-1 {
			t.Fatalf("Closed was event %d of %d", i, len(log))
		}
	}
}
