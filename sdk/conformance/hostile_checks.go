// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func checkIndexPastRing(t *T) {
	for _, layout := range t.layouts() {
		var all []attack
		for _, jump := range []uint32{1, 2, 1 << 16, 1 << 30, 1 << 31} {
			all = append(all, attack{
				fmt.Sprintf("the client moved its index of the input queue %d entries past the ring", jump),
				func(r *rig, _ queue.Entry) error {
					index := r.inputIndex()
					if layout == userclient.LayoutClassic {
						index.Swap(r.ringCount() - 1 + jump) // the largest index is one less than the count
					} else {
						index.Swap(index.Load() + r.ringCount() + jump)
					}
					return r.bell.Ring()
				},
			})
		}
		t.mustEnd(layout, all)
	}
}

func checkIndexBack(t *T) {
	var all []attack
	for _, back := range []uint32{1, 2, 1000, 1 << 20} {
		all = append(all, attack{
			fmt.Sprintf("the client moved its index of the input queue %d entries back, to before anything that it has published", back),
			func(r *rig, _ queue.Entry) error {
				index := r.inputIndex()
				index.Swap(index.Load() - back)
				return r.bell.Ring()
			},
		})
	}
	t.mustEnd(userclient.LayoutNative, all)
}

func checkReadIndex(t *T) {
	for _, layout := range t.layouts() {
		var all []attack
		for _, step := range []uint32{1, math.MaxUint32, 1 << 31, 77777} {
			all = append(all, attack{
				fmt.Sprintf("the client moved its read index of the output queue by %d from where it has read", int32(step)),
				func(r *rig, _ queue.Entry) error {
					r.readIndex().Swap(r.readIndex().Load() + step)
					return r.bell.Ring()
				},
			})
		}
		if layout == userclient.LayoutNative {
			t.mustEndure(layout, all, func(r *rig) { r.readIndex().Swap(r.readIndex().Load() + 1<<30 + 12345) })
			continue
		}
		t.attacks(layout, all, func(r *rig, own queue.Entry, what string) {
			// The client's own end would take the change for the driver's.
			_ = r.put(r.returning([]queue.Entry{own})...) // the session may be over
			r.poke()
			if err := r.call(userclient.SelGetMode); err != nil && r.Err() == nil {
				t.Errorf("%s; get mode was then answered with %s; the driver must answer it or end the session", what, answer(err))
			}
		})
	}
}

// readIndex is the client's index of the output queue.
func (r *rig) readIndex() *atomic.Uint32 {
	switch {
	case r.layout == userclient.LayoutNative:
		return word(r.out.Reader, queue.ReaderHeadOff)
	case r.roles.Role() == queue.TailWrites:
		return word(r.out.Ring, queue.ClassicHeadOff)
	}
	return word(r.out.Ring, queue.ClassicTailOff)
}

func checkHeaderOverwritten(t *T) {
	for _, layout := range t.layouts() {
		words := []int{queue.ClassicCountOff}
		if layout == userclient.LayoutNative {
			words = []int{queue.RingMagicOff, queue.RingCountOff, queue.RingEntryOff, queue.RingSizeOff}
		}
		var all []attack
		for _, v := range []uint32{0, math.MaxUint32, 3} {
			all = append(all, attack{
				fmt.Sprintf("the client overwrote the header of the input queue with %#x", v),
				func(r *rig, _ queue.Entry) error {
					for _, off := range words {
						word(r.in.Ring, off).Swap(v)
					}
					return nil
				},
			})
		}
		t.mustEndure(layout, all, nil)
	}
}

func checkOwnIndex(t *T) {
	all := []attack{
		{
			"the client overwrote the index of the input queue by which the driver says what it has read",
			func(r *rig, _ queue.Entry) error {
				r.driversIndex(false).Swap(math.MaxUint32)
				return nil
			},
		},
		{
			"the client overwrote the index of the output queue by which the driver says what it has posted",
			func(r *rig, own queue.Entry) error {
				ctx, cancel := t.Quiet() // until the driver waits for a buffer: what it posts at this moment mends its index
				defer cancel()
				<-ctx.Done()
				r.driversIndex(true).Swap(math.MaxUint32)
				err := r.put(r.returning([]queue.Entry{own})...) // so that it has something to post
				if err == nil && r.t.Claims(CapFail) {
					err = r.start() // it has stopped, because nobody read
				}
				return err
			},
		},
	}
	t.mustEnd(userclient.LayoutClassic, all)
}

