// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package target

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Two processes can't be connected here yet, so there is never a life to speak of.

func unsupported() error {
	return fmt.Errorf("a driver in another process can't be reached on %s yet: %w", runtime.GOOS, errors.ErrUnsupported)
}

func dial(context.Context, string, string, bool) (userclient.Conn, error) { return nil, unsupported() }

func makeRunDir() (string, error) { return "", unsupported() }

type life struct{ said tail }

func (l *life) ended() error { return unsupported() }
func (l *life) expect()      {}
func (l *life) pid() int     { return -1 }

func (d *Process) begin() (*life, error) { return nil, unsupported() }

func (d *Process) await(context.Context, *life, string) (string, error) { return "", unsupported() }

func (d *Process) end() error { return nil }

// Others returns the names of the streams that the program offers besides the one that
// is checked.
func (d *Process) Others(context.Context) ([]string, error) { return nil, unsupported() }

// Kill ends the process without warning.
func (d *Process) Kill() error { return unsupported() }

// Close ends the program.
func (d *Process) Close() error { return nil }
