// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestMain(m *testing.M) { leak.Main(m) }

// newDriver returns a driver that is closed with the test. Name and DataSize have
// defaults here.
func newDriver(t testing.TB, cfg iostream.DriverConfig, h iostream.Handler) *iostream.Driver {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test/dev/stream"
	}
	if cfg.DataSize == 0 {
		cfg.DataSize = 4096
	}
	d, err := iostream.NewDriver(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		<-d.Done()
	})
	return d
}

// pair returns a driver and a client that has it open, in this process.
func pair(t testing.TB, cfg iostream.DriverConfig, h iostream.Handler, ccfg *iostream.Config) (*iostream.Driver, *iostream.Stream) {
	t.Helper()
	d := newDriver(t, cfg, h)
	return d, connect(t, d, ccfg)
}

// running is pair with the stream started.
func running(t testing.TB, cfg iostream.DriverConfig, h iostream.Handler, ccfg *iostream.Config) (*iostream.Driver, *iostream.Stream) {
	t.Helper()
	d, s := pair(t, cfg, h, ccfg)
	start(t, s)
	return d, s
}

// dial returns a connection of a client that has not opened the stream.
func dial(t testing.TB, d userclient.Provider) userclient.Conn {
	t.Helper()
	conn, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func connect(t testing.TB, d userclient.Provider, cfg *iostream.Config) *iostream.Stream {
	t.Helper()
	s, err := iostream.Open(t.Context(), dial(t, d), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// layouts runs f once for each queue layout; ccfg selects it, and cfg offers it.
func layouts(t *testing.T, f func(t *testing.T, cfg iostream.DriverConfig, ccfg *iostream.Config)) {
	for _, l := range []iostream.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		t.Run(l.String(), func(t *testing.T) {
			f(t, iostream.DriverConfig{Classic: true}, &iostream.Config{Layout: l})
		})
	}
}

// bounded returns a context that fails the test instead of letting it hang.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errors.New("the test has taken too long"))
	t.Cleanup(cancel)
	return ctx
}

func start(t testing.TB, s *iostream.Stream) {
	t.Helper()
	if err := s.Start(bounded(t)); err != nil {
		t.Fatal(err)
	}
}

func take(t testing.TB, d *iostream.Driver) *iostream.Buffer {
	t.Helper()
	b, err := d.Take(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// post takes a buffer and posts text in it.
func post(t testing.TB, d *iostream.Driver, text string) {
	t.Helper()
	b := take(t, d)
	if err := d.Post(b, copy(b.Data(), text)); err != nil {
		t.Fatal(err)
	}
}

func next(t testing.TB, s *iostream.Stream) iostream.Frame {
	t.Helper()
	f, err := s.Next(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// nothing fails unless the client has no frame now.
func nothing(t testing.TB, s *iostream.Stream) {
	t.Helper()
	if f, ok, err := s.TryNext(); ok || err != nil {
		t.Fatalf("TryNext: %q, %v, %v, want nothing", f.Data(), ok, err)
	}
}

func release(t testing.TB, f iostream.Frame) {
	t.Helper()
	if err := f.Release(); err != nil {
		t.Fatal(err)
	}
}

// read takes the next frame, gives it back and returns what it said.
func read(t testing.TB, s *iostream.Stream) string {
	t.Helper()
	f := next(t, s)
	text := string(f.Data())
	release(t, f)
	return text
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("the error is %v, want one that matches %v", err, target)
	}
}

// wantRule fails unless err is a breach of rule by the other side.
func wantRule(t testing.TB, err error, rule ioreturn.Rule) {
	t.Helper()
	var re *ioreturn.RuleError
	if !errors.As(err, &re) || re.Rule != rule {
		t.Fatalf("the error is %v, want a breach of %v", err, rule)
	}
	wantIs(t, err, ioreturn.ErrProtocol)
}

func wantText(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// wantLost fails unless the driver has counted exactly these losses.
func wantLost(t testing.TB, d *iostream.Driver, want map[iostream.Cause]uint64) {
	t.Helper()
	st := d.Stats()
	for c := range st.Lost {
		if st.Lost[c] != want[iostream.Cause(c)] {
			t.Errorf("lost under %v: %d, want %d", iostream.Cause(c), st.Lost[c], want[iostream.Cause(c)])
		}
	}
	wantArithmetic(t, &st)
}

// wantArithmetic fails unless every number that was given is accounted for (C14).
func wantArithmetic(t testing.TB, st *iostream.Stats) {
	t.Helper()
	given := uint64(0)
	if st.Numbered {
		given = st.LastSeq + 1
	}
	if sum := st.Posted + st.TotalLost() + st.Backlogged; given != sum {
		t.Fatalf("%d numbers were given, but %d posted + %d lost %v + %d in the backlog are %d",
			given, st.Posted, st.TotalLost(), st.Lost, st.Backlogged, sum)
	}
}

// produce posts n frames "frame 0", "frame 1", … and ends the stream.
func produce(ctx context.Context, d *iostream.Driver, n int) error {
	for i := range n {
		b, err := d.Take(ctx)
		if err != nil {
			return err
		}
		if err := d.Post(b, copy(b.Data(), fmt.Sprintf("frame %d", i))); err != nil {
			return err
		}
	}
	d.Halt(nil)
	return nil
}
