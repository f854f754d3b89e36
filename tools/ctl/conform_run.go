// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/target"
	"github.com/spf13/cobra"
)

// checkDriver runs the suite. The error says that there was nothing to check.
func (a *app) checkDriver(cmd *cobra.Command, args []string, f *conformFlags, opts *conformance.Options) (_ *conformance.Report, err error) {
	shown := startRuleProgress(cmd.ErrOrStderr())
	defer shown.finish()
	var rep *conformance.Report
	if f.command == "" {
		rep, err = a.checkNamed(cmd.Context(), args[0], opts, shown)
	} else {
		rep, err = checkProgram(cmd.Context(), args, f, opts, shown)
	}
	return rep, err
}

// checkNamed checks a driver that runs somewhere.
func (a *app) checkNamed(ctx context.Context, name string, opts *conformance.Options, shown *ruleProgress) (*conformance.Report, error) {
	t := target.Named(name)
	if err := reach(ctx, t); err != nil {
		return nil, a.explain(ctx, name, err)
	}
	if hints := a.whoHasIt(ctx, name); hints != nil {
		return nil, &hintedError{fmt.Errorf("%s is in use: its driver can't be checked while another client has it open", name), hints}
	}
	suite, err := conformance.New(ctx, t, opts)
	if err != nil {
		return nil, err
	}
	return checkRules(ctx, suite, shown, func() []error { return nil }), nil
}

// reach connects once, because a driver that is not there is worth more than one error
// for each rule.
func reach(ctx context.Context, t conformance.Target) error {
	conn, err := reaching(ctx, reachBound, func(ctx context.Context) (userclient.Conn, error) { return t.Connect(ctx, false) })
	if err != nil {
		return fmt.Errorf("connect to %s: %w", t.Name(), err)
	}
	_ = conn.Close() // rules are about closing
	return nil
}

// checkProgram checks a driver that it starts.
func checkProgram(ctx context.Context, args []string, f *conformFlags, opts *conformance.Options, shown *ruleProgress) (_ *conformance.Report, err error) {
	words, err := splitWords(f.command)
	if err == nil && len(words) == 0 {
		err = errors.New("it names no program")
	}
	if err != nil {
		return nil, usagef("--cmd %q: %w", f.command, err)
	}
	p := target.Program{Args: words, Stream: strings.Join(args, "")}
	if f.driverLog != "" {
		file, err := os.Create(f.driverLog)
		if err != nil {
			return nil, &usageError{err}
		}
		defer func() {
			if closed := file.Close(); err == nil && closed != nil {
				err = closed
			}
		}()
		p.Output = file
	}
	shown.say("starting the driver")
	driver, err := target.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	rep, err := checkProcess(ctx, driver, p.Stream == "", opts, shown)
	if closed := driver.Close(); closed != nil && err == nil {
		rep.Warnings = append(rep.Warnings, closed.Error())
	}
	return rep, err
}

// checkProcess checks the driver of a process. Nobody may have to guess which of
// several streams was checked.
func checkProcess(ctx context.Context, driver *target.Process, onlyStream bool, opts *conformance.Options, shown *ruleProgress) (*conformance.Report, error) {
	alone := func() error {
		others, err := driver.Others(ctx)
		if err == nil && onlyStream && len(others) > 0 {
			err = usagef("the program offers several streams; name one of %s, %s", driver.Name(), strings.Join(others, ", "))
		}
		return err
	}
	err := reach(ctx, driver)
	if err == nil {
		err = alone()
	}
	if err != nil {
		return nil, err
	}
	suite, err := conformance.New(ctx, driver, opts)
	if err != nil {
		return nil, err
	}
	rep := checkRules(ctx, suite, shown, driver.Deaths)
	if ctx.Err() == nil {
		err = alone() // the others may have come later
	}
	return rep, err
}

// checkRules checks one rule after the other. What a process that died has printed is
// worth more than that it is gone.
func checkRules(ctx context.Context, suite *conformance.Suite, shown *ruleProgress, deaths func() []error) *conformance.Report {
	var warnings []string
	rules := suite.Rules()
	for i, r := range rules {
		if ctx.Err() != nil {
			break // the report says so of the rest
		}
		shown.say(fmt.Sprintf("%*d of %d  %s  %s", len(fmt.Sprint(len(rules))), i+1, len(rules), r.ID, r.Title))
		suite.Check(ctx, r.ID)
		for _, death := range deaths() {
			warnings = append(warnings, fmt.Sprintf("during %s: %v", r.ID, death))
		}
	}
	rep := suite.Report()
	rep.Warnings = append(rep.Warnings, warnings...)
	return rep
}

// ruleProgress shows what is being done on one line of a terminal that is written over
// and over. Anything that is no terminal stays empty.
type ruleProgress struct {
	w     io.Writer // nil: show nothing
	width int
}

func startRuleProgress(w io.Writer) *ruleProgress {
	width, ok := terminalWidth(w)
	if !ok {
		return &ruleProgress{}
	}
	return &ruleProgress{w, width}
}

// say replaces the line.
func (p *ruleProgress) say(text string) {
	if p.w == nil {
		return
	}
	if r := []rune(text); len(r) >= p.width {
		text = string(r[:p.width-1]) // a line that wraps can't be erased
	}
	_, _ = io.WriteString(p.w, eraseLine+text)
}

// finish takes the line away.
func (p *ruleProgress) finish() { p.say("") }
