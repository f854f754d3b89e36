// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/internal/offer"
)

// mutantMain is a program that serves a mutant of the conformance suite under the
// stream's name that it has: "mutant reopen-busy".
func mutantMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := serveMutant(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutant:", err)
		os.Exit(1)
	}
}

func serveMutant(ctx context.Context, args []string) (err error) {
	all := mutant.Mutants()
	i := -1
	if len(args) == 1 {
		i = slices.IndexFunc(all, func(m mutant.Mutant) bool { return m.Name == args[0] })
	}
	if i < 0 {
		return fmt.Errorf("there is no mutant %q", args)
	}
	t := all[i].New()
	defer func() { err = errors.Join(err, t.Close()) }()
	p, err := t.(interface {
		Provider() (userclient.Provider, error)
	}).Provider()
	if err != nil {
		return err
	}
	return offer.Serve(ctx, p)
}
