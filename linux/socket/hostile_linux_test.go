// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// raw is a peer that sends what it likes.
type raw struct {
	t    testing.TB
	sock *seqpacket.Conn
	buf  []byte
}

func newRaw(t testing.TB, sock *seqpacket.Conn) *raw {
	return &raw{t: t, sock: sock, buf: make([]byte, MaxFrame)}
}

func rawDial(t testing.TB, path string) *raw {
	t.Helper()
	sock, err := seqpacket.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	return newRaw(t, sock)
}

// goodHello is what a faultless client says.
func goodHello() *hello {
	return &hello{abi: thisABI(), memory: 1 << userclient.MemMemfd, bells: AllBells, known: userclient.KnownFeatures}
}

// rawSession is a raw client after the handshake.
func rawSession(t testing.TB, path string) *raw {
	t.Helper()
	r := rawDial(t, path)
	r.send(goodHello().append(nil))
	if h := r.recv(); h.typ != FrameWelcome {
		t.Fatalf("HELLO is answered with %s", frameName(h.typ))
	}
	return r
}

// send sends a message with any number of descriptors.
func (r *raw) send(b []byte, fds ...int) {
	r.t.Helper()
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	var sendErr error
	err := r.sock.Control(func(num int) { sendErr = unix.Sendmsg(num, b, oob, nil, unix.MSG_NOSIGNAL) })
	if err := errors.Join(err, sendErr); err != nil && !seqpacket.HungUp(err) {
		r.t.Fatal(err)
	}
}

// recv returns the header of the next frame; its bytes are in r.buf, and its
// descriptor is closed.
func (r *raw) recv() header {
	r.t.Helper()
	r.sock.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, fd, err := r.sock.Recv(r.buf[:MaxFrame])
	if fd >= 0 {
		unix.Close(fd)
	}
	if err == nil {
		var h header
		if h, err = parseHeader(r.buf[:n]); err == nil {
			r.buf = r.buf[:n]
			return h
		}
	}
	if errors.Is(err, io.EOF) {
		return header{}
	}
	r.t.Fatal(err)
	return header{}
}

// bye reads up to the BYE or the hang-up.
func (r *raw) bye() (b bye) {
	r.t.Helper()
	for {
		switch h := r.recv(); h.typ {
		case 0:
			return b
		case FrameBye:
			var err error
			if b, err = parseBye(r.buf); err != nil {
				r.t.Fatal(err)
			}
			return b
		}
	}
}

// frame is a frame of any type with any contents.
func frame(typ, flags uint16, id uint32, body ...byte) []byte {
	b := append(make([]byte, HeaderSize), body...)
	le.PutUint16(b[HeaderTypeOff:], typ)
	le.PutUint16(b[HeaderFlagsOff:], flags)
	le.PutUint32(b[HeaderIDOff:], id)
	return finish(b)
}

func callFrame(id, selector uint32) []byte { return (&call{selector: selector}).append(nil, id, false) }

// openFDs makes descriptors of several kinds, closed at the end of the test.
type openFDs struct{ t testing.TB }

func (o openFDs) keep(fd int, err error) int {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func (o openFDs) null() int { return o.keep(unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)) }

func (o openFDs) event() int { return o.keep(unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)) }

func (o openFDs) bulk(n int) int { return o.keep(memfd.NewBulk(make([]byte, n))) }

// loose is a memfd without seals.
func (o openFDs) loose(size int64) int {
	fd := o.keep(unix.MemfdCreate("loose", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING))
	o.keep(-1, unix.Fallocate(fd, 0, 0, size))
	return fd
}

// sealed is a memfd with seals.
func (o openFDs) sealed(size int64, seals int) int {
	fd := o.loose(size)
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	o.keep(-1, err)
	return fd
}

