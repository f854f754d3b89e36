// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// inode identifies shared memory, whatever descriptor it is named by.
type inode struct{ dev, ino uint64 }

// sharedArenas is the memory that the client has been sent.
type sharedArenas struct {
	last uint32
	ids  map[inode]uint32
}

// handleMap asks the driver where memory of a type is and answers with it.
func (s *session) handleMap(in *incoming) error {
	typ, err := parseWord(in.bytes, FrameMap)
	if err != nil {
		return err
	}
	s.l.at("driver.map-read")
	s.mu.Lock()
	busy, used := s.mapping, s.calls[in.id] != nil
	s.mapping = true
	s.mu.Unlock()
	switch {
	case busy:
		return ioreturn.Broken(ioreturn.RuleFrameLimit, "two MAPs are outstanding")
	case used || in.id == 0:
		return ioreturn.Broken(ioreturn.RuleFrameID, "MAP has number %d, which is 0 or outstanding", in.id)
	}
	id := in.id
	s.wg.Go(func() { s.runMap(id, typ) })
	return nil
}

func (s *session) runMap(id, typ uint32) {
	m, err := s.memoryOf(typ)
	f, fd := mapped{}, -1
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		f, fd, err = s.shared.describe(m, s.memory)
	}
	if err != nil {
		f.code, f.detail = ioreturn.Status(err)
	}
	s.mapping = false
	// s.mu is held so that a DROP, which the client sends when it has the answer, is
	// handled after the arena was counted.
	if err := s.sock.Send(f.append(nil, id, fd >= 0), fd); err != nil && !seqpacket.HungUp(err) {
		s.endLocked(lost(err))
	}
	s.l.at("driver.mapped-sent")
}

func (s *session) memoryOf(typ uint32) (userclient.Mem, error) {
	if s.observe {
		return userclient.Mem{}, refusal(ioreturn.NotPermitted, "an observer has no memory")
	}
	return s.user.Memory(typ)
}

// describe returns the answer for m, and the descriptor that must go with it, -1 if
// the client has it already.
func (a *sharedArenas) describe(m userclient.Mem, accepted uint32) (f mapped, fd int, err error) {
	if m.Kind > 31 || accepted&(1<<m.Kind) == 0 {
		return f, -1, refusal(ioreturn.Unsupported, "the memory is %s, which the client does not accept", m.Kind)
	}
	f = mapped{offset: uint64(m.Offset), length: uint64(len(m.Bytes)), kind: m.Kind}
	var key inode
	if f.size, key, f.access, err = examine(m); err != nil {
		return mapped{}, -1, err
	}
	if m.Offset < 0 || f.length == 0 || f.offset > f.size || f.length > f.size-f.offset {
		return mapped{}, -1, refusal(ioreturn.InternalError, "the driver's memory at %d of %d bytes leaves its arena of %d bytes",
			m.Offset, f.length, f.size)
	}
	if id, ok := a.ids[key]; ok {
		f.arena = id
		return f, -1, nil
	}
	if a.ids == nil {
		a.ids = make(map[inode]uint32)
	}
	a.last++
	a.ids[key], f.arena = a.last, a.last
	return f, m.FD, nil
}

// examine returns the size of the arena that m lies in, what identifies it, and
// what the client may do with it.
func examine(m userclient.Mem) (size uint64, key inode, access uint32, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(m.FD, &st); err != nil {
		return 0, key, 0, refusal(ioreturn.InternalError, "the driver's memory cannot be examined: %v", err)
	}
	key = inode{st.Dev, st.Ino}
	switch m.Kind {
	case userclient.MemMemfd:
		size = uint64(st.Size)
		readOnly := memfd.Check(m.FD, size, true) == nil
		if err := memfd.Check(m.FD, size, false); err != nil {
			return 0, key, 0, refusal(ioreturn.InternalError, "the driver's memory cannot be shared: %v", err)
		}
		if !readOnly {
			access = AccessReadWrite
		}
	case userclient.MemDMABuf:
		end, err := unix.Seek(m.FD, 0, unix.SEEK_END)
		if err != nil {
			return 0, key, 0, refusal(ioreturn.InternalError, "the size of a dma-buf is unknown: %v", err)
		}
		size = uint64(end)
		if !m.ReadOnly {
			access = AccessReadWrite
		}
	default: // C36: never a device's own descriptor
		return 0, key, 0, refusal(ioreturn.Unsupported, "%s memory cannot travel over a socket", m.Kind)
	}
	return size, key, access, nil
}

func (a *sharedArenas) forget(id uint32) bool {
	for key, known := range a.ids {
		if known == id {
			delete(a.ids, key)
			return true
		}
	}
	return false
}

// handleDrop takes note that the client has given an arena back.
func (s *session) handleDrop(in *incoming) error {
	id, err := parseWord(in.bytes, FrameDrop)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapping || !s.shared.forget(id) {
		return ioreturn.Broken(ioreturn.RuleFrameID, "DROP of arena %d, which the client does not have, or while a MAP is outstanding", id)
	}
	return nil
}
