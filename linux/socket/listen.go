// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iostreamkit/iostreamkit/linux/internal/seqpacket"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// ListenConfig tunes a Listener. The zero value is ready to use.
type ListenConfig struct {
	// Mode is the permission of the socket file; who may write may connect. Zero means 0600.
	Mode fs.FileMode
	// HelloTimeout bounds how long a client that has connected may be silent. Zero
	// means two seconds.
	HelloTimeout time.Duration
	// MaxUnfinished is how many clients of one user may be connected at once that have
	// not begun the handshake; one more drops the oldest of them (C25). Zero means 16.
	MaxUnfinished int
	// MaxSessions is how many clients may be connected at once, open or not. Zero means 64.
	MaxSessions int
	// MaxCalls is how many calls a client may have outstanding, at most MaxCalls. Zero means 64.
	MaxCalls int
	// MaxBulk is how many bytes one call may carry each way, from userclient.MaxInline
	// to MaxBulk. Zero means MaxBulk. At most two calls of a session may carry more
	// than userclient.MaxInline at the same time.
	MaxBulk int
	// CloseTimeout bounds how long Close waits for handlers of the driver that do not
	// return. Zero means two seconds.
	CloseTimeout time.Duration

	abi   versions           // of the driver; zero means this package's
	bells uint32             // kinds of bell to offer; zero means what the system can
	fault func(point string) // called at the named points of the protocol
}

const (
	defaultMode          = 0o600
	defaultHelloTimeout  = 2 * time.Second
	defaultMaxUnfinished = 16
	defaultMaxSessions   = 64
	defaultMaxCalls      = 64
	defaultListenerClose = 2 * time.Second
	maxBulkCalls         = 2
)

func (cfg *ListenConfig) withDefaults() ListenConfig {
	var c ListenConfig
	if cfg != nil {
		c = *cfg
	}
	c.Mode = cmp.Or(c.Mode, defaultMode)
	c.HelloTimeout = cmp.Or(max(c.HelloTimeout, 0), defaultHelloTimeout)
	c.MaxUnfinished = cmp.Or(max(c.MaxUnfinished, 0), defaultMaxUnfinished)
	c.MaxSessions = cmp.Or(max(c.MaxSessions, 0), defaultMaxSessions)
	c.MaxCalls = max(min(cmp.Or(max(c.MaxCalls, 0), defaultMaxCalls), MaxCalls), 2)
	c.MaxBulk = max(min(cmp.Or(max(c.MaxBulk, 0), MaxBulk), MaxBulk), userclient.MaxInline)
	c.CloseTimeout = cmp.Or(max(c.CloseTimeout, 0), defaultListenerClose)
	if c.abi == (versions{}) {
		c.abi = thisABI()
	}
	if c.bells == 0 {
		c.bells = usableBells()
	}
	return c
}

// Listener offers one stream to other processes at a path.
type Listener struct {
	path string
	cfg  ListenConfig
	sock *seqpacket.Listener

	served  atomic.Bool
	mu      sync.Mutex
	closed  bool
	sockErr error // of removing the socket
	live    map[*session]struct{}
	fresh   map[int][]*session // by user: clients whose HELLO is awaited, oldest first
	count   uint64             // of connections
	wg      sync.WaitGroup     // sessions
	stop    chan struct{}      // closed by Close
}

// Listen makes a socket at path, where nothing may be yet: whether something that
// is there belongs to a dead driver is for the caller to find out. Clients can
// connect from now on and are answered as soon as Serve runs. The caller closes the
// Listener, which removes the socket.
func Listen(path string, cfg *ListenConfig) (*Listener, error) {
	c := cfg.withDefaults()
	sock, err := seqpacket.Listen(path, c.Mode)
	if err != nil {
		return nil, ioreturn.Op("listen at", path, err)
	}
	return &Listener{
		path: path, cfg: c, sock: sock,
		live:  make(map[*session]struct{}),
		fresh: make(map[int][]*session),
		stop:  make(chan struct{}),
	}, nil
}

