// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// watch returns a function that waits for the next event of a kind.
func watch(t testing.TB, s *iostream.Stream) func(kind userclient.EventKind) iostream.Event {
	t.Helper()
	var pending []iostream.Event
	return func(kind userclient.EventKind) iostream.Event {
		t.Helper()
		for {
			for len(pending) == 0 {
				var err error
				if pending, _, err = s.NextEvents(bounded(t)); err != nil {
					t.Fatal(err)
				}
			}
			e := pending[0]
			if pending = pending[1:]; e.Kind == kind {
				return e
			}
		}
	}
}

// TestC22DriverStopsByItself has a client that waits for frames and one that waits for
// events: both learn of it.
func TestC22DriverStopsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := running(t, iostream.DriverConfig{}, nil, nil)
		if _, _, err := s.NextEvents(t.Context()); err != nil { // those of opening and starting
			t.Fatal(err)
		}
		frames, events := make(chan error, 1), make(chan iostream.Event, 8)
		go func() { _, err := s.Next(t.Context()); frames <- err }()
		go func() {
			list, _, _ := s.NextEvents(t.Context())
			for _, e := range list {
				events <- e
			}
			close(events)
		}()
		synctest.Wait()
		d.Halt(ioreturn.DeviceError)
		wantIs(t, <-frames, ioreturn.ErrIO)
		e := <-events
		if e.Kind != userclient.EventStateChanged || iostream.State(e.Value) != userclient.StateOpen || e.Time < 0 {
			t.Errorf("the event is %+v", e)
		}
		if s.State() != userclient.StateOpen {
			t.Errorf("the client's state is %v", s.State())
		}
		start(t, s) // and it can go on
		post(t, d, "again")
		wantText(t, read(t, s), "again")
	})
}

func TestC22ClassicLayoutHasEvents(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{Classic: true}, nil, &iostream.Config{Layout: userclient.LayoutClassic})
	d.Halt(nil)
	waitFor := watch(t, s)
	for {
		if e := waitFor(userclient.EventStateChanged); iostream.State(e.Value) == userclient.StateRunning {
			break
		}
	}
	if e := waitFor(userclient.EventStateChanged); iostream.State(e.Value) != userclient.StateOpen {
		t.Errorf("the event is %+v", e)
	}
}

func TestC22DriverGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := running(t, iostream.DriverConfig{}, nil, nil)
		post(t, d, "last")
		got := make(chan error, 2)
		if _, _, err := s.NextEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() {
			for { // the end of the stream may be an event of its own
				if _, _, err := s.NextEvents(t.Context()); err != nil {
					got <- err
					return
				}
			}
		}()
		go func() { _, err := d.Take(t.Context()); got <- err }() // gets a buffer
		synctest.Wait()
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		d.Close()
		err := <-got
		wantIs(t, err, ioreturn.ErrGone)
		wantText(t, read(t, s), "last")
		_, err = s.Next(t.Context())
		wantIs(t, err, ioreturn.ErrGone)
		_, _, err = s.TryNext()
		wantIs(t, err, ioreturn.ErrGone)
		if s.State() != userclient.StateGone {
			t.Errorf("the state is %v", s.State())
		}
		_, err = d.Take(t.Context())
		wantIs(t, err, ioreturn.ErrClosed)
		_, err = d.TryTake()
		wantIs(t, err, ioreturn.ErrClosed)
		wantIs(t, d.Notify(), ioreturn.ErrClosed)
		wantIs(t, s.Start(t.Context()), ioreturn.ErrGone)
	})
}

func TestC43FormatChange(t *testing.T) {
	ctx := bounded(t)
	video := iostream.Format{Kind: userclient.FormatVideo, Width: 640, Height: 480}
	d, s := running(t, iostream.DriverConfig{Format: video}, nil, nil)
	f, err := s.Format(ctx)
	if err != nil || f.Width != 640 || f.Epoch != 0 {
		t.Fatalf("the format is %+v, %v", f, err)
	}
	video.Width = 1280
	wantIs(t, d.ChangeFormat(video), ioreturn.ErrState) // while it runs
	if err := s.Suspend(ctx); err != nil {
		t.Fatal(err)
	}
	wantIs(t, d.ChangeFormat(video), ioreturn.ErrState)
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	generation := d.Describe().Generation
	if err := d.ChangeFormat(video); err != nil {
		t.Fatal(err)
	}
	waitFor := watch(t, s)
	if e := waitFor(userclient.EventFormatChanged); e.Value != 1 {
		t.Errorf("the event has epoch %d", e.Value)
	}
	if f, err = s.Format(ctx); err != nil || f.Width != 1280 || f.Epoch != 1 {
		t.Errorf("the format is %+v, %v", f, err)
	}
	if got := d.Describe().Generation; got == generation {
		t.Error("the generation has not grown")
	}
	_, err = s.SetFormat(ctx, video)
	wantIs(t, err, ioreturn.ErrUnsupported) // there is no FormatHandler
	video.Extra = make([]byte, userclient.MaxFormatExtra+1)
	wantIs(t, d.ChangeFormat(video), ioreturn.ErrInvalid)
	if d.Format().Epoch != 1 {
		t.Error("a format that can't be described was taken")
	}
}

// formats takes formats up to a width and corrects the rate.
type formats struct{ script }

func (h *formats) SetFormat(_ context.Context, f *iostream.Format) error {
	if f.Width > 1920 {
		return ioreturn.Unsupported
	}
	f.RateNum, f.RateDen = 30, 1
	return nil
}

