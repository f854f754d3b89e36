// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// memory is the shared memory of one lane.
type memory struct {
	size    [2]uint64
	arenas  arenas
	release [2]func() error
}

// takeMemory returns zeroed memory for a lane.
func (s *session) takeMemory(size [2]uint64) (*memory, error) {
	if m := s.spareMemory(size); m != nil {
		clear(m.arenas[0].Bytes)
		clear(m.arenas[1].Bytes)
		return m, nil
	}
	m := &memory{size: size}
	for i, w := range []userclient.Writer{userclient.DriverWrites, userclient.ClientWrites} {
		n := int(max(size[i], 1)) // a side may have nothing to write
		if n < 0 || uint64(n) < size[i] {
			s.free(m)
			return nil, &ioreturn.StatusError{Code: ioreturn.NoMemory, Detail: "the buffers do not fit the address space"}
		}
		var err error
		if m.arenas[i], m.release[i], err = s.res.Alloc(n, w); err != nil {
			s.free(m)
			return nil, fmt.Errorf("allocate %d bytes of shared memory: %w", n, err)
		}
	}
	return m, nil
}

// spareMemory returns memory of an earlier lane of this session, or nil. The client is
// the same, so what it may still have mapped is no secret of another's (C5).
func (s *session) spareMemory(size [2]uint64) *memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.spare, func(m *memory) bool { return m.size == size })
	if i < 0 {
		return nil
	}
	m := s.spare[i]
	s.spare = slices.Delete(s.spare, i, i+1)
	return m
}

// giveMemory takes the memory of a lane back. It is released with the session, because
// until then the transport may be handing it to the client.
func (s *session) giveMemory(m *memory) {
	s.mu.Lock()
	over := s.state == userclient.StateGone
	if !over {
		s.spare = append(s.spare, m)
	}
	s.mu.Unlock()
	if over {
		s.free(m)
	}
}

// freeSpares releases what no lane uses. The state is gone already.
func (s *session) freeSpares() {
	s.mu.Lock()
	spare := s.spare
	s.spare = nil
	s.mu.Unlock()
	for _, m := range spare {
		s.free(m)
	}
}

func (s *session) free(m *memory) {
	for _, release := range m.release {
		if release == nil {
			continue
		}
		if err := release(); err != nil {
			s.log("release shared memory", "err", err)
		}
	}
}
