// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// begin runs a sample's loop until the test ends, when it must return ctx's cause.
func begin(t *testing.T, d *iostream.Driver, run Loop, err error) *iostream.Driver {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("the loop ended with %v", err)
		}
		d.Close()
		<-d.Done()
	})
	return d
}

// open opens and starts a stream of d for a client.
func open(t *testing.T, d *iostream.Driver) *iostream.Stream {
	t.Helper()
	conn, err := inproc.Connect(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := iostream.Open(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func readAll(t *testing.T, s *iostream.Stream) []byte {
	t.Helper()
	r := s.Reader(t.Context())
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestC27FileForEachClient streams a file to one client after the other, some of
// which leave early, and again to one that starts anew.
func TestC27FileForEachClient(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	content = append(content, "tail"...)
	var begun int
	d, run, err := File(write(t, "some data.bin", content), iostream.DriverConfig{DataSize: 1024, Buffers: 4},
		Options{Began: func() { begun++ }})
	begin(t, d, run, err)
	if want := "sample/file/some_data.bin"; d.Name() != want {
		t.Errorf("the stream is called %s, want %s", d.Name(), want)
	}
	const clients = 20
	for i := range clients {
		s := open(t, d)
		if i%2 == 1 { // leave in the middle
			f, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.Data(), content[:1024]) {
				t.Fatalf("client %d does not begin at the beginning", i)
			}
			if err := errors.Join(f.Release(), s.Close()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got := readAll(t, s); !bytes.Equal(got, content) {
			t.Fatalf("client %d got %d bytes, which are not the file's %d", i, len(got), len(content))
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, s); !bytes.Equal(got, content) {
			t.Fatalf("client %d got other bytes after it had started again", i)
		}
		if st := s.Stats(); st.Missed != 0 {
			t.Errorf("client %d missed %d", i, st.Missed)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := clients/2*2 + clients/2; begun != want {
		t.Errorf("the file was begun %d times, want %d", begun, want)
	}
}

func TestFileLoops(t *testing.T) {
	d, run, err := File(write(t, "abc", []byte("abcde")), iostream.DriverConfig{DataSize: 2}, Options{Loop: true, Count: 7})
	begin(t, d, run, err)
	if got := string(readAll(t, open(t, d))); got != "abcdeabcdeab" {
		t.Errorf("got %q", got)
	}
}

func TestFileRefuses(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, tc := range []struct {
		name, path string
		opts       Options
		is         error
		text       string
	}{
		{"missing", filepath.Join(t.TempDir(), "none"), Options{}, os.ErrNotExist, "none"},
		{"directory", t.TempDir(), Options{}, ioreturn.ErrInvalid, "is a directory"},
		{"empty loop", write(t, "empty", nil), Options{Loop: true}, ioreturn.ErrInvalid, "is empty"},
	} {
		d, _, err := File(tc.path, iostream.DriverConfig{}, tc.opts)
		if d != nil || !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if err := checkFile(r, false); err == nil || !strings.Contains(err.Error(), "copy it to a file") {
		t.Errorf("pipe: %v", err)
	}
}

func TestStreamName(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/bin/ls": "ls", "a b&c.raw": "a_b_c.raw", "/x/.hidden": "hidden", "/": "_", "...": "data",
		strings.Repeat("x", 100): strings.Repeat("x", userclient.MaxNamePart),
	} {
		got := streamName(path)
		if got != want {
			t.Errorf("%q makes %q, want %q", path, got, want)
		}
		if _, _, _, err := userclient.ParseName("sample/file/" + got); err != nil {
			t.Error(err)
		}
	}
}

// TestPatternShowsLoss checks the words of a paced pattern whose client does not read
// for a while: what is lost is a jump of the words and as large as the gap of the
// numbers.
func TestPatternShowsLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const words = 16
		cfg := iostream.DriverConfig{DataSize: words * PatternWord, Buffers: 2, Policy: iostream.DropNewest}
		d, run, err := Pattern(cfg, Options{Rate: 10})
		begin(t, d, run, err)
		s := open(t, d)
		first, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Second)
		if err := first.Release(); err != nil {
			t.Fatal(err)
		}
		var missed uint64
		for range 10 {
			f, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			missed += f.Missed()
			if got, want := binary.LittleEndian.Uint64(f.Data()), f.Seq()*words; got != want {
				t.Errorf("frame %d begins with word %d, want %d", f.Seq(), got, want)
			}
			if err := f.Release(); err != nil {
				t.Fatal(err)
			}
		}
		if missed < 15 || missed > 19 {
			t.Errorf("%d frames are missing after 2 s without reading at 10 a second and 2 buffers", missed)
		}
	})
}

func TestPatternEnds(t *testing.T) {
	d, run, err := Pattern(iostream.DriverConfig{DataSize: 64}, Options{Count: 3})
	begin(t, d, run, err)
	got := readAll(t, open(t, d))
	if len(got) != 3*64 {
		t.Fatalf("got %d bytes", len(got))
	}
	for i := range len(got) / PatternWord {
		if w := binary.LittleEndian.Uint64(got[i*PatternWord:]); w != uint64(i) {
			t.Errorf("word %d is %d", i, w)
		}
	}
	if _, _, err := Pattern(iostream.DriverConfig{DataSize: 63}, Options{}); !errors.Is(err, ioreturn.ErrInvalid) {
		t.Errorf("a size of 63: %v", err)
	}
}

// TestFailGoesOn has a client that is too late for policy fail and starts again.
func TestFailGoesOn(t *testing.T) {
	d, run, err := Pattern(iostream.DriverConfig{DataSize: 64, Buffers: 2, Policy: iostream.Fail}, Options{Rate: 1e6})
	begin(t, d, run, err)
	s := open(t, d)
	for range 3 {
		var frames []iostream.Frame
		var err error
		for err == nil {
			var f iostream.Frame
			if f, err = s.Next(t.Context()); err == nil {
				frames = append(frames, f)
			}
		}
		if !errors.Is(err, ioreturn.ErrOverrun) {
			t.Fatal(err)
		}
		for i := range frames {
			if err := frames[i].Release(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoopbackGivesBack(t *testing.T) {
	d, run, err := Loopback(iostream.DriverConfig{DataSize: 256, ControlSize: 64, Buffers: 2})
	begin(t, d, run, err)
	s := open(t, d)
	var held []iostream.Frame
	for range 2 {
		f, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Data()) != 0 {
			t.Errorf("buffer %d comes with %d bytes at first", f.BufferID(), len(f.Data()))
		}
		held = append(held, f)
	}
	f := held[1]
	id := f.BufferID()
	copy(f.Region()[100:], "payload")
	if err := f.SendEntry(iostream.Posting{Offset: 100, Length: 7, ControlOffset: 8, ControlLength: 5, Time: 42}); err != nil {
		t.Fatal(err)
	}
	f, err = s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.BufferID() != id || string(f.Data()) != "payload" || len(f.Control()) != 5 || f.Time() != 42 {
		t.Errorf("buffer %d came back with %q, %d bytes of control and time %d", f.BufferID(), f.Data(), len(f.Control()), f.Time())
	}
}

func TestNullTakesEverything(t *testing.T) {
	d, run, err := Null(iostream.DriverConfig{DataSize: 100, Buffers: 3})
	begin(t, d, run, err)
	s := open(t, d)
	w := s.Writer(t.Context())
	if _, err := w.Write(make([]byte, 1050)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), s.Sync(t.Context(), 0)); err != nil {
		t.Fatal(err)
	}
	if st := d.Stats(); st.Returned != 11 || st.Bytes != 1050 {
		t.Errorf("%d buffers with %d bytes arrived", st.Returned, st.Bytes)
	}
}
