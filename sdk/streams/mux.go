// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Link is a stream below a multiplexer. While it exists the lower stream has the
// multiplexer's lower procedures on top and its head waits aside, as it was.
//
// A link is made in two steps, so that the multiplexer's driver can refuse it. After
// [Plumbing.Link] the driver may send messages down; what comes up from the lower stream is
// kept back until Commit or Abort. The head tells the driver of the link by an MIoctl
// message with the Link as the value of its data block, and then does what the answer says.
type Link struct {
	id         int
	domain     *Domain
	upper      *Stream // nil for a persistent link
	driver     *Module // of the upper stream
	lower      *Stream
	persistent bool
	side       *pair // the multiplexer's lower side
	port       *Port // at its write queue
	freezer    *pair
	gone       bool // under the plumbing of the lower stream
	value      atomic.Pointer[any]
}

// ID returns the number of the link, System V's mux ID: above 0 and never used twice in a
// domain.
func (l *Link) ID() int { return l.id }

// Persistent reports whether the link survives the upper stream's close.
func (l *Link) Persistent() bool { return l.persistent }

// Upper returns the driver's write queue of the stream that made the link, nil for a
// persistent link.
func (l *Link) Upper() *Queue {
	if l.upper == nil {
		return nil
	}
	return &l.upper.driver.write
}

// Lower returns the port to send down the lower stream with.
func (l *Link) Lower() *Port { return l.port }

// SetValue stores what the multiplexer wants to know of the link. It may be called from
// anywhere.
func (l *Link) SetValue(v any) { l.value.Store(&v) }

// Value returns what SetValue has stored. It may be called from anywhere.
func (l *Link) Value() any {
	if v := l.value.Load(); v != nil {
		return *v
	}
	return nil
}

// linkTable knows all links of a domain.
type linkTable struct {
	mu    sync.Mutex
	last  int
	below map[*Module]map[*Module]int // how many links have the second below the first
	kept  []*Link                     // persistent ones
}

// reaches reports whether a link leads from one driver down to the other.
func (t *linkTable) reaches(from, to *Module, seen map[*Module]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for next := range t.below[from] {
		if t.reaches(next, to, seen) {
			return true
		}
	}
	return false
}

// add notes a link and returns its number. It returns EINVAL if messages could then run
// in a circle: any stream of a driver may send to any stream below one of its streams.
func (t *linkTable) add(upper, lower *Module) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reaches(lower, upper, make(map[*Module]bool)) {
		return 0, EINVAL
	}
	if t.below == nil {
		t.below = make(map[*Module]map[*Module]int)
	}
	if t.below[upper] == nil {
		t.below[upper] = make(map[*Module]int)
	}
	t.below[upper][lower]++
	t.last++
	return t.last, nil
}

func (t *linkTable) keep(l *Link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, l)
}

func (t *linkTable) remove(l *Link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = slices.DeleteFunc(t.kept, func(k *Link) bool { return k == l })
	lower := l.lower.driver.module
	if t.below[l.driver][lower]--; t.below[l.driver][lower] == 0 {
		delete(t.below[l.driver], lower)
	}
}

// Link begins to link the stream lower below this one. Commit or Abort must follow; until
// then nobody can change lower's stack.
//
// It returns EINVAL if this stream's driver is no multiplexer or is below one itself, if
// lower is nil, closed, this stream, of another domain, below a multiplexer already or
// having its stack changed, and if messages could run in a circle.
func (p *Plumbing) Link(lower *Stream, persistent bool) (*Link, error) {
	if err := p.usable(); err != nil {
		return nil, err
	}
	s := p.stream
	mux := s.driver.module.Mux
	if mux == nil || lower == nil || lower == s || lower == s.peer || lower.domain != s.domain || !lower.tryLock() {
		return nil, EINVAL
	}
	if lower.ended.Load() || lower.below.Load() != nil {
		lower.unlock()
		return nil, EINVAL
	}
	id, err := s.domain.links.add(s.driver.module, lower.driver.module)
	if err != nil {
		lower.unlock()
		return nil, err
	}
	l := &Link{
		id: id, domain: s.domain, upper: s, driver: s.driver.module, lower: lower,
		persistent: persistent,
	}
	if persistent {
		l.upper = nil
	}
	l.side = newPair(lower, s.driver.module, &mux.Read, &mux.Write)
	l.side.link = l
	l.freezer = newPair(lower, freezer(), &freezer().Read, &Procedures{})
	lower.do(func() {
		lower.below.Store(l)
		lower.insert(l.freezer)
		lower.replaceTop(l.side)
		l.port, err = l.side.write.Port()
	})
	return l, err
}