func TestBrokenRulesOfTheClient(t *testing.T) {
	const bulk = userclient.MaxInline + 1
	bulkCall := func(id uint32, fd bool) []byte {
		c := call{selector: selEcho, size: bulk}
		return c.append(nil, id, fd)
	}
	port := func(typ uint32) []byte { return appendWord(nil, FramePort, 0, typ, true) }
	for name, tc := range map[string]struct {
		send func(r *raw, o openFDs)
		want ioreturn.Rule
	}{
		"short frame":       {func(r *raw, _ openFDs) { r.send([]byte{1, 2, 3}) }, ioreturn.RuleFrameSize},
		"wrong length":      {func(r *raw, _ openFDs) { r.send(append(callFrame(1, selEcho), 0)) }, ioreturn.RuleFrameSize},
		"cut call":          {func(r *raw, _ openFDs) { r.send(frame(FrameCall, 0, 1, 1, 2, 3)) }, ioreturn.RuleFrameSize},
		"frame too long":    {func(r *raw, _ openFDs) { r.send(make([]byte, MaxFrame+1)) }, ioreturn.RuleFrameSize},
		"unknown frame":     {func(r *raw, _ openFDs) { r.send(frame(99, 0, 1)) }, ioreturn.RuleFrameType},
		"driver's frame":    {func(r *raw, _ openFDs) { r.send((&reply{}).append(nil, 1, false)) }, ioreturn.RuleFrameType},
		"unknown flags":     {func(r *raw, _ openFDs) { r.send(frame(FrameCancel, 2, 1)) }, ioreturn.RuleFrameType},
		"second hello":      {func(r *raw, _ openFDs) { r.send(goodHello().append(nil)) }, ioreturn.RuleHandshake},
		"call number 0":     {func(r *raw, _ openFDs) { r.send(callFrame(0, selEcho)) }, ioreturn.RuleFrameID},
		"call number twice": {func(r *raw, _ openFDs) { r.send(callFrame(1, selBlock)); r.send(callFrame(1, selEcho)) }, ioreturn.RuleFrameID},
		"map number 0":      {func(r *raw, _ openFDs) { r.send(appendWord(nil, FrameMap, 0, 1, false)) }, ioreturn.RuleFrameID},
		"map number of a call": {func(r *raw, _ openFDs) {
			r.send(callFrame(1, selBlock))
			r.send(appendWord(nil, FrameMap, 1, 1, false))
		}, ioreturn.RuleFrameID},
		"too many calls": {func(r *raw, _ openFDs) {
			for id := range uint32(defaultMaxCalls + 1) {
				r.send(callFrame(id+1, selBlock))
			}
		}, ioreturn.RuleFrameLimit},
		"too many large calls": {func(r *raw, _ openFDs) {
			for id := range uint32(maxBulkCalls + 1) {
				c := call{selector: selBlock, outBytes: bulk}
				r.send(c.append(nil, id+1, false))
			}
		}, ioreturn.RuleFrameLimit},
		"large call without memfd": {func(r *raw, _ openFDs) { r.send(bulkCall(1, false)) }, ioreturn.RuleFrameSize},
		"missing descriptor":       {func(r *raw, _ openFDs) { r.send(bulkCall(1, true)) }, ioreturn.RuleFrameFDs},
		"extra descriptor":         {func(r *raw, o openFDs) { r.send(callFrame(1, selEcho), o.null()) }, ioreturn.RuleFrameFDs},
		"two descriptors":          {func(r *raw, o openFDs) { r.send(bulkCall(1, true), o.bulk(bulk), o.null()) }, ioreturn.RuleFrameFDs},
		"bulk is a device":         {func(r *raw, o openFDs) { r.send(bulkCall(1, true), o.null()) }, ioreturn.RuleMemoryKind},
		"bulk is unsealed":         {func(r *raw, o openFDs) { r.send(bulkCall(1, true), o.loose(bulk)) }, ioreturn.RuleMemorySeals},
		"bulk is short":            {func(r *raw, o openFDs) { r.send(bulkCall(1, true), o.bulk(bulk-1)) }, ioreturn.RuleMemorySize},
		"descriptor with cancel":   {func(r *raw, o openFDs) { r.send(frame(FrameCancel, FlagFD, 1), o.null()) }, ioreturn.RuleFrameFDs},
		"descriptor with map":      {func(r *raw, o openFDs) { r.send(appendWord(nil, FrameMap, 1, 1, true), o.null()) }, ioreturn.RuleFrameFDs},
		"two maps": {func(r *raw, _ openFDs) {
			r.send(appendWord(nil, FrameMap, 1, memStuck, false))
			r.send(appendWord(nil, FrameMap, 2, memStuck, false))
		}, ioreturn.RuleFrameLimit},
		"drop of nothing":    {func(r *raw, _ openFDs) { r.send(appendWord(nil, FrameDrop, 0, 1, false)) }, ioreturn.RuleFrameID},
		"port without bell":  {func(r *raw, _ openFDs) { r.send(appendWord(nil, FramePort, 0, 0, false)) }, ioreturn.RuleFrameFDs},
		"bell is a device":   {func(r *raw, o openFDs) { r.send(port(0), o.null()) }, ioreturn.RuleFrameFDs},
		"bell is a memfd":    {func(r *raw, o openFDs) { r.send(port(0), o.loose(8)) }, ioreturn.RuleFrameFDs},
		"port twice":         {func(r *raw, o openFDs) { r.send(port(0), o.event()); r.send(port(0), o.event()) }, ioreturn.RuleFrameType},
		"no such port":       {func(r *raw, o openFDs) { r.send(port(userclient.PortInput), o.event()) }, ioreturn.RuleFrameType},
		"port after open":    {func(r *raw, o openFDs) { r.send(callFrame(1, userclient.SelOpen)); r.send(port(0), o.event()) }, ioreturn.RuleFrameType},
		"scalars out of all": {func(r *raw, _ openFDs) { r.send((&call{in: make([]uint64, 17)}).append(nil, 1, false)) }, ioreturn.RuleFrameLimit},
		"more than memory":   {func(r *raw, _ openFDs) { r.send((&call{outBytes: 1 << 31}).append(nil, 1, false)) }, ioreturn.RuleFrameLimit},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			inTime(t, func() time.Duration {
				p := newFake()
				path, _ := serve(t, p, nil)
				r := rawSession(t, path)
				start := time.Now()
				tc.send(r, openFDs{t})
				if b := r.bye(); b.code != ioreturn.IPCError || !strings.Contains(b.text, tc.want.ID()) {
					t.Errorf("the client was told %+v, want %s", b, tc.want.ID())
				}
				close(p.unstick) // a handler that is stuck holds the session
				if err := within(t, p.closed); ruleOf(err) != tc.want {
					t.Errorf("the driver was told %v, want rule %v", err, tc.want)
				}
				took := time.Since(start)
				usable(t, path)
				return took
			})
		})
	}
}

