// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/spf13/cobra"
)

// controlLine is what the control commands print about one control.
type controlLine struct {
	Name     string   `json:"name" doc:"the control's name"`
	Type     string   `json:"type" doc:"none, bool, int, float, enum, string, bytes or struct; of the argument if it can be called"`
	Access   string   `json:"access" doc:"get, set, get|set or call"`
	Volatile bool     `json:"volatile,omitempty" doc:"the value changes by itself"`
	Value    any      `json:"value,omitempty" doc:"what it has now, or what a call returned: bool, number, string, the name of a choice, hexadecimal digits of bytes, or an object of fields"`
	Unit     string   `json:"unit,omitempty" doc:"of the value"`
	Min      any      `json:"min,omitempty" doc:"the smallest value"`
	Max      any      `json:"max,omitempty" doc:"the largest value"`
	Step     any      `json:"step,omitempty" doc:"distance of two values"`
	Default  any      `json:"default,omitempty" doc:"what a fresh device has"`
	Choices  []string `json:"choices,omitempty" doc:"of an enum"`
	Text     string   `json:"text,omitempty" doc:"what it is for"`
}

// line describes a control; v is its value, if there is one.
func line(in *control.Info, v control.Value) controlLine {
	shape := &in.Shape
	if in.Access&control.CanCall != 0 && v.Type() != control.TypeNone {
		shape = &in.Result
	}
	return controlLine{
		Name: in.Name, Type: in.Shape.Type.String(), Access: in.Access.String(), Volatile: in.Volatile,
		Value: shape.Any(v), Unit: in.Unit, Min: in.Any(in.Min), Max: in.Any(in.Max), Step: in.Any(in.Step),
		Default: in.Any(in.Default), Choices: in.Choices, Text: in.Text,
	}
}

// controlApp is what the control commands share.
type controlApp struct {
	*app
	trace bool
	push  []string // modules
}

func (a *app) controlCommand() *cobra.Command {
	c := &controlApp{app: a}
	cmd := &cobra.Command{
		Use:   "control",
		Short: "List, read, change and watch the settings of a driver",
		Long: `List, read, change and watch the settings of a driver, send it commands, and change
its stack of modules. The stream may be in use by another program meanwhile.`,
		Args: a.noCommand,
		RunE: func(*cobra.Command, []string) error { return usagef("a command is missing") },
	}
	cmd.PersistentFlags().BoolVar(&c.trace, "trace", false, "tell each step of each command on standard error")
	cmd.PersistentFlags().StringArrayVar(&c.push, "push", nil, "push a `module` on the driver's stack of this connection first; may be repeated")
	cmd.AddCommand(
		c.listCommand(), c.getCommand(), c.setCommand(), c.callCommand(), c.watchCommand(),
		c.ioctlCommand(), c.pushCommand(), c.popCommand(), c.modulesCommand(), c.flushCommand(),
	)
	return cmd
}

// with connects to a stream's control plane and runs fn with it.
func (c *controlApp) with(cmd *cobra.Command, name string, fn func(context.Context, *iostreamkit.Control) error) error {
	if err := checkName(name); err != nil {
		return err
	}
	cfg := &head.Config{}
	if c.trace {
		cfg.Trace = func(s head.Step) {
			if !c.json {
				fmt.Fprintln(cmd.ErrOrStderr(), s)
				return
			}
			_ = json.NewEncoder(cmd.ErrOrStderr()).Encode(stepLine(s)) // a trace that can't be written ends nothing
		}
	}
	ctx := cmd.Context()
	ctl, err := reaching(ctx, reachBound, func(ctx context.Context) (*iostreamkit.Control, error) {
		return iostreamkit.OpenControl(ctx, name, cfg)
	})
	if err != nil {
		return c.explain(ctx, name, err)
	}
	for _, m := range c.push {
		if err == nil {
			err = ctl.Push(ctx, m)
		}
	}
	if err == nil {
		err = fn(ctx, ctl)
	}
	if closed := ctl.Close(); err == nil {
		err = closed
	}
	return explainEnd(ctx, name, err)
}

// find returns what there is to know of a control, which must be usable in a way.
func find(ctx context.Context, ctl *iostreamkit.Control, name string, use control.Access) (*control.Info, error) {
	in, err := ctl.Settings.Find(ctx, name)
	switch {
	case errors.Is(err, ioreturn.ErrNotFound):
		if all, listErr := ctl.Settings.List(ctx); listErr == nil && len(all) > 0 {
			err = &hintedError{err, []string{"it has " + someOf(all)}}
		}
		return nil, err
	case err != nil:
		return nil, err
	case in.Access&use == 0:
		return nil, &ioreturn.StatusError{
			Code: ioreturn.NotPermitted, Detail: fmt.Sprintf("control %s is for %v, not for %v", name, in.Access, use),
		}
	}
	return in, nil
}

// someOf names controls, those that fit on a line or two.
func someOf(all []control.Info) string {
	const most = 12
	var names []string
	for i := range all {
		names = append(names, all[i].Name)
	}
	if n := len(names); n > most {
		names = append(names[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(names, ", ")
}

// stepLine is a step of a trace as an object.
func stepLine(s head.Step) map[string]any {
	m := map[string]any{"time": s.Time}
	for _, a := range s.LogValue().Group() {
		m[a.Key] = a.Value.Any()
	}
	return m
}

func (c *controlApp) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list NAME",
		Short:   "List the settings of a driver",
		Long:    "List the settings of a driver with their values, ranges and units.",
		Example: fmt.Sprintf("  %s control list sample/pattern/counter", c.opts.Name),
		Args:    arguments(1, 1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error { return c.list(ctx, cmd, ctl) })
		},
	}
}

