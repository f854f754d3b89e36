// SPDX-License-Identifier: Apache-2.0

package offer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/conformance/mutant"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Mutant offers a driver that breaks a rule of the conformance suite, by its name, until
// ctx ends, which is no error.
func Mutant(ctx context.Context, name string) error {
	all := mutant.Mutants()
	i := slices.IndexFunc(all, func(m mutant.Mutant) bool { return m.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no mutant %q", name)
	}
	return Target(ctx, all[i].New(), mutant.Hooks{})
}

// Target offers the driver behind t, changed by h, until ctx ends, which is no error. It
// closes t.
func Target(ctx context.Context, t conformance.Target, h mutant.Hooks) (err error) {
	defer func() { err = errors.Join(err, t.Close()) }()
	local, ok := t.(interface {
		Provider() (userclient.Provider, error)
	})
	if !ok {
		return errors.New("this driver is one that dies, or more than a driver; it can't be offered to other processes")
	}
	p, err := local.Provider()
	if err != nil {
		return err
	}
	return Serve(ctx, mutant.Wrap(p, h))
}
