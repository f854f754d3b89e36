// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// File returns a driver whose device is a file: each client gets its bytes from the
// beginning, read straight into the shared buffers, and then the end of the stream.
// The file is opened at once, and closed when the loop ends.
func File(path string, cfg iostream.DriverConfig, opts Options) (_ *iostream.Driver, _ Loop, err error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 { // opening one waits for its writer
		return nil, nil, fmt.Errorf("%s is a pipe, which can't be read from its beginning again for each client; copy it to a file first: %w",
			path, ioreturn.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it was only read
		}
	}()
	if err := checkFile(f, opts.Loop); err != nil {
		return nil, nil, err
	}
	s, err := newSource(opts)
	if err != nil {
		return nil, nil, err
	}
	s.rewind = func() error {
		_, err := f.Seek(0, io.SeekStart)
		return err
	}
	s.fill = func(p []byte) (int, error) {
		n, err := io.ReadFull(f, p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return n, err
	}
	if err := s.offer(cfg, "file", streamName(path)); err != nil {
		return nil, nil, err
	}
	return s.d, func(ctx context.Context) error {
		err := s.run(ctx)
		return errors.Join(err, f.Close())
	}, nil
}

// checkFile refuses what can't be played from the beginning for each client.
func checkFile(f *os.File, loop bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a directory, not a file: %w", f.Name(), ioreturn.ErrInvalid)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%s can't be read from its beginning again for each client; copy it to a file first: %w", f.Name(), err)
	}
	if loop && info.Mode().IsRegular() && info.Size() == 0 {
		return fmt.Errorf("%s is empty and can't be repeated: %w", f.Name(), ioreturn.ErrInvalid)
	}
	return nil
}

// streamName makes the last part of a stream's name from a path.
func streamName(path string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '_'
	}, filepath.Base(path))
	name = strings.TrimLeft(name, ".")
	if len(name) > userclient.MaxNamePart {
		name = name[:userclient.MaxNamePart]
	}
	if name == "" {
		return "data"
	}
	return name
}
