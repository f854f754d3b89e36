// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestWaitIdleWaitsForTheClientToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := pair(t, iostream.DriverConfig{}, nil, nil)
		idle := make(chan error, 1)
		go func() { idle <- d.WaitIdle(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-idle:
			t.Fatalf("WaitIdle returned %v while a client has the stream open", err)
		default:
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-idle; err != nil {
			t.Errorf("after the client's Close: %v", err)
		}
		if err := d.WaitIdle(t.Context()); err != nil {
			t.Errorf("without a client: %v", err)
		}
	})
}

func TestWaitIdleEndsWithItsContext(t *testing.T) {
	d, _ := pair(t, iostream.DriverConfig{}, nil, nil)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := d.WaitIdle(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v, want the context's cause", err)
	}
}