// badEntries makes an attack of each entry. What it says of the buffer is for a stream
// whose first buffer has these bounds.
func badEntries(names []string, entry func(i int, r *rig, own queue.Entry) queue.Entry) []attack {
	var all []attack
	for i, name := range names {
		all = append(all, attack{name, func(r *rig, own queue.Entry) error { return r.forge(entry(i, r, own)) }})
	}
	return all
}

func checkForeignBuffer(t *T) {
	for _, layout := range t.layouts() {
		t.mustEnd(layout, badEntries([]string{
			"the client returned a buffer whose ID is the number of buffers",
			"the client returned a buffer with the ID 2^31",
			"the client returned the buffer NoBuffer (2^32-1)",
			"the client returned a buffer whose ID is right in its lower 16 bits only",
		}, func(i int, r *rig, own queue.Entry) queue.Entry {
			return queue.Entry{Buffer: []uint32{uint32(len(r.bounds)), 1 << 31, userclient.NoBuffer, own.Buffer | 1<<16}[i]}
		}))
	}
}

// ranges are offsets and lengths that leave a region of some size, with what they are.
func ranges(size uint32) (names []string, list []span) {
	for _, c := range []struct {
		name string
		span
	}{
		{"one byte longer than the region", span{0, size + 1}},
		{"one byte at the end of the region", span{size, 1}},
		{"nothing behind the end of the region", span{size + 1, 0}},
		{"an offset and a length whose 32-bit sum is 0", span{math.MaxUint32 - max(size, 1) + 1, max(size, 1)}},
		{"an offset of 2^32-1 and a length of 2", span{math.MaxUint32, 2}},
		{"an offset of 1 and a length of 2^32-1", span{1, math.MaxUint32}},
		{"an offset and a length of 2^31", span{1 << 31, 1 << 31}},
	} {
		names, list = append(names, c.name), append(list, c.span)
	}
	return names, list
}

// checkRanges attacks with ranges that leave the data or the control region.
func (t *T) checkRanges(region string, size func(queue.Bound) uint32, entry func(id uint32, s span) queue.Entry) {
	for _, layout := range t.layouts() {
		names, _ := ranges(0)
		for i, name := range names {
			names[i] = fmt.Sprintf("the client returned a buffer with %s as its %s", name, region)
		}
		t.mustEnd(layout, badEntries(names, func(i int, r *rig, own queue.Entry) queue.Entry {
			_, list := ranges(size(r.bounds[own.Buffer]))
			return entry(own.Buffer, list[i])
		}))
	}
}

func checkDataRange(t *T) {
	t.checkRanges("data", func(b queue.Bound) uint32 { return b.Data }, func(id uint32, s span) queue.Entry {
		return queue.Entry{Buffer: id, DataOffset: s.off, DataLength: s.n}
	})
}

func checkControlRange(t *T) {
	t.checkRanges("control data", func(b queue.Bound) uint32 { return b.Control }, func(id uint32, s span) queue.Entry {
		return queue.Entry{Buffer: id, ControlOffset: s.off, ControlLength: s.n}
	})
}

func checkReturnedTwice(t *T) {
	for _, layout := range t.layouts() {
		t.mustEnd(layout, []attack{{
			"the client returned a buffer twice while the stream was stopped",
			func(r *rig, own queue.Entry) error {
				if err := r.stop(); err != nil {
					return err
				}
				twice := []queue.Entry{{Buffer: own.Buffer}, {Buffer: own.Buffer}}
				if len(r.bounds) == 1 { // a classic ring has room for one
					if err := r.forge(twice[0]); err != nil {
						return err
					}
					r.poke()
					twice = twice[1:]
				}
				if err := r.forge(twice...); err != nil {
					return err
				}
				r.poke()
				if r.t.Claims(CapDoorbell) {
					return nil
				}
				return r.start() // then it looks
			},
		}})
	}
}

func checkBreachInEachState(t *T) {
	for s := userclient.StateOpen; s <= userclient.StateSuspended; s++ {
		l := t.link()
		l.reach(s)
		r := l.mustMap(userclient.LayoutNative)
		if err := r.forge(queue.Entry{Buffer: uint32(len(r.bounds))}); err != nil && r.Err() == nil {
			t.abortf("could not publish an entry: %v", err)
		}
		what := fmt.Sprintf("the client returned a buffer that does not exist while the stream was %s, and called the doorbell", s)
		r.mustBeOver(what)
		_ = r.Close() // the session may be broken on both sides
	}
	t.served(userclient.LayoutNative, "a client that broke a rule while the stream was suspended")
}
