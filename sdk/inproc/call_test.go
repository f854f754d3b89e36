// SPDX-License-Identifier: Apache-2.0

package inproc_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

func TestCallCarriesBothWays(t *testing.T) {
	d := newDriver()
	d.call = func(_ context.Context, a *userclient.Args) error {
		if a.Selector != userclient.SelVendorBase || len(a.Out) != 3 || len(a.OutBytes) != 5 {
			return fmt.Errorf("driver got %+v", a)
		}
		a.NOut = copy(a.Out, []uint64{a.In[0] + 1, a.In[1] + 1})
		a.NOutBytes = copy(a.OutBytes, strings.ToUpper(string(a.InBytes)))
		return nil
	}
	c := connect(t, d)
	a := &userclient.Args{
		Selector: userclient.SelVendorBase,
		In:       []uint64{1, 1 << 63},
		Out:      []uint64{7, 7, 7},
		InBytes:  []byte("abc"),
		OutBytes: []byte("....."),
	}
	if err := c.Call(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if a.NOut != 2 || a.Out[0] != 2 || a.Out[1] != 1<<63+1 || a.Out[2] != 7 {
		t.Errorf("words: %d of %v", a.NOut, a.Out)
	}
	if a.NOutBytes != 3 || string(a.OutBytes) != "ABC.." {
		t.Errorf("bytes: %d of %q", a.NOutBytes, a.OutBytes)
	}
}

func TestCallLimits(t *testing.T) {
	d := newDriver()
	d.call = func(context.Context, *userclient.Args) error { d.note("called"); return nil }
	c := connect(t, d)
	words, data := make([]uint64, userclient.MaxScalars+1), make([]byte, 16<<20+1)
	for name, a := range map[string]*userclient.Args{
		"nil": nil, "in": {In: words}, "out": {Out: words}, "in bytes": {InBytes: data}, "out bytes": {OutBytes: data},
	} {
		if err := c.Call(t.Context(), a); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if got := d.events(); len(got) != 0 {
		t.Errorf("the driver saw %v", got)
	}
	full := &userclient.Args{In: words[1:], Out: words[1:], InBytes: data[1:], OutBytes: data[1:], Selector: userclient.SelVendorBase}
	if err := c.Call(t.Context(), full); err != nil {
		t.Errorf("a call at the limits: %v", err)
	}
}

func TestDriverErrorsTravelAsCodeAndText(t *testing.T) {
	private := errors.New("register 7 reads 0")
	for _, tc := range []struct {
		name string
		give error
		code ioreturn.Code
		text string
	}{
		{"code", ioreturn.Busy, ioreturn.Busy, ""},
		{"status", &ioreturn.StatusError{Code: ioreturn.NoMedia, Detail: "no tape"}, ioreturn.NoMedia, "no tape"},
		{"private", private, ioreturn.Error, "register 7 reads 0"},
		{"meaning", fmt.Errorf("lens: %w", ioreturn.ErrNotFound), ioreturn.NotFound, "lens"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDriver()
			d.call = func(context.Context, *userclient.Args) error { return tc.give }
			err := connect(t, d).Call(t.Context(), &userclient.Args{Selector: userclient.SelGetMode})
			if ioreturn.Of(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want code %v and text %q", err, tc.code, tc.text)
			}
			if errors.Is(err, private) {
				t.Error("the driver's own error value crossed the transport")
			}
		})
	}
}

func TestDriverThatAnswersTooMuch(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(a *userclient.Args)
	}{
		{"words", func(a *userclient.Args) { a.NOut = len(a.Out) + 1 }},
		{"bytes", func(a *userclient.Args) { a.NOutBytes = len(a.OutBytes) + 1 }},
		{"negative", func(a *userclient.Args) { a.NOut = -1 }},
		{"more than given", func(a *userclient.Args) { a.Out, a.NOut = nil, 1 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDriver()
			d.call = func(_ context.Context, a *userclient.Args) error { tc.answer(a); return nil }
			err := connect(t, d).Call(t.Context(), &userclient.Args{Selector: userclient.SelGetMode, Out: make([]uint64, 2), OutBytes: make([]byte, 2)})
			var rule *ioreturn.RuleError
			if !errors.As(err, &rule) || rule.Rule != ioreturn.RuleAnswer {
				t.Errorf("got %v, want a breach of RuleAnswer", err)
			}
		})
	}
}

