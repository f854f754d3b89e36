// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// bufRules are about buffers and the memory map.
func bufRules() []Rule {
	return []Rule{
		{
			ID: "BUF-01", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "The number of buffers is the same wherever it is told",
			What:   "Get buffer count (selector 7) answers one word from 1 to 65,536, the same before and after open, and the description says the same.",
			Why:    "A client maps as many buffers as it was told; one more is an error, one less is a frame that it can't read.",
			Remedy: "Answer both from the list of buffers; buffers that are added while the stream is open count from the next open on.",
			Check:  checkBufferCount,
		},
		{
			ID: "BUF-02", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title: "Every buffer has its data region",
			What: "Each buffer's data region (memory type 0x30000000 and the buffer's ID) can be mapped while the stream is open, has at least one byte " +
				"and no more than the description says, and the largest has exactly that.",
			Why:    "An entry for a buffer that the client could not map is a frame that it loses.",
			Remedy: "Compare the sizes of the buffers with Buffers.DataSize of the description.",
			Check:  checkDataRegions,
		},
		{
			ID: "BUF-03", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title: "Control regions are as described",
			What: "Where the description has control regions, the largest has the size that it says; where it has none, mapping one (memory type " +
				"0x40000000 and the buffer's ID) is refused as kIOReturnBadArgument, kIOReturnUnsupported or kIOReturnNotFound, which all mean that there is none.",
			Why:    "A client can't tell a stream without control regions from a failure by any other code.",
			Remedy: "Answer kIOReturnBadArgument for a region that does not exist, and describe those that do.",
			Check:  checkControlRegions,
		},
		{
			ID: "BUF-04", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapMemoryMap},
			Title: "The memory map fits its arenas",
			What: "Each row of the memory map (selector 0x102) has at least one region of at least one byte, lies in the driver's or the client's " +
				"arena from its first to its last byte, has a stride of at least its length, and shares no byte with another.",
			Why:    "Two regions that overlap overwrite each other; one that leaves its arena ends the client's program.",
			Remedy: "Look at how offsets are rounded up, and at the size of the last region.",
			Check:  checkMapFits,
		},
		{
			ID: "BUF-05", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapMemoryMap},
			Title: "What a side writes lies in its own arena",
			What: "In the native layout the output queue and the driver's words about the input queue lie in the driver's arena, which is read-only for the " +
				"client; the input queue, the client's words about the output queue, and every buffer that the client may fill lie in the client's.",
			Why:    "A client that can write what the driver relies on can crash or mislead it; one that can't write its own queue faults.",
			Remedy: "Allocate two arenas, one for each writer, and let the memory map follow from who writes.",
			Check:  checkArenas,
		},
		{
			ID: "BUF-06", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapMemoryMap},
			Title:  "Buffers are aligned as described",
			What:   "Each data region begins at a multiple of the described alignment in its arena, and queues begin at multiples of 8 bytes.",
			Why:    "Vector code and direct I/O of a client that trusts the alignment faults or fails; queue words that are not aligned are not atomic.",
			Remedy: "Round offsets and strides up to Buffers.Alignment.",
			Check:  checkAlignment,
		},
		{
			ID: "BUF-07", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: []Capability{CapMemoryMap},
			Title: "A region mapped alone is the region of the map",
			What: "Mapping a queue, a data or a control region by its own memory type gives as many bytes as the memory map says, and the same memory: " +
				"what is written in one is seen in the other.",
			Why:    "Clients of Apple's kind map one by one, others map the arenas; both must see the same frames.",
			Remedy: "Make the answer to a memory type a slice of its arena, at the offset of the memory map.",
			Check:  checkSingleMaps,
		},
		{
			ID: "BUF-08", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "Memory that does not exist is refused",
			What:   "Mapping an unknown memory type, and a buffer with an ID from the number of buffers up, is refused, and the session goes on.",
			Why:    "A driver that does not check the ID maps what lies behind its buffers, or fails altogether.",
			Remedy: "Compare the low 28 bits with the number of buffers, and refuse types that are not listed.",
			Check:  checkUnknownMemory,
		},
		{
			ID: "BUF-09", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title: "A session begins with fresh memory",
			What: "When a stream is opened, its queues are empty and its buffers are zero, whatever another session has left, unless the description " +
				"says that the memory is shared between sessions.",
			Why:    "A client would read what another user's program received, or begin in the middle of its queue.",
			Remedy: "Allocate memory for each session; if that is impossible (DMA), say SharedMemory in the description.",
			Check:  checkFreshMemory,
		},
		{
			ID: "BUF-10", Profile: ZeroCopy, Level: Must, Origin: Both, Since: "0.1.0", Needs: []Capability{CapStats},
			Title:  "The payload is not copied on its way",
			What:   "After entries have travelled, the driver's counters say that the library made no copy of the payload.",
			Why:    "Zero copy is what the stream is for: one copy of a camera's data costs as much time as everything else together.",
			Remedy: "Let the device, or the code that makes the data, write into the buffer itself.",
			Check:  checkNoCopies,
		},
	}
}

