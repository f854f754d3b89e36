// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// traced opens a session of a driver, with a trace of each end. stop closes it and returns
// the traces.
func traced(t *testing.T, driver, module *streams.Module) (s *remote.Session, stop func() (client, end []string)) {
	t.Helper()
	var client, far []string
	line := func(s head.Step) string {
		s.Stream, s.ID = "", 0
		return s.Text()
	}
	arena := streams.NewArena(nil)
	end, err := remote.NewEnd(&remote.Plane{
		Domain: streams.NewDomain(&streams.Config{Arena: arena}), Driver: driver, Stack: []*streams.Module{module},
		Trace: func(p userclient.Peer, s head.Step) {
			if p.PID != 7 || s.Stream != driver.Name || s.Time.IsZero() || s.ID == 0 {
				t.Errorf("peer %v, %+v", p, s)
			}
			far = append(far, line(s))
		},
	}, userclient.Peer{PID: 7})
	if err != nil {
		t.Fatal(err)
	}
	s, err = remote.Open(end, &head.Config{Trace: func(s head.Step) { client = append(client, line(s)) }})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() ([]string, []string) {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		end.Close()
		if u := arena.Usage(); u != (streams.Usage{}) {
			t.Errorf("leaked: %+v", u)
		}
		return client, far
	}
}

// Both ends tell which module says what, through the ones that pass it on.
func TestTraceNamesTheModule(t *testing.T) {
	driver := &streams.Module{Name: "driver", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() == streams.MIoctl && m.CopyIn(nil, 4, head.DataAddr) == nil {
			q.Reply(m)
			return
		}
		if q.ReplyAck(m, 0, 5) != nil {
			t.Error("no answer")
		}
	}}}
	s, stop := traced(t, driver, &streams.Module{Name: "pass"})
	if rval, err := s.Str(t.Context(), &head.Str{Command: cmd, Data: []byte("data")}); rval != 5 || err != nil {
		t.Errorf("%d, %v", rval, err)
	}
	client, far := stop()
	wantClient := []string{
		"taken 0x6101", "sent 0x6101 M_IOCTL 4 bytes", "matched 0x6101 M_COPYIN 0 bytes from driver",
		"copied 0x6101 4 bytes at 0x1000", "sent 0x6101 M_IOCDATA 4 bytes",
		"matched 0x6101 M_IOCACK 0 bytes rval 5 from driver", "released 0x6101", "closed",
	}
	wantFar := []string{
		"sent 0x6101 M_IOCTL 4 bytes", "matched 0x6101 M_COPYIN 0 bytes from driver",
		"sent 0x6101 M_IOCDATA 4 bytes", "matched 0x6101 M_IOCACK 4 bytes rval 5 from driver",
	}
	if !slices.Equal(client, wantClient) {
		t.Errorf("the client's trace is\n%s", strings.Join(client, "\n"))
	}
	if !slices.Equal(far, wantFar) {
		t.Errorf("the driver's trace is\n%s", strings.Join(far, "\n"))
	}
}

// A module that lies is named where its lie is found out.
func TestTraceNamesTheLiar(t *testing.T) {
	liar := &streams.Module{Name: "liar\n", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() != streams.MIoctl {
			q.PassOn(m)
			return
		}
		second, err := m.Copy()
		foreign, err2 := m.Arena().Ioctl(streams.Ioctl{Cmd: cmd, ID: 1 << 60}, nil)
		data, err3 := m.Arena().From(streams.MData, []byte("more than there is room for"))
		err = errors.Join(err, err2, err3, q.ReplyAck(foreign, 0, 1), m.AckData(data, data.Len(), 2))
		q.Reply(m)
		if err = errors.Join(err, q.ReplyAck(second, 0, 3)); err != nil {
			t.Error(err)
		}
	}}}
	s, stop := traced(t, &streams.Module{Name: "driver"}, liar)
	_, err := s.Str(t.Context(), &head.Str{Command: cmd})
	wantErr(t, err, streams.EMSGSIZE)
	client, far := stop()
	wantFar := []string{
		"sent 0x6101 M_IOCTL 0 bytes",
		"dropped 0x6101 M_IOCACK 0 bytes rval 1 from liar\n: no call has this ID",
		"dropped 0x6101 M_IOCACK 0 bytes rval 3 from liar\n: the call has an answer already",
		"matched 0x6101 M_IOCACK 27 bytes rval 2 from liar\n",
	}
	if !slices.Equal(far, wantFar) {
		t.Errorf("the driver's trace is\n%s", strings.Join(far, "\n"))
	}
	for _, want := range []string{
		"matched 0x6101 M_IOCACK 27 bytes rval 2 from liar ", "failed 0x6101 " + streams.EMSGSIZE.Error(),
	} {
		if !slices.Contains(client, want) {
			t.Errorf("no %q in the client's trace\n%s", want, strings.Join(client, "\n"))
		}
	}
}

// A command that a driver in another process never answers is told of while it waits, though
// its caller makes the call itself.
func TestTraceOfACallThatIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := make(chan *streams.Block, 1)
		driver := &streams.Module{Name: "driver", Write: streams.Procedures{Put: func(_ *streams.Queue, m *streams.Block) { kept <- m }}}
		s, stop := traced(t, driver, &streams.Module{Name: "pass"})
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		_, err := s.Str(ctx, &head.Str{Command: cmd, Wait: head.Forever})
		wantErr(t, err, streams.ETIME)
		(<-kept).Free()
		client, _ := stop()
		want := []string{
			"taken 0x6101", "sent 0x6101 M_IOCTL 0 bytes", "waiting 0x6101: no answer for 15s", "waiting 0x6101: no answer for 30s",
			"given up 0x6101 no answer in time (ETIME, 62)", "released 0x6101", "failed 0x6101 no answer in time (ETIME, 62)", "closed",
		}
		if !slices.Equal(client, want) {
			t.Errorf("the client's trace is\n%s", strings.Join(client, "\n"))
		}
	})
}
