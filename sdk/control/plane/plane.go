// SPDX-License-Identifier: Apache-2.0

// Package plane carries controls over streams: a driver's Table answers as a module or
// driver of a stream, and a Client sends to it through the stream head.
//
// Each command of package control is one ioctl, sent with I_STR. Its argument says where
// request and reply are in the caller's memory; the module copies them, and returns how
// many bytes the reply has. Errors travel as errnos: the one that streams.ErrnoOf finds.
package plane

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// The numbers of the ioctls.
const (
	CmdList = group | streams.Command(control.CmdList)
	CmdGet  = group | streams.Command(control.CmdGet)
	CmdSet  = group | streams.Command(control.CmdSet)
	CmdCall = group | streams.Command(control.CmdCall)

	group streams.Command = 'C' << 8
)

// message is the argument of every command. The result is the length of the reply.
type message struct {
	Request, Reply uint64 // addresses
	Length, Room   uint32 // of the request, for the reply
}

// Commands returns the commands with which a table of controls is used, for an
// [ioctl.Table] that may have others beside. Getting and listing need a stream that is open
// for reading, setting and calling one that is open for writing.
func Commands(t *control.Table) []ioctl.Entry {
	entry := func(n streams.Command, name string, a ioctl.Access) ioctl.Entry {
		return ioctl.Command[message, ioctl.None]{
			Number: n, Name: name, Access: a, Forms: ioctl.ByStr,
			Ranges: []ioctl.Range{
				{Dir: ioctl.In, Addr: "Request", Len: "Length", Max: control.MaxMessage},
				{Dir: ioctl.Out, Addr: "Reply", Len: "Room", Max: control.MaxMessage},
			},
			Do: func(ctx context.Context, job *ioctl.Job, _ message) (ioctl.None, error) {
				out, err := t.Serve(ctx, control.Command(n&^group), job.Input("Request"), nil, job.Room("Reply"))
				if err != nil {
					return ioctl.None{}, err
				}
				job.Return(int32(len(out)))
				return ioctl.None{}, job.Output("Reply", out)
			},
		}
	}
	return []ioctl.Entry{
		entry(CmdList, "LIST_CONTROLS", ioctl.ForReading),
		entry(CmdGet, "GET_CONTROL", ioctl.ForReading),
		entry(CmdSet, "SET_CONTROL", ioctl.ForWriting),
		entry(CmdCall, "CALL_CONTROL", ioctl.ForWriting),
	}
}

// Module returns a module or driver that answers for a table of controls, which may
// change meanwhile. Who may set and call is for cfg.Caller to say; without one it is the
// driver's own user and root. See [commands.Module].
func Module(name string, t *control.Table, cfg *commands.Config) (*streams.Module, error) {
	table, err := ioctl.NewTable(nil, Commands(t)...)
	if err != nil {
		return nil, err
	}
	return commands.Module(name, table, cfg)
}

// Where things are in the memory of a client's call.
const (
	argumentAddr = 0x10000
	requestAddr  = 0x20000
	replyAddr    = 0x40000 // behind the largest request
)

// Client returns a client of the controls behind a stream. It waits for each answer until
// the caller's context ends; then the driver's function goes on until the next command
// comes, or the stream is closed. It may be used by several goroutines at the same time if
// h may, which run one after another.
func Client(h commands.Sender) *control.Client {
	return &control.Client{Do: func(ctx context.Context, c control.Command, in []byte) ([]byte, error) {
		return do(ctx, h, c, in)
	}}
}

func do(ctx context.Context, h commands.Sender, c control.Command, in []byte) ([]byte, error) {
	layout, err := ioctl.LayoutOf[message]()
	if err != nil {
		return nil, err
	}
	reply := make([]byte, control.MaxMessage)
	arg := layout.Append(nil, &message{
		Request: requestAddr, Length: uint32(len(in)), Reply: replyAddr, Room: uint32(len(reply)),
	})
	mem, err := ioctl.NewRegions(
		ioctl.Region{Addr: argumentAddr, Data: arg},
		ioctl.Region{Addr: requestAddr, Data: in, ReadOnly: true},
		ioctl.Region{Addr: replyAddr, Data: reply},
	)
	if err != nil {
		return nil, err
	}
	n, err := h.Str(ctx, &head.Str{
		Command: group | streams.Command(c), Wait: head.Forever, Data: arg, Memory: mem, Addr: argumentAddr,
	})
	switch {
	case errors.Is(err, streams.EACCES) && (c == control.CmdSet || c == control.CmdCall):
		return nil, fmt.Errorf("this user may look, but not %v; as a rule a driver lets its own user and root do that: %w", c, err)
	case err != nil:
		return nil, err
	case n < 0 || n > len(reply):
		return nil, ioreturn.Broken(ioreturn.RuleAnswer, "controls: a reply of %d bytes, there was room for %d", n, len(reply))
	}
	return reply[:n], nil
}
