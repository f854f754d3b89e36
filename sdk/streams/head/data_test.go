// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// build makes a message from a description: blocks as "D:abc", "P:ctl" or "U:urgent",
// joined by "+"; a leading "2/" is its band, and a "!" or "." before the blocks a mark or
// the end of a record.
func (r *rig) build(text string) *streams.Block {
	r.t.Helper()
	band := uint8(0)
	if text[1] == '/' {
		band, text = text[0]-'0', text[2:]
	}
	var flags streams.Flags
	for ; text[0] == '!' || text[0] == '.'; text = text[1:] {
		if flags |= streams.MsgDelim; text[0] == '!' {
			flags = flags&^streams.MsgDelim | streams.MsgMark
		}
	}
	var first *streams.Block
	for part := range strings.SplitSeq(text, "+") {
		t := map[byte]streams.Type{'D': streams.MData, 'P': streams.MProto, 'U': streams.MPCProto}[part[0]]
		b, err := r.arena.From(t, []byte(part[2:]))
		r.must(err)
		if first == nil {
			first = b
		} else {
			r.must(first.Link(b))
		}
	}
	first.SetBand(band)
	first.SetFlags(flags)
	return first
}

// feed sends messages up.
func (r *rig) feed(texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		r.send(r.build(text))
	}
}

// reads reads until nothing is left, and tells what each read returned.
func reads(t *testing.T, h *head.Head, size int) (got []string) {
	t.Helper()
	h.SetNonBlocking(true)
	for range 20 {
		p := make([]byte, size)
		n, err := h.Read(t.Context(), p)
		switch e := streams.ErrnoOf(err); {
		case e == streams.EAGAIN:
			return got
		case err != nil:
			return append(got, e.Name())
		}
		got = append(got, string(p[:n]))
	}
	return append(got, "no end")
}

