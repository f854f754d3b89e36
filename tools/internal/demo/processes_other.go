// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package demo

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// Where memory is can only be found out on Linux so far.

func placeOf([]byte) (place, error) { return place{}, errors.ErrUnsupported }

func mappedPlace(context.Context, *iostream.Stream, *iostream.Frame) (place, error) {
	return place{}, errors.ErrUnsupported
}
