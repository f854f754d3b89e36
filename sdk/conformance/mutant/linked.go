// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// linked makes the New of a mutant whose transport is at fault: a correct loopback
// driver whose connections wrap changes.
func linked(name string, wrap func(userclient.Conn) userclient.Conn) func() conformance.Target {
	return func() conformance.Target {
		inner := conformance.FromStart(name, Served(LoopbackConfig(), nil, Echo, nil), conformance.CapLoopback)
		return &linkedTarget{inner, wrap}
	}
}

type linkedTarget struct {
	conformance.Target
	wrap func(userclient.Conn) userclient.Conn
}

// Connect implements conformance.Target.
func (t *linkedTarget) Connect(ctx context.Context, observe bool) (userclient.Conn, error) {
	c, err := t.Target.Connect(ctx, observe)
	if err != nil {
		return nil, err
	}
	return t.wrap(c), nil
}
