// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/spf13/cobra"
)

// ioctlResult is what ioctl prints.
type ioctlResult struct {
	Command string `json:"command" doc:"the command"`
	Rval    int    `json:"rval" doc:"what the driver returned"`
	Data    string `json:"data,omitempty" doc:"the data of its answer, hexadecimal"`
}

// modulesResult is what modules prints.
type modulesResult struct {
	Modules []string `json:"modules" doc:"the stack of this connection from the top down; the last one is the driver"`
}

// ioctlFlags are the flags of ioctl.
type ioctlFlags struct {
	data string
	room int
	wait time.Duration
}

func (c *controlApp) ioctlCommand() *cobra.Command {
	var f ioctlFlags
	cmd := &cobra.Command{
		Use:   "ioctl NAME COMMAND",
		Short: "Send a command to the driver (I_STR)",
		Long: `Send a command with data down through the driver's modules, as I_STR does, and print
what comes back. COMMAND is a number such as 0x6101.`,
		Example: fmt.Sprintf("  %s control ioctl acme/dev0/stream 0x6101 --data 01000000 --trace", c.opts.Name),
		Args:    arguments(2, 2, "the name of a stream, or a command,"),
		RunE: func(cmd *cobra.Command, args []string) error {
			command, err := streams.ParseCommand(args[1])
			if err != nil {
				return &usageError{err}
			}
			data, err := hex.DecodeString(f.data)
			if err != nil {
				return usagef("--data is %q, it needs pairs of hexadecimal digits", f.data)
			}
			if f.room < 0 || f.room > 1<<16 {
				return usagef("--room is %d, it needs 0 to 65536", f.room)
			}
			if f.wait < 0 {
				return usagef("--wait is %v, it can't be below 0", f.wait)
			}
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				s := head.Str{Command: command, Wait: f.wait, Data: append(data, make([]byte, max(0, f.room-len(data)))...)}
				rval, err := ctl.Str(ctx, &s)
				if errors.Is(err, streams.EINVAL) {
					err = &hintedError{err, []string{fmt.Sprintf("that is the answer of a driver which has no command %v, or which wants another size of data than %s",
						command, plural(len(s.Data), "byte"))}}
				}
				if err != nil {
					return err
				}
				r := ioctlResult{Command: command.String(), Rval: rval, Data: hex.EncodeToString(s.Data[:s.Len])}
				return c.emit(stdout(cmd), r, fmt.Sprintf("%v returned %d; %s: %s\n", command, rval, plural(s.Len, "byte"), r.Data))
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", "", "`hex` digits of the data that go down")
	fl.IntVar(&f.room, "room", 0, "`bytes` that there is room for in the answer, if that is more than the data")
	fl.DurationVar(&f.wait, "wait", 0, "how long to wait for each answer (default 15s)")
	return cmd
}

func (c *controlApp) pushCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "push NAME MODULE...",
		Short: "Try modules on the driver's stack",
		Long: `Push modules on the driver's stack of this connection and show the stack. It goes with
the connection, because each has its own: this tells whether the driver has the modules
and lets them be pushed. To send commands through them use --push of the other commands.`,
		Args: arguments(2, -1, "the name of a stream, or of a module,"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				for _, m := range args[1:] {
					if err := ctl.Push(ctx, m); err != nil {
						return err
					}
				}
				return c.modules(ctx, cmd, ctl)
			})
		},
	}
}

func (c *controlApp) popCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pop NAME",
		Short: "Try to take the top module off the driver's stack",
		Long: `Take the top module off the driver's stack of this connection and show what is left.
What the driver has pushed itself stays.`,
		Args: arguments(1, 1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error {
				if err := ctl.Pop(ctx); err != nil {
					return err
				}
				return c.modules(ctx, cmd, ctl)
			})
		},
	}
}

func (c *controlApp) modulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "modules NAME",
		Short: "List the driver's stack of modules",
		Long:  "List the modules that commands pass on their way to the driver, from the top down.",
		Args:  arguments(1, 1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error { return c.modules(ctx, cmd, ctl) })
		},
	}
}

func (c *controlApp) modules(ctx context.Context, cmd *cobra.Command, ctl *iostreamkit.Control) error {
	names, err := ctl.List(ctx)
	if err != nil {
		return err
	}
	return c.emit(stdout(cmd), modulesResult{names}, strings.Join(names, "\n")+"\n")
}

func (c *controlApp) flushCommand() *cobra.Command {
	var read, write bool
	cmd := &cobra.Command{
		Use:   "flush NAME",
		Short: "Throw away what is queued in the driver's modules",
		Long:  "Throw away what is queued in the driver's modules, in both directions or in one.",
		Args:  arguments(1, 1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := streams.FlushRW
			switch {
			case read && !write:
				flags = streams.FlushR
			case write && !read:
				flags = streams.FlushW
			}
			return c.with(cmd, args[0], func(ctx context.Context, ctl *iostreamkit.Control) error { return ctl.Flush(ctx, flags) })
		},
	}
	cmd.Flags().BoolVar(&read, "read", false, "what is on its way up only")
	cmd.Flags().BoolVar(&write, "write", false, "what is on its way down only")
	return cmd
}
