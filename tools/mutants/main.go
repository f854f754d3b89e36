// SPDX-License-Identifier: Apache-2.0

// Command mutants shows that the conformance suite bites: it runs each mutant driver
// against the rule that it was made to break, and prints for every rule which mutants
// it caught. Run it as
//
//	go run ./tools/mutants [-full] [MUTANT ...]
//
// It fails if a mutant is not caught or a rule that must be kept has none. With -serve
// it is that driver instead, so that one sees what the suite says of it:
//
//	go build -o bin/mutants ./tools/mutants
//	iostreamctl conform --cmd "bin/mutants -serve silent-loss"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/tools/internal/offer"
)

func main() {
	full := flag.Bool("full", false, "run every rule on each mutant, and list what else breaks")
	serve := flag.String("serve", "", "offer the driver with this `name`, until interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := choice(ctx, *serve, *full, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func choice(ctx context.Context, serve string, full bool, names []string) error {
	switch {
	case serve == "":
		return run(ctx, os.Stdout, full, names)
	case full || len(names) > 0:
		return errors.New("-serve takes one name and nothing else")
	}
	return offer.Mutant(ctx, serve)
}

// hunt is what came of one mutant.
type hunt struct {
	mutant.Mutant
	missed error
	others []string // with -full: what else broke
}

func run(ctx context.Context, w io.Writer, full bool, names []string) error {
	all, err := choose(names)
	if err != nil {
		return err
	}
	if err := catch(ctx, all, full); err != nil {
		return err
	}
	rules := conformance.Rules()
	if len(names) > 0 {
		rules = slices.DeleteFunc(rules, func(r conformance.Rule) bool {
			return !slices.ContainsFunc(all, func(h hunt) bool { return h.Rule == r.ID })
		})
	}
	return report(w, rules, all)
}

// choose returns the mutants of those names, or all.
func choose(names []string) ([]hunt, error) {
	var all []hunt
	for _, m := range mutant.Mutants() {
		if len(names) == 0 || slices.Contains(names, m.Name) {
			all = append(all, hunt{Mutant: m})
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(h hunt) bool { return h.Name == name }) {
			return nil, fmt.Errorf("there is no mutant %q", name)
		}
	}
	return all, nil
}

// perCPU is how many mutants run at a time on each processor. They mostly wait.
const perCPU = 4

// catch runs the mutants, several at a time.
func catch(ctx context.Context, all []hunt, full bool) error {
	next := make(chan *hunt)
	var hunters sync.WaitGroup
	for range perCPU * runtime.GOMAXPROCS(0) {
		hunters.Go(func() {
			for h := range next {
				only := []string{h.Rule}
				if full {
					only = nil
				}
				rep, err := h.Catch(ctx, only...)
				h.missed = err
				if full && rep != nil {
					h.others = h.Others(rep)
				}
			}
		})
	}
	for i := range all {
		if ctx.Err() != nil {
			break
		}
		next <- &all[i]
	}
	close(next)
	hunters.Wait()
	return ctx.Err()
}

// report prints the table, what was missed, and what has no mutant.
func report(w io.Writer, rules []conformance.Rule, all []hunt) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tLEVEL\tCAUGHT\tMUTANTS")
	var without, missed []string
	bare := 0
	for _, r := range rules {
		caught, names := 0, []string(nil)
		for _, h := range all {
			if h.Rule != r.ID {
				continue
			}
			names = append(names, h.Name)
			if h.missed == nil {
				caught++
			} else {
				missed = append(missed, fmt.Sprintf("%s: %s\n  %v", h.Name, h.Wrong, h.missed))
			}
		}
		if len(names) == 0 {
			without = append(without, fmt.Sprintf("%s (%s) %s", r.ID, r.Level, r.Title))
			if r.Level == conformance.Must {
				bare++
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d of %d\t%s\n", r.ID, r.Level, caught, len(names), strings.Join(names, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, h := range all {
		if len(h.others) > 0 {
			fmt.Fprintf(w, "\n%s also breaks %s\n", h.Name, strings.Join(h.others, ", "))
		}
	}
	list(w, "Missed", missed)
	list(w, "Rules without a mutant", without)
	_, err := fmt.Fprintf(w, "\n%d rules, %d mutants: %d caught, %d missed\n", len(rules), len(all), len(all)-len(missed), len(missed))
	switch {
	case err != nil:
		return err
	case len(missed) > 0:
		return fmt.Errorf("mutants that their rule does not catch: %d", len(missed))
	case bare > 0:
		return fmt.Errorf("rules that must be kept and have no mutant: %d", bare)
	}
	return nil
}

func list(w io.Writer, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", title)
		for _, l := range lines {
			fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(l, "\n", "\n  "))
		}
	}
}
