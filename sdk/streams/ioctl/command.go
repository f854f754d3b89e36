// SPDX-License-Identifier: Apache-2.0

package ioctl

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// None is the argument or the result of a command that has none.
type None struct{}

// Word is the argument of a command that takes it by value: it points to nothing.
// Such a command is transparent.
type Word uint64

// Access says what a caller needs for a command.
type Access uint8

// What a caller may need. They can be joined; zero is nothing.
const (
	ForReading Access = 1 // the stream is open for reading, else EACCES
	ForWriting Access = 2 // the stream is open for writing, else EACCES
	Privileged Access = 4 // the caller has privilege, else EPERM
)

// Forms says how a command may come. Zero is both.
type Forms uint8

// The forms of an ioctl. The other one is answered with EINVAL.
const (
	ByStr       Forms = 1 // within I_STR, with its data
	Transparent Forms = 2 // as itself, with a word that mostly is an address
)

// Range is memory of the caller that the argument points to. Which bytes those are is
// read once, from the copy of the argument that the function gets too.
type Range struct {
	Dir  Dir    // In: copied before the function runs. Out: afterwards.
	Addr string // the field with the address, a uint64; also the range's name in Job. 0 is EFAULT
	Len  string // the unsigned field with the number of elements
	Elem int    // bytes of an element; zero means 1
	Max  int    // most bytes; more are answered with EMSGSIZE, before anything is copied
}

// Command is one command with the Go types of its argument and its result. Types are
// checked by LayoutOf; where a command has none, the type is None.
type Command[In, Out any] struct {
	Number streams.Command // must say the direction and size of the types, or nothing about them
	Name   string          // for people and traces: "SET_GAIN"
	Access Access          // what the caller needs
	Forms  Forms           // how it may come; zero means both

	// MinSize and MaxSize bound the size of the structure as the caller knows it, for
	// commands whose structure has grown or will. What an older caller does not have is
	// zero for the function and is not returned; what a newer one has more must be zero,
	// else E2BIG. Zero means exactly the size of the types.
	MinSize, MaxSize int

	// Ranges are what the argument points to.
	Ranges []Range

	// Do carries the command out. It gets the argument as a value and returns the
	// result; an error other than nil refuses the command with the errno that
	// streams.ErrnoOf finds, and then the result does not count. ctx ends when the
	// caller gives up. A panic refuses the command with EIO.
	Do func(ctx context.Context, job *Job, in In) (Out, error)
}

// Entry is a Command of any types.
type Entry interface {
	compile(c Coding, lim Limits) (*command, error)
}

// command is what a Table keeps of a Command.
type command struct {
	number           streams.Command
	name             string
	access           Access
	forms            Forms
	inSize, outSize  int
	minSize, maxSize int // of what the caller points to
	byValue          bool
	ranges           []span

	// prepare decodes an argument of inSize bytes and returns what remains to be done.
	prepare func(in []byte) (runner, error)
}

// runner is a command's function with its argument.
type runner interface {
	run(ctx context.Context, job *Job) (out []byte, err error)
}

// bound is a runner. It holds argument and result, so that a call has one allocation
// for both.
type bound[I, O any] struct {
	do  func(context.Context, *Job, I) (O, error)
	enc Layout[O]
	in  I
	out O
}

func (b *bound[I, O]) run(ctx context.Context, job *Job) (out []byte, err error) {
	if b.out, err = b.do(ctx, job, b.in); err != nil {
		return nil, err
	}
	return b.enc.Append(nil, &b.out), nil
}

// full is the size of the structure that argument and result share.
func (c *command) full() int { return max(c.inSize, c.outSize) }

// span is a Range with its fields found.
type span struct {
	Range
	addr, len, lenSize int // offsets in the argument
}

