// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"slices"
	"testing"
)

// shiftRegister makes n bytes of PRBS31 bit by bit, from the words of the standard: the
// outputs of the 28th and 31st stage are added modulo 2 and fed back to the first.
func shiftRegister(n int) []byte {
	stages := make([]byte, 31)
	for i := range stages {
		stages[i] = 1
	}
	out := make([]byte, n)
	for i := range 8 * n {
		bit := stages[27] ^ stages[30]
		copy(stages[1:], stages[:30])
		stages[0] = bit
		out[i/8] |= bit << (7 - i%8)
	}
	return out
}

func TestPRBSFollowsAShiftRegister(t *testing.T) {
	all := shiftRegister(4000)
	for _, size := range []int{1, 2, 3, 4, 5, 16, 61, 500} {
		p := &prbsPattern{}
		for at := 0; at+size <= len(all); at += size {
			frame := all[at : at+size]
			if n, ok := p.skipped(frame, 0); !ok || n != 0 {
				t.Fatalf("frames of %d bytes: %d bytes are missing at %d (%v)", size, n, at, ok)
			}
			if problem := p.take(frame); problem != "" {
				t.Fatalf("frames of %d bytes: at %d %s", size, at, problem)
			}
		}
	}
}

func TestPRBSFindsWhatIsMissing(t *testing.T) {
	all := shiftRegister(4000)
	p := &prbsPattern{}
	p.take(all[:100])
	if n, ok := p.skipped(all[1100:1200], 2000); !ok || n != 1000 {
		t.Errorf("1,000 bytes are missing, and %d were found (%v)", n, ok)
	}
	if n, ok := p.skipped(all[1100:1200], 999); ok {
		t.Errorf("1,000 bytes are missing, and 999 are enough to find %d", n)
	}
	if _, ok := p.skipped(all[:100], 2000); ok {
		t.Error("the same frame again follows itself")
	}
}

// Every flipped bit is found, and so is a register that stands still.
func TestPatternsFindEachWrongBit(t *testing.T) {
	counter := make([]byte, 0, 80)
	for w := range byte(10) {
		counter = append(counter, w, 1, 0, 0, 0, 0, 0, 0)
	}
	for name, c := range map[string]struct {
		make  func() pattern
		frame []byte
	}{
		"prbs":    {func() pattern { return &prbsPattern{} }, shiftRegister(80)},
		"counter": {func() pattern { return &counterPattern{} }, counter},
	} {
		if problem := c.make().take(c.frame); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
		for bit := range 8 * len(c.frame) {
			wrong := slices.Clone(c.frame)
			wrong[bit/8] ^= 1 << (bit % 8)
			if c.make().take(wrong) == "" {
				t.Errorf("%s: flipping bit %d makes another frame of the pattern", name, bit)
			}
		}
		if c.make().take(make([]byte, 80)) == "" {
			t.Errorf("%s: a frame of zeros is taken for the pattern", name)
		}
	}
}