// Serve offers p's stream to every client that connects. It blocks until ctx ends
// or Close is called, then ends every session, waits for them as Close does, and
// returns ctx's cause or nil. It may be called once.
func (l *Listener) Serve(ctx context.Context, p userclient.Provider) error {
	if l.served.Swap(true) {
		return ioreturn.Op("serve at", l.path, fmt.Errorf("Serve was called before: %w", ioreturn.ErrState))
	}
	stop := context.AfterFunc(ctx, l.shut)
	defer stop()
	for {
		sock, err := l.sock.Accept()
		if errors.Is(err, ioreturn.ErrClosed) {
			break
		}
		if err != nil { // a want of descriptors or memory, which may pass
			l.pause()
			continue
		}
		l.welcome(sock, p)
	}
	if err := l.Close(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// acceptPause is how long accepting rests after an error.
const acceptPause = 20 * time.Millisecond

func (l *Listener) pause() {
	select {
	case <-l.stop:
	case <-time.After(acceptPause):
	}
}

// welcome starts a session for a connection, unless the listener is closed.
func (l *Listener) welcome(sock *seqpacket.Conn, p userclient.Provider) {
	s := newSession(l, sock, p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		sock.Close()
		return
	}
	l.count++
	s.number = l.count
	l.live[s] = struct{}{}
	l.wg.Go(func() {
		s.run()
		l.mu.Lock()
		delete(l.live, s)
		l.mu.Unlock()
	})
}

// enter counts a client of user uid whose HELLO is awaited. If there are too many,
// the oldest is dropped unless its HELLO is there: it has been silent the longest.
// Sessions may enter in another order than they were connected in, and the oldest
// may be s. The error says that no more clients are served at all.
func (l *Listener) enter(s *session, uid int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.fresh[uid]
	at, _ := slices.BinarySearchFunc(list, s, func(a, b *session) int { return cmp.Compare(a.number, b.number) })
	list = slices.Insert(list, at, s)
	if n := len(list); n > l.cfg.MaxUnfinished {
		list[0].hurry(ioreturn.Broken(ioreturn.RuleHandshake, "user %d has %d clients that connected and sent nothing", uid, n-1))
		list = slices.Delete(list, 0, 1)
	}
	l.fresh[uid] = list
	if n := len(l.live); n > l.cfg.MaxSessions {
		return refusal(ioreturn.Busy, "%d clients are connected, which is the limit", n-1)
	}
	return nil
}

// leave ends what enter began.
func (l *Listener) leave(s *session, uid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.fresh[uid]
	if at := slices.Index(list, s); at >= 0 {
		list = slices.Delete(list, at, at+1)
	}
	if l.fresh[uid] = list; len(list) == 0 {
		delete(l.fresh, uid)
	}
}

// shut removes the socket, refuses new clients and ends every session. It does not
// block.
func (l *Listener) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	close(l.stop)
	l.sockErr = l.sock.Close()
	for s := range l.live {
		s.end(errShutdown)
	}
}

var errShutdown = fmt.Errorf("the driver is shutting down: %w", ioreturn.ErrClosed)

// Close removes the socket, ends every session and waits for them, for CloseTimeout
// at most: then the error says how many still have a handler of the driver running.
// Each of those gives back what it holds when its handler returns. Closing twice is
// harmless.
func (l *Listener) Close() error {
	l.shut()
	joined := make(chan struct{})
	go func() {
		l.wg.Wait()
		close(joined)
	}()
	var late bool
	select {
	case <-joined:
	case <-time.After(l.cfg.CloseTimeout):
		late = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.sockErr
	if n := len(l.live); late && n > 0 {
		err = errors.Join(err, fmt.Errorf("%d sessions still wait for a handler of the driver: %w", n, ioreturn.ErrTimeout))
	}
	return ioreturn.Op("close listener at", l.path, err)
}

// at calls the fault hook at a named point of the protocol.
func (l *Listener) at(point string) {
	if l.cfg.fault != nil {
		l.cfg.fault(point)
	}
}
