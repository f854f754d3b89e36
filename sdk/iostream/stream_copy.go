// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"context"
	"errors"
	"io"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Reader returns the stream's payload as bytes without frame borders. It copies, and
// counts that in ClientStats.Copies. Read waits as Next does, ended by ctx, and returns
// io.EOF at the end of the stream. Close gives back the frame that was not read to its
// end. A reader is used by one goroutine at a time.
func (s *Stream) Reader(ctx context.Context) io.ReadCloser { return &reader{s: s, ctx: ctx} }

type reader struct {
	s    *Stream
	ctx  context.Context // that of Reader: io.Reader has no place for one
	f    Frame
	rest []byte
	open bool
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for !r.open {
		f, err := r.s.Next(r.ctx)
		if err != nil {
			return 0, err
		}
		r.f, r.rest, r.open = f, f.Data(), true
		if len(r.rest) > 0 {
			break
		}
		if err := r.Close(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.s.copied()
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		return n, r.Close()
	}
	return n, nil
}

// Close gives the current frame back.
func (r *reader) Close() error {
	if !r.open {
		return nil
	}
	r.open, r.rest = false, nil
	return r.f.Release()
}

// ReadFrame copies the next frame's payload into dst, whose memory it uses again if
// that suffices, and returns it. The frame itself goes back at once.
func (s *Stream) ReadFrame(ctx context.Context, dst []byte) ([]byte, error) {
	f, err := s.Next(ctx)
	if err != nil {
		return dst, err
	}
	dst = append(dst[:0], f.Data()...)
	s.copied()
	return dst, f.Release()
}

func (s *Stream) copied() {
	s.mu.Lock()
	s.st.Copies++
	s.mu.Unlock()
}

// Writer cuts bytes into buffers and sends them on a to-device stream. It copies, and
// counts that in ClientStats.Copies. Write waits for empty buffers as Next does, ended
// by ctx. Flush sends a buffer that is not full; Close flushes and does not close the
// stream. A writer is used by one goroutine at a time.
func (s *Stream) Writer(ctx context.Context) *Writer { return &Writer{s: s, ctx: ctx} }

// Writer is made by Stream.Writer.
type Writer struct {
	s    *Stream
	ctx  context.Context // that of Stream.Writer: io.Writer has no place for one
	f    Frame
	n    int
	open bool
}

var (
	_ io.WriteCloser = (*Writer)(nil)
	_ io.ReadCloser  = (*reader)(nil)
)

// Write copies p into buffers and sends those that it fills.
func (w *Writer) Write(p []byte) (int, error) {
	total := 0
	for len(p) > 0 {
		if !w.open {
			f, err := w.s.Next(w.ctx)
			if err != nil {
				if errors.Is(err, io.EOF) { // a writer has no end of file
					err = ioreturn.Op("write", w.s.Name(), ioreturn.NotReady)
				}
				return total, err
			}
			w.f, w.n, w.open = f, 0, true
		}
		n := copy(w.f.Region()[w.n:], p)
		w.n += n
		total += n
		p = p[n:]
		w.s.copied()
		if w.n == len(w.f.Region()) {
			if err := w.Flush(); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// Flush sends what is in the current buffer, if anything.
func (w *Writer) Flush() error {
	if !w.open {
		return nil
	}
	w.open = false
	return w.f.Send(w.n)
}

// Close flushes.
func (w *Writer) Close() error { return w.Flush() }