func checkBufferCount(t *T) {
	l := t.link()
	l.mustChoose()
	closed, err := l.bufferCount()
	if err != nil {
		t.Fatalf("before open, %v", err)
	}
	l.mustOpen()
	open, err := l.bufferCount()
	if err != nil {
		t.Fatalf("after open, %v", err)
	}
	if open != closed {
		t.Errorf("get buffer count answered %d before open and %d after it; it must be the same", closed, open)
	}
	if d := t.Describe(); t.Claims(CapDescribe) && int(d.Buffers.Count) != open {
		t.Errorf("get buffer count answered %d, and the description says %d; both must be the same", open, d.Buffers.Count)
	}
}

// mostSingle is how many regions a rule maps one by one: each costs a call, and over a
// socket a descriptor.
const mostSingle = 8

// someBuffers returns buffer IDs to map one by one: first and last, and some between.
func (t *T) someBuffers(n int) []int {
	ids := []int{0, n - 1}
	for len(ids) < mostSingle {
		ids = append(ids, t.Rand().IntN(n))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func checkDataRegions(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	n, err := l.bufferCount()
	l.must("count the buffers", err)
	for _, id := range t.someBuffers(n) {
		if _, err := l.mapped(userclient.MemBufferData | uint32(id)); err != nil {
			t.Errorf("buffer %d of %d: %v", id, n, err)
		}
	}
	if t.Failed() {
		return
	}
	r := l.mustMap(t.layout())
	var most uint32
	for id, b := range r.bounds {
		if b.Data == 0 {
			t.Errorf("the data region of buffer %d has no bytes", id)
		}
		most = max(most, b.Data)
	}
	if d := t.Describe(); t.Claims(CapDescribe) && most != d.Buffers.DataSize {
		t.Errorf("the largest data region has %d bytes, and the description says %d", most, d.Buffers.DataSize)
	}
}

func checkControlRegions(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	r := l.mustMap(t.layout())
	var most uint32
	for _, b := range r.bounds {
		most = max(most, b.Control)
	}
	if d := t.Describe(); t.Claims(CapDescribe) && most != d.Buffers.ControlSize {
		t.Errorf("the largest control region has %d bytes, and the description says %d", most, d.Buffers.ControlSize)
	}
	for _, id := range t.someBuffers(len(r.bounds)) {
		m, err := l.mapped(userclient.MemBufferControl | uint32(id))
		switch want := r.bounds[id].Control; {
		case want > 0 && err != nil:
			t.Errorf("the control region of buffer %d: %v; it has %d bytes", id, err, want)
		case want == 0 && err == nil:
			t.Errorf("buffer %d has no control region, but mapping it gave %d bytes", id, len(m.Bytes))
		case want == 0 && !absent(err):
			t.Errorf("buffer %d has no control region, but mapping it was answered with %s; "+
				"that there is none is said with kIOReturnBadArgument, kIOReturnUnsupported or kIOReturnNotFound", id, answer(err))
		}
	}
}

// mapInEachLayout opens the stream in each layout and hands over its memory map.
func (t *T) mapInEachLayout(f func(r *rig)) {
	for _, layout := range t.layouts() {
		l := t.link()
		l.must("select features", l.choose(layout))
		l.mustOpen()
		r := &rig{link: l, layout: layout, arenas: map[uint32][]byte{}}
		r.must("map the stream's arenas", r.mapArenas())
		f(r)
		l.must("hang up", l.Close())
	}
}

func checkMapFits(t *T) {
	t.mapInEachLayout(func(r *rig) {
		type part struct {
			from, to uint64
			text     string
		}
		parts := map[uint32][]part{}
		for i := range r.regions {
			g := &r.regions[i]
			text := fmt.Sprintf("in the %v layout, %s,", r.layout, regionText(g))
			arena, known := r.arenas[g.Arena]
			switch {
			case !known:
				t.Errorf("%s lies in no known arena", text)
			case g.Count == 0 || g.Length == 0:
				t.Errorf("%s is empty", text)
			case g.Count > 1 && g.Stride < g.Length:
				t.Errorf("%s overlaps itself: the stride is less than the length", text)
			case g.Count > userclient.MaxBuffers || beyond(g, uint64(len(arena))):
				t.Errorf("%s leaves its arena of %d bytes", text, len(arena))
			default:
				for n := range uint64(g.Count) {
					from := g.Offset + n*g.Stride
					parts[g.Arena] = append(parts[g.Arena], part{from, from + g.Length, text})
				}
			}
		}
		for _, ps := range parts {
			slices.SortFunc(ps, func(a, b part) int { return int(int64(a.from) - int64(b.from)) })
			for i := 1; i < len(ps); i++ {
				if ps[i].from < ps[i-1].to {
					t.Errorf("%s begins at %d, before the end at %d of what lies before it: %s", ps[i].text, ps[i].from, ps[i-1].to, strings.TrimSuffix(ps[i-1].text, ","))
				}
			}
		}
	})
}

// beyond reports whether the last region of a row ends behind its arena.
func beyond(g *userclient.Region, size uint64) bool {
	return g.Offset > size || g.Length > size || g.Stride > size ||
		g.Offset+g.Stride*uint64(g.Count-1)+g.Length > size
}

func checkArenas(t *T) {
	d := t.Describe()
	t.mapInEachLayout(func(r *rig) {
		if m, err := r.mapped(userclient.MemDriverArena); err == nil && !m.ReadOnly {
			t.Errorf("the driver's arena is mapped writable in the %v layout; it must be read-only for the client", r.layout)
		}
		if m, err := r.mapped(userclient.MemClientArena); err == nil && m.ReadOnly {
			t.Errorf("the client's arena is mapped read-only in the %v layout; the client must write it", r.layout)
		}
		for i := range r.regions {
			g := &r.regions[i]
			want := userclient.MemClientArena
			switch typ := g.Type & userclient.MemTypeMask; {
			case typ == userclient.MemInputQueue || typ == userclient.MemOutputReader || r.layout == userclient.LayoutClassic && typ == userclient.MemOutputQueue:
			case typ == userclient.MemOutputQueue || typ == userclient.MemInputReader:
				want = userclient.MemDriverArena
			case typ == userclient.MemBufferData || typ == userclient.MemBufferControl:
				if !d.Mode.ToDevice() {
					continue // a stream that can be switched has them where the client may write
				}
			default:
				continue // of a later version
			}
			if g.Arena != want {
				t.Errorf("in the %v layout, %s, lies in the wrong arena; it must lie in %s", r.layout, regionText(g), memoryText(want))
			}
		}
	})
}

func checkAlignment(t *T) {
	align := uint64(max(1, t.Describe().Buffers.Alignment))
	t.mapInEachLayout(func(r *rig) {
		for i := range r.regions {
			g := &r.regions[i]
			want := uint64(8)
			switch g.Type & userclient.MemTypeMask {
			case userclient.MemBufferData:
				want = align
			case userclient.MemBufferControl:
				want = 1
			}
			if g.Offset%want != 0 || g.Count > 1 && g.Stride%want != 0 {
				t.Errorf("in the %v layout, %s, does not begin at multiples of %d bytes", r.layout, regionText(g), want)
			}
		}
	})
}

func checkSingleMaps(t *T) {
	for _, layout := range t.layouts() {
		r := t.rig(layout)
		types := []uint32{userclient.MemOutputQueue, userclient.MemInputQueue}
		for _, id := range t.someBuffers(len(r.bounds)) {
			types = append(types, userclient.MemBufferData|uint32(id))
			if r.bounds[id].Control > 0 {
				types = append(types, userclient.MemBufferControl|uint32(id))
			}
		}
		for _, typ := range types {
			r.sameMemory(typ)
		}
		r.must("hang up", r.Close())
	}
}

// sameMemory compares a region mapped alone with that of the memory map.
func (r *rig) sameMemory(typ uint32) {
	t := r.t
	whole, err := r.memory(typ)
	r.must("find the region in the memory map", err)
	m, err := r.mapped(typ)
	switch {
	case err != nil:
		t.Errorf("%v; the memory map has it", err)
		return
	case len(m.Bytes) != len(whole):
		t.Errorf("%s, mapped alone, has %d bytes; the memory map says %d", memoryText(typ), len(m.Bytes), len(whole))
		return
	case !bytes.Equal(m.Bytes, whole):
		t.Errorf("%s, mapped alone, has other contents than the region of the memory map", memoryText(typ))
		return
	}
	g, _ := findRegion(r.regions, typ)
	kind := typ & userclient.MemTypeMask
	if g.Arena != userclient.MemClientArena || m.ReadOnly || kind != userclient.MemBufferData && kind != userclient.MemBufferControl {
		return // not the client's to write
	}
	old := whole[0]
	whole[0] = ^old
	if m.Bytes[0] != ^old {
		t.Errorf("a byte that was written into %s by way of its arena is not seen where it is mapped alone: it is other memory", memoryText(typ))
	}
	whole[0] = old
}

func checkUnknownMemory(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	n, err := l.bufferCount()
	l.must("count the buffers", err)
	for _, typ := range []uint32{
		0, 1, 0x90000000, 0xf0000000, 0xffffffff,
		userclient.MemBufferData | uint32(n), userclient.MemBufferControl | uint32(n), userclient.MemBufferData | userclient.MemBufferIDMask,
	} {
		m, err := l.mapped(typ)
		switch {
		case err == nil:
			t.Errorf("mapping %s, which does not exist, gave %d bytes; it must be refused (there are %d buffers)", memoryText(typ), len(m.Bytes), n)
		case lost(err):
			t.Errorf("mapping %s, which does not exist, was not refused: %v", memoryText(typ), err)
		}
	}
	if _, err := l.mapped(userclient.MemOutputQueue); err != nil {
		t.Errorf("after memory was refused that does not exist, the output queue can't be mapped: %v", err)
	}
}

func checkFreshMemory(t *T) {
	if t.Describe().SharedMemory {
		t.inapplicable("the description says that memory is shared between sessions")
	}
	r := t.running(t.layout())
	es := r.mustTake(min(len(r.bounds), 4))
	for _, e := range es {
		if t.Describe().Mode.ToDevice() {
			r.data[e.Buffer][0] = 0xaa
		}
	}
	r.mustGiveBack(es...)
	r.must("close the stream", r.closeStream())
	r.must("hang up", r.Close())
	r = t.rig(t.layout())
	for id := range r.data {
		for what, b := range map[string][]byte{"data": r.data[id], "control": r.control[id]} {
			if i := slices.IndexFunc(b, func(v byte) bool { return v != 0 }); i >= 0 {
				t.Fatalf("in a new session, byte %d of the %s region of buffer %d is %#02x; it must be 0 until somebody fills the buffer", i, what, id, b[i])
			}
		}
	}
	if n, err := r.end.Len(); err != nil || n != 0 {
		t.Errorf("in a new session, the output queue has %d entries (%s); it must be empty", n, answer(err))
	}
	if used := indices(r); used != "" {
		t.Errorf("in a new session, %s; queues begin at 0", used)
	}
}

// indices says which index of a queue is not 0, or nothing.
func indices(r *rig) string {
	type index struct {
		name string
		b    []byte
		off  int
	}
	list := []index{
		{"the output queue's tail", r.out.Ring, queue.RingTailOff}, {"the output queue's head", r.out.Reader, queue.ReaderHeadOff},
		{"the input queue's tail", r.in.Ring, queue.RingTailOff}, {"the input queue's head", r.in.Reader, queue.ReaderHeadOff},
	}
	if r.layout == userclient.LayoutClassic {
		list = []index{
			{"the output queue's head", r.out.Ring, queue.ClassicHeadOff}, {"the output queue's tail", r.out.Ring, queue.ClassicTailOff},
			{"the input queue's head", r.in.Ring, queue.ClassicHeadOff}, {"the input queue's tail", r.in.Ring, queue.ClassicTailOff},
		}
	}
	for _, i := range list {
		if v := word(i.b, i.off).Load(); v != 0 {
			return fmt.Sprintf("%s is %d", i.name, v)
		}
	}
	return ""
}

func checkNoCopies(t *T) {
	r := t.running(t.layout())
	r.mustFollow(4)
	st, err := r.stats()
	r.must("get the counters", err)
	if st.Copies != 0 {
		t.Errorf("after %d entries the driver's counters say that the payload was copied %d times; it must be 0", st.Posted, st.Copies)
	}
}
