// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestServeEndsWithItsContext(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newFake()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, p) }()
	c := connect(t, path, nil)
	out, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- out.Wait(context.Background()) }()
	cancel(why)
	if err := within(t, served); !errors.Is(err, why) {
		t.Errorf("Serve returned %v", err)
	}
	if err := within(t, waiting); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("the client's Wait: %v", err)
	}
	if err := c.Err(); !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("the client's Err() = %v", err)
	}
	if err := within(t, p.closed); !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("Closed(%v)", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	if err := l.Serve(context.Background(), p); !errors.Is(err, ioreturn.ErrState) {
		t.Errorf("Serve again: %v", err)
	}
}

func TestCloseOfAListenerThatNeverServed(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, path, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial of a listener that does not serve yet: %v", err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if err := l.Serve(t.Context(), newFake()); err != nil {
		t.Errorf("Serve of a closed listener: %v", err)
	}
}

func TestC10ListenerCloseHasABound(t *testing.T) {
	leak.Check(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, &ListenConfig{CloseTimeout: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	p := newFake()
	served := make(chan error, 1)
	go func() { served <- l.Serve(context.Background(), p) }()
	c := connect(t, path, nil)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { asked <- c.Call(ctx, &userclient.Args{Selector: selStuck}) }()
	s := within(t, p.made)
	for running := 0; running == 0; { // until the handler is stuck
		if err := c.Call(t.Context(), &userclient.Args{Selector: selEcho}); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		running = s.running
		s.mu.Unlock()
	}
	cancel()
	<-asked
	start := time.Now()
	if err := l.Close(); !errors.Is(err, ioreturn.ErrTimeout) || !strings.Contains(err.Error(), "1 sessions") {
		t.Errorf("Close with a handler that does not return: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Close took %v", d)
	}
	select {
	case err := <-p.closed:
		t.Errorf("Closed(%v) came while a call is running", err)
	default:
	}
	close(p.unstick)
	within(t, p.closed)
	if err := <-served; err != nil && !errors.Is(err, ioreturn.ErrTimeout) {
		t.Errorf("Serve returned %v", err)
	}
}

func TestHangupTellsBothSidesWhy(t *testing.T) {
	leak.Check(t)
	c, s := both(t, nil)
	err := c.Call(t.Context(), &userclient.Args{Selector: selHang})
	if err != nil && !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("the call: %v", err)
	}
	within(t, c.Done())
	if err := c.Err(); !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), "unplugged") {
		t.Errorf("the client's Err() = %v", err)
	}
	if err := within(t, s.p.closed); err == nil || !strings.Contains(err.Error(), "unplugged") {
		t.Errorf("Closed(%v)", err)
	}
	if err := s.r.Doorbell().Wait(context.Background()); !errors.Is(err, ioreturn.ErrGone) && !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("the doorbell: %v", err)
	}
}

// Everybody who waits learns that the driver is gone.
func TestEveryWaitEndsWithTheSession(t *testing.T) {
	for name, cfg := range bellConfigs {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			inTime(t, func() time.Duration { return everyWaitEnds(t, cfg) })
		})
	}
}