// usable checks that the driver at path serves the next client.
func usable(t *testing.T, path string) {
	t.Helper()
	c, err := Dial(t.Context(), path, nil)
	if err != nil {
		t.Fatalf("the next client: %v", err)
	}
	a := &userclient.Args{Selector: selEcho, In: []uint64{5}, Out: make([]uint64, 1)}
	if err := c.Call(t.Context(), a); err != nil || a.Out[0] != 5 {
		t.Errorf("the next client: %d, %v", a.Out[0], err)
	}
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen}); err != nil {
		t.Errorf("the next client's open: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the next client's close: %v", err)
	}
}

func TestCancelOfNoCallIsNoFault(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, nil)
	r := rawSession(t, path)
	r.send(appendCancel(nil, 77)) // the answer may have crossed it
	r.send(callFrame(78, selEcho))
	if h := r.recv(); h.typ != FrameReply || h.id != 78 {
		t.Errorf("answered with %s %d", frameName(h.typ), h.id)
	}
	r.send((&bye{}).append(nil))
	if err := within(t, p.closed); err != nil {
		t.Errorf("Closed(%v)", err)
	}
}

func TestHandshakeRefused(t *testing.T) {
	other := userclient.Version{Major: 7}
	with := func(change func(h *hello)) []byte {
		h := goodHello()
		change(h)
		return h.append(nil)
	}
	for name, tc := range map[string]struct {
		hello    []byte
		required uint64
		code     ioreturn.Code
		text     []string
	}{
		"no version in common":         {with(func(h *hello) { h.abi = versions{other, other} }), 0, ioreturn.Unsupported, []string{"7.0", thisABI().String()}},
		"C17 client requires too much": {with(func(h *hello) { h.required = 1 << 60 }), 0, ioreturn.Unsupported, []string{"0x1000000000000000", "driver (versions 0.1)", "client (versions 0.1)"}},
		"C17 driver requires too much": {with(func(h *hello) {}), 1 << 59, ioreturn.Unsupported, []string{"0x800000000000000", "driver (versions 0.1)", "client (versions 0.1)"}},
		"no bells in common":           {with(func(h *hello) { h.bells = 1 << 20 }), 0, ioreturn.Unsupported, []string{"bell"}},
		"unknown flags":                {with(func(h *hello) { h.flags = 1 << 9 }), 0, ioreturn.IPCError, []string{ioreturn.RuleHandshake.ID()}},
		"cut off":                      {finish(with(func(h *hello) {})[:HelloSize-1]), 0, ioreturn.IPCError, []string{ioreturn.RuleFrameSize.ID()}},
		"wrong magic":                  {func() []byte { b := with(func(h *hello) {}); b[HelloMagicOff]++; return b }(), 0, ioreturn.IPCError, []string{ioreturn.RuleHandshake.ID()}},
		"not a hello":                  {callFrame(1, 1), 0, ioreturn.IPCError, []string{ioreturn.RuleHandshake.ID()}},
		"not a frame":                  {[]byte("GET / HTTP/1.1\r\n\r\n"), 0, ioreturn.IPCError, []string{ioreturn.RuleFrameSize.ID()}},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			p := newFake()
			p.set(tc.required, nil)
			path, _ := serve(t, p, nil)
			r := rawDial(t, path)
			r.send(tc.hello)
			if h := r.recv(); h.typ != FrameRefuse {
				t.Fatalf("answered with %s", frameName(h.typ))
			}
			f, err := parseRefuse(r.buf)
			if err != nil || f.code != tc.code || f.driver != thisABI() {
				t.Errorf("%+v, %v", f, err)
			}
			for _, want := range tc.text {
				if !strings.Contains(f.text, want) {
					t.Errorf("%q does not say %q", f.text, want)
				}
			}
			if h := r.recv(); h.typ != 0 {
				t.Errorf("then %s", frameName(h.typ))
			}
			p.set(0, nil)
			usable(t, path)
		})
	}
}

