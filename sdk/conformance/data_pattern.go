// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/binary"
	"fmt"
)

// pattern follows known payload over frames. Its zero state knows nothing yet.
type pattern interface {
	// take goes on with the payload of one frame, whatever came before it, and says what
	// is wrong within it, or nothing.
	take(frame []byte) (problem string)
	// skipped returns how many bytes of the pattern lie between what was taken last and
	// frame. ok is false if frame does not follow within most bytes. Before the first
	// frame, and where a frame is too short to tell, it is 0 and true.
	skipped(frame []byte, most uint64) (n uint64, ok bool)
	// tells reports whether a frame is long enough to be told from every other one.
	tells(frame []byte) bool
}

// pattern returns what follows the payload of the driver under test, or ends the rule
// where nobody knows it.
func (t *T) pattern() func() pattern {
	switch {
	case !t.Describe().Mode.FromDevice():
		t.inapplicable("the driver fills no buffers on this stream")
	case t.Claims(CapCounter):
		return func() pattern { return &counterPattern{} }
	case t.Claims(CapPRBS):
		return func() pattern { return &prbsPattern{} }
	case t.s.device.Pattern == "" && !t.Claims(CapLoopback) && !declaresSeen(t.s.declared):
		t.Skipf("nobody has said what the payload is: name a pattern in the device file")
	default:
		t.inapplicable("the payload is no known pattern")
	}
	return nil
}

// counterPattern is PatternCounter.
type counterPattern struct {
	next  uint64
	known bool
}

const counterWord = 8

func (p *counterPattern) take(frame []byte) string {
	if n := len(frame); n%counterWord != 0 {
		return fmt.Sprintf("its length is %d bytes, and a counter has whole words of %d", n, counterWord)
	}
	for i := 0; i < len(frame); i += counterWord {
		w := binary.LittleEndian.Uint64(frame[i:])
		if i > 0 && w != p.next {
			return fmt.Sprintf("the word at byte %d is %d (%#x), after %d", i, w, w, p.next-1)
		}
		p.next, p.known = w+1, true
	}
	return ""
}

func (p *counterPattern) skipped(frame []byte, most uint64) (uint64, bool) {
	if !p.known || len(frame) < counterWord {
		return 0, true
	}
	words := binary.LittleEndian.Uint64(frame) - p.next
	return words * counterWord, words <= most/counterWord
}

func (p *counterPattern) tells(frame []byte) bool { return len(frame) >= counterWord }

// prbsPattern is PatternPRBS.
type prbsPattern struct {
	last uint32 // bits, the newest lowest
	bits int    // how many of them are known
}

const (
	prbsBits  = 31
	prbsTells = 16 // bytes that don't come again by chance
)

// prbsStep returns the byte that follows last, and last after it.
func prbsStep(last uint32) (b byte, next uint32) {
	for range 8 {
		bit := (last>>27 ^ last>>30) & 1
		last = last<<1 | bit
		b = b<<1 | byte(bit)
	}
	return b, last
}

func (p *prbsPattern) take(frame []byte) string {
	inside := prbsPattern{}
	for i, b := range frame {
		if inside.bits >= prbsBits {
			if want, _ := prbsStep(inside.last); want != b {
				*p = prbsPattern{}
				return fmt.Sprintf("byte %d is %#02x, and the bits before it make it %#02x", i, b, want)
			}
			if inside.last&(1<<prbsBits-1) == 0 {
				return fmt.Sprintf("the bits before byte %d are all 0, which the sequence never has", i)
			}
		}
		inside.last = inside.last<<8 | uint32(b)
		inside.bits += 8
		if l := inside.last; inside.bits == prbsBits+1 && (l>>28^l>>31^l)&1 != 0 { // the first that follows from others
			*p = prbsPattern{}
			return fmt.Sprintf("the last bit of byte %d does not follow from those before it", i)
		}
	}
	if inside.bits >= prbsBits {
		*p = inside
	} else if inside.bits > 0 {
		p.last = p.last<<inside.bits | inside.last
		p.bits += inside.bits
	}
	return ""
}

func (p *prbsPattern) skipped(frame []byte, most uint64) (uint64, bool) {
	if p.bits < prbsBits || len(frame) == 0 || most > 0 && !p.tells(frame) {
		return 0, true
	}
	head := frame[:min(len(frame), prbsTells)]
	last := p.last
	for n := uint64(0); ; n++ {
		if prbsFollows(last, head) {
			return n, true
		}
		if n >= min(most, prbsSearch) {
			return 0, most > prbsSearch
		}
		_, last = prbsStep(last)
	}
}

// prbsSearch is how many bytes of the sequence are searched for a frame after a loss.
const prbsSearch = 16 << 20

// prbsFollows reports whether a frame follows these bits.
func prbsFollows(last uint32, frame []byte) bool {
	for _, b := range frame {
		want, next := prbsStep(last)
		if want != b {
			return false
		}
		last = next
	}
	return true
}

func (p *prbsPattern) tells(frame []byte) bool { return len(frame) >= prbsTells }