func TestReadModes(t *testing.T) {
	for _, c := range []struct {
		opts streams.ReadOptions
		size int
		in   string
		want string
	}{
		{streams.ReadBytes, 4, "D:abc D:defgh", "abcd efgh"},
		{streams.ReadBytes, 4, "D:ab+D:c D:defgh", "abcd efgh"},
		{streams.ReadBytes, 9, "D:abc D: D:d", "abc  d"},
		{streams.ReadBytes, 9, "D:abc 2/D:def", "def abc"},
		{streams.ReadBytes, 9, "D:a !D:b D:c", "a bc"},
		{streams.ReadBytes, 9, "D:a .D:b D:c", "ab c"},
		{streams.ReadKeep, 2, "D:abc D:de", "ab c de"},
		{streams.ReadDiscard, 2, "D:abc D:de", "ab de"},
		{streams.ReadBytes, 9, "D:a P:ctl+D:b D:c", "a EBADMSG"},
		{streams.ReadCtlDrop, 9, "P:ctl+D:b P:ctl D:c", "bc"},
		{streams.ReadCtlAsData, 9, "P:ctl+D:b D:c", "ctlbc"},
		{streams.ReadCtlAsData, 2, "P:ctl+D:b D:c", "ct lb c"},
		{streams.ReadCtlAsData, 9, "D:a U:now", "now a"},
	} {
		t.Run(fmt.Sprintf("%d:%s", c.opts, c.in), func(t *testing.T) {
			r := open(t, nil, keep)
			r.must(r.h.SetReadOptions(c.opts))
			r.feed(strings.Split(c.in, " ")...)
			if got := strings.Join(reads(t, r.h, c.size), " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestReadWaitsAndEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		type result struct {
			text string
			err  error
		}
		done := make(chan result, 1)
		read := func(ctx context.Context) {
			go func() {
				p := make([]byte, 9)
				n, err := r.h.Read(ctx, p)
				done <- result{string(p[:n]), err}
			}()
			synctest.Wait()
		}
		read(t.Context())
		r.feed("D:late")
		if got := <-done; got.text != "late" || got.err != nil {
			t.Errorf("%+v", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		read(ctx)
		cancel()
		wantErr(t, (<-done).err, streams.EINTR)
		read(t.Context())
		r.feed("D:last")
		<-done
		r.feed("D:rest")
		hangup, err := r.arena.Alloc(streams.MHangup, 0)
		r.must(err)
		r.send(hangup)
		read(t.Context())
		if got := <-done; got.text != "rest" {
			t.Errorf("%+v", got)
		}
		read(t.Context())
		if got := <-done; got.err != io.EOF { //nolint:errorlint // io.EOF is never wrapped
			t.Errorf("%+v", got)
		}
		_, err = r.h.Write(t.Context(), []byte("x"))
		wantErr(t, err, streams.ENXIO)
	})
}

func TestCloseEndsReaders(t *testing.T) {
	for profile, want := range map[streams.Profile]streams.Errno{streams.Strict: streams.ENXIO, streams.OpenSS7: streams.EIO} {
		inBubble(t, func(t *testing.T) {
			r := open(t, &head.Config{Profile: profile}, keep)
			done := make(chan error, 1)
			go func() {
				_, err := r.h.Read(t.Context(), make([]byte, 1))
				done <- err
			}()
			synctest.Wait()
			r.must(r.h.Close(t.Context()))
			wantErr(t, <-done, want)
			_, err := r.h.Read(t.Context(), nil)
			wantErr(t, err, streams.EBADF)
		})
	}
}

// got tells what a getmsg returned: its parts, what is left, and how it was sent.
func got(m *head.Message, more streams.More) string {
	part := func(p []byte, n int) string {
		if n < 0 {
			return "-"
		}
		return string(p[:n])
	}
	return fmt.Sprintf("%s/%s more %d band %d flags %d", part(m.Control, m.ControlLen), part(m.Data, m.DataLen), more, m.Band, m.Flags)
}

func TestGetMsg(t *testing.T) {
	room := func(n int) []byte { return make([]byte, max(n, 0))[:max(n, 0):max(n, 0)] }
	for _, c := range []struct {
		in            string
		control, data int // room; negative: the part is not wanted
		want          []string
	}{
		{"P:ab+P:c+D:de+D:f", 9, 9, []string{"abc/def more 0 band 0 flags 0"}},
		{"D:de", 9, 9, []string{"-/de more 0 band 0 flags 0"}},
		{"P:ab", 9, 9, []string{"ab/- more 0 band 0 flags 0"}},
		{"U:ab+D:c D:x", 9, 9, []string{"ab/c more 0 band 0 flags 1", "-/x more 0 band 0 flags 0"}},
		{"P:abc+D:de", 2, 1, []string{"ab/d more 3 band 0 flags 0", "c/e more 0 band 0 flags 0"}},
		{"3/P:a+D:de D:x", 2, 1, []string{"a/d more 2 band 3 flags 0", "-/e more 0 band 3 flags 0", "-/x more 0 band 0 flags 0"}},
		{"P:+D:", 2, 2, []string{"/ more 0 band 0 flags 0"}},
		{"P:+D:x", 0, 0, []string{"/ more 2 band 0 flags 0", "-/ more 2 band 0 flags 0"}},
		{"P:a+D:b", -1, 2, []string{"-/b more 1 band 0 flags 0", "-/- more 1 band 0 flags 0"}},
	} {
		t.Run(c.in, func(t *testing.T) {
			r := open(t, &head.Config{NonBlocking: true}, keep)
			r.feed(strings.Split(c.in, " ")...)
			for _, want := range c.want {
				m := &head.Message{Control: room(c.control), Data: room(c.data)}
				if c.control < 0 {
					m.Control = nil
				}
				more, err := r.h.GetMsg(t.Context(), m)
				if text := got(m, more); err != nil || text != want {
					t.Errorf("%q, %v, want %q", text, err, want)
				}
			}
		})
	}
}

func TestGetPMsg(t *testing.T) {
	r := open(t, &head.Config{NonBlocking: true}, keep)
	r.feed("D:low", "2/D:mid", "5/D:top")
	get := func(flags streams.MsgFlags, band uint8) string {
		t.Helper()
		m := &head.Message{Data: make([]byte, 9), Control: make([]byte, 9), Flags: flags, Band: band}
		more, err := r.h.GetPMsg(t.Context(), m)
		if err != nil {
			return streams.ErrnoOf(err).Name()
		}
		return got(m, more)
	}
	for _, c := range []struct {
		flags streams.MsgFlags
		band  uint8
		want  string
	}{
		{streams.MsgUrgent, 0, "EAGAIN"}, {streams.MsgBand, 6, "EAGAIN"}, {streams.MsgBand, 3, "-/top more 0 band 5 flags 4"},
		{streams.MsgBand, 3, "EAGAIN"}, {streams.MsgAny, 9, "-/mid more 0 band 2 flags 4"}, {0, 0, "EINVAL"},
		{streams.MsgUrgent, 1, "EINVAL"}, {streams.MsgUrgent | streams.MsgAny, 0, "EINVAL"}, {8, 0, "EINVAL"},
	} {
		if text := get(c.flags, c.band); text != c.want {
			t.Errorf("flags %d, band %d: %q, want %q", c.flags, c.band, text, c.want)
		}
	}
	r.feed("U:one", "U:two")
	if text := get(streams.MsgUrgent, 0); text != "one/- more 0 band 0 flags 1" {
		t.Error(text)
	}
	if text := get(streams.MsgUrgent, 0); text != "EAGAIN" {
		t.Errorf("a second priority message was kept: %s", text)
	}
}

func TestPeekAndCounts(t *testing.T) {
	r := open(t, nil, keep)
	if seen, err := r.h.Peek(&head.Message{}); seen || err != nil {
		t.Error(seen, err)
	}
	_, err := r.h.FirstBand()
	wantErr(t, err, streams.ENODATA)
	r.feed("!D:xy", "4/P:abc+D:de+D:f")
	m := &head.Message{Control: make([]byte, 2), Data: make([]byte, 9)}
	if seen, err := r.h.Peek(m); !seen || err != nil || got(m, 0) != "ab/def more 0 band 4 flags 0" {
		t.Error(seen, err, got(m, 0))
	}
	m.Flags = streams.MsgUrgent
	if seen, err := r.h.Peek(m); seen || err != nil {
		t.Error(seen, err)
	}
	n, messages, err := r.h.NRead()
	all, err2 := r.h.Buffered()
	band, err3 := r.h.FirstBand()
	four, err4 := r.h.HasBand(4)
	three, err5 := r.h.HasBand(3)
	marked, err6 := r.h.AtMark(streams.MarkAny)
	if n != 3 || messages != 2 || all != 5 || band != 4 || !four || three || marked {
		t.Error(n, messages, all, band, four, three, marked)
	}
	r.must(errors.Join(err, err2, err3, err4, err5, err6))
	if text := strings.Join(reads(t, r.h, 9), " "); text != "EBADMSG" {
		t.Error(text)
	}
	r.must(r.h.SetReadOptions(streams.ReadCtlDrop))
	if _, err := r.h.Read(t.Context(), make([]byte, 9)); err != nil {
		t.Error(err)
	}
	last, err := r.h.AtMark(streams.MarkLast)
	if !last || err != nil {
		t.Error(last, err)
	}
	r.feed("!D:z")
	if last, err = r.h.AtMark(streams.MarkLast); last || err != nil {
		t.Error(last, err)
	}
}

// An error that is told once is told to one call, and not to a peek.
func TestErrorToldOnce(t *testing.T) {
	r := open(t, &head.Config{NonBlocking: true}, keep)
	r.must(r.h.SetErrorOptions(streams.ReadErrorOnce))
	m, err := r.arena.From(streams.MError, []byte{byte(streams.EIO), streams.ErrorUnchanged})
	r.must(err)
	r.send(m)
	_, err = r.h.Peek(&head.Message{})
	wantErr(t, err, streams.EIO)
	_, err = r.h.Read(t.Context(), make([]byte, 1))
	wantErr(t, err, streams.EIO)
	_, err = r.h.Read(t.Context(), make([]byte, 1))
	wantErr(t, err, streams.EAGAIN)
	if o, err := r.h.ErrorOptions(); o != streams.ReadErrorOnce|streams.WriteErrorStays || err != nil {
		t.Error(o, err)
	}
}

func TestSignalsKeepTheirPlace(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		var notices []head.Notice
		r.must(r.h.SetSig(streams.EventSignal, func(n head.Notice) { notices = append(notices, n) }))
		signal := func(typ streams.Type, n byte) {
			m, err := r.arena.From(typ, []byte{n})
			r.must(err)
			r.send(m)
		}
		numbers := func() (got []uint8) {
			synctest.Wait()
			for _, n := range notices {
				got = append(got, n.Signal)
			}
			return got
		}
		signal(streams.MSig, 1)
		r.feed("D:x")
		signal(streams.MSig, 2)
		r.feed("D:y")
		signal(streams.MPCSig, 3)
		if got := numbers(); !slices.Equal(got, []uint8{1, 3}) {
			t.Error(got)
		}
		if got := reads(t, r.h, 1); strings.Join(got, "") != "xy" {
			t.Error(got)
		}
		if got := numbers(); !slices.Equal(got, []uint8{1, 3, 2}) {
			t.Error(got)
		}
	})
}