func TestHelloWithADescriptorIsRefused(t *testing.T) {
	leak.Check(t)
	path, _ := serve(t, newFake(), nil)
	r := rawDial(t, path)
	b := goodHello().append(nil)
	le.PutUint16(b[HeaderFlagsOff:], FlagFD)
	r.send(b, openFDs{t}.null())
	if h := r.recv(); h.typ != FrameRefuse {
		t.Errorf("answered with %s", frameName(h.typ))
	}
	usable(t, path)
}

// A later version's longer HELLO is understood.
func TestLongerHello(t *testing.T) {
	leak.Check(t)
	path, _ := serve(t, newFake(), nil)
	r := rawDial(t, path)
	r.send(finish(append(goodHello().append(nil), make([]byte, 64)...)))
	if h := r.recv(); h.typ != FrameWelcome {
		t.Errorf("answered with %s", frameName(h.typ))
	}
}

func TestC25SilentConnectorIsDropped(t *testing.T) {
	leak.Check(t)
	p := newFake()
	// The next client must be faster than this, also on a busy machine.
	path, _ := serve(t, p, &ListenConfig{HelloTimeout: 500 * time.Millisecond})
	r := rawDial(t, path)
	start := time.Now()
	if h := r.recv(); h.typ != FrameRefuse {
		t.Errorf("answered with %s", frameName(h.typ))
	}
	if h := r.recv(); h.typ != 0 {
		t.Errorf("then %s", frameName(h.typ))
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("after %v", d)
	}
	usable(t, path)
}

func TestC25SilentConnectorsDoNotKeepOthersOut(t *testing.T) {
	leak.Check(t)
	path, l := serve(t, newFake(), &ListenConfig{HelloTimeout: time.Minute, MaxUnfinished: 4})
	first := rawDial(t, path)
	for range 9 {
		rawDial(t, path)
	}
	if h := first.recv(); h.typ != FrameRefuse {
		t.Errorf("the longest silent client is answered with %s", frameName(h.typ))
	}
	usable(t, path)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.fresh[os.Getuid()]); n > 4 {
		t.Errorf("%d clients are in the handshake, want at most 4", n)
	}
}

func TestC25ConnectAndHangUpAtOnce(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, &ListenConfig{MaxSessions: 1000})
	for i := range 200 {
		r := rawDial(t, path)
		if i%2 == 0 {
			r.send(goodHello().append(nil))
		}
		r.sock.Close()
	}
	usable(t, path)
}

