// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
)

// do carries out a command and checks its result.
func (s *scene) do(cmd streams.Command, arg uint64, want int) {
	s.t.Helper()
	rval, err := s.h.Ioctl(s.t.Context(), cmd, arg, s.mem)
	if rval != want || err != nil {
		s.t.Errorf("%v: %d, %v, want %d", cmd, rval, err, want)
	}
}

// ints checks integers in the argument's memory.
func (s *scene) ints(at int, want ...int32) {
	s.t.Helper()
	for i, w := range want {
		if v := int32(binary.LittleEndian.Uint32(s.bytes[at+4*i:])); v != w {
			s.t.Errorf("at %d: %d, want %d", at+4*i, v, w)
		}
	}
}

func TestIoctlOptions(t *testing.T) {
	for _, p := range streams.Profiles() {
		inBubble(t, func(t *testing.T) {
			s := newScene(t, p, "")
			defer s.close()
			s.open()
			errSet, errWant := uint64(streams.ReadErrorOnce), int32(streams.ReadErrorOnce|streams.WriteErrorStays)
			if p == streams.OpenSS7 {
				errSet, errWant = 1, 1
			}
			s.store(0x40, 1234)
			s.store(0x48, os.Getpid(), int(streams.EventInput))
			for _, c := range []struct {
				set  streams.Command
				arg  uint64
				get  streams.Command
				want int32
			}{
				{streams.CmdSetRead, 2, streams.CmdGetRead, 0x12},
				{streams.CmdSetWrite, 3, streams.CmdGetWrite, 3},
				{streams.CmdSetErr, errSet, streams.CmdGetErr, errWant},
				{streams.CmdSetClose, argAddr + 0x40, streams.CmdGetClose, 1234},
				{streams.CmdSetSig, 0x3ff, streams.CmdGetSig, 0x3ff},
				{streams.CmdESetSig, argAddr + 0x48, streams.CmdGetSig, 1},
			} {
				s.do(c.set, c.arg, 0)
				s.do(c.get, argAddr, 0)
				s.ints(0, c.want)
			}
			s.store(0, 0, 0)
			s.do(streams.CmdEGetSig, argAddr, 0)
			s.ints(0, 0, 1)
		})
	}
}

func TestIoctlQueue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newScene(t, streams.Strict, "I_PEEK")
		defer s.close()
		s.open()
		r := &rig{t: t, arena: s.arena}
		m := r.build("3/P:ctl+D:data")
		s.send(m, nil)
		s.arguments()
		s.do(streams.CmdPeek, argAddr, 1)
		s.ints(4, 3)
		s.ints(20, 4)
		s.ints(32, 0)
		if got := string(s.bytes[0x100:0x103]) + string(s.bytes[0x108:0x10c]); got != "ctldata" {
			t.Error(got)
		}
		s.do(streams.CmdNRead, argAddr, 1)
		s.ints(0, 4)
		s.do(streams.CmdFIONRead, argAddr, 0)
		s.ints(0, 4)
		s.do(streams.CmdFIORdChk, 0, 4)
		s.do(streams.CmdGetBand, argAddr, 0)
		s.ints(0, 3)
		s.do(streams.CmdCheckBand, 3, 1)
		s.do(streams.CmdCheckBand, 0, 0)
		s.do(streams.CmdAtMark, 1, 0)
		s.do(streams.CmdCanPut, 255, 1)
		s.do(streams.CmdFlush, uint64(streams.FlushRW), 0)
		s.do(streams.CmdNRead, argAddr, 0)
	})
}

func TestIoctlModulesAndCommands(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newScene(t, streams.Strict, "I_STR")
		defer s.close()
		s.open()
		s.store(0, "mod")
		s.do(streams.CmdPush, argAddr, 0)
		s.do(streams.CmdFind, argAddr, 1)
		s.do(streams.CmdAnchor, 0, 0)
		s.do(streams.CmdLook, argAddr+0x20, 0)
		if got := s.bytes[0x20:0x29]; !bytes.Equal(got, []byte("mod\x00\x00\x00\x00\x00\x00")) {
			t.Errorf("%q", got)
		}
		s.do(streams.CmdList, 0, 2)
		s.store(0, 9, 0, uint64(bufAddr))
		s.do(streams.CmdList, argAddr, 0)
		s.ints(0, 2)
		if got := string(s.bytes[0x100:0x112]); got != "mod\x00\x00\x00\x00\x00\x00driver\x00\x00\x00" {
			t.Errorf("%q", got)
		}
		s.answer = func(s *scene, m *streams.Block) bool {
			data, err := s.arena.From(streams.MData, []byte("hi"))
			s.must(err)
			s.must(m.AckData(data, 2, 5))
			return true
		}
		s.arguments()
		s.do(streams.CmdStr, argAddr, 5)
		s.ints(8, 2)
		if got := string(s.bytes[0x100:0x102]); got != "hi" {
			t.Errorf("%q", got)
		}
		s.do(cmdOne, 1, 5)
		s.answer = ackNow
		id, err := s.h.Ioctl(t.Context(), streams.CmdLink, fdLower, s.mem)
		s.must(err)
		s.do(streams.CmdUnlink, uint64(id), 0)
	})
}

// Under OpenSS7 a number that tells a size is sent with so many bytes.
func TestIoctlSizedCommand(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newScene(t, streams.OpenSS7, "")
		defer s.close()
		s.open()
		for cmd, want := range map[streams.Command]string{0x40046101: "abcd", 0x80046101: "\x00\x00\x00\x00"} {
			copy(s.bytes, "abcd")
			s.answer = func(s *scene, m *streams.Block) bool {
				if x, _ := m.Ioctl(); x.Transparent || string(m.Next().Bytes()) != want {
					t.Errorf("%+v, %q", x, m.Next().Bytes())
				}
				s.must(m.Ack(4, 0))
				return true
			}
			s.do(cmd, argAddr, 0)
		}
	})
}

// user is a credential that has numbers.
type user struct{}

func (user) Owner() (uid, gid uint32) { return 11, 22 }

func TestIoctlPassedFile(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newScene(t, streams.Strict, "")
		defer s.close()
		s.pipe, s.cfg.Credential = true, user{}
		s.open()
		s.do(streams.CmdSendFD, fdFile, 0)
		s.h, s.held[0] = s.held[0], s.h
		copy(s.bytes, bytes.Repeat([]byte{0xff}, 20))
		s.do(streams.CmdRecvFD, argAddr, 0)
		s.ints(0, 7, 11, 22, 0, 0)
	})
}

// Every command of the table is one that Ioctl carries out itself.
func TestIoctlKnowsAll(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newScene(t, streams.Strict, "")
		defer s.close()
		s.cfg.NonBlocking = true
		s.open()
		s.answer = func(s *scene, m *streams.Block) bool {
			if x, _ := m.Ioctl(); x.Transparent {
				t.Errorf("%v went to the driver", x.Cmd)
			}
			return ackNow(s, m)
		}
		for e := range errtable.All() {
			if e.Command != 0 {
				_, _ = s.h.Ioctl(t.Context(), e.Command, badAddr, nil) // whatever it says
			}
		}
		_, err := s.h.Ioctl(t.Context(), streams.CmdNRead, argAddr, nil)
		wantErr(t, err, streams.EFAULT)
	})
}
