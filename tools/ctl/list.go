// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/spf13/cobra"
)

// listLine is one stream as list prints it.
type listLine struct {
	Name       string            `json:"name" doc:"vendor/device/stream"`
	State      string            `json:"state" doc:"live; dead if its driver died and left the entry behind; broken if the entry can't be used"`
	PID        int               `json:"pid" doc:"the driver's process, -1 if unknown"`
	UID        int               `json:"uid" doc:"the user it belongs to, -1 if unknown"`
	Program    string            `json:"program" doc:"the driver's program"`
	ABI        string            `json:"abi,omitempty" doc:"newest version of the interface that the driver speaks"`
	Properties map[string]string `json:"properties,omitempty" doc:"vendor, model, serial, bus and others"`
	Where      string            `json:"where" doc:"what it is connected through"`
	Error      string            `json:"error,omitempty" doc:"why the entry can't be used"`
}

// watchLine is one change as list --watch prints it.
type watchLine struct {
	Event  string   `json:"event" doc:"added, removed or changed"`
	Stream listLine `json:"stream" doc:"the stream, as list prints it" fields:"above"`
}

func (a *app) listCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "list [FILTER ...]",
		Short: "List the streams that are there",
		Long: `List the streams that drivers offer. It connects to no driver.
A filter is a pattern for names, of which missing parts match all ("acme",
"acme/cam*/video"), or a property with a pattern for its value ("serial=47*").
A stream is listed if every filter fits.`,
		Example: fmt.Sprintf("  %[1]s list\n  %[1]s list acme model=cam* --json\n  %[1]s list --watch", a.opts.Name),
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch {
				ctx, stop := whileRead(cmd.Context(), cmd.OutOrStdout())
				defer stop()
				return a.watch(ctx, args, stdout(cmd))
			}
			return a.list(cmd, args)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on and print what changes, until interrupted")
	return cmd
}

func lineOf(s iostreamkit.StreamInfo) listLine {
	l := listLine{Name: s.Name, State: "live", PID: s.PID, UID: s.UID, Program: s.Program, Properties: s.Properties, Where: s.Where}
	switch {
	case s.Err != nil:
		l.State, l.Error = "broken", s.Err.Error()
	case !s.Live:
		l.State = "dead"
	}
	if s.Err == nil {
		l.ABI = fmt.Sprintf("%d.%d", s.ABI.Major, s.ABI.Minor)
	}
	return l
}

func (a *app) list(cmd *cobra.Command, filter []string) error {
	streams, err := iostreamkit.List(cmd.Context(), filter...)
	if err != nil {
		return a.filterError(cmd.Context(), filter, err)
	}
	w := stdout(cmd)
	if a.json {
		for _, s := range streams {
			if err := a.emit(w, lineOf(s), ""); err != nil {
				return err
			}
		}
		return nil
	}
	if len(streams) == 0 {
		_, err := fmt.Fprintln(cmd.ErrOrStderr(), a.nothing(filter))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSTATE\tPID\tPROGRAM\tPROPERTIES")
	for _, s := range streams {
		l := lineOf(s)
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", l.Name, l.State, l.PID, l.Program, l.note())
	}
	return t.Flush()
}

// nothing says that no stream was found.
func (a *app) nothing(filter []string) string {
	if len(filter) > 0 {
		return "no stream matches " + strings.Join(filter, " ")
	}
	return fmt.Sprintf("no streams; \"%s serve pattern\" starts one without hardware", a.opts.Name)
}

// note is the last column: properties, or what is wrong.
func (l *listLine) note() string {
	if l.Error != "" {
		return l.Error
	}
	return properties(l.Properties)
}

func properties(m map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, key+"="+m[key])
	}
	return strings.Join(parts, " ")
}

func (a *app) watch(ctx context.Context, filter []string, w io.Writer) error {
	for e, err := range iostreamkit.Watch(ctx, filter...) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return a.filterError(ctx, filter, err)
		}
		l := lineOf(e.Stream)
		text := fmt.Sprintf("%-7s  %s  %s\n", e.Kind, l.Name, who(l.Program, l.PID))
		if err := a.emit(w, watchLine{e.Kind.String(), l}, text); err != nil {
			return err
		}
	}
	return nil
}

// filterError is an error of listing with a filter: wrong usage if the filter is to
// blame, which listing without it tells.
func (a *app) filterError(ctx context.Context, filter []string, err error) error {
	if len(filter) > 0 && errors.Is(err, ioreturn.ErrInvalid) {
		if _, plain := iostreamkit.List(ctx); plain == nil {
			return &usageError{err}
		}
	}
	return a.explain(ctx, "", err)
}
