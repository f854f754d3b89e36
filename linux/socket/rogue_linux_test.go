// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// rogue is a driver that answers what it likes: act serves one connection after
// another, each of which is hung up when act returns.
func rogue(t *testing.T, act func(r *raw)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := seqpacket.Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			sock, err := l.Accept()
			if err != nil {
				return
			}
			act(newRaw(t, sock))
			sock.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return path
}

func goodWelcome() *welcome {
	return &welcome{
		abi: thisABI().min, driver: thisABI(), bell: BellEventFD, calls: 4,
		inline: userclient.MaxInline, bulk: MaxBulk, bulkCalls: 1,
	}
}

// greeted does the handshake as a faultless driver.
func (r *raw) greeted() {
	r.t.Helper()
	r.recv()
	r.send(goodWelcome().append(nil, true), openFDs{r.t}.event())
}

func TestBadWelcome(t *testing.T) {
	with := func(change func(w *welcome)) []byte {
		w := goodWelcome()
		change(w)
		return w.append(nil, true)
	}
	for name, tc := range map[string]struct {
		act  func(r *raw, o openFDs)
		want ioreturn.Rule
	}{
		"other version":   {func(r *raw, o openFDs) { r.send(with(func(w *welcome) { w.abi.Major = 9 }), o.event()) }, ioreturn.RuleVersion},
		"unknown bell":    {func(r *raw, o openFDs) { r.send(with(func(w *welcome) { w.bell = 99 }), o.event()) }, ioreturn.RuleHandshake},
		"bell not asked":  {func(r *raw, o openFDs) { r.send(with(func(w *welcome) { w.bell = 3 }), o.event()) }, ioreturn.RuleHandshake},
		"absurd limits":   {func(r *raw, o openFDs) { r.send(with(func(w *welcome) { w.calls = 0 }), o.event()) }, ioreturn.RuleHandshake},
		"no doorbell":     {func(r *raw, o openFDs) { r.send(goodWelcome().append(nil, false)) }, ioreturn.RuleFrameFDs},
		"device as bell":  {func(r *raw, o openFDs) { r.send(goodWelcome().append(nil, true), o.null()) }, ioreturn.RuleFrameFDs},
		"two descriptors": {func(r *raw, o openFDs) { r.send(goodWelcome().append(nil, true), o.event(), o.event()) }, ioreturn.RuleFrameFDs},
		"reply first":     {func(r *raw, o openFDs) { r.send((&reply{}).append(nil, 1, false)) }, ioreturn.RuleHandshake},
		"reply with fd":   {func(r *raw, o openFDs) { r.send((&reply{}).append(nil, 1, true), o.null()) }, ioreturn.RuleHandshake},
		"no frame":        {func(r *raw, o openFDs) { r.send([]byte("hello")) }, ioreturn.RuleFrameSize},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			path := rogue(t, func(r *raw) {
				r.recv()
				tc.act(r, openFDs{t})
			})
			if _, err := Dial(t.Context(), path, nil); ruleOf(err) != tc.want {
				t.Errorf("Dial: %v, want rule %v", err, tc.want)
			}
		})
	}
}