func (c *controlApp) list(ctx context.Context, cmd *cobra.Command, ctl *iostreamkit.Control) error {
	infos, err := ctl.Settings.List(ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "CONTROL\tTYPE\tACCESS\tVALUE\tRANGE\tABOUT")
	for i := range infos {
		in := &infos[i]
		var v control.Value
		if in.Access&control.CanGet != 0 {
			if v, err = ctl.Settings.Get(ctx, in.Name); err != nil {
				return err
			}
		}
		if c.json {
			if err := c.emit(stdout(cmd), line(in, v), ""); err != nil {
				return err
			}
		}
		what := cmp.Or(in.Range(), strings.Join(in.Choices, "|"), "-")
		fmt.Fprintf(w, "%s\t%v\t%v\t%s\t%s\t%s\n", in.Name, in.Type, access(in), cmp.Or(in.Format(v), "-"), what, in.Text)
	}
	if c.json {
		return nil
	}
	_ = w.Flush() // it writes to memory
	return c.emit(stdout(cmd), nil, b.String())
}

// access says in words how a control can be used.
func access(in *control.Info) string {
	if in.Volatile {
		return in.Access.String() + ", volatile"
	}
	return in.Access.String()
}

func (c *controlApp) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get NAME CONTROL...",
		Short:   "Print the values of settings",
		Long:    "Print the values of settings, one a line.",
		Example: fmt.Sprintf("  %s control get sample/pattern/counter rate", c.opts.Name),
		Args:    arguments(2, -1, "the name of a stream, or of a control,"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				for _, name := range args[1:] {
					if err := c.print(ctx, cmd, ctl, name); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// print prints a control with the value that it has now.
func (c *controlApp) print(ctx context.Context, cmd *cobra.Command, ctl *iostreamkit.Control, name string) error {
	in, err := find(ctx, ctl, name, control.CanGet)
	if err != nil {
		return err
	}
	v, err := ctl.Settings.Get(ctx, name)
	if err != nil {
		return err
	}
	return c.emit(stdout(cmd), line(in, v), fmt.Sprintf("%s = %s\n", name, in.Format(v)))
}

func (c *controlApp) setCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME CONTROL=VALUE...",
		Short: "Change settings",
		Long: `Change settings, one after the other, and print the values that they have then: a
device may take the nearest one that it can do. Nothing more is set after one that is
refused. Numbers may have their unit; a struct is field=value,field=value.`,
		Example: fmt.Sprintf("  %s control set sample/pattern/counter rate=30", c.opts.Name),
		Args:    arguments(2, -1, "the name of a stream, or CONTROL=VALUE,"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args[1:] {
				if strings.Index(arg, "=") < 1 {
					return usagef("%q is not CONTROL=VALUE", arg)
				}
			}
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				for _, arg := range args[1:] {
					name, text, _ := strings.Cut(arg, "=")
					if err := c.set(ctx, cmd, ctl, name, text); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (c *controlApp) set(ctx context.Context, cmd *cobra.Command, ctl *iostreamkit.Control, name, text string) error {
	in, err := find(ctx, ctl, name, control.CanSet)
	if err != nil {
		return err
	}
	v, err := in.Parse(text)
	if err == nil {
		v, err = ctl.Settings.Set(ctx, name, v)
	}
	if err != nil {
		return fmt.Errorf("set %s to %q: %w", name, text, err)
	}
	return c.emit(stdout(cmd), line(in, v), fmt.Sprintf("%s = %s\n", name, in.Format(v)))
}

func (c *controlApp) callCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "call NAME CONTROL [ARGUMENT]",
		Short:   "Call a control that does something",
		Long:    "Call a control that does something, and print what it returns.",
		Example: fmt.Sprintf("  %s control call sample/pattern/counter restart", c.opts.Name),
		Args:    arguments(2, 3, "the name of a stream, or of a control,"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				in, err := find(ctx, ctl, args[1], control.CanCall)
				if err != nil {
					return err
				}
				arg, err := in.Parse(strings.Join(args[2:], ""))
				var v control.Value
				if err == nil {
					v, err = ctl.Settings.Call(ctx, in.Name, arg)
				}
				if err != nil {
					return fmt.Errorf("call %s: %w", in.Name, err)
				}
				text := ""
				if in.Result.Type != control.TypeNone {
					text = in.Result.Format(v) + "\n"
				}
				return c.emit(stdout(cmd), line(in, v), text)
			})
		},
	}
}

func (c *controlApp) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch NAME [CONTROL...]",
		Short: "Print settings as they change",
		Long: `Print settings when somebody has changed them, until it is interrupted. Without names
it watches all of them. Volatile ones change without notice.`,
		Example: fmt.Sprintf("  %s control watch sample/pattern/counter", c.opts.Name),
		Args:    arguments(1, -1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				return c.watch(ctx, cmd, ctl, args[1:])
			})
		},
	}
}

func (c *controlApp) watch(ctx context.Context, cmd *cobra.Command, ctl *iostreamkit.Control, names []string) error {
	ctx, stop := whileRead(ctx, cmd.OutOrStdout())
	defer stop()
	only := map[string]bool{}
	for _, name := range names {
		if _, err := find(ctx, ctl, name, control.CanGet); err != nil {
			return err
		}
		only[name] = true
	}
	for name, err := range ctl.Changes(ctx) {
		if err != nil {
			if ctx.Err() != nil {
				return nil // the way to end it
			}
			return err
		}
		if len(only) == 0 || only[name] {
			if err := c.print(ctx, cmd, ctl, name); err != nil {
				return err
			}
		}
	}
	return nil
}
