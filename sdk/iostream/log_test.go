// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// debug returns a logger that keeps everything, and what it has kept.
func debug() (*slog.Logger, *bytes.Buffer) {
	b := new(bytes.Buffer)
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})), b
}

func TestLoggersAreToldTheTurnsOfASession(t *testing.T) {
	ctx := bounded(t)
	driverLog, driverText := debug()
	clientLog, clientText := debug()
	d, s := running(t, iostream.DriverConfig{Logger: driverLog}, nil, &iostream.Config{Logger: clientLog})
	for range 100 { // nothing is said about entries
		post(t, d, "x")
		release(t, next(t, s))
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	s.Close()
	d.Close()
	<-d.Done()
	wantLog := func(got string, lines int, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("the log does not say %q:\n%s", w, got)
			}
		}
		if n := strings.Count(got, "\n"); n > lines {
			t.Errorf("%d lines for one session:\n%s", n, got)
		}
		if strings.Contains(got, "level=INFO") || strings.Contains(got, "level=ERROR") {
			t.Errorf("a library logs for debugging only:\n%s", got)
		}
	}
	wantLog(clientText.String(), 8, "stream=test/dev/stream", "opened", "state=running", "state=open", "closed")
	wantLog(driverText.String(), 8, "stream=test/dev/stream", "PID", "state=open", "state=running", "state=closed")
}

func TestLoggerIsToldWhoBrokeARule(t *testing.T) {
	log, text := debug()
	d := newDriver(t, iostream.DriverConfig{Logger: log, Direction: iostream.BothWays}, nil)
	v := newVandal(t, d)
	v.call(t, userclient.SelStart)
	v.put(queue.Entry{Buffer: 99})
	for range d.BufferCount() {
		_, _ = d.TryTake()
	}
	_, _ = d.TryTake() // none is free: it looks at the queue
	<-v.conn.Done()
	d.Close()
	<-d.Done()
	if got := text.String(); !strings.Contains(got, "ENTRY-BUFFER") || !strings.Contains(got, "hang up") {
		t.Errorf("the log is:\n%s", got)
	}
}