func TestDriverThatHangsUpOrIsSilent(t *testing.T) {
	leak.Check(t)
	path := rogue(t, func(*raw) {})
	if _, err := Dial(t.Context(), path, nil); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("a driver that hangs up: %v", err)
	}
	path = rogue(t, func(r *raw) {
		for r.recv().typ != 0 {
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, path, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent driver: %v", err)
	}
	if _, err := Dial(ctx, path, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestRefusalTellsWhy(t *testing.T) {
	leak.Check(t)
	p := newFake()
	p.set(0, &ioreturn.StatusError{Code: ioreturn.NotPermitted, Detail: "maintenance"})
	path, _ := serve(t, p, nil)
	if _, err := Dial(t.Context(), path, nil); !errors.Is(err, ioreturn.ErrPermission) || !strings.Contains(err.Error(), "maintenance") {
		t.Errorf("Dial: %v", err)
	}
	far := userclient.Version{Major: 9}
	p.set(0, nil)
	_, err := Dial(t.Context(), path, &DialConfig{abi: versions{far, far}})
	if !errors.Is(err, ioreturn.ErrUnsupported) || !strings.Contains(err.Error(), "9.0") || !strings.Contains(err.Error(), thisABI().String()) {
		t.Errorf("C17: Dial with another version: %v", err)
	}
	usable(t, path)
}

const (
	fixedSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	ownSeals   = fixedSeals | unix.F_SEAL_FUTURE_WRITE
)

func TestBrokenRulesOfTheDriver(t *testing.T) {
	good := mapped{arena: 1, length: 4096, size: 4096, kind: userclient.MemMemfd, access: AccessReadOnly}
	with := func(change func(m *mapped)) *mapped {
		m := good
		change(&m)
		return &m
	}
	for name, tc := range map[string]struct {
		call, mapping func(r *raw, id uint32, o openFDs) // the answer to a call, to a map
		want          ioreturn.Rule
	}{
		"reply to no call":  {call: func(r *raw, id uint32, _ openFDs) { r.send((&reply{}).append(nil, id+1, false)) }, want: ioreturn.RuleFrameID},
		"mapped to no map":  {call: func(r *raw, id uint32, _ openFDs) { r.send(good.append(nil, id, false)) }, want: ioreturn.RuleFrameID},
		"mapped as a reply": {mapping: func(r *raw, id uint32, _ openFDs) { r.send((&reply{}).append(nil, id, false)) }, want: ioreturn.RuleFrameID},
		"unknown frame":     {call: func(r *raw, id uint32, _ openFDs) { r.send(frame(55, 0, id)) }, want: ioreturn.RuleFrameType},
		"client's frame":    {call: func(r *raw, id uint32, _ openFDs) { r.send(callFrame(1, 1)) }, want: ioreturn.RuleFrameType},
		"cut reply":         {call: func(r *raw, id uint32, _ openFDs) { r.send(frame(FrameReply, 0, id, 1)) }, want: ioreturn.RuleFrameSize},
		"descriptor with bye": {call: func(r *raw, id uint32, o openFDs) {
			r.send(frame(FrameBye, FlagFD, 0, make([]byte, 8)...), o.null())
		}, want: ioreturn.RuleFrameFDs},
		"too many scalars": {call: func(r *raw, id uint32, _ openFDs) {
			r.send((&reply{out: make([]uint64, 3)}).append(nil, id, false))
		}, want: ioreturn.RuleAnswer},
		"too many bytes": {call: func(r *raw, id uint32, _ openFDs) {
			r.send((&reply{bytes: make([]byte, 11), size: 11}).append(nil, id, false))
		}, want: ioreturn.RuleAnswer},
		"bulk is a device": {call: func(r *raw, id uint32, o openFDs) {
			r.send((&reply{size: 10}).append(nil, id, true), o.null())
		}, want: ioreturn.RuleMemoryKind},
		"bulk is short": {call: func(r *raw, id uint32, o openFDs) {
			r.send((&reply{size: 10}).append(nil, id, true), o.bulk(9))
		}, want: ioreturn.RuleMemorySize},
		"extra descriptors": {call: func(r *raw, id uint32, o openFDs) {
			r.send((&reply{size: 10}).append(nil, id, true), o.bulk(10), o.null())
		}, want: ioreturn.RuleFrameFDs},

		"arena missing": {mapping: func(r *raw, id uint32, _ openFDs) { r.send(good.append(nil, id, false)) }, want: ioreturn.RuleFrameFDs},
		"C2 arena without seals": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(good.append(nil, id, true), o.loose(4096))
		}, want: ioreturn.RuleMemorySeals},
		"C2 arena that others write": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(good.append(nil, id, true), o.sealed(4096, fixedSeals))
		}, want: ioreturn.RuleMemorySeals},
		"arena is short": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(good.append(nil, id, true), o.sealed(4095, ownSeals))
		}, want: ioreturn.RuleMemorySize},
		"arena with a hole": {mapping: func(r *raw, id uint32, o openFDs) {
			fd := o.loose(4096)
			o.keep(-1, unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096))
			_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, ownSeals)
			o.keep(-1, err)
			r.send(good.append(nil, id, true), fd)
		}, want: ioreturn.RuleMemorySize},
		"arena is a device": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(good.append(nil, id, true), o.null())
		}, want: ioreturn.RuleMemoryKind},
		"C36 kind not accepted": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(with(func(m *mapped) { m.kind = userclient.MemDMABuf }).append(nil, id, true), o.sealed(4096, ownSeals))
		}, want: ioreturn.RuleMemoryKind},
		"C36 kind unknown": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(with(func(m *mapped) { m.kind = 1 << 30 }).append(nil, id, true), o.sealed(4096, ownSeals))
		}, want: ioreturn.RuleMemoryKind},
		"range leaves the arena": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(with(func(m *mapped) { m.offset = 1 }).append(nil, id, true), o.sealed(4096, ownSeals))
		}, want: ioreturn.RuleMemoryRange},
		"range overflows": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(with(func(m *mapped) { m.offset = 4095; m.length = ^uint64(0) }).append(nil, id, true), o.sealed(4096, ownSeals))
		}, want: ioreturn.RuleMemoryRange},
		"size beyond the memory": {mapping: func(r *raw, id uint32, o openFDs) {
			r.send(with(func(m *mapped) { m.size = 1 << 62 }).append(nil, id, true), o.sealed(4096, ownSeals))
		}, want: ioreturn.RuleMemorySize},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			byes := make(chan bye, 1)
			path := rogue(t, func(r *raw) {
				r.greeted()
				h := r.recv()
				if h.typ == FrameCall {
					tc.call(r, h.id, openFDs{t})
				} else {
					tc.mapping(r, h.id, openFDs{t})
				}
				byes <- r.bye()
			})
			c := connect(t, path, nil)
			var err error
			if tc.call != nil {
				err = c.Call(t.Context(), &userclient.Args{Selector: 1, Out: make([]uint64, 2), OutBytes: make([]byte, 10)})
			} else {
				_, err = c.Map(t.Context(), userclient.MemDriverArena)
			}
			if ruleOf(err) != tc.want || !errors.Is(err, ioreturn.ErrGone) {
				t.Errorf("the caller was told %v, want rule %v and gone", err, tc.want)
			}
			within(t, c.Done())
			if err := c.Err(); ruleOf(err) != tc.want || !errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrProtocol) {
				t.Errorf("Err() = %v", err)
			}
			if b := within(t, byes); !strings.Contains(b.text, tc.want.ID()) {
				t.Errorf("the driver was told %+v", b)
			}
		})
	}
}

