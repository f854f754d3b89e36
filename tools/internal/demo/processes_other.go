// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package demo

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// Two processes can't reach each other here yet.

func spawn(context.Context, Options) (*link, error) { return nil, errors.ErrUnsupported }

func placeOf([]byte) (place, error) { return place{}, errors.ErrUnsupported }

func mappedPlace(context.Context, *iostream.Stream, *iostream.Frame) (place, error) {
	return place{}, errors.ErrUnsupported
}
