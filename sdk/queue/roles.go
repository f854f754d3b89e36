// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Role says which index of a classic queue belongs to its writer.
type Role uint32

// The roles.
const (
	RoleUnknown Role = 0 // to be found out from the first movement of the output queue
	HeadWrites  Role = 1 // the head is the writer's, as Apple's header comment says
	TailWrites  Role = 2 // the tail is the writer's
)

// String returns "head writes", "tail writes" or "unknown".
func (r Role) String() string {
	switch r {
	case HeadWrites:
		return "head writes"
	case TailWrites:
		return "tail writes"
	}
	return "unknown"
}

// Roles is what one side of a session knows about the roles of its two classic
// queues. A driver fixes them when it makes its queues. A client starts with
// RoleUnknown and shares one Roles between its queues: its consumer finds the
// roles out when the output queue first moves, and until then its producer refuses
// to write (C21). Roles never change after that. Safe for concurrent use.
type Roles struct{ v atomic.Uint32 }

// NewRoles returns roles that are fixed to r, or to be found out if r is RoleUnknown.
func NewRoles(r Role) *Roles {
	roles := new(Roles)
	roles.v.Store(uint32(r))
	return roles
}

// Role returns what is known now.
func (r *Roles) Role() Role { return Role(r.v.Load()) }

// settle locks the roles to found and returns what they are locked to.
func (r *Roles) settle(found Role) Role {
	r.v.CompareAndSwap(uint32(RoleUnknown), uint32(found))
	return r.Role()
}

// classicSide is one side's private record of a classic queue.
type classicSide struct {
	roles      *Roles
	name       string
	count      uint32
	writer     bool
	head, tail *atomic.Uint32

	// at is the own index, private (C3). Only the owner writes it; it is atomic so
	// that moved may run beside the owner.
	at   atomic.Uint32
	peer uint32 // the other side's index when it was last loaded
}

// newClassicSide takes over the indices at which the queue stands. b has room for
// the header, which openRing checked.
func newClassicSide(b []byte, cfg *Config, count uint32, writer bool) (*classicSide, error) {
	s := &classicSide{
		roles: cfg.Roles, name: cfg.Name, count: count, writer: writer,
		head: wordAt(b, ClassicHeadOff), tail: wordAt(b, ClassicTailOff),
	}
	h, t := s.head.Load(), s.tail.Load()
	if h >= count || t >= count {
		return nil, ioreturn.Broken(ioreturn.RuleQueueIndex, "%s: indices %d and %d of %d entries", s.name, h, t, count)
	}
	own, peer := h, t
	switch role := s.roles.Role(); {
	case role == RoleUnknown && h != t && (writer || h != 0 && t != 0):
		return nil, ioreturn.Broken(ioreturn.RuleQueueRoles,
			"%s: the indices are %d and %d before the roles are known", s.name, h, t)
	case role == RoleUnknown && h != t:
		own, peer = 0, 0 // one index has moved already, from 0
	case (role == HeadWrites) != writer:
		own, peer = t, h
	}
	s.at.Store(own)
	s.peer = peer
	return s, nil
}

// words returns this side's index and the other's. r is not RoleUnknown.
func (s *classicSide) words(r Role) (own, other *atomic.Uint32) {
	if (r == HeadWrites) == s.writer {
		return s.head, s.tail
	}
	return s.tail, s.head
}

// moved reports whether a consumer's queue is not empty, without any check.
func (s *classicSide) moved() bool {
	at := s.at.Load()
	if r := s.roles.Role(); r != RoleUnknown {
		_, other := s.words(r)
		return other.Load() != at
	}
	return s.head.Load() != at || s.tail.Load() != at
}

// role returns the roles, and looks for them if this side is a consumer that does
// not know them: whichever index has moved is the writer's (C21).
func (s *classicSide) role() (Role, error) {
	r := s.roles.Role()
	if r != RoleUnknown || s.writer {
		return r, nil
	}
	at := s.at.Load()
	h, t := s.head.Load(), s.tail.Load()
	switch {
	case h == at && t == at:
		return RoleUnknown, nil
	case h != at && t != at:
		return r, ioreturn.Broken(ioreturn.RuleQueueRoles,
			"%s: both indices moved, from %d to head %d and tail %d", s.name, at, h, t)
	case h != at:
		return s.roles.settle(HeadWrites), nil
	}
	return s.roles.settle(TailWrites), nil
}

// observe loads the other side's index, checks it and returns the number of
// unread entries. The own index is looked at as well: if it is not where this side
// left it, the other side has changed its mind about the roles.
func (s *classicSide) observe(r Role) (unread uint32, err error) {
	own, other := s.words(r)
	at := s.at.Load()
	if v := own.Load(); v != at {
		return 0, ioreturn.Broken(ioreturn.RuleQueueRoles,
			"%s (%s): own index was moved from %d to %d", s.name, r, at, v)
	}
	p := other.Load()
	if p >= s.count || !s.follows(p, at) {
		return 0, ioreturn.Broken(ioreturn.RuleQueueIndex,
			"%s (%s): index %d does not follow from %d, own index is %d of %d", s.name, r, p, s.peer, at, s.count)
	}
	s.peer = p
	return s.unread(p, at), nil
}

// unread is the number of entries between the reader's and the writer's index.
func (s *classicSide) unread(peer, at uint32) uint32 {
	if s.writer {
		return s.distance(peer, at)
	}
	return s.distance(at, peer)
}

// follows reports whether p is the old index of the other side or one that it can
// have reached since: a reader only takes away, a writer only adds.
func (s *classicSide) follows(p, at uint32) bool {
	if s.writer {
		return s.unread(p, at) <= s.unread(s.peer, at)
	}
	return s.unread(p, at) >= s.unread(s.peer, at)
}

// distance is how far it is from index a forward to index b.
func (s *classicSide) distance(a, b uint32) uint32 {
	if b >= a {
		return b - a
	}
	return b + s.count - a
}

// advance publishes the own index, n entries further on.
func (s *classicSide) advance(r Role, n uint32) {
	at := s.at.Load() + n
	if at >= s.count {
		at -= s.count
	}
	s.at.Store(at)
	own, _ := s.words(r)
	own.Swap(at) // C4: a full fence before the other index is loaded again
}
