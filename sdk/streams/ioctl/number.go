// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// Dir says which way data go, seen from the driver.
type Dir uint8

// The directions. They can be joined.
const (
	In  Dir = 1 // from the caller: the user writes, _IOC_WRITE
	Out Dir = 2 // to the caller: the user reads, _IOC_READ
)

// String returns "none", "in", "out" or "in and out".
func (d Dir) String() string {
	if d <= In|Out {
		return [...]string{"none", "in", "out", "in and out"}[d]
	}
	return fmt.Sprintf("Dir(%d)", uint8(d))
}

// Parts is what a number says about its command.
type Parts struct {
	Dir   Dir
	Group byte // usually a letter: 'S'
	Nr    byte
	Size  int // bytes that the argument points to
}

// Coding is how a system puts the parts of a command into its number.
type Coding uint8

// The codings. In that of Linux every number has parts; in those of BSD three bits say
// that a number is coded.
const (
	Linux   Coding = iota // _IOC: direction in bits 30 and 31, size up to 16383
	Solaris               // BSD's, size up to 255
	FreeBSD               // BSD's, size up to 8191
)

// The bits of a number that BSD's coding uses for the direction.
const (
	bsdVoid  = 0x20000000
	bsdOut   = 0x40000000
	bsdIn    = 0x80000000
	bsdCoded = bsdVoid | bsdOut | bsdIn
)

// sizeShift is where the size begins, in every coding.
const sizeShift = 16

// MaxSize returns the largest size that a number can have.
func (c Coding) MaxSize() int {
	switch c {
	case Solaris:
		return 1<<8 - 1
	case FreeBSD:
		return 1<<13 - 1
	default:
		return 1<<14 - 1
	}
}

// Encode returns the number of a command. The error says which part does not fit.
func (c Coding) Encode(p Parts) (streams.Command, error) {
	switch {
	case p.Dir > In|Out:
		return 0, fmt.Errorf("%v is no direction", p.Dir)
	case p.Size < 0 || p.Size > c.MaxSize():
		return 0, fmt.Errorf("size %d does not fit into a number, which holds 0 to %d", p.Size, c.MaxSize())
	}
	n := uint32(p.Size)<<sizeShift | uint32(p.Group)<<8 | uint32(p.Nr)
	if c == Linux {
		return streams.Command(uint32(p.Dir)<<30 | n), nil
	}
	switch p.Dir {
	case In:
		n |= bsdIn
	case Out:
		n |= bsdOut
	case In | Out:
		n |= bsdIn | bsdOut
	default:
		n |= bsdVoid
	}
	return streams.Command(n), nil
}

// Decode returns the parts of a number. It is not ok if the number isn't coded in this
// way, such as the plain numbers of the stream head in a coding of BSD; then group and
// number are all that is known. Encode makes the same number of parts that are ok.
func (c Coding) Decode(n streams.Command) (p Parts, ok bool) {
	v := uint32(n)
	p = Parts{Group: byte(v >> 8), Nr: byte(v)}
	if c == Linux {
		p.Dir, p.Size = Dir(v>>30), int(v>>sizeShift)&c.MaxSize()
		return p, true
	}
	if v&^(bsdCoded|uint32(c.MaxSize())<<sizeShift|0xffff) != 0 {
		return p, false
	}
	switch v & bsdCoded {
	case bsdVoid:
	case bsdIn:
		p.Dir = In
	case bsdOut:
		p.Dir = Out
	case bsdIn | bsdOut:
		p.Dir = In | Out
	default:
		return p, false
	}
	p.Size = int(v>>sizeShift) & c.MaxSize()
	return p, true
}

// Argument returns the memory that a command may reach by default: of data, which is
// what the argument points to, the bytes that the number says. The driver may write there
// if the number says Out. A number without a direction gives an empty region. The error
// matches EINVAL if data has too few bytes.
func (c Coding) Argument(n streams.Command, arg uint64, data []byte) (Region, error) {
	p, _ := c.Decode(n)
	if p.Dir == 0 {
		p.Size = 0 // the argument is a word
	}
	if len(data) < p.Size {
		return Region{}, fmt.Errorf("command %v has an argument of %d bytes, %d are there: %w", n, p.Size, len(data), streams.EINVAL)
	}
	return Region{Addr: arg, Data: data[:p.Size:p.Size], ReadOnly: p.Dir&Out == 0}, nil
}

// sizeless returns n with a size of zero: what numbers of commands that differ only in
// the size of their argument have in common.
func (c Coding) sizeless(n streams.Command) streams.Command {
	return n &^ streams.Command(c.MaxSize()<<sizeShift)
}

// sized reports whether n says how much its argument points to, and how much. A plain
// number, which has neither direction nor size, does not.
func (c Coding) sized(n streams.Command) (p Parts, ok bool) {
	p, ok = c.Decode(n)
	return p, ok && (p.Dir != 0 || p.Size != 0)
}
