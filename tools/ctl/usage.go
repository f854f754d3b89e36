// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpCommand shows the help of another command.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		Long:  "Show what a command does, its flags and examples, as --help behind the command does.",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &usageError{err}
			}
			if len(rest) > 0 {
				return a.noCommand(about, rest)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// noCommand is what the root does, which only holds commands.
func (a *app) noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("a command is missing")
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("there is no command %q; did you mean %q?", args[0], near[0])
	}
	return usagef("there is no command %q", args[0])
}

// arguments checks the number of a command's arguments.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("%s is missing", what)
		case most >= 0 && len(args) > most:
			return usagef("%q is one argument too many", args[most])
		}
		return nil
	}
}

// flagError is the error of a flag in the words of the other errors.
func flagError(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return &usageError{err}
	}
	flag, given := bad.GetFlag(), bad.GetValue()
	if errors.Is(err, strconv.ErrRange) {
		return usagef("--%s is %s, which is too large", flag.Name, given)
	}
	var needs string
	switch flag.Value.Type() {
	case "int":
		needs = "a whole number"
	case "uint64":
		needs = "a whole number that is not below 0"
	case "float64":
		needs = "a number"
	case "duration":
		needs = "a time with its unit: 500ms, 2s, 1m"
	case "bool":
		needs = "true or false"
	default:
		return usagef("--%s is %q: %w", flag.Name, given, bad.Unwrap())
	}
	return usagef("--%s is %q, it needs %s", flag.Name, given, needs)
}
