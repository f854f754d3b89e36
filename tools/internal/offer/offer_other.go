// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package offer

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Serve fails: processes can't be connected here yet.
func Serve(context.Context, userclient.Provider) error {
	return fmt.Errorf("a driver can't be offered to other processes on %s yet: %w", runtime.GOOS, errors.ErrUnsupported)
}
