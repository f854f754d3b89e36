// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// reachBound is how long a driver may take to answer somebody who connects.
const reachBound = 10 * time.Second

// errNoAnswer is why a command does not wait any longer for a driver.
var errNoAnswer = fmt.Errorf("not within %v", reachBound)

// reaching runs the part of a command in which a driver must answer at once, for a bounded
// time: one that is stopped or hangs keeps its name and takes connections all the same.
func reaching[T any](ctx context.Context, bound time.Duration, fn func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, bound, errNoAnswer)
	defer cancel()
	return fn(ctx)
}

// whoIsSilent names the driver that does not answer.
func whoIsSilent(ctx context.Context, name string) []string {
	streams, err := iostreamkit.List(ctx, name)
	if err != nil || len(streams) != 1 || !streams[0].Live {
		return nil
	}
	return []string{fmt.Sprintf("its driver (%s) runs, but is stopped or hangs: continue it, or end it and start it again",
		who(streams[0].Program, streams[0].PID))}
}

// explain adds to the error of opening a stream what can be found out about the
// cause.
func (a *app) explain(ctx context.Context, name string, err error) error {
	var hints []string
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, ioreturn.ErrNotFound):
		hints = a.startOne(ctx)
	case errors.Is(err, errNoAnswer):
		hints = whoIsSilent(ctx, name)
	case errors.Is(err, syscall.EACCES):
		hints = []string{"run this as the driver's user or as root, or let the driver allow others (Info.SocketMode, and the mode of its run directory)"}
	case errors.Is(err, ioreturn.ErrBusy):
		hints = a.whoHasIt(ctx, name)
	case errors.Is(err, errors.ErrUnsupported):
		if _, listErr := iostreamkit.List(ctx); errors.Is(listErr, errors.ErrUnsupported) {
			hints = []string{fmt.Sprintf("\"%s demo\" works here, in one process", a.opts.Name)}
		}
	}
	if hints == nil {
		return err
	}
	return &hintedError{err, hints}
}

// startOne says how to get a stream if none is there. The error itself names those that
// are.
func (a *app) startOne(ctx context.Context) []string {
	streams, err := iostreamkit.List(ctx)
	if err != nil || slices.ContainsFunc(streams, func(s iostreamkit.StreamInfo) bool { return s.Live && s.Err == nil }) {
		return nil
	}
	return []string{fmt.Sprintf("no stream is there now; \"%s serve pattern\" starts one without hardware", a.opts.Name)}
}

// goneBound is how long a driver that has hung up may take to end.
const goneBound = 500 * time.Millisecond

// explainEnd adds to the error of using a stream what has become of its driver, if that is
// the cause.
func explainEnd(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil || !errors.Is(err, ioreturn.ErrGone) {
		return err
	}
	patience := time.NewTimer(goneBound)
	defer patience.Stop()
	look := time.NewTicker(goneBound / 20)
	defer look.Stop()
	for {
		streams, listErr := iostreamkit.List(ctx, name)
		if listErr != nil {
			return err
		}
		i := slices.IndexFunc(streams, func(s iostreamkit.StreamInfo) bool { return s.Name == name })
		if i < 0 {
			return &hintedError{err, []string{"its driver has ended; start it again"}}
		}
		s := streams[i]
		if !s.Live {
			return &hintedError{err, []string{fmt.Sprintf("its driver (%s) has died; start it again", who(s.Program, s.PID))}}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return err
		case <-patience.C:
			return &hintedError{err, []string{fmt.Sprintf("its driver (%s) runs: it has ended the session itself, see what it printed", who(s.Program, s.PID))}}
		}
	}
}

// whoHasIt asks the driver who has the stream open.
func (a *app) whoHasIt(ctx context.Context, name string) []string {
	o, err := iostreamkit.Observe(ctx, name)
	if err != nil {
		return nil
	}
	defer o.Close()
	ob, err := o.Observe(ctx)
	if err != nil || ob.OwnerPID <= 0 {
		return nil
	}
	return []string{fmt.Sprintf("PID %d (%s, user %d) has it open: end that program first", ob.OwnerPID, ob.Owner, ob.OwnerUID)}
}
