// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// The commands of a small device, for tests.

type gain struct {
	Channel uint32
	Level   int32
}

type stats struct{ Frames, Lost uint64 }

type transferArg struct {
	From  uint64
	To    uint64
	Bytes uint32
	Words uint16
	_     [2]byte
}

type transferResult struct{ Moved, Mode uint32 }

type grown struct {
	A, B uint32
	C    uint64 // younger than A and B
}

const (
	cmdSetGain  streams.Command = 0x40087801 // _IOW('x', 1, 8)
	cmdGetStats streams.Command = 0x80107802 // _IOR('x', 2, 16)
	cmdTransfer streams.Command = 0xc0187803 // _IOWR('x', 3, 24)
	cmdReset    streams.Command = 0x7804     // 'x' << 8 | 4, plain
	cmdGrown    streams.Command = 0xc0107805 // _IOWR('x', 5, 16)
	cmdPanic    streams.Command = 0x7806
)

// device counts what its commands do.
type device struct {
	gains  []gain
	reset  Word
	grown  []grown
	fail   error // what every function returns
	ends   []bool
	panics []Panic
}

// begin registers for the end of a job and returns d.fail.
func (d *device) begin(job *Job) error {
	job.AtEnd(func(delivered bool) { d.ends = append(d.ends, delivered) })
	return d.fail
}

func (d *device) commands() []Entry {
	return []Entry{
		Command[gain, None]{
			Number: cmdSetGain, Name: "SET_GAIN", Access: ForWriting,
			Do: func(_ context.Context, job *Job, in gain) (None, error) {
				d.gains = append(d.gains, in)
				job.Return(7)
				return None{}, d.begin(job)
			},
		},
		Command[None, stats]{
			Number: cmdGetStats, Name: "GET_STATS", Access: ForReading,
			Do: func(_ context.Context, job *Job, _ None) (stats, error) {
				return stats{Frames: 0x0102, Lost: 3}, d.begin(job)
			},
		},
		Command[transferArg, transferResult]{
			Number: cmdTransfer, Name: "TRANSFER",
			Ranges: []Range{
				{Dir: In, Addr: "From", Len: "Bytes", Max: 4096},
				{Dir: Out, Addr: "To", Len: "Words", Elem: 2, Max: 4096},
			},
			Do: func(_ context.Context, job *Job, in transferArg) (transferResult, error) {
				data := slices.Clone(job.Input("From"))
				slices.Reverse(data)
				data = data[:min(len(data), job.Room("To"))]
				err := errors.Join(d.begin(job), job.Output("To", data))
				job.Return(int32(len(data)))
				return transferResult{Moved: uint32(len(data)), Mode: in.Bytes}, err
			},
		},
		Command[Word, None]{
			Number: cmdReset, Name: "RESET", Access: Privileged,
			Do: func(_ context.Context, job *Job, in Word) (None, error) {
				d.reset = in
				return None{}, d.begin(job)
			},
		},
		Command[grown, grown]{
			Number: cmdGrown, Name: "GROWN", MinSize: 8, MaxSize: 32,
			Do: func(_ context.Context, job *Job, in grown) (grown, error) {
				d.grown = append(d.grown, in)
				return grown{in.A + 1, in.B + 1, in.C + 1}, d.begin(job)
			},
		},
		Command[None, None]{
			Number: cmdPanic, Name: "PANIC",
			Do: func(_ context.Context, job *Job, _ None) (None, error) {
				job.AtEnd(func(delivered bool) {
					d.ends = append(d.ends, delivered)
					panic("at the end")
				})
				panic("in the function")
			},
		},
	}
}

func (d *device) table(t testing.TB, cfg Config) *Table {
	t.Helper()
	cfg.OnPanic = func(p Panic) { d.panics = append(d.panics, p) }
	table, err := NewTable(&cfg, d.commands()...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// everyone may do everything.
var everyone = Caller{Read: true, Write: true, Privileged: true}

// bytesOf returns v as it stands in user memory.
func bytesOf[T any](t testing.TB, v T) []byte {
	t.Helper()
	l, err := LayoutOf[T]()
	if err != nil {
		t.Fatal(err)
	}
	return l.Append(nil, &v)
}
