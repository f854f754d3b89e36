// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// within runs the drivers in this process.
func within(ctx context.Context, path string) (*link, error) {
	all, err := drivers(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var loops sync.WaitGroup
	byName := make(map[string]*iostream.Driver)
	failed := make([]error, len(all))
	for i, s := range all {
		byName[s.d.Name()] = s.d
		loops.Go(func() {
			if err := s.run(ctx); ctx.Err() == nil {
				failed[i] = err
				cancel()
			}
		})
	}
	connect := func(ctx context.Context, name string, observe bool) (userclient.Conn, error) {
		d, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("stream %s: %w", name, ioreturn.ErrNotFound)
		}
		return inproc.Connect(ctx, d, &inproc.Config{Observe: observe})
	}
	end := func() error {
		cancel()
		loops.Wait()
		err := errors.Join(failed...)
		for _, d := range byName {
			err = errors.Join(err, d.Close())
			<-d.Done()
		}
		return err
	}
	return &link{pid: os.Getpid(), connect: connect, target: conformance.FromProvider(byName[bulkStream]), close: end}, nil
}
