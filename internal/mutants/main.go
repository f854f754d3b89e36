// SPDX-License-Identifier: Apache-2.0

// Command mutants shows what the conformance suite is worth: it runs the suite on every
// driver that is known to be broken and prints which rule catches which, what was not
// caught, and which rules nothing shows to bite. Run it as
//
//	go run ./internal/mutants [-all] [name ...]
//
// It exits with 1 if a mutant was not caught by its primary rule or a must-rule has none.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok := run(ctx)
	stop()
	if !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context) bool {
	all := flag.Bool("all", false, "run every rule on every mutant, and list the others that fail; takes some minutes")
	verbose := flag.Bool("v", false, "print the report of each mutant")
	flag.Parse()
	mutants := slices.DeleteFunc(mutant.Mutants(), func(m mutant.Mutant) bool {
		return flag.NArg() > 0 && !slices.Contains(flag.Args(), m.Name)
	})
	slices.SortStableFunc(mutants, func(a, b mutant.Mutant) int { return strings.Compare(a.Rule, b.Rule) })
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tMUTANT\tCAUGHT\tTIME\tWHAT IT DOES WRONG")
	missed := 0
	for _, m := range mutants {
		only := []string{m.Rule}
		if *all {
			only = nil
		}
		begin := time.Now()
		rep, err := m.Catch(ctx, only...)
		caught := "yes"
		if err != nil {
			missed++
			caught = "NO"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%v\t%s\n", m.Rule, m.Name, caught, time.Since(begin).Round(time.Millisecond), m.Wrong)
		if err != nil {
			fmt.Fprintf(w, "\t\t\t\t%v\n", err)
		}
		if rep != nil && *all {
			if others := m.Others(rep); len(others) > 0 {
				fmt.Fprintf(w, "\t\t\t\talso: %s\n", strings.Join(others, ", "))
			}
		}
		if rep != nil && *verbose {
			_ = rep.WriteText(os.Stdout) // standard output: nothing to be done
		}
	}
	bare := mutant.Bare()
	if flag.NArg() > 0 {
		bare = nil
	}
	fmt.Fprintf(w, "\n%d mutants, %d caught; %d rules", len(mutants), len(mutants)-missed, len(conformance.Rules()))
	if len(bare) > 0 {
		fmt.Fprintf(w, "; without a mutant: %s", strings.Join(bare, ", "))
	}
	fmt.Fprintln(w)
	_ = w.Flush() // standard output: nothing to be done
	return missed == 0 && len(bare) == 0
}
