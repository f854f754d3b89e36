// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// cmdSwap is the vendor's command of the correct driver. It reads bytes from an address
// and stores them at another one, the last first, and returns how many there were.
const cmdSwap streams.Command = 'V'<<8 | 1

// swapArgument is its argument, and its result.
type swapArgument struct {
	From, To     uint64
	Length, Room uint32
}

const (
	swapSize = 24 // of the argument
	swapArg  = 0x1000
	swapFrom = 0x2000
	swapTo   = 0x3000
	swapLong = 16
)

// swap is the command.
func swap() ioctl.Entry {
	return ioctl.Command[swapArgument, swapArgument]{
		Number: cmdSwap, Name: "SWAP",
		Ranges: []ioctl.Range{
			{Dir: ioctl.In, Addr: "From", Len: "Length", Max: 1 << 10},
			{Dir: ioctl.Out, Addr: "To", Len: "Room", Max: 1 << 10},
		},
		Do: func(_ context.Context, job *ioctl.Job, in swapArgument) (swapArgument, error) {
			b := slices.Clone(job.Input("From"))
			slices.Reverse(b)
			in.Room = uint32(min(len(b), job.Room("To")))
			job.Return(int32(in.Room))
			return in, job.Output("To", b[:in.Room])
		},
	}
}

// SafeCommands are the commands of the correct driver that a suite may send: the same one
// in both forms.
func SafeCommands() []conformance.SafeCommand {
	arg := binary.LittleEndian.AppendUint64(nil, swapFrom)
	arg = binary.LittleEndian.AppendUint64(arg, swapTo)
	arg = binary.LittleEndian.AppendUint32(arg, swapLong)
	arg = binary.LittleEndian.AppendUint32(arg, swapLong)
	memory := []conformance.SafeMemory{{Addr: swapFrom, Data: []byte("0123456789abcdef")}, {Addr: swapTo, Size: swapLong}}
	return []conformance.SafeCommand{
		{Name: "SWAP", Number: cmdSwap, Data: arg, Memory: memory},
		{
			Name: "SWAP, transparent", Number: cmdSwap, Transparent: true, Arg: swapArg,
			Memory: append([]conformance.SafeMemory{{Addr: swapArg, Data: arg}}, memory...),
		},
	}
}
