// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// split cuts the input of a fuzzer into messages: two bytes of length, then the message, whose own
// length is mended so that more than the first check is reached.
func split(in []byte) (messages [][]byte) {
	for len(in) > 2 {
		n := min(int(le.Uint16(in)), len(in)-2)
		m := append([]byte(nil), in[2:2+n]...)
		if len(m) >= HeaderSize {
			finish(m)
		}
		messages, in = append(messages, m), in[2+n:]
	}
	return messages
}

func join(messages ...[]byte) (out []byte) {
	for _, m := range messages {
		out = append(le.AppendUint16(out, uint16(len(m))), m...)
	}
	return out
}

// FuzzDriver sends messages to a live driver, one of them with a descriptor. However
// it goes, the session ends, its reason is a hang-up or a broken rule, the driver
// serves on, and what it sends are frames.
func FuzzDriver(f *testing.F) {
	hi := goodHello().append(nil)
	f.Add(join(hi, callFrame(1, selEcho), appendCancel(nil, 1), (&bye{}).append(nil)), byte(9))
	f.Add(join(hi, appendWord(nil, FramePort, 0, 0, true), callFrame(1, selBlock)), byte(1))
	f.Add(join(hi, appendWord(nil, FrameMap, 1, 0x70000000, false), appendWord(nil, FrameDrop, 0, 1, false)), byte(9))
	f.Add(join(hi, (&call{selector: selEcho, size: 70000}).append(nil, 1, true)), byte(1))
	p := newFake()
	close(p.unstick)
	path := filepath.Join(f.TempDir(), "s")
	l, err := Listen(path, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer l.Close()
	go l.Serve(context.Background(), p)
	event := openFDs{f}.event()
	f.Fuzz(func(t *testing.T, in []byte, withFD byte) {
		r := rawDial(t, path)
		for i, m := range split(in) {
			if i == int(withFD) {
				r.send(m, event)
				continue
			}
			var sendErr error
			r.sock.Control(func(num int) { sendErr = unix.Sendmsg(num, m, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT) })
			if sendErr != nil {
				break // the driver has hung up, or does not read any more because of that
			}
		}
		r.sock.Control(func(num int) { unix.Shutdown(num, unix.SHUT_WR) })
		for r.recv().typ != 0 { // the driver hangs up when it is done with the session
		}
		r.sock.Close()
		select {
		case <-p.made:
		default:
			return // the handshake failed
		}
		select {
		case err := <-p.closed:
			if err != nil && !errors.Is(err, ioreturn.ErrGone) && !errors.Is(err, ioreturn.ErrProtocol) {
				t.Errorf("Closed(%v)", err)
			}
		default:
			t.Error("the driver hung up before the session was closed")
		}
	})
}

// FuzzClient lets a driver answer a live client with messages, one of them with a
// memfd. However it goes, every method of the client returns, with a result or an
// error of the few meanings that callers know.
func FuzzClient(f *testing.F) {
	m := mapped{arena: 1, length: 4096, size: 4096, kind: userclient.MemMemfd}
	f.Add(join((&reply{out: []uint64{1}}).append(nil, 1, false), m.append(nil, 2, true)), byte(1))
	f.Add(join((&reply{size: 100}).append(nil, 1, true), (&bye{text: "x"}).append(nil)), byte(0))
	f.Add(join(m.append(nil, 2, true), m.append(nil, 2, false), (&reply{code: 1}).append(nil, 1, false)), byte(0))
	path := filepath.Join(f.TempDir(), "s")
	l, err := seqpacket.Listen(path, 0o600)
	if err != nil {
		f.Fatal(err)
	}
	defer l.Close()
	o := openFDs{f}
	event, arena := o.event(), o.sealed(4096, ownSeals)
	f.Fuzz(func(t *testing.T, in []byte, withFD byte) {
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			sock, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer sock.Close()
			r := newRaw(t, sock)
			r.recv()
			r.send(goodWelcome().append(nil, true), event)
			r.recv()
			r.recv()
			for i, m := range split(in) {
				if i == int(withFD) {
					r.send(m, arena)
				} else {
					r.send(m)
				}
			}
		}()
		defer func() { <-answered }()
		c, err := Dial(t.Context(), path, nil)
		if err != nil {
			t.Error(err)
			return
		}
		called := make(chan error, 1)
		go func() {
			called <- c.Call(t.Context(), &userclient.Args{Selector: 1, Out: make([]uint64, 1), OutBytes: make([]byte, 100)})
		}()
		if mapping, err := c.Map(t.Context(), 1); err == nil {
			_ = mapping.Bytes[len(mapping.Bytes)-1] // is there
			if err := mapping.Unmap(); err != nil {
				t.Error(err)
			}
		} else if code := ioreturn.Code(0); !errors.As(err, &code) && !errors.Is(err, ioreturn.ErrGone) {
			t.Errorf("Map: %v, which is neither the driver's code nor the end of the session", err)
		}
		<-called
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
