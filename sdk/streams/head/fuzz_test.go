// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// fuzzed is a scene whose calls and driver do what bytes say.
type fuzzed struct {
	*scene
	script   []byte
	said     [2][]streams.Errno // errnos that the driver recorded, and answered
	reaction int                // bound on what the driver does
}

// next returns the next byte of the script, 0 at its end.
func (f *fuzzed) next() byte {
	if len(f.script) == 0 {
		return 0
	}
	b := f.script[0]
	f.script = f.script[1:]
	return b
}

// put is the driver's write side: it answers, or does something worse.
func (f *fuzzed) put(q *streams.Queue, m *streams.Block) {
	if f.reaction++; !m.Type().IsIoctl() || f.reaction > 64 {
		q.PassOn(m)
		return
	}
	for n := f.next() % 4; n > 0; n-- {
		f.disturb(q, m)
	}
	if f.answer(m) {
		q.Reply(m)
		return
	}
	f.kept = append(f.kept, m)
}

// answer makes a message of the ioctl family the answer to itself, or some other message
// of the family; false keeps it.
func (f *fuzzed) answer(m *streams.Block) bool {
	size := int(f.next())
	addr := streams.Addr(argAddr + 8*uint64(f.next()))
	if size > 250 {
		addr = badAddr
	}
	data := func() *streams.Block {
		b, err := f.arena.From(streams.MData, make([]byte, size))
		f.must(err)
		return b
	}
	var err error
	switch f.next() % 10 {
	case 0, 1:
		err = m.Ack(0, size)
	case 2, 3:
		b := data()
		err = m.AckData(b, size, size)
		_ = b.Resize(0, -min(size, int(f.next()))) // and then there is less
	case 4, 5:
		why := streams.Errno(size)
		f.said[1] = append(f.said[1], why)
		err = m.Nak(why)
	case 6:
		err = m.CopyIn(nil, size*int(f.next()), addr)
	case 7:
		b := data()
		err = m.CopyOut(nil, size, addr, b)
		_ = b.Resize(0, -min(size, int(f.next())))
	case 8:
		return true // the request itself comes back
	default:
		return false
	}
	f.must(err)
	return true
}

// disturb sends something up that nobody has asked for.
func (f *fuzzed) disturb(q *streams.Queue, m *streams.Block) {
	b := f.next()
	send := func(t streams.Type, body ...byte) {
		n, err := f.arena.From(t, body)
		f.must(err)
		n.SetBand(b)
		q.Reply(n)
	}
	switch b % 12 {
	case 0: // an answer to another call, or to a request that was made by nobody
		x, _ := m.Ioctl()
		if x.ID += uint64(f.next()) - 1; f.next()%2 == 0 {
			x.Cmd ^= 1
		}
		n, err := f.arena.Ioctl(x, nil)
		f.must(err)
		if f.answer(n) {
			q.Reply(n)
			return
		}
		n.Free()
	case 1: // a second answer
		n, err := m.Copy()
		f.must(err)
		if f.answer(n) {
			q.Reply(n)
			return
		}
		n.Free()
	case 2: // a late one
		if n := len(f.kept); n > 0 {
			late := f.kept[n-1]
			f.kept = f.kept[:n-1]
			if !f.answer(late) {
				late.Free()
				return
			}
			q.Reply(late)
		}
	case 3:
		e := [2]byte{f.next(), f.next()}
		f.said[0] = append(f.said[0], streams.Errno(e[0]), streams.Errno(e[1]))
		send(streams.MError, e[:f.next()%3]...)
	case 4:
		send(streams.MHangup)
	case 5:
		send(streams.MUnhangup)
	case 6:
		send(streams.MFlush, f.next(), f.next())
	case 7:
		f.must(q.SetHeadOptions(streams.HeadOptions{
			Flags: streams.SetFlags(f.next()) | streams.SetFlags(f.next())<<8, Read: streams.ReadOptions(f.next()),
			WriteOffset: int(int8(f.next())), MinPacket: int(int8(f.next())), MaxPacket: int(int8(f.next())),
			HighWater: int(int8(f.next())), LowWater: int(int8(f.next())), Band: f.next(), Errors: streams.ErrorOptions(f.next()),
		}))
	default:
		types := []streams.Type{streams.MData, streams.MProto, streams.MPCProto, streams.MSig, streams.MPCSig, streams.MPassFP}
		send(types[int(b)%len(types)], make([]byte, f.next())...)
	}
}

// call does one operation and checks that it ends, with an errno that is documented.
func (f *fuzzed) call(op errtable.Op, fn func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	var err error
	ended := func() bool {
		synctest.Wait()
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	}
	if !ended() {
		after(20 * time.Second)
		if !ended() {
			cancel()
			if !ended() { // it waits for the answer to a link
				f.must(f.h.Close(context.Background()))
				err = <-done
			}
		}
	}
	if err == io.EOF { //nolint:errorlint // io.EOF is never wrapped
		return
	}
	allowed := errtable.Allowed(f.cfg.Profile, op)
	if e := streams.ErrnoOf(err); !allowed.Permits(e, f.said[0], f.said[1]) {
		f.t.Errorf("%s: %v, which is not documented", op, err)
	}
}

