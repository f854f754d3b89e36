// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// Addresses of a scene's memory. What is at fixedAddr can't be written.
const (
	argAddr   = 0x10000
	bufAddr   = argAddr + 0x100
	fixedAddr = 0x20000
	badAddr   = 0x666000
)

// Descriptors of a scene.
const (
	fdLower  = 3 // a stream that can be linked below this one
	fdSelf   = 4
	fdFile   = 5 // a file that is no stream
	fdClosed = 9
)

// Errnos that drivers choose.
const (
	recorded = streams.E2BIG
	answered = streams.ENODEV
)

// scene is a stream about to be given an operation that fails in a chosen way.
type scene struct {
	t       *testing.T
	arena   *streams.Arena
	noMem   atomic.Bool
	d       *streams.Domain
	h       *head.Head
	cfg     head.Config
	module  *streams.Module
	driver  *streams.Queue
	pipe    bool
	full    bool          // the driver takes no data
	answer  onAnswer      // what the driver does with ioctls; nil: it keeps them
	openErr error         // of the module to be pushed
	files   map[int32]any // what Lookup finds
	most    int           // how many more may be installed
	held    []*head.Head  // to be closed at the end
	kept    []*streams.Block
	plumb   *streams.Plumbing // held while the operation runs
	others  []func()
	mem     ioctl.Memory
	bytes   []byte // at argAddr

	op   errtable.Op
	cmd  streams.Command // of a transparent ioctl; 0: cmdOne
	arg  uint64
	msg  head.Message
	also []errtable.Condition // what else holds
	act  func()               // what happens while the operation waits
}

// onAnswer makes an ioctl its answer; it returns false to keep it.
type onAnswer func(s *scene, m *streams.Block) bool

func (s *scene) Lookup(fd int32) (any, bool) { v, ok := s.files[fd]; return v, ok }

func (s *scene) Share(fd int32) (head.File, bool) {
	v, ok := s.files[fd]
	return head.File{Value: v}, ok
}

func (s *scene) Install(head.File) (int32, bool) { s.most--; return 7, s.most >= 0 }

func (s *scene) Withdraw(int32) { s.most++ }

func ackNow(s *scene, m *streams.Block) bool { s.must(m.Ack(0, 0)); return true }

// newScene opens the stream for an operation.
func newScene(t *testing.T, profile streams.Profile, op errtable.Op) *scene {
	s := &scene{t: t, op: op, files: map[int32]any{}, most: 1, bytes: make([]byte, 0x400), answer: ackNow, arg: argAddr}
	s.arena = streams.NewArena(&streams.ArenaConfig{Fault: func(uint64, int) bool { return s.noMem.Load() }})
	s.d = streams.NewDomain(&streams.Config{Arena: s.arena})
	s.cfg = head.Config{Profile: profile, Descriptors: s, Modules: func(name string) *streams.Module {
		if name == "mod" {
			return &streams.Module{Name: "mod", Open: func(*streams.Queue, streams.OpenInfo) error { return s.openErr }}
		}
		return nil
	}}
	s.mem, _ = ioctl.NewRegions(ioctl.Region{Addr: argAddr, Data: s.bytes},
		ioctl.Region{Addr: fixedAddr, Data: make([]byte, 64), ReadOnly: true})
	s.module = &streams.Module{
		Name: "driver", Mux: &streams.Mux{},
		Open: func(q *streams.Queue, _ streams.OpenInfo) error { s.driver = q; return nil },
		Write: streams.Procedures{HighWater: 1, Put: s.put, Service: func(q *streams.Queue) {
			for !s.full && q.First() != nil {
				q.Getq().Free()
			}
		}},
	}
	return s
}

