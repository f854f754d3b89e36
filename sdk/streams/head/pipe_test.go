// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// fataler is what a test and a rapid check have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// pipe opens a pipe; done closes it and checks that nothing has leaked.
func pipe(t fataler, cfg *head.Config) (a, b *head.Head, done func()) {
	t.Helper()
	arena := streams.NewArena(nil)
	a, b, err := head.Pipe(streams.NewDomain(&streams.Config{Arena: arena}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range [...]*head.Head{a, b} {
		if err := h.SetCloseTime(0); err != nil {
			t.Fatal(err)
		}
	}
	return a, b, func() {
		t.Helper()
		for _, h := range [...]*head.Head{a, b} {
			if err := h.Close(context.Background()); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if u := arena.Usage(); u != (streams.Usage{}) {
			t.Errorf("leaked: %+v", u)
		}
	}
}

func TestPipeFlowControl(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		a, b, done := pipe(t, nil)
		defer done()
		data := make([]byte, 200_000)
		for i := range data {
			data[i] = byte(i * 7)
		}
		wrote := make(chan error, 1)
		go func() {
			for p := data; len(p) > 0; {
				n, err := a.Write(t.Context(), p[:min(3000, len(p))])
				if p = p[n:]; err != nil {
					wrote <- err
					return
				}
			}
			wrote <- nil
		}()
		synctest.Wait()
		if r := a.Ready(); r&head.ReadyWrite != 0 {
			t.Errorf("ready for %v although the writer waits", r)
		}
		var got []byte
		p := make([]byte, 777)
		for len(got) < len(data) {
			n, err := b.Read(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p[:n]...)
		}
		if err := <-wrote; err != nil || !bytes.Equal(got, data) {
			t.Error(err, "or other bytes came out")
		}
	})
}

func TestWritersGiveUp(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		a, b, done := pipe(t, nil)
		defer done()
		a.SetNonBlocking(true)
		n, err := 0, error(nil)
		for err == nil {
			n, err = a.Write(t.Context(), make([]byte, 4096))
		}
		wantErr(t, err, streams.EAGAIN)
		if n != 0 {
			t.Errorf("%d bytes and an error", n)
		}
		if err := a.PutMsg(t.Context(), &head.Message{Control: []byte("now"), Flags: streams.MsgUrgent}); err != nil {
			t.Errorf("a priority message is held up: %v", err)
		}
		a.SetNonBlocking(false)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		write := func(ctx context.Context) {
			go func() {
				_, err := a.Write(ctx, []byte("x"))
				ended <- err
			}()
			synctest.Wait()
		}
		write(ctx)
		cancel()
		wantErr(t, <-ended, streams.EINTR)
		write(t.Context())
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantErr(t, <-ended, streams.EPIPE)
		if n, err := a.Read(t.Context(), make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // io.EOF is never wrapped
			t.Error(n, err)
		}
	})
}

func TestPutMsg(t *testing.T) {
	a, b, done := pipe(t, &head.Config{NonBlocking: true})
	defer done()
	ctx := t.Context()
	large := make([]byte, 1025)
	for _, c := range []struct {
		m      head.Message
		banded bool
		want   streams.Errno
	}{
		{head.Message{}, false, 0},
		{head.Message{Data: []byte("d"), Flags: streams.MsgUrgent}, false, streams.EINVAL},
		{head.Message{Data: []byte("d"), Flags: 8}, false, streams.EINVAL},
		{head.Message{Data: []byte("d")}, true, streams.EINVAL},
		{head.Message{Control: []byte("c"), Band: 1, Flags: streams.MsgUrgent}, true, streams.EINVAL},
		{head.Message{Control: large}, false, streams.ERANGE},
		{head.Message{Data: make([]byte, 65537)}, false, streams.ERANGE},
		{head.Message{Control: []byte{}, Data: []byte{}}, false, 0},
		{head.Message{Control: []byte("c"), Data: []byte("d"), Band: 7, Flags: streams.MsgBand}, true, 0},
		{head.Message{Control: []byte("u"), Flags: streams.MsgUrgent}, true, 0},
	} {
		put := a.PutMsg
		if c.banded {
			put = a.PutPMsg
		}
		wantErr(t, put(ctx, &c.m), c.want)
	}
	for _, want := range []string{
		"u/- more 0 band 0 flags 1", "c/d more 0 band 7 flags 4", "/ more 0 band 0 flags 4",
	} {
		m := &head.Message{Control: make([]byte, 9), Data: make([]byte, 9), Flags: streams.MsgAny}
		more, err := b.GetPMsg(ctx, m)
		if text := got(m, more); err != nil || text != want {
			t.Errorf("%q, %v, want %q", text, err, want)
		}
	}
	if r := b.Ready(); r != head.ReadyWrite {
		t.Error(r)
	}
}

