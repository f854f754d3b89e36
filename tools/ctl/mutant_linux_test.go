// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/internal/offer"
)

// mutantMain is a program that serves a mutant of the conformance suite under the
// stream's name that it has: "mutant reopen-busy". One more ends at each start:
// "mutant dies".
func mutantMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := serveMutant(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutant:", err)
		os.Exit(1)
	}
}

func serveMutant(ctx context.Context, args []string) error {
	switch {
	case len(args) != 1:
		return fmt.Errorf("want the name of one mutant, have %q", args)
	case args[0] == "dies":
		return offer.Target(ctx, mutant.Loopback(), mutant.Hooks{Call: dieAtStart})
	}
	return offer.Mutant(ctx, args[0])
}

func dieAtStart(_ context.Context, _ *mutant.Session, a *userclient.Args, next func() error) error {
	if a.Selector == userclient.SelStart {
		fmt.Fprintln(os.Stderr, "no hardware to start")
		os.Exit(3)
	}
	return next()
}