func TestDriverPanicIsAnError(t *testing.T) {
	d := newDriver()
	d.call = func(_ context.Context, a *userclient.Args) error {
		if a.Selector == userclient.SelVendorBase {
			runtime.Goexit()
		}
		panic("lens cap on")
	}
	d.memory = func(uint32) (userclient.Mem, error) { panic("no memory map") }
	c := connect(t, d)
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelGetMode}); ioreturn.Of(err) != ioreturn.InternalError || !strings.Contains(err.Error(), "lens cap on") {
		t.Errorf("panic: %v", err)
	}
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelVendorBase}); ioreturn.Of(err) != ioreturn.InternalError {
		t.Errorf("Goexit: %v", err)
	}
	if _, err := c.Map(t.Context(), userclient.MemOutputQueue); ioreturn.Of(err) != ioreturn.InternalError || !strings.Contains(err.Error(), "no memory map") {
		t.Errorf("panic in Memory: %v", err)
	}
}

// A call that was given up must not write into the caller's memory when the driver
// answers at last; the race detector watches as well.
func TestC8CallGivenUpNeverWrites(t *testing.T) {
	leak.Check(t)
	d := newDriver()
	began, release, answered := make(chan struct{}), make(chan struct{}), make(chan struct{})
	d.call = func(_ context.Context, a *userclient.Args) error {
		if a.Selector != userclient.SelVendorBase {
			return nil
		}
		close(began)
		<-release
		if a.In[0] != 42 || string(a.InBytes) != "in" {
			t.Errorf("the driver's copies changed: %v, %q", a.In, a.InBytes)
		}
		a.NOut, a.NOutBytes = copy(a.Out, []uint64{1}), copy(a.OutBytes, "x")
		close(answered)
		return nil
	}
	c := connect(t, d)
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	a := &userclient.Args{
		Selector: userclient.SelVendorBase, In: []uint64{42}, InBytes: []byte("in"),
		Out: make([]uint64, 1), OutBytes: make([]byte, 1),
	}
	go func() { <-began; cancel(stop) }()
	err := c.Call(ctx, a)
	if !errors.Is(err, stop) || !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		t.Errorf("got %v, want the cause and ErrOutcomeUnknown", err)
	}
	a.In[0], a.InBytes[0], a.Out[0], a.OutBytes[0] = 0, 0, 9, '9'
	close(release)
	<-answered
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if a.Out[0] != 9 || a.OutBytes[0] != '9' || a.NOut != 0 || a.NOutBytes != 0 {
		t.Errorf("the late answer was written: %+v", a)
	}
}

func TestC8CancelEndsTheDriversContext(t *testing.T) {
	d := newDriver()
	ended := make(chan error, 1)
	began := make(chan struct{})
	d.call = func(ctx context.Context, _ *userclient.Args) error {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	c := connect(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if err := c.Call(ctx, &userclient.Args{Selector: userclient.SelGetMode}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the driver's context ended with %v", err)
	}
}

func TestC10DeadlineMeansOutcomeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver()
		d.call = func(ctx context.Context, _ *userclient.Args) error { <-ctx.Done(); return ctx.Err() }
		c, err := inproc.Connect(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		err = c.Call(ctx, &userclient.Args{Selector: userclient.SelGetMode})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("took %v", took)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCallAfterItsContextIsNotMade(t *testing.T) {
	d := newDriver()
	d.call = func(context.Context, *userclient.Args) error { d.note("called"); return nil }
	c := connect(t, d)
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	err := c.Call(ctx, &userclient.Args{Selector: userclient.SelVendorBase})
	if !errors.Is(err, stop) || errors.Is(err, ioreturn.ErrOutcomeUnknown) {
		t.Errorf("got %v, want the cause alone", err)
	}
	if _, err := c.Map(ctx, userclient.MemOutputQueue); !errors.Is(err, stop) {
		t.Errorf("Map: got %v, want the cause", err)
	}
	if got := d.events(); len(got) != 0 {
		t.Errorf("the driver saw %v", got)
	}
}

func TestC39CallsRunConcurrentlyWithoutLock(t *testing.T) {
	d := newDriver()
	var met sync.WaitGroup
	met.Add(2)
	var c userclient.Conn
	d.call = func(ctx context.Context, a *userclient.Args) error {
		if a.Selector != userclient.SelVendorBase {
			return nil
		}
		met.Done()
		met.Wait() // both calls are here, or the test hangs
		// A callback may use the session.
		if _, err := c.Map(ctx, userclient.MemOutputQueue); ioreturn.Of(err) != ioreturn.NotFound {
			return fmt.Errorf("Map from a callback: %w", err)
		}
		return c.Call(ctx, &userclient.Args{Selector: userclient.SelGetMode})
	}
	c = connect(t, d)
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- c.Call(t.Context(), &userclient.Args{Selector: userclient.SelVendorBase}) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