// compile checks a command and finds its fields. The error reports all problems.
func (d Command[I, O]) compile(coding Coding, lim Limits) (*command, error) {
	c := &command{number: d.Number, name: d.Name, access: d.Access, forms: d.Forms}
	in, errIn := LayoutOf[I]()
	out, errOut := LayoutOf[O]()
	if err := errors.Join(errIn, errOut); err != nil {
		return nil, fmt.Errorf("command %s (%#x): %w", d.Name, uint32(d.Number), err)
	}
	c.inSize, c.outSize = in.Size(), out.Size()
	c.byValue = reflect.TypeFor[I]() == reflect.TypeFor[Word]()
	c.minSize, c.maxSize = d.MinSize, d.MaxSize
	if c.minSize == 0 {
		c.minSize = c.pointed()
	}
	if c.maxSize == 0 {
		c.maxSize = c.pointed()
	}
	var problems []error
	if d.Do == nil {
		problems = append(problems, errors.New("it has no function"))
	}
	problems = append(problems, c.checkForms(), c.checkSizes(lim), c.checkNumber(coding))
	for _, r := range d.Ranges {
		s, err := spanOf(in.root, r, lim)
		if err != nil {
			problems = append(problems, fmt.Errorf("range %q: %w", r.Addr, err))
		}
		for _, other := range c.ranges {
			if other.Addr == r.Addr {
				problems = append(problems, fmt.Errorf("range %q comes twice", r.Addr))
			}
		}
		c.ranges = append(c.ranges, s)
	}
	if n := len(d.Ranges) + 2; lim.Rounds > 0 && n > lim.Rounds {
		problems = append(problems, fmt.Errorf("it may need %d copies, the limit is %d", n, lim.Rounds))
	}
	c.prepare = func(b []byte) (runner, error) {
		r := &bound[I, O]{do: d.Do, enc: out}
		if err := in.Decode(b, &r.in); err != nil {
			return nil, err
		}
		return r, nil
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("command %s (%#x): %w", d.Name, uint32(d.Number), err)
	}
	return c, nil
}

// pointed is how many bytes the argument points to.
func (c *command) pointed() int {
	if c.byValue {
		return c.outSize
	}
	return c.full()
}

func (c *command) checkForms() error {
	if c.forms > ByStr|Transparent || c.access > ForReading|ForWriting|Privileged {
		return fmt.Errorf("forms %d or access %d has a bit without a meaning", c.forms, c.access)
	}
	if !c.byValue {
		if c.forms == 0 {
			c.forms = ByStr | Transparent
		}
		return nil
	}
	if c.forms&ByStr != 0 || c.outSize != 0 {
		return errors.New("an argument by value (Word) is transparent only and has no result: give a structure instead")
	}
	c.forms = Transparent
	return nil
}

func (c *command) checkSizes(lim Limits) error {
	switch {
	case c.minSize < 0 || c.minSize > c.pointed() || c.maxSize < c.pointed():
		return fmt.Errorf("sizes %d to %d leave out that of its types, %d", c.minSize, c.maxSize, c.pointed())
	case lim.Size > 0 && c.maxSize > lim.Size:
		return fmt.Errorf("%d bytes are more than may be copied at once, %d: pass them as a Range", c.maxSize, lim.Size)
	}
	return nil
}

// checkNumber compares what the number says with the types.
func (c *command) checkNumber(coding Coding) error {
	if c.number == 0 {
		return errors.New("it has no number")
	}
	for h := range streams.Commands() {
		if h.Command == c.number {
			return fmt.Errorf("%s is carried out by the stream head and never comes here", h.Name)
		}
	}
	p, ok := coding.sized(c.number)
	if !ok {
		return nil
	}
	var dir Dir
	if c.inSize > 0 && !c.byValue {
		dir |= In
	}
	if c.outSize > 0 {
		dir |= Out
	}
	if p.Dir != dir || p.Size < c.minSize || p.Size > c.maxSize {
		return fmt.Errorf("number %#x says %v and %d bytes, the types say %v and %d", uint32(c.number), p.Dir, p.Size, dir, c.pointed())
	}
	return nil
}

// spanOf finds the fields of r in the argument.
func spanOf(in *node, r Range, lim Limits) (span, error) {
	s := span{Range: r}
	if s.Elem == 0 {
		s.Elem = 1
	}
	addr, length := in.find(r.Addr), in.find(r.Len)
	switch {
	case r.Dir != In && r.Dir != Out:
		return s, errors.New("its direction is neither In nor Out: for both, give two ranges with an address each")
	case addr == nil || addr.kind != reflect.Uint64:
		return s, fmt.Errorf("the argument has no field %q of type uint64 for the address", r.Addr)
	case length == nil || !isUnsigned(length.kind):
		return s, fmt.Errorf("the argument has no unsigned field %q for the length", r.Len)
	case s.Elem < 0 || r.Max <= 0:
		return s, errors.New("it needs a Max, and sizes are not negative")
	case lim.Size > 0 && r.Max > lim.Size:
		return s, fmt.Errorf("%d bytes are more than may be copied at once, %d", r.Max, lim.Size)
	}
	s.addr, s.len, s.lenSize = addr.off, length.off, length.size
	return s, nil
}

func isUnsigned(k reflect.Kind) bool {
	return k == reflect.Uint8 || k == reflect.Uint16 || k == reflect.Uint32 || k == reflect.Uint64
}
