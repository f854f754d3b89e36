// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

func TestFlushBandAndRoom(t *testing.T) {
	r := open(t, nil, func(_ *rig, q *streams.Queue, m *streams.Block) { q.PassOn(m) })
	r.feed("D:a", "2/D:b", "3/D:c", "U:u")
	r.must(r.h.FlushBand(t.Context(), 2, streams.FlushR))
	if _, messages, err := r.h.NRead(); messages != 3 || err != nil {
		t.Error(messages, err)
	}
	if has, err := r.h.HasBand(2); has || err != nil {
		t.Error(has, err)
	}
	if can, err := r.h.CanPut(7); !can || err != nil {
		t.Error(can, err)
	}
	if got := r.h.Ready().String(); got != "urgent|write" {
		t.Error(got)
	}
	if got := head.Ready(0).String(); got != "none" {
		t.Error(got)
	}
	r.must(r.h.Flush(t.Context(), streams.FlushRW))
}

// A second reader gets what the first one leaves.
func TestReadersShare(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		got := make(chan string, 2)
		for range 2 {
			go func() {
				p := make([]byte, 2)
				n, err := r.h.Read(t.Context(), p)
				r.must(err)
				got <- string(p[:n])
			}()
		}
		synctest.Wait()
		r.feed("D:abcd")
		if all := <-got + <-got; all != "abcd" && all != "cdab" {
			t.Error(all)
		}
	})
}

// Bands are told apart by those who wait, and room in one wakes its writer only to look.
func TestBandedWritersWait(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		a, b, done := pipe(t, nil)
		defer done()
		wrote := make(chan error, 1)
		a.SetNonBlocking(true)
		put := func(band uint8) error {
			return a.PutPMsg(t.Context(), &head.Message{Data: make([]byte, 3000), Band: band, Flags: streams.MsgBand})
		}
		for put(2) == nil {
		}
		wantErr(t, put(2), streams.EAGAIN)
		wantErr(t, put(1), 0)
		a.SetNonBlocking(false)
		var notices []head.Notice
		if err := a.SetSig(streams.EventWriteBand, func(n head.Notice) { notices = append(notices, n) }); err != nil {
			t.Error(err)
		}
		go func() { wrote <- put(2) }()
		synctest.Wait()
		if len(wrote) != 0 {
			t.Error("it did not wait")
		}
		for range 4 {
			m := &head.Message{Data: make([]byte, 3000), Flags: streams.MsgAny}
			if _, err := b.GetPMsg(t.Context(), m); err != nil || m.Band != 2 {
				t.Error(m.Band, err)
			}
		}
		wantErr(t, <-wrote, 0)
		synctest.Wait()
		if len(notices) == 0 {
			t.Error("nobody was told of the room")
		}
	})
}

func TestStepTexts(t *testing.T) {
	r := open(t, nil, func(_ *rig, q *streams.Queue, m *streams.Block) { _ = q.ReplyAck(m, 0, 7) })
	if _, err := r.h.Str(t.Context(), &head.Str{Command: streams.CmdNRead}); err != nil {
		t.Error(err)
	}
	_, err := r.h.Str(t.Context(), &head.Str{Command: streams.CmdNRead, Data: make([]byte, 1<<20)})
	wantErr(t, err, streams.EINVAL)
	r.mu.Lock()
	defer r.mu.Unlock()
	var all, attrs strings.Builder
	for _, s := range r.steps {
		fmt.Fprintln(&all, s)
		fmt.Fprintln(&attrs, slog.AnyValue(s).Resolve())
	}
	for _, want := range []string{"driver taken I_NREAD #", "sent I_NREAD", "M_IOCTL 0 bytes", "M_IOCACK 0 bytes rval 7 from driver", "released", "refused I_NREAD invalid"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
	if !strings.Contains(attrs.String(), "message=M_IOCACK size=0 from=driver rval=7") || !strings.Contains(attrs.String(), "errno=EINVAL") {
		t.Error(attrs.String())
	}
}

// A driver that likes to know of readers that wait is told once of each.
func TestReadNotes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newScene(t, streams.Strict, "")
		defer s.close()
		var notes []int
		put := s.module.Write.Put
		s.module.Write.Put = func(q *streams.Queue, m *streams.Block) {
			if m.Type() == streams.MRead {
				notes = append(notes, int(binary.LittleEndian.Uint64(m.Bytes())))
			}
			put(q, m)
		}
		s.open()
		s.must(s.h.Stream().Do(func(*streams.Queue) {
			s.must(s.driver.SetHeadOptions(streams.HeadOptions{Flags: streams.SetReadNotes}))
		}))
		done := make(chan error, 1)
		for _, room := range []int{5, 6} {
			go func() {
				_, err := s.h.GetPMsg(t.Context(), &head.Message{Data: make([]byte, room), Flags: streams.MsgBand, Band: 1})
				done <- err
			}()
			synctest.Wait()
			s.control(streams.MData, 'x') // not what it waits for
			synctest.Wait()
			s.send((&rig{t: t, arena: s.arena}).build("2/D:y"), nil)
			s.must(<-done)
		}
		if !slices.Equal(notes, []int{5, 6}) {
			t.Error(notes)
		}
	})
}

// A head compares what comes back with what it sent.
func TestCredentialsAreComparable(t *testing.T) {
	type user struct{ groups any }
	for name, c := range map[string]any{"slice": []int{1}, "in a field": user{[]int{1}}} {
		_, err := head.Open(streams.NewDomain(nil), quiet("driver"), &head.Config{Credential: c})
		wantErr(t, err, streams.EINVAL)
		if _, _, err = head.Pipe(streams.NewDomain(nil), &head.Config{Credential: c}); streams.ErrnoOf(err) != streams.EINVAL {
			t.Errorf("%s: a pipe: %v", name, err)
		}
	}
	h, err := head.Open(streams.NewDomain(nil), quiet("driver"), &head.Config{Credential: user{"staff"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