func TestC43ClientSetsTheFormat(t *testing.T) {
	ctx := bounded(t)
	d, s := pair(t, iostream.DriverConfig{}, &formats{}, nil)
	got, err := s.SetFormat(ctx, iostream.Format{Kind: userclient.FormatVideo, Width: 100, RateNum: 25, RateDen: 1})
	if err != nil || got.Width != 100 || got.RateNum != 30 || got.Epoch != 1 || d.Format().RateNum != 30 {
		t.Errorf("the driver took %+v, %v", got, err)
	}
	_, err = s.SetFormat(ctx, iostream.Format{Width: 4000})
	wantIs(t, err, ioreturn.ErrUnsupported)
	start(t, s)
	_, err = s.SetFormat(ctx, iostream.Format{})
	wantIs(t, err, ioreturn.ErrBusy)
	if d.Format().Epoch != 1 {
		t.Errorf("epoch %d after refusals", d.Format().Epoch)
	}
}

func TestC43MissedEventsAreCounted(t *testing.T) {
	d, s := pair(t, iostream.DriverConfig{}, nil, nil)
	for i := range 100 {
		d.Emit(iostream.Event{Kind: userclient.EventVendor, Value: uint64(i)})
	}
	events, missed, err := s.NextEvents(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	// One more was there: that the stream was opened.
	if len(events) != 64 || missed != 37 || events[0].Value != 36 || events[63].Value != 99 {
		t.Errorf("%d events from %d on, %d missed", len(events), events[0].Value, missed)
	}
	d.Emit(iostream.Event{Kind: userclient.EventSignalLost, Time: 7})
	events, missed, err = s.NextEvents(bounded(t))
	if err != nil || len(events) != 1 || missed != 0 || events[0].Kind != userclient.EventSignalLost || events[0].Time != 7 {
		t.Errorf("then %+v, %d missed, %v", events, missed, err)
	}
}

func TestEventTextsAreCut(t *testing.T) {
	d, s := pair(t, iostream.DriverConfig{}, nil, nil)
	d.Emit(iostream.Event{Kind: userclient.EventVendor, Text: strings.Repeat("x", 1000) + "\x00"})
	waitFor := watch(t, s)
	if e := waitFor(userclient.EventVendor); e.Text != strings.Repeat("x", userclient.MaxText) {
		t.Errorf("the text has %d bytes", len(e.Text))
	}
}

func TestC43OverrunEvents(t *testing.T) {
	for _, policy := range []iostream.Policy{iostream.DropNewest, iostream.DropOldest} {
		t.Run(policy.String(), func(t *testing.T) {
			d, s := running(t, iostream.DriverConfig{Buffers: 3, Policy: policy, Backlog: 1}, nil, nil)
			for range 8 {
				post(t, d, "x")
			}
			waitFor := watch(t, s)
			began := waitFor(userclient.EventOverrunBegan)
			last := map[iostream.Policy]uint64{iostream.DropNewest: 2, iostream.DropOldest: 0}[policy]
			if began.Value != last {
				t.Errorf("the last number before the loss is %d, want %d", began.Value, last)
			}
			release(t, next(t, s))
			post(t, d, "y") // a buffer is free again
			if e := waitFor(userclient.EventOverrunEnded); e.Value != 5 {
				t.Errorf("%d entries were lost, want 5", e.Value)
			}
		})
	}
}

func TestC43DeviceLossIsAnOverrun(t *testing.T) {
	d, s := running(t, iostream.DriverConfig{}, nil, nil)
	post(t, d, "x")
	d.Lost(3)
	d.Lost(4)
	waitFor := watch(t, s)
	if e := waitFor(userclient.EventOverrunBegan); e.Value != 0 {
		t.Errorf("began after number %d", e.Value)
	}
	post(t, d, "y")
	if e := waitFor(userclient.EventOverrunEnded); e.Value != 7 {
		t.Errorf("%d were lost", e.Value)
	}
}

func TestC45PropertiesChange(t *testing.T) {
	props := map[string]string{"vendor": "acme", "serial": "1"}
	d, s := pair(t, iostream.DriverConfig{Properties: props}, nil, nil)
	props["vendor"] = "changed behind the driver's back"
	if err := d.SetProperty("serial", ""); err != nil {
		t.Fatal(err)
	}
	if err := d.SetProperty("firmware", "2.1"); err != nil {
		t.Fatal(err)
	}
	waitFor := watch(t, s)
	for _, key := range []string{"serial", "firmware"} {
		if e := waitFor(userclient.EventPropertyChanged); e.Text != key {
			t.Errorf("property %q changed, want %q", e.Text, key)
		}
	}
	wantIs(t, d.SetProperty("model", strings.Repeat("x", 300)), ioreturn.ErrInvalid)
	got := d.Describe().Properties
	if len(got) != 2 || got["vendor"] != "acme" || got["firmware"] != "2.1" {
		t.Errorf("the properties are %v", got)
	}
	desc, err := iostream.Describe(t.Context(), s.Conn())
	if err != nil || desc.Properties["firmware"] != "2.1" {
		t.Errorf("a client reads %v, %v", desc.Properties, err)
	}
}

func TestEventsWithoutTheFeature(t *testing.T) {
	_, s := pair(t, iostream.DriverConfig{}, nil, &iostream.Config{Without: userclient.FeatureEvents})
	_, _, err := s.NextEvents(t.Context())
	wantIs(t, err, ioreturn.ErrUnsupported)
}
