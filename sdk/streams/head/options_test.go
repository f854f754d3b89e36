// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// options sends an M_SETOPTS up.
func (r *rig) options(o streams.HeadOptions) {
	r.t.Helper()
	if err := r.h.Stream().Do(func(*streams.Queue) { r.must(r.driver.SetHeadOptions(o)) }); err != nil {
		r.t.Error(err)
	}
}

func TestOptions(t *testing.T) {
	r := open(t, nil, keep)
	h := r.h
	wantErr(t, h.SetReadOptions(streams.ReadDiscard|streams.ReadKeep), streams.EINVAL)
	wantErr(t, h.SetReadOptions(streams.ReadCtlDrop|streams.ReadCtlFail), streams.EINVAL)
	wantErr(t, h.SetReadOptions(streams.ReadKeepUrgent), streams.EINVAL)
	wantErr(t, h.SetWriteOptions(4), streams.EINVAL)
	wantErr(t, h.SetErrorOptions(3), streams.EINVAL)
	wantErr(t, h.SetErrorOptions(16), streams.EINVAL)
	wantErr(t, h.SetCloseTime(-1), streams.EINVAL)
	wantErr(t, h.SetSig(1<<10, nil), streams.EINVAL)
	wantErr(t, h.SetSig(streams.EventBandAlert, nil), streams.EINVAL)
	wantErr(t, h.SetSig(0, nil), streams.EINVAL)
	r.must(errors.Join(h.SetReadOptions(streams.ReadKeep), h.SetWriteOptions(streams.WriteZero), h.SetCloseTime(time.Second),
		h.SetErrorOptions(streams.WriteErrorOnce)))
	read, err := h.ReadOptions()
	write, err2 := h.WriteOptions()
	fault, err3 := h.ErrorOptions()
	wait, err4 := h.CloseTime()
	r.must(errors.Join(err, err2, err3, err4))
	if read != streams.ReadKeep|streams.ReadCtlFail || write != streams.WriteZero ||
		fault != streams.ReadErrorStays|streams.WriteErrorOnce || wait != time.Second {
		t.Error(read, write, fault, wait)
	}
}

func TestSetOpts(t *testing.T) {
	var rooms [][2]int
	var delims []bool
	var noted int
	r := &rig{t: t, arena: streams.NewArena(nil)}
	driver := &streams.Module{
		Name: "driver",
		Open: func(q *streams.Queue, _ streams.OpenInfo) error { r.driver = q; return nil },
		Write: streams.Procedures{MaxPacket: 3, Put: func(q *streams.Queue, m *streams.Block) {
			switch m.Type() {
			case streams.MData:
				before, behind := m.Room()
				rooms = append(rooms, [2]int{before, behind})
				delims = append(delims, m.Flags()&streams.MsgDelim != 0)
			case streams.MRead:
				noted++
			}
			q.PassOn(m)
		}},
	}
	var err error
	if r.h, err = head.Open(streams.NewDomain(&streams.Config{Arena: r.arena}), driver, &head.Config{NonBlocking: true}); err != nil {
		t.Fatal(err)
	}
	r.options(streams.HeadOptions{
		Flags: streams.SetWriteOffset | streams.SetTail | streams.SetDelimit | streams.SetReadOptions | streams.SetReadNotes |
			streams.SetHighWater | streams.SetLowWater | streams.SetErrorOptions,
		WriteOffset: 5, Tail: 7, Read: streams.ReadDiscard | streams.ReadKeepUrgent, HighWater: 10, LowWater: 2,
		Errors: streams.ReadErrorOnce,
	})
	if n, err := r.h.Write(t.Context(), []byte("12345")); n != 5 || err != nil {
		t.Error(n, err)
	}
	if len(rooms) != 2 || rooms[0][0] != 5 || rooms[0][1] < 7 || delims[0] || !delims[1] {
		t.Error(rooms, delims)
	}
	wantErr(t, r.h.PutMsg(t.Context(), &head.Message{Data: []byte("1234")}), streams.ERANGE)
	_, err = r.h.Read(t.Context(), make([]byte, 4))
	wantErr(t, err, streams.EAGAIN)
	if noted != 1 {
		t.Errorf("the driver was told of %d reads", noted)
	}
	if o, _ := r.h.ReadOptions(); o != streams.ReadDiscard|streams.ReadCtlFail {
		t.Error(o)
	}
	if o, _ := r.h.ErrorOptions(); o != streams.ReadErrorOnce|streams.WriteErrorStays {
		t.Error(o)
	}
	r.feed("D:gone", "U:stays")
	r.must(r.h.Flush(t.Context(), streams.FlushR))
	if n, messages, _ := r.h.NRead(); n != 0 || messages != 1 {
		t.Error(n, messages)
	}
	r.options(streams.HeadOptions{Flags: streams.SetOldNoDelay})
	r.must(r.h.SetReadOptions(streams.ReadCtlAsData))
	if got := make([]byte, 9); true {
		n, err := r.h.Read(t.Context(), got)
		if !bytes.Equal(got[:n], []byte("stays")) || err != nil {
			t.Error(string(got[:n]), err)
		}
		if n, err := r.h.Read(t.Context(), got); n != 0 || err != nil {
			t.Error(n, err)
		}
	}
	r.must(r.h.Close(t.Context()))
	if u := r.arena.Usage(); u != (streams.Usage{}) {
		t.Errorf("leaked: %+v", u)
	}
}

func TestAccessAndState(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, &head.Config{Access: head.WriteOnly}, keep)
		_, err := r.h.Read(t.Context(), nil)
		wantErr(t, err, streams.EBADF)
		w := open(t, &head.Config{Access: head.ReadOnly}, keep)
		_, err = w.h.Write(t.Context(), nil)
		wantErr(t, err, streams.EBADF)
		// A pop does not wait for others who change the stack.
		p, err := w.h.Stream().Plumb(t.Context())
		w.must(err)
		w.h.SetNonBlocking(true)
		wantErr(t, w.h.Pop(t.Context()), streams.EAGAIN)
		w.h.SetNonBlocking(false)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.h.Pop(ctx) }()
		synctest.Wait()
		cancel()
		wantErr(t, <-done, streams.EINTR)
		p.Release()
		wantErr(t, w.h.Pop(t.Context()), streams.EINVAL)
	})
}

// A write to a stream that is broken is told as a broken pipe if the caller likes.
func TestBrokenPipeOption(t *testing.T) {
	r := open(t, nil, keep)
	m, err := r.arena.From(streams.MError, []byte{streams.ErrorUnchanged, byte(streams.ENOSR)})
	r.must(r.h.SetWriteOptions(streams.WritePipe))
	r.must(err)
	r.send(m)
	_, err = r.h.Write(t.Context(), []byte("x"))
	wantErr(t, err, streams.EPIPE)
}