func (s *scene) put(q *streams.Queue, m *streams.Block) {
	resp, isCopy := m.CopyResponse()
	request := m.Type() == streams.MIoctl || isCopy && resp.Error == 0
	switch {
	case request && s.answer != nil && s.answer(s, m):
		q.Reply(m)
	case request:
		s.kept = append(s.kept, m)
	case m.Type().IsData() && s.full:
		q.Putq(m)
	default:
		q.PassOn(m)
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

// other opens a stream to another driver, to be closed with the scene.
func (s *scene) other() *head.Head {
	m := *s.module
	m.Open, m.Mux = nil, &streams.Mux{}
	return s.stream(&m)
}

func (s *scene) stream(driver *streams.Module) *head.Head {
	s.t.Helper()
	h, err := head.Open(s.d, driver, nil)
	s.must(err)
	s.held = append(s.held, h)
	return h
}

// open opens the stream, or the pipe, that the operation is for.
func (s *scene) open() {
	s.files[fdFile] = "file"
	var err error
	if s.pipe {
		var b *head.Head
		if s.h, b, err = head.Pipe(s.d, &s.cfg); err == nil {
			s.held = append(s.held, b)
			s.must(b.SetCloseTime(0))
		}
	} else {
		lower := s.other()
		s.files[fdLower] = lower
		s.h, err = head.Open(s.d, s.module, &s.cfg)
		s.files[fdSelf] = s.h
	}
	s.must(err)
}

func (s *scene) close() {
	s.noMem.Store(false)
	s.full = false
	for _, m := range s.kept {
		m.Free()
	}
	ctx := context.Background()
	if s.h != nil {
		_ = s.h.SetCloseTime(0) // it may be in error
		for _, fn := range s.others {
			fn()
		}
		s.must(s.h.Close(ctx))
	}
	for _, h := range s.held {
		s.must(h.Close(ctx))
	}
	synctest.Wait()
	if u := s.arena.Usage(); u.Blocks+u.Buffers+u.Bytes+u.External+u.Callbacks != 0 || u.Misuses != 0 {
		s.t.Errorf("leaked: %+v", u)
	}
}

// send gives the head a message of the driver's.
func (s *scene) send(m *streams.Block, err error) {
	s.t.Helper()
	s.must(err)
	q := s.driver
	if s.pipe {
		s.t.Fatal("a pipe has no driver of the test's")
	}
	p, err := q.Port()
	s.must(err)
	s.must(p.Put(nil, m))
}

func (s *scene) control(t streams.Type, b ...byte) { s.t.Helper(); s.send(s.arena.From(t, b)) }

// store puts integers of 4 bytes and addresses of 8 into the argument's memory.
func (s *scene) store(at int, values ...any) {
	b := s.bytes[at:at]
	for _, v := range values {
		switch v := v.(type) {
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, v)
		case string:
			b = append(append(b, v...), 0)
		}
	}
}

// arguments gives the operation an argument with which it succeeds.
func (s *scene) arguments() {
	s.msg = head.Message{Control: make([]byte, 8), Data: make([]byte, 8)}
	switch s.op {
	case "I_PUSH", "I_FIND":
		s.store(0, "mod")
	case "I_STR":
		s.store(0, int(cmdOne), 0, 4, 0, uint64(bufAddr))
	case "I_LIST":
		s.store(0, 4, 0, uint64(bufAddr))
	case "I_PEEK":
		s.store(0, 8, 0, uint64(bufAddr), 8, 0, uint64(bufAddr+8), 0, 0)
	case "I_FDINSERT":
		s.store(0, 0, 8, uint64(bufAddr), 0, 1, uint64(bufAddr), 0, fdLower, 0, 0)
	case "I_FLUSHBAND":
		s.store(0, 0, int(streams.FlushRW))
	case "I_SETCLTIME":
		s.store(0, 1000)
	case "I_ESETSIG", "I_EGETSIG":
		s.store(0, 0, int(streams.EventInput))
	case "I_FLUSH":
		s.arg = uint64(streams.FlushRW)
	case "I_LINK", "I_PLINK":
		s.arg = fdLower
	case "I_SENDFD":
		s.arg = fdFile
	case "I_UNLINK", "I_PUNLINK":
		s.arg = uint64(uint32(1<<32 - 1)) // all
	case "I_SRDOPT", "I_SWROPT", "I_SERROPT", "I_CKBAND", "I_CANPUT", "I_ATMARK", "I_SETSIG":
		s.arg = 1
	case errtable.OpGetPMsg:
		s.msg.Flags = streams.MsgAny
	case errtable.OpPutPMsg:
		s.msg.Flags = streams.MsgBand
	}
}

// run does the operation.
func (s *scene) run(ctx context.Context) (err error) {
	switch e, _ := errtable.Find(s.op); {
	case e.Command != 0:
		_, err = s.h.Ioctl(ctx, e.Command, s.arg, s.mem)
	case s.op == errtable.OpTransparent:
		_, err = s.h.Ioctl(ctx, cmp.Or(s.cmd, cmdOne), s.arg, s.mem)
	case s.op == errtable.OpRead:
		_, err = s.h.Read(ctx, s.msg.Data)
	case s.op == errtable.OpWrite:
		_, err = s.h.Write(ctx, s.msg.Data)
	case s.op == errtable.OpGetMsg:
		_, err = s.h.GetMsg(ctx, &s.msg)
	case s.op == errtable.OpGetPMsg:
		_, err = s.h.GetPMsg(ctx, &s.msg)
	case s.op == errtable.OpPutMsg:
		err = s.h.PutMsg(ctx, &s.msg)
	case s.op == errtable.OpPutPMsg:
		err = s.h.PutPMsg(ctx, &s.msg)
	case s.op == errtable.OpOpen:
		var h *head.Head
		if h, err = head.Open(s.d, s.module, &s.cfg); err == nil {
			s.held = append(s.held, h)
		}
	}
	return err
}

// outcome does the operation and returns its errno.
func (s *scene) outcome() streams.Errno {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	if s.act == nil {
		return streams.ErrnoOf(s.run(ctx))
	}
	done := make(chan error, 1)
	s.others = append(s.others, cancel)
	go func() { done <- s.run(ctx) }()
	synctest.Wait()
	select {
	case err := <-done:
		s.t.Errorf("%s did not wait: %v", s.op, err)
		return streams.ErrnoOf(err)
	default:
	}
	if s.act(); s.plumb != nil {
		s.plumb.Release()
	}
	synctest.Wait()
	select {
	case err := <-done:
		return streams.ErrnoOf(err)
	default:
	}
	if s.also == nil { // nothing but the context can end it
		cancel()
	}
	return streams.ErrnoOf(<-done)
}