func TestC37ArenaSentTwice(t *testing.T) {
	leak.Check(t)
	m := mapped{arena: 1, length: 4096, size: 4096, kind: userclient.MemMemfd}
	path := rogue(t, func(r *raw) {
		r.greeted()
		o := openFDs{t}
		for range 2 {
			r.send(m.append(nil, r.recv().id, true), o.sealed(4096, ownSeals))
		}
		r.bye()
	})
	c := connect(t, path, nil)
	first, err := c.Map(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Unmap()
	if _, err := c.Map(t.Context(), 1); ruleOf(err) != ioreturn.RuleFrameFDs {
		t.Errorf("an arena that comes again: %v", err)
	}
	if first.Bytes[4095] != 0 {
		t.Error("the first mapping is gone")
	}
}

func TestArenaThatChanges(t *testing.T) {
	leak.Check(t)
	m := mapped{arena: 1, length: 4096, size: 4096, kind: userclient.MemMemfd}
	path := rogue(t, func(r *raw) {
		r.greeted()
		r.send(m.append(nil, r.recv().id, true), openFDs{t}.sealed(4096, ownSeals))
		wider := m
		wider.access = AccessReadWrite
		r.send(wider.append(nil, r.recv().id, false))
		r.bye()
	})
	c := connect(t, path, nil)
	first, err := c.Map(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Unmap()
	if _, err := c.Map(t.Context(), 1); ruleOf(err) != ioreturn.RuleMemoryKind {
		t.Errorf("an arena whose access changes: %v", err)
	}
}

// An answer to a call that was given up is discarded, with its descriptor.
func TestLateReplyIsDiscarded(t *testing.T) {
	leak.Check(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	path := rogue(t, func(r *raw) {
		r.greeted()
		h := r.recv()
		close(asked)
		if c := r.recv(); c.typ != FrameCancel || c.id != h.id {
			t.Errorf("after the call was given up came %s %d", frameName(c.typ), c.id)
		}
		<-answer
		big := reply{size: 1 << 17}
		r.send(big.append(nil, h.id, true), openFDs{t}.bulk(1<<17))
		h = r.recv()
		r.send((&reply{out: []uint64{7}}).append(nil, h.id, false))
		r.bye()
	})
	c := connect(t, path, nil)
	ctx, cancel := context.WithCancel(t.Context())
	a := &userclient.Args{Selector: 1, OutBytes: make([]byte, 1<<17)}
	go func() {
		<-asked
		cancel()
	}()
	if err := c.Call(ctx, a); !errors.Is(err, ioreturn.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("Call: %v", err)
	}
	a.OutBytes = nil // the caller may do what it likes
	close(answer)
	b := &userclient.Args{Selector: 1, Out: make([]uint64, 1)}
	if err := c.Call(t.Context(), b); err != nil || b.Out[0] != 7 {
		t.Errorf("the next call: %v, %v", b.Out, err)
	}
}

// A late answer to a map is kept: the driver will not send the arena again.
func TestLateMappedIsNotLost(t *testing.T) {
	leak.Check(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	frames := make(chan header, 10)
	m := mapped{arena: 1, length: 4096, size: 4096, kind: userclient.MemMemfd}
	path := rogue(t, func(r *raw) {
		r.greeted()
		h := r.recv()
		close(asked)
		<-answer
		r.send(m.append(nil, h.id, true), openFDs{t}.sealed(4096, ownSeals))
		for h.typ != 0 && h.typ != FrameBye {
			h = r.recv()
			frames <- h
			if h.typ == FrameMap { // the client has given the first arena back
				n := m
				n.arena = 2
				r.send(n.append(nil, h.id, true), openFDs{t}.sealed(4096, ownSeals))
			}
		}
	})
	c := connect(t, path, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := c.Map(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Map: %v", err)
	}
	close(answer)
	got, err := c.Map(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Unmap()
	if a, b := within(t, frames), within(t, frames); a.typ != FrameDrop || b.typ != FrameMap {
		t.Errorf("the client sent %s and %s, want DROP and MAP", frameName(a.typ), frameName(b.typ))
	}
}

// An arena that went out of use while a map was outstanding is given back although
// that map is never answered.
func TestArenaOfAnUnansweredMap(t *testing.T) {
	leak.Check(t)
	m := mapped{arena: 1, length: 4096, size: 4096, kind: userclient.MemMemfd}
	asked, unmapped := make(chan struct{}), make(chan struct{})
	path := rogue(t, func(r *raw) {
		r.greeted()
		r.send(m.append(nil, r.recv().id, true), openFDs{t}.sealed(4096, ownSeals))
		r.recv()
		close(asked)
		<-unmapped
	})
	c := connect(t, path, nil)
	first, err := c.Map(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		_, err := c.Map(context.Background(), 2)
		second <- err
	}()
	<-asked
	if err := first.Unmap(); err != nil {
		t.Error(err)
	}
	close(unmapped)
	if err := within(t, second); !errors.Is(err, ioreturn.ErrGone) {
		t.Errorf("the unanswered map: %v", err)
	}
}

func TestC10CloseHasABound(t *testing.T) {
	leak.Check(t)
	path := rogue(t, func(r *raw) {
		r.greeted()
		for h := r.recv(); h.typ != 0; h = r.recv() {
			if h.typ == FrameCall && le.Uint32(r.buf[CallSelectorOff:]) == userclient.SelOpen {
				r.send((&reply{}).append(nil, h.id, false))
			}
		}
	})
	c := connect(t, path, &DialConfig{CloseTimeout: 30 * time.Millisecond})
	if err := c.Call(t.Context(), &userclient.Args{Selector: userclient.SelOpen}); err != nil {
		t.Fatal(err)
	}
	blocked := make(chan error, 1)
	go func() { blocked <- c.Call(context.Background(), &userclient.Args{Selector: 1}) }()
	start := time.Now()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Close took %v", d)
	}
	if err := <-blocked; !errors.Is(err, ioreturn.ErrClosed) {
		t.Errorf("the blocked call: %v", err)
	}
}

func TestDriverSaysGoodbye(t *testing.T) {
	leak.Check(t)
	for _, b := range []bye{{ioreturn.Success, ""}, {ioreturn.Offline, "the cable was pulled"}} {
		path := rogue(t, func(r *raw) {
			r.greeted()
			r.recv()
			r.send(b.append(nil))
		})
		c := connect(t, path, nil)
		err := c.Call(t.Context(), &userclient.Args{Selector: 1})
		if !errors.Is(err, ioreturn.ErrGone) || !errors.Is(err, ioreturn.ErrOutcomeUnknown) {
			t.Errorf("the call: %v", err)
		}
		if err := c.Err(); !errors.Is(err, ioreturn.ErrGone) || !strings.Contains(err.Error(), b.text) {
			t.Errorf("Err() = %v", err)
		}
	}
}

// C42: only root's and our own drivers are trusted, unless the caller says otherwise.
func TestC42WhoseDriverIsTrusted(t *testing.T) {
	for _, tc := range []struct {
		uid, own int
		allow    []int
		want     bool
	}{
		{0, 1000, nil, true}, {1000, 1000, nil, true}, {1001, 1000, nil, false}, {1001, 1000, []int{7, 1001}, true}, {1000, 0, nil, false}, {65534, 1000, nil, false},
	} {
		if got := trusted(tc.uid, tc.own, tc.allow); got != tc.want {
			t.Errorf("trusted(%d, %d, %v) = %t", tc.uid, tc.own, tc.allow, got)
		}
	}
}

// C2: a descriptor that is refused is refused before anything is mapped from it.
func TestForeignMemoryOfTheDriver(t *testing.T) {
	leak.Check(t)
	c, s := both(t, &DialConfig{MemKinds: []userclient.MemKind{userclient.MemMemfd, userclient.MemDMABuf, userclient.MemDevice}})
	m, err := memfd.Create("foreign", 8192, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	o := openFDs{t}
	for name, tc := range map[string]struct {
		mem  userclient.Mem
		want error
	}{
		"good":            {userclient.Mem{Bytes: m.Bytes[4096:], Kind: userclient.MemMemfd, FD: m.FD, Offset: 4096}, nil},
		"heap":            {userclient.Mem{Bytes: make([]byte, 10), FD: -1}, ioreturn.ErrUnsupported},
		"device":          {userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemDevice, FD: o.null()}, ioreturn.ErrUnsupported},
		"unsealed":        {userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemMemfd, FD: o.loose(8192)}, ioreturn.ErrIO},
		"past the end":    {userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemMemfd, FD: m.FD, Offset: 1}, ioreturn.ErrIO},
		"negative":        {userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemMemfd, FD: m.FD, Offset: -1}, ioreturn.ErrIO},
		"empty":           {userclient.Mem{Kind: userclient.MemMemfd, FD: m.FD}, ioreturn.ErrIO},
		"closed":          {userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemMemfd, FD: 1 << 20}, ioreturn.ErrIO},
		"pipe as dma-buf": {userclient.Mem{Bytes: m.Bytes, Kind: userclient.MemDMABuf, FD: o.event()}, ioreturn.ErrIO},
	} {
		s.mu.Lock()
		s.foreign = tc.mem
		s.mu.Unlock()
		got, err := c.Map(t.Context(), memForeign)
		if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if err == nil {
			if got.ReadOnly || len(got.Bytes) != 4096 {
				t.Errorf("%s: %d bytes, read-only %t", name, len(got.Bytes), got.ReadOnly)
			}
			got.Unmap()
		}
	}
	if err := c.Err(); err != nil {
		t.Errorf("the session ended: %v", err)
	}
}
