// SPDX-License-Identifier: Apache-2.0

package streams

// The methods of this file turn a message of the ioctl family into another member of the
// family. They keep its Ioctl. Each returns ErrType outside the family and ErrShared where
// a duplicate exists, beside what it names itself, and on an error changes nothing: the
// message and a data argument stay the caller's.

// family returns the body if the message may be turned into another of the family.
func (b *Block) family() (*ioctl, error) {
	switch {
	case b.data.body == nil:
		return nil, ErrType
	case b.data.shared():
		return nil, ErrShared
	}
	return b.data.body, nil
}

// attach replaces what is behind the header.
func (b *Block) attach(data *Block) {
	old := b.cont
	b.cont = data
	old.Free()
}

// attachable checks that data can come behind the header and has size bytes.
func (b *Block) attachable(data *Block, size int) error {
	switch {
	case size < 0:
		return EINVAL
	case data != nil && (data.queue != nil || data.last() == b.last()):
		return ErrMessage
	case size > data.Size():
		return ErrSpace
	}
	return nil
}

// Ack makes the message the positive answer: the call returns rval, and the first count
// bytes of what is attached are the caller's (System V's miocack, without sending).
// Private state that nobody took is released. The error is EINVAL for a negative count
// and ErrSpace if less is attached.
func (b *Block) Ack(count, rval int) error {
	x, err := b.family()
	switch {
	case err != nil:
		return err
	case count < 0:
		return EINVAL
	case count > b.cont.Size():
		return ErrSpace
	}
	b.answer(x, MIocAck, Reply{Count: count, Rval: rval})
	return nil
}

// AckData is Ack with data instead of what was attached (System V's mioc2ack).
func (b *Block) AckData(data *Block, count, rval int) error {
	x, err := b.family()
	if err != nil {
		return err
	}
	if err := b.attachable(data, count); err != nil {
		return err
	}
	b.attach(data)
	b.answer(x, MIocAck, Reply{Count: count, Rval: rval})
	return nil
}

// Nak makes the message the negative answer: the call fails with why (System V's miocnak,
// without sending). 0 stands for EINVAL. Private state that nobody took is released.
func (b *Block) Nak(why Errno) error {
	x, err := b.family()
	if err != nil {
		return err
	}
	b.answer(x, MIocNak, Reply{Error: why})
	return nil
}

func (b *Block) answer(x *ioctl, t Type, r Reply) {
	b.data.typ, x.reply, x.sender = t, r, ""
	x.release()
}

// CopyIn makes the message a request for size bytes of user memory at addr (System V's
// mcopyin, without sending). Address 0 means the argument of a transparent request. What
// was attached is freed. state comes back with the answer; state hung on earlier that
// nobody took is released, so a module that goes on with it takes it first.
//
// The error is EINVAL for a negative size, or address 0 where there is no argument.
func (b *Block) CopyIn(state Private, size int, addr Addr) error {
	x, err := b.family()
	if err != nil {
		return err
	}
	if addr == 0 {
		addr = x.Arg
	}
	if size < 0 || addr == 0 {
		return EINVAL
	}
	b.attach(nil)
	b.ask(x, MCopyIn, state, CopyRequest{Addr: addr, Size: size})
	return nil
}

// CopyOut makes the message a request to write the first size bytes of data to user
// memory at addr, with address 0 and state as for [Block.CopyIn] (System V's mcopyout,
// without sending). data replaces what was attached; nil means that the bytes are
// attached already. The errors are those of CopyIn, ErrMessage if data is in a queue or
// part of the message, and ErrSpace if there are fewer bytes than size.
func (b *Block) CopyOut(state Private, size int, addr Addr, data *Block) error {
	x, err := b.family()
	if err != nil {
		return err
	}
	if addr == 0 {
		addr = x.Arg
	}
	switch {
	case addr == 0 || size < 0:
		return EINVAL
	case data == nil && size > b.cont.Size():
		return ErrSpace
	case data != nil:
		if err := b.attachable(data, size); err != nil {
			return err
		}
		b.attach(data)
	}
	b.ask(x, MCopyOut, state, CopyRequest{Addr: addr, Size: size})
	return nil
}

func (b *Block) ask(x *ioctl, t Type, state Private, r CopyRequest) {
	old := x.private
	b.data.typ, x.copying, x.private, x.sender = t, r, state, ""
	if old != nil {
		old.Release()
	}
}

// CopyDone makes a copy request its answer: the copy failed with why, or was done if why
// is 0, and data is what was copied in. What was attached is freed. Stream heads use it.
// The error is ErrType if the message is no copy request, and ErrMessage or EINVAL if
// data is in a queue, or comes with a failure.
func (b *Block) CopyDone(why Errno, data *Block) error {
	x, err := b.family()
	if err != nil {
		return err
	}
	if t := b.data.typ; t != MCopyIn && t != MCopyOut {
		return ErrType
	}
	if why != 0 && data != nil {
		return EINVAL
	}
	if err := b.attachable(data, 0); err != nil {
		return err
	}
	b.attach(data)
	b.data.typ, x.response, x.sender = MIocData, CopyResponse{Error: why}, ""
	return nil
}