// freezer describes what keeps messages back while a link is being made: a queue that is
// never served.
func freezer() *Module {
	return &Module{Name: "freezer", Read: Procedures{Put: (*Queue).Putq, Service: func(*Queue) {}}}
}

// replaceTop puts another pair on top of the stack. The caller is inside.
func (s *Stream) replaceTop(p *pair) {
	below := s.top.write.next.pair
	p.write.lead(&below.write)
	below.read.lead(&p.read)
	s.top.write.lead(nil)
	s.top = p
	below.write.wakeBehind()
	p.read.wakeBehind()
}

// thaw lets go what was kept back.
func (l *Link) thaw() {
	f := l.freezer
	for m := f.read.Getq(); m != nil; m = f.read.Getq() {
		f.read.PutNext(m)
	}
	f.leaveStack()
}

// Commit makes the link last: until the upper stream closes, or [Plumbing.Unlink] for a
// persistent link. What came up meanwhile goes to the multiplexer. The caller holds p, with
// which the link was made.
func (p *Plumbing) Commit(l *Link) {
	l.lower.do(l.thaw)
	if l.persistent {
		l.domain.links.keep(l)
	} else {
		s := p.stream
		if s.links == nil {
			s.links = make(map[*Link]struct{})
		}
		s.links[l] = struct{}{}
	}
	l.lower.unlock()
}

// Abort ends a link that was begun, because the multiplexer refused it. The lower stream
// is as it was; what came up meanwhile goes to its head.
func (p *Plumbing) Abort(l *Link) {
	l.lower.do(func() {
		l.restore()
		l.thaw()
	})
	l.over()
	l.lower.unlock()
}

// restore puts the head back on top. The caller is inside the lower stream.
func (l *Link) restore() {
	l.lower.replaceTop(l.lower.head)
	l.side.shut()
	l.lower.below.Store(nil)
}

func (l *Link) over() {
	l.gone = true
	l.domain.links.remove(l)
}

// Links returns the links that end with this stream, or the persistent links below any
// stream of its driver, by number.
func (p *Plumbing) Links(persistent bool) []*Link {
	var links []*Link
	if persistent {
		t := &p.stream.domain.links
		t.mu.Lock()
		for _, l := range t.kept {
			if l.driver == p.stream.driver.module {
				links = append(links, l)
			}
		}
		t.mu.Unlock()
	} else {
		for l := range p.stream.links {
			links = append(links, l)
		}
	}
	slices.SortFunc(links, func(a, b *Link) int { return a.id - b.id })
	return links
}

// Unlink takes the lower stream out from below the multiplexer and gives it its head back.
// Messages on their way between the two are freed. The head calls it after the driver
// acknowledged. It waits while somebody uses the lower stream.
//
// The error is EINVAL if the link is not one of [Plumbing.Links].
func (p *Plumbing) Unlink(l *Link) error {
	if p.released || l == nil || l.domain != p.stream.domain {
		return EINVAL
	}
	if _, own := p.stream.links[l]; !own && (!l.persistent || l.driver != p.stream.driver.module) {
		return EINVAL
	}
	// Whoever else has it holds it for a moment: the stack of a linked stream can't be
	// changed.
	l.lower.plumbing <- struct{}{}
	defer l.lower.unlock()
	if l.gone || l.lower.below.Load() != l {
		return EINVAL
	}
	l.lower.do(l.restore)
	l.over()
	delete(p.stream.links, l)
	return nil
}
