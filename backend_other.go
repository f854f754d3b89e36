// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package iostreamkit

import (
	"context"
	"iter"
	"runtime"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// errElsewhere says what works where other processes can't be reached yet.
func errElsewhere() error {
	return &ioreturn.StatusError{Code: ioreturn.Unsupported,
		Detail: "streams of other processes can't be reached on " + runtime.GOOS +
			" yet; a driver in the same process can, with sdk/inproc"}
}

func (Client) dial(context.Context, string, bool) (userclient.Conn, error) {
	return nil, errElsewhere()
}

func list(context.Context, []string) ([]StreamInfo, error) { return nil, errElsewhere() }

func watch(context.Context, []string) iter.Seq2[StreamEvent, error] {
	return func(yield func(StreamEvent, error) bool) { yield(StreamEvent{}, errElsewhere()) }
}

func (Server) serve(context.Context, *iostream.Driver, func(context.Context) error) error {
	return errElsewhere()
}