// everyWaitEnds returns how long it took those who wait to learn that the driver is gone.
func everyWaitEnds(t *testing.T, cfg *DialConfig) time.Duration {
	p := newFake()
	path, l := serve(t, p, nil)
	c := connect(t, path, cfg)
	s := within(t, p.made)
	errs := make(chan error, 10)
	var ports []userclient.Port
	for _, typ := range []uint32{userclient.PortOutput, userclient.PortEvents} {
		port, err := c.Port(typ)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
		go func() { errs <- port.Wait(context.Background()) }()
	}
	go func() { errs <- c.Call(context.Background(), &userclient.Args{Selector: selBlock}) }()
	go func() { errs <- s.r.Doorbell().Wait(context.Background()) }()
	bell, err := c.Bell(userclient.PortInput)
	if err != nil {
		t.Fatal(err)
	}
	s.awaitRunning(1)
	start := time.Now()
	go l.Close()
	for range 4 {
		if err := within(t, errs); !errors.Is(err, ioreturn.ErrGone) && !errors.Is(err, ioreturn.ErrClosed) && !errors.Is(err, ioreturn.ErrAborted) {
			t.Errorf("a wait ended with %v", err)
		}
	}
	within(t, c.Done())
	took := time.Since(start)
	for what, err := range map[string]error{
		"Call": c.Call(t.Context(), &userclient.Args{}), "Ring": bell.Ring(), "Wait": ports[0].Wait(t.Context()),
		"Map": mapError(c), "Bell": bellError(c), "Port": portError(c),
	} {
		if !errors.Is(err, ioreturn.ErrGone) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	if !polls(ports[0].FD()) {
		t.Error("C32: the port of an ended session does not poll readable")
	}
	return took
}

func mapError(c *Conn) error {
	_, err := c.Map(context.Background(), userclient.MemDriverArena)
	return err
}

func bellError(c *Conn) error {
	_, err := c.Bell(userclient.PortInput)
	return err
}

// portError asks for a port that exists, which may be had, and waits on it.
func portError(c *Conn) error {
	p, err := c.Port(userclient.PortEvents)
	if err != nil {
		return err
	}
	return p.Wait(context.Background())
}

func TestManyClientsOverTimeAndAtOnce(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				c, err := Dial(t.Context(), path, &DialConfig{Observe: i%3 == 0})
				if err != nil {
					t.Error(err)
					return
				}
				a := &userclient.Args{Selector: selEcho, In: []uint64{uint64(i)}, Out: make([]uint64, 1)}
				if err := c.Call(t.Context(), a); err != nil || a.Out[0] != uint64(i) {
					t.Errorf("%d came back as %d, %v", i, a.Out[0], err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for range 8 * 20 {
		if err := within(t, p.closed); err != nil {
			t.Errorf("Closed(%v)", err)
		}
	}
}

// More calls than the driver allows wait for their turn, and Close gets through
// although every place is taken by a call that was given up.
func TestCallsWaitForTheirTurn(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, &ListenConfig{MaxCalls: 3})
	defer close(p.unstick)
	c := connect(t, path, nil)
	s := within(t, p.made)
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := c.Call(t.Context(), &userclient.Args{Selector: selEcho}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			a := &userclient.Args{Selector: selEcho, OutBytes: make([]byte, 1<<17), InBytes: make([]byte, 1<<17)}
			if err := c.Call(t.Context(), a); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	stuck, giveUp := context.WithCancel(t.Context())
	for range 2 {
		wg.Go(func() {
			if err := c.Call(stuck, &userclient.Args{Selector: selStuck}); !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
				t.Errorf("a stuck call: %v", err)
			}
		})
	}
	s.awaitRunning(2)
	giveUp()
	wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Call(ctx, &userclient.Args{Selector: selEcho}); errors.Is(err, ioreturn.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call without a place: %v", err)
	}
	if err := c.call(t.Context(), &userclient.Args{Selector: userclient.SelClose}, true); err != nil {
		t.Errorf("SelClose: %v", err)
	}
	c.cfg.CloseTimeout = 10 * time.Millisecond // the stuck handlers hold the session
}

// hastyProvider hangs up while its session is being made.
type hastyProvider struct{ *fakeProvider }

func (p hastyProvider) NewSession(who userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	r.Hangup(&ioreturn.StatusError{Code: ioreturn.Offline, Detail: "the lamp is cold"})
	return p.fakeProvider.NewSession(who, r)
}

func TestHangupInsideNewSession(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, hastyProvider{p}, nil)
	if _, err := Dial(t.Context(), path, nil); !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), "the lamp is cold") {
		t.Errorf("Dial: %v", err)
	}
	if err := within(t, p.closed); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("Closed(%v)", err)
	}
}