func TestPollAndEvents(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		a, b, done := pipe(t, nil)
		defer done()
		var notices []head.Notice
		want := streams.EventInput | streams.EventReadBand | streams.EventBandAlert | streams.EventHangup
		if err := b.SetSig(want, func(n head.Notice) { notices = append(notices, n) }); err != nil {
			t.Error(err)
		}
		changes := make(chan struct{}, 1)
		stop := b.Changes(changes)
		ready := make(chan head.Ready, 1)
		go func() {
			r, err := b.Poll(t.Context(), head.ReadyInput)
			if err != nil {
				t.Error(err)
			}
			ready <- r
		}()
		synctest.Wait()
		if err := a.PutPMsg(t.Context(), &head.Message{Data: []byte("x"), Band: 3, Flags: streams.MsgBand}); err != nil {
			t.Error(err)
		}
		if r := <-ready; r != head.ReadyBand|head.ReadyWrite {
			t.Error(r)
		}
		<-changes
		stop()
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(changes) != 0 {
			t.Error("told of a change after stop")
		}
		if len(notices) == 0 || notices[0].Events&^streams.EventHangup != want&^streams.EventHangup || notices[0].Band != 3 {
			t.Errorf("%+v", notices)
		}
		if n := len(notices); n == 0 || notices[n-1].Events&streams.EventHangup == 0 {
			t.Errorf("%+v", notices)
		}
		if r := b.Ready(); r != head.ReadyBand|head.ReadyHangup {
			t.Error(r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if e, err := b.GetSig(); e != want || err != nil {
			t.Error(e, err)
		}
		if r, err := b.Poll(ctx, 0); r == 0 || err != nil {
			t.Error(r, err)
		}
	})
}

// A file is let go of once: by who receives it, or with its message.
func TestPassedFiles(t *testing.T) {
	a, b, done := pipe(t, &head.Config{NonBlocking: true, Credential: "me"})
	released := map[string]int{}
	file := func(name string) head.File { return head.File{Value: name, Release: func() { released[name]++ }} }
	for _, name := range []string{"received", "left", "dropped"} {
		if err := a.SendFD(file(name)); err != nil {
			t.Error(err)
		}
	}
	_, err := b.Read(t.Context(), make([]byte, 1))
	wantErr(t, err, streams.EBADMSG)
	_, err = b.Peek(&head.Message{})
	wantErr(t, err, streams.EBADMSG)
	r, err := b.RecvFD(t.Context())
	if err != nil || r.Value != "received" || r.Credential != "me" || released["received"] != 0 {
		t.Error(r, err)
	}
	r.Release()
	if err := b.Flush(t.Context(), streams.FlushR); err != nil {
		t.Error(err)
	}
	_, err = b.RecvFD(t.Context())
	wantErr(t, err, streams.EAGAIN)
	for err = nil; err == nil; {
		err = a.SendFD(file("many"))
	}
	wantErr(t, err, streams.EAGAIN)
	if err := b.PutMsg(t.Context(), &head.Message{Data: []byte("x")}); err != nil {
		t.Error(err)
	}
	_, err = a.RecvFD(t.Context())
	wantErr(t, err, streams.EBADMSG)
	done()
	for name, want := range map[string]int{"received": 1, "left": 1, "dropped": 1} {
		if released[name] != want {
			t.Errorf("%s: released %d times", name, released[name])
		}
	}
	if released["many"] == 0 {
		t.Error("files that nobody received were not released")
	}
	wantErr(t, a.SendFD(file("closed")), streams.EBADF)
	if released["closed"] != 0 {
		t.Error("a file that was not sent was released")
	}
}

func TestFDInsert(t *testing.T) {
	a, b, done := pipe(t, &head.Config{NonBlocking: true})
	defer done()
	m := &head.Message{Control: []byte("12345678"), Data: []byte("d")}
	for _, offset := range []int{-4, 2, 8} {
		wantErr(t, a.FDInsert(t.Context(), m, b, offset), streams.EINVAL)
	}
	wantErr(t, a.FDInsert(t.Context(), m, nil, 0), streams.EINVAL)
	if err := a.FDInsert(t.Context(), m, b, 4); err != nil {
		t.Fatal(err)
	}
	in := &head.Message{Control: make([]byte, 8), Data: make([]byte, 8)}
	if _, err := b.GetMsg(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	n := byte(b.Stream().Number())
	if want := []byte{'1', '2', '3', '4', n, 0, 0, 0}; !bytes.Equal(in.Control, want) || in.DataLen != 1 {
		t.Errorf("%q, want %q", in.Control, want)
	}
}

// Bytes come out as they went in, however they are cut.
func TestPipeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, done := pipe(t, &head.Config{NonBlocking: true})
		defer done()
		var model []byte
		next := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				p := make([]byte, rapid.IntRange(1, 3000).Draw(t, "size"))
				for i := range p {
					next++
					p[i] = next
				}
				n, err := a.Write(context.Background(), p)
				if e := streams.ErrnoOf(err); e != 0 && e != streams.EAGAIN {
					t.Fatal(err)
				}
				next -= byte(len(p) - n)
				model = append(model, p[:n]...)
			},
			"read": func(t *rapid.T) {
				p := make([]byte, rapid.IntRange(1, 5000).Draw(t, "size"))
				n, err := b.Read(context.Background(), p)
				if e := streams.ErrnoOf(err); e == streams.EAGAIN && len(model) == 0 {
					return
				}
				if err != nil || n == 0 || !bytes.Equal(p[:n], model[:n]) {
					t.Fatal(n, err)
				}
				model = model[n:]
			},
		})
	})
}
