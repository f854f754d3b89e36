// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/spf13/cobra"
)

func (a *app) conformDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two reports of conform",
		Long: `Compare two reports that conform has written with --report or --json. The exit status
is 1 if anything is worse: a rule that fails, is skipped or can't be checked and was
before, one that is waived now, one that the driver does not claim any more, or one that
is not there any more. A file that is no report is wrong usage.`,
		Example: fmt.Sprintf("  %s conform diff released.json now.json", a.opts.Name),
		Args:    arguments(2, 2, "OLD or NEW, a report that conform has written,"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.conformDiff(cmd, args[0], args[1]) },
	}
}

func (a *app) conformDiff(cmd *cobra.Command, before, after string) error {
	old, err := readReport(before)
	if err != nil {
		return err
	}
	now, err := readReport(after)
	if err != nil {
		return err
	}
	changes := conformance.Diff(old, now)
	status := exitDone
	if slices.ContainsFunc(changes, func(c conformance.RuleChange) bool { return c.Kind.Regression() }) {
		status = exitFailed
	}
	return withStatus(status, a.emitChanges(stdout(cmd), old, now, changes))
}

func (a *app) emitChanges(w io.Writer, old, now *conformance.Report, changes []conformance.RuleChange) error {
	if a.json {
		for _, c := range changes {
			if err := a.emit(w, c, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := fmt.Fprintf(w, "old: %s\nnew: %s\n\n", reportText(old), reportText(now)); err != nil {
		return err
	}
	_, err := conformance.WriteDiff(w, changes)
	return err
}

// reportText says in one line what a report is about.
func reportText(r *conformance.Report) string {
	driver := strings.TrimSpace(r.Driver.Driver + " " + r.Driver.Version)
	return fmt.Sprintf("%s, driver %s, suite %s, %s: %s", r.Target, cmp.Or(driver, "(without a name)"), r.Suite,
		r.Started.UTC().Format("2006-01-02 15:04 MST"), r.Result)
}

func readReport(path string) (*conformance.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &usageError{err}
	}
	defer file.Close()
	r, err := conformance.ReadReport(file)
	if err != nil {
		return nil, &usageError{ioreturn.Op("read", path, err)}
	}
	return r, nil
}