func TestTooManyClients(t *testing.T) {
	leak.Check(t)
	path, _ := serve(t, newFake(), &ListenConfig{MaxSessions: 2})
	a := connect(t, path, nil)
	connect(t, path, nil)
	if _, err := Dial(t.Context(), path, nil); !errors.Is(err, ioreturn.ErrBusy) {
		t.Errorf("a third client: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	// The driver hangs up before it forgets the session.
	for {
		c, err := Dial(t.Context(), path, nil)
		if err == nil {
			c.Close()
			return
		}
		if !errors.Is(err, ioreturn.ErrBusy) {
			t.Fatal(err)
		}
	}
}

func TestC38ClientThatNeverReads(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, nil)
	r := rawSession(t, path)
	within(t, p.made)
	data := bytes.Repeat([]byte{1}, userclient.MaxInline)
	f := call{selector: selEcho, bytes: data, size: uint32(len(data)), outBytes: uint32(len(data))}
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for id, b := uint32(1), []byte(nil); id < 10000; id++ {
			var sendErr error
			b = f.append(b, id, false)
			err := r.sock.Control(func(num int) { sendErr = unix.Sendmsg(num, b, nil, nil, unix.MSG_NOSIGNAL) })
			if err == nil && sendErr == unix.EAGAIN {
				id--
				<-time.After(time.Millisecond)
			} else if err != nil || sendErr != nil {
				return
			}
		}
	}()
	defer func() { <-flooded }()
	if err := within(t, p.closed); ruleOf(err) != ioreturn.RulePeerStalled {
		t.Errorf("the driver was told %v", err)
	}
	usable(t, path)
}

// blockBell makes a session whose client has done all that it can to block its bell.
// look is called with the driver's end of the bell.
func blockBell(t *testing.T, look func(*bell.Bell)) (p *fakeProvider, path string, c *Conn) {
	p = newFake()
	path, _ = serve(t, p, nil)
	c = connect(t, path, nil)
	out, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	var full [8]byte
	binary.NativeEndian.PutUint64(full[:], ^uint64(1))
	if _, err := unix.Write(out.FD(), full[:]); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(out.FD(), false); err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), &userclient.Args{Selector: selEcho}); err != nil { // after it the bell is there
		t.Fatal(err)
	}
	s := within(t, p.made)
	s.mu.Lock()
	defer s.mu.Unlock()
	look(s.bells[userclient.PortOutput].(*bell.Bell))
	return p, path, c
}

func TestC1ClientThatBlocksABell(t *testing.T) {
	leak.Check(t)
	inTime(t, func() time.Duration { return blockWrittenBell(t) })
}

// blockWrittenBell returns how long it took the driver to see that its bell, which is
// written to, is blocked.
func blockWrittenBell(t *testing.T) time.Duration {
	p, path, c := blockBell(t, (*bell.Bell).ByWrite)
	start := time.Now()
	err := c.Call(t.Context(), &userclient.Args{Selector: selRing, In: []uint64{0}})
	if !errors.Is(err, ioreturn.ErrGone) && !errors.Is(err, ioreturn.ErrProtocol) {
		t.Errorf("the call that rings: %v", err)
	}
	if err := within(t, p.closed); ruleOf(err) != ioreturn.RuleBellBlocked {
		t.Errorf("the driver was told %v", err)
	}
	took := time.Since(start)
	usable(t, path)
	return took
}

// A bell that the kernel signals is not blocked, so nothing is wrong with the session.
func TestC1ClientThatCannotBlockABell(t *testing.T) {
	leak.Check(t)
	signals := false
	p, path, c := blockBell(t, func(b *bell.Bell) { signals = b.Signals() })
	if !signals {
		t.Log("this system has no io_uring for us")
		return
	}
	for range 100 {
		if err := c.Call(t.Context(), &userclient.Args{Selector: selRing, In: []uint64{0}}); err != nil {
			t.Fatalf("the call that rings: %v", err)
		}
	}
	if out, err := c.Port(userclient.PortOutput); err != nil || out.Wait(t.Context()) != nil {
		t.Errorf("the port: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := within(t, p.closed); err != nil {
		t.Errorf("the driver was told %v", err)
	}
	usable(t, path)
}

func TestClientThatClosesItsPort(t *testing.T) {
	leak.Check(t)
	p := newFake()
	path, _ := serve(t, p, nil)
	c := connect(t, path, &DialConfig{bells: 1 << BellSocketPair})
	out, err := c.Port(userclient.PortOutput)
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	err = c.Call(t.Context(), &userclient.Args{Selector: selRing, In: []uint64{0}})
	if !errors.Is(err, ioreturn.ErrGone) && !errors.Is(err, ioreturn.ErrProtocol) {
		t.Errorf("the call that rings: %v", err)
	}
	if err := within(t, p.closed); ruleOf(err) != ioreturn.RuleBellBlocked {
		t.Errorf("the driver was told %v", err)
	}
}
