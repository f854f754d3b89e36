// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func lifeMutants() []Mutant {
	return []Mutant{
		{
			Name: "open-refused", Rule: "LIFE-01",
			Wrong: "It refuses the first client that opens the stream.",
			New: hooked("open-refused", onCall(userclient.SelOpen,
				func(context.Context, *Session, *userclient.Args, func() error) error { return ioreturn.NotPermitted })),
		},
		{
			Name: "reopen-busy", Rule: "LIFE-02",
			Wrong: "After a close it is busy for one attempt to open, as if it gave the stream up in the background.",
			New:   hooked("reopen-busy", busyOnce),
		},
	}
}

// busyOnce refuses the first open after each close.
func busyOnce() Hooks {
	var mu sync.Mutex
	closing := false
	return Hooks{Call: func(_ context.Context, _ *Session, a *userclient.Args, next func() error) error {
		mu.Lock()
		defer mu.Unlock()
		switch a.Selector {
		case userclient.SelOpen:
			if closing {
				closing = false
				return ioreturn.ExclusiveAccess
			}
		case userclient.SelClose:
			err := next()
			closing = err == nil
			return err
		}
		return next()
	}}
}
