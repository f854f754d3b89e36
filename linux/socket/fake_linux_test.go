// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if role(m) {
		return
	}
	leak.Main(m)
}

// Selectors of the fake driver.
const (
	selEcho  = userclient.SelVendorBase + iota // answers with what came in
	selBlock                                   // waits for its context
	selFail                                    // answers Busy with a detail
	selStuck                                   // waits for fakeProvider.unstick
	selHang                                    // hangs up
	selRing                                    // rings the output port
	selBad                                     // answers more than there is room for
)

const (
	arenaSize = 1 << 16

	memForeign = userclient.MemBufferData | 1
	memStuck   = userclient.MemBufferData | 2 // waits for fakeProvider.unstick
)

// fakeProvider is the smallest driver that uses everything of the seam. Like a real
// one it lets one client at a time be open.
type fakeProvider struct {
	desc    userclient.Description
	refuse  error
	unstick chan struct{}

	mu     sync.Mutex
	owner  *fakeSession
	made   chan *fakeSession
	closed chan error
}

func newFake() *fakeProvider {
	return &fakeProvider{
		desc:    userclient.Description{Name: "acme/fake/data"},
		unstick: make(chan struct{}),
		made:    make(chan *fakeSession, 2000),
		closed:  make(chan error, 2000),
	}
}

func (p *fakeProvider) Describe() userclient.Description {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desc
}

// set changes what the driver requires and whom it refuses, also while it serves.
func (p *fakeProvider) set(required uint64, refuse error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.desc.Required, p.refuse = required, refuse
}

func (p *fakeProvider) NewSession(who userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	if refuse != nil {
		return nil, refuse
	}
	s := &fakeSession{p: p, peer: who, r: r, bells: make(map[uint32]userclient.Bell)}
	p.made <- s
	return s, nil
}

type fakeSession struct {
	p    *fakeProvider
	peer userclient.Peer
	r    userclient.Resources

	mu        sync.Mutex
	bells     map[uint32]userclient.Bell
	mem       [2]userclient.Mem
	release   [2]func() error
	cancelled int
	running   int
	foreign   userclient.Mem // served as memForeign
	isClosed  bool
}

func (s *fakeSession) Call(ctx context.Context, a *userclient.Args) error {
	s.mu.Lock()
	s.running++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	switch a.Selector {
	case userclient.SelOpen:
		return s.open()
	case userclient.SelClose:
		return s.shut()
	case selEcho:
		a.NOut, a.NOutBytes = copy(a.Out, a.In), copy(a.OutBytes, a.InBytes)
		return nil
	case selBlock:
		<-ctx.Done()
		s.mu.Lock()
		s.cancelled++
		s.mu.Unlock()
		return context.Cause(ctx)
	case selFail:
		return &ioreturn.StatusError{Code: ioreturn.Busy, Detail: "the camera is in use"}
	case selStuck:
		<-s.p.unstick
		return nil
	case selHang:
		s.r.Hangup(errors.New("unplugged"))
		return nil
	case selRing:
		s.mu.Lock()
		b := s.bells[uint32(a.In[0])]
		s.mu.Unlock()
		return b.Ring()
	case selBad:
		a.NOut = len(a.Out) + 1
		return nil
	}
	return ioreturn.Unsupported
}

// awaitRunning returns when n calls are running.
func (s *fakeSession) awaitRunning(n int) {
	for {
		s.mu.Lock()
		running := s.running
		s.mu.Unlock()
		if running >= n {
			return
		}
		<-time.After(100 * time.Microsecond)
	}
}

func (s *fakeSession) open() error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.owner != nil {
		return ioreturn.ExclusiveAccess
	}
	s.p.owner = s
	return nil
}

func (s *fakeSession) shut() error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.owner != s {
		return ioreturn.NotOpen
	}
	s.p.owner = nil
	return nil
}

// Memory offers two arenas and half of the first one as a buffer.
func (s *fakeSession) Memory(typ uint32) (userclient.Mem, error) {
	switch typ {
	case userclient.MemDriverArena:
		return s.arena(0, userclient.DriverWrites)
	case userclient.MemClientArena:
		return s.arena(1, userclient.ClientWrites)
	case userclient.MemBufferData:
		m, err := s.arena(0, userclient.DriverWrites)
		if err == nil {
			m.Bytes, m.Offset = m.Bytes[arenaSize/2:], arenaSize/2
		}
		return m, err
	case memForeign:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.foreign, nil
	case memStuck:
		<-s.p.unstick
	}
	return userclient.Mem{}, ioreturn.BadArgument
}

func (s *fakeSession) arena(i int, w userclient.Writer) (m userclient.Mem, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mem[i].Bytes == nil {
		s.mem[i], s.release[i], err = s.r.Alloc(arenaSize, w)
	}
	return s.mem[i], err
}

// memory returns arena i. The race detector does not see that a socket orders its
// making before this, hence the lock.
func (s *fakeSession) memory(i int) userclient.Mem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mem[i]
}

func (s *fakeSession) Notify(typ uint32, b userclient.Bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bells[typ] = b
}

func (s *fakeSession) Closed(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed || s.running > 0 {
		reason = fmt.Errorf("Closed twice (%t) or with %d calls running", s.isClosed, s.running)
	}
	s.isClosed = true
	for _, release := range s.release {
		if release != nil {
			if err := release(); err != nil {
				reason = err
			}
		}
	}
	s.shut()
	s.p.closed <- reason
}

// serve runs p at a path of its own until the end of the test.
func serve(t testing.TB, p userclient.Provider, cfg *ListenConfig) (path string, l *Listener) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- l.Serve(context.Background(), p) }()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return path, l
}

// connect dials path and closes the session at the end of the test.
func connect(t testing.TB, path string, cfg *DialConfig) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// both returns the two ends of a session with the fake driver.
func both(t testing.TB, cfg *DialConfig) (*Conn, *fakeSession) {
	t.Helper()
	p := newFake()
	path, _ := serve(t, p, nil)
	c := connect(t, path, cfg)
	return c, within(t, p.made)
}

// within returns what comes on ch, or fails.
func within[T any](t testing.TB, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happened for 10 s")
	}
	return v
}

func ruleOf(err error) ioreturn.Rule {
	var r *ioreturn.RuleError
	if errors.As(err, &r) {
		return r.Rule
	}
	return 0
}

// polls reports whether a descriptor polls readable.
func polls(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1 && p[0].Revents&unix.POLLIN != 0
}

// promised is how soon somebody learns of what has happened to the other side. On a
// machine that does other things at the same time some may not; what is too slow by design
// is so every time.
const promised = 100 * time.Millisecond

// inTime does f, which returns how long somebody took to learn of something, until that was
// as promised.
func inTime(t *testing.T, f func() time.Duration) {
	t.Helper()
	least := time.Hour
	for range 20 {
		if least = min(least, f()); least <= promised {
			return
		}
	}
	t.Errorf("it took %v and more, each time", least)
}

// late counts how often somebody learned of something later than promised.
type late struct{ n, all int }

func (l *late) add(d time.Duration) {
	l.all++
	if d > promised {
		l.n++
	}
}

func (l *late) check(t *testing.T) {
	t.Helper()
	if l.n > l.all/10 {
		t.Errorf("%d times of %d it took more than %v", l.n, l.all, promised)
	}
}
