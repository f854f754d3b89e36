// SPDX-License-Identifier: Apache-2.0

package offer

import (
	"context"
	"errors"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Serve offers p under the name of its description until ctx ends, which is no error.
func Serve(ctx context.Context, p userclient.Provider) (err error) {
	dir, err := rundir.Default()
	if err != nil {
		return err
	}
	d := p.Describe()
	entry, err := dir.Register(rundir.Info{Name: d.Name, Program: d.Driver, Instance: d.Instance, Properties: d.Properties})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entry.Close()) }()
	l, err := socket.Listen(entry.SocketPath(), nil)
	if err != nil {
		return err
	}
	if err := entry.Publish(); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := l.Serve(ctx, p); ctx.Err() == nil {
		return err
	}
	return nil
}
