// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// hint returns the one hint of an error.
func hint(t *testing.T, err error) string {
	t.Helper()
	var hinted *hintedError
	if !errors.As(err, &hinted) || len(hinted.hints) != 1 {
		t.Fatalf("%v has no hint, or several", err)
	}
	return hinted.hints[0]
}

// TestExplainEnd tells a driver that has ended a session from one that is not there, and
// from one that is silent.
func TestExplainEnd(t *testing.T) {
	t.Setenv(rundir.Variable, t.TempDir())
	const name = "acme/dev0/data"
	gone := fmt.Errorf("read: %w", ioreturn.ErrGone)
	if got := hint(t, explainEnd(t.Context(), name, gone)); got != "its driver has ended; start it again" {
		t.Error(got)
	}
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: name, DataSize: 8}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, over := make(chan struct{}), make(chan error, 1)
	go func() {
		over <- iostreamkit.Serve(ctx, d, func(ctx context.Context) error {
			close(ready)
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	<-ready
	if got := hint(t, explainEnd(t.Context(), name, gone)); !strings.Contains(got, "runs: it has ended the session itself") {
		t.Error(got)
	}
	// One that does not answer is given up, and named.
	_, err = reaching(t.Context(), time.Millisecond, func(ctx context.Context) (struct{}, error) {
		<-ctx.Done()
		return struct{}{}, fmt.Errorf("open %s: %w", name, context.Cause(ctx))
	})
	if got := hint(t, (&app{}).explain(t.Context(), name, err)); !strings.Contains(got, "runs, but is stopped or hangs") {
		t.Error(got)
	}
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if err := explainEnd(t.Context(), name, fs.ErrClosed); !errors.Is(err, fs.ErrClosed) || errors.As(err, new(*hintedError)) {
		t.Errorf("another error became %v", err)
	}
}

// TestExplainPermission says who may open a stream to somebody who may not.
func TestExplainPermission(t *testing.T) {
	a := &app{}
	denied := &fs.PathError{Op: "open", Path: "/run/x", Err: syscall.EACCES}
	if got := hint(t, a.explain(t.Context(), "a/b/c", denied)); !strings.HasPrefix(got, "run this as the driver's user or as root") {
		t.Error(got)
	}
}