// play opens a stream and does what the script says.
func play(t *testing.T, script []byte, calls func(f *fuzzed)) {
	inBubble(t, func(t *testing.T) {
		f := &fuzzed{script: script}
		f.scene = newScene(t, streams.Profile(f.next()%3), "")
		f.module.Write.Put = f.put
		f.scene.open()
		calls(f)
		f.script, f.reaction = nil, 0
		f.others = append(f.others, f.unlinkAll)
		f.scene.close()
	})
}

// unlinkAll undoes persistent links, so that everything can be closed.
func (f *fuzzed) unlinkAll() {
	p, err := f.stream(f.module).Stream().Plumb(context.Background())
	if err != nil {
		f.t.Error(err)
		return
	}
	defer p.Release()
	for _, l := range p.Links(true) {
		f.must(p.Unlink(l))
	}
}

// FuzzReplies is D61: replies of a driver in any number, order, size and with any number.
func FuzzReplies(f *testing.F) {
	f.Add([]byte{0, 0, 4, 0, 0, 0, 4, 0, 2, 0})
	f.Add([]byte{0, 1, 1, 8, 0, 6, 1, 0, 8, 0, 6, 1, 0, 4, 0, 4})
	f.Add([]byte{2, 0, 3, 0, 2, 1, 3, 7, 7, 1, 0, 0, 0, 9})
	f.Add([]byte{1, 1, 2, 3, 5, 6, 2, 4, 1, 2, 3, 1, 6, 3, 3, 0, 7, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		play(t, script, func(f *fuzzed) {
			for range 3 {
				if f.next()%2 == 0 {
					f.call("I_STR", func(ctx context.Context) error {
						_, err := f.h.Str(ctx, &head.Str{
							Command: cmdOne, Data: f.bytes[:64], Memory: f.mem, Addr: argAddr, Wait: time.Second,
						})
						return err
					})
				} else {
					f.call(errtable.OpTransparent, func(ctx context.Context) error {
						_, err := f.h.Transparent(ctx, cmdOne, argAddr, f.mem)
						return err
					})
				}
			}
		})
	})
}

// FuzzIoctl is D62: commands with any number and argument, between other calls.
func FuzzIoctl(f *testing.F) {
	all := slices.Collect(streams.Commands())
	for i := range all {
		arg := make([]byte, 64)
		binary.LittleEndian.PutUint64(arg[16:], bufAddr)
		binary.LittleEndian.PutUint32(arg, uint32(i))
		f.Add([]byte{byte(i), byte(i), 1, byte(i), 200, 1, 3, 1, 0, byte(i + 1), 0}, arg)
	}
	f.Fuzz(func(t *testing.T, script, memory []byte) {
		play(t, script, func(f *fuzzed) {
			copy(f.bytes, memory)
			for range 4 {
				f.step(all)
			}
		})
	})
}

// step does the next operation of a script.
func (f *fuzzed) step(all []streams.CommandName) {
	size := int(f.next())
	m := head.Message{Data: make([]byte, size), Flags: streams.MsgFlags(f.next() % 5), Band: f.next() % 4}
	if f.next()%2 == 0 {
		m.Control = bytes.Repeat([]byte{1}, size)
	}
	var err error
	switch b := f.next(); b % 16 {
	case 0:
		f.call(errtable.OpRead, func(ctx context.Context) error { _, err = f.h.Read(ctx, m.Data); return err })
	case 1:
		f.call(errtable.OpWrite, func(ctx context.Context) error { _, err = f.h.Write(ctx, m.Data); return err })
	case 2:
		f.call(errtable.OpGetMsg, func(ctx context.Context) error { _, err = f.h.GetMsg(ctx, &m); return err })
	case 3:
		f.call(errtable.OpGetPMsg, func(ctx context.Context) error { _, err = f.h.GetPMsg(ctx, &m); return err })
	case 4:
		f.call(errtable.OpPutMsg, func(ctx context.Context) error { return f.h.PutMsg(ctx, &m) })
	case 5:
		f.call(errtable.OpPutPMsg, func(ctx context.Context) error { return f.h.PutPMsg(ctx, &m) })
	default:
		cmd := all[int(f.next())%len(all)].Command
		if b > 200 {
			cmd = streams.Command(f.next()) | streams.Command(f.next())<<8 | streams.Command(b)<<24
		}
		arg := uint64(f.next())
		switch {
		case arg == 255:
			arg = badAddr
		case arg > 127:
			arg = argAddr
		}
		f.call(errtable.OpOf(cmd), func(ctx context.Context) error {
			_, err := f.h.Ioctl(ctx, cmd, arg, f.mem)
			return err
		})
	}
}
