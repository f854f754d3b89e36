// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
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

func serveMutant(ctx context.Context, args []string) (err error) {
	t, wrap, err := mutantOf(args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	p, err := t.(interface {
		Provider() (userclient.Provider, error)
	}).Provider()
	if err != nil {
		return err
	}
	return offer.Serve(ctx, wrap(p))
}

func mutantOf(args []string) (conformance.Target, func(userclient.Provider) userclient.Provider, error) {
	if len(args) == 1 && args[0] == "dies" {
		return mutant.Loopback(), mutant.Wrapping(mutant.Hooks{Call: dieAtStart}), nil
	}
	for _, m := range mutant.Mutants() {
		if len(args) == 1 && m.Name == args[0] {
			return m.New(), mutant.Wrapping(mutant.Hooks{}), nil
		}
	}
	return nil, nil, fmt.Errorf("there is no mutant %q", args)
}

func dieAtStart(_ context.Context, _ *mutant.Session, a *userclient.Args, next func() error) error {
	if a.Selector == userclient.SelStart {
		fmt.Fprintln(os.Stderr, "no hardware to start")
		os.Exit(3)
	}
	return next()
}
