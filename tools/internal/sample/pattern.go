// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"encoding/binary"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// PatternWord is the size of the numbers that Pattern counts with.
const PatternWord = 8

// Pattern returns a driver that counts: the stream is the numbers 0, 1, 2 … as 64-bit
// little-endian words, so that a reader sees at once where something is missing or
// wrong. A frame that is lost takes its numbers with it.
func Pattern(cfg iostream.DriverConfig, opts Options) (*iostream.Driver, Loop, error) {
	if cfg.DataSize%PatternWord != 0 {
		return nil, nil, fmt.Errorf("the size of a frame is %d bytes; a pattern needs a multiple of %d: %w",
			cfg.DataSize, PatternWord, ioreturn.ErrInvalid)
	}
	s, err := newSource(opts)
	if err != nil {
		return nil, nil, err
	}
	var word uint64
	s.rewind = func() error {
		word = 0
		return nil
	}
	s.fill = func(p []byte) (int, error) {
		for i := 0; i+PatternWord <= len(p); i += PatternWord {
			binary.LittleEndian.PutUint64(p[i:], word)
			word++
		}
		return len(p), nil
	}
	if err := s.offer(cfg, "pattern", "counter"); err != nil {
		return nil, nil, err
	}
	return s.d, s.run, nil
}
