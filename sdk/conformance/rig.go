// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// rig is a client built from parts, so that a rule can look at and misuse each of them:
// an open session with its memory mapped and a correct end of the two queues. It is
// used by one goroutine at a time.
type rig struct {
	*link
	layout  userclient.Layout
	regions []userclient.Region // of the memory map; nil where the driver has none
	arenas  map[uint32][]byte   // mapped arenas by type
	out, in queue.Memory        // output and input queue
	data    [][]byte            // by buffer
	control [][]byte            // by buffer; nil where a buffer has none
	bounds  []queue.Bound
	roles   *queue.Roles // classic only
	end     *queue.End
}

// rig connects, selects the layout, opens the stream and maps its memory. It is not
// started.
func (t *T) rig(layout userclient.Layout) *rig {
	l := t.link()
	l.must("select features", l.choose(layout))
	l.mustOpen()
	return l.mustMap(layout)
}

// running is a rig that is started.
func (t *T) running(layout userclient.Layout) *rig {
	r := t.rig(layout)
	r.mustStart()
	return r
}

// mustMap maps the memory of an open link.
func (l *link) mustMap(layout userclient.Layout) *rig {
	r := &rig{link: l, layout: layout, arenas: map[uint32][]byte{}}
	l.must("map the stream's memory", r.mapMemory())
	l.must("use the queues", r.makeEnd())
	return r
}

// bufferCount asks for the number of buffers.
func (l *link) bufferCount() (int, error) {
	w, err := l.words(userclient.SelGetBufferCount)
	switch {
	case err != nil:
		return 0, fmt.Errorf("get buffer count: %w", err)
	case len(w) != 1 || w[0] == 0 || w[0] > userclient.MaxBuffers:
		return 0, fmt.Errorf("get buffer count answered %v, want one word from 1 to %d", w, userclient.MaxBuffers)
	}
	return int(w[0]), nil
}

// memoryMap asks for the memory map.
func (l *link) memoryMap() ([]userclient.Region, error) {
	b, err := l.bytes(userclient.SelMemoryMap)
	if err != nil {
		return nil, fmt.Errorf("memory map: %w", err)
	}
	return userclient.ParseRegions(b)
}

// mapped maps one memory type until the end of the rule.
func (l *link) mapped(typ uint32) (userclient.Mem, error) {
	ctx, cancel := l.t.Within(answerBound)
	defer cancel()
	m, err := l.Map(ctx, typ)
	if err != nil {
		return userclient.Mem{}, fmt.Errorf("map %s: %w", memoryText(typ), err)
	}
	l.t.Cleanup(func() string {
		if err := m.Unmap(); err != nil {
			return fmt.Sprintf("unmap %s: %v", memoryText(typ), err)
		}
		return ""
	})
	return m.Mem, nil
}

func (r *rig) mapMemory() error {
	n, err := r.bufferCount()
	if err != nil {
		return err
	}
	if r.t.has(CapMemoryMap) {
		if err := r.mapArenas(); err != nil {
			return err
		}
	}
	parts := map[uint32]*[]byte{userclient.MemOutputQueue: &r.out.Ring, userclient.MemInputQueue: &r.in.Ring}
	if r.layout == userclient.LayoutNative {
		parts[userclient.MemOutputReader], parts[userclient.MemInputReader] = &r.out.Reader, &r.in.Reader
	}
	for typ, dst := range parts {
		if *dst, err = r.memory(typ); err != nil {
			return err
		}
	}
	r.data, r.control, r.bounds = make([][]byte, n), make([][]byte, n), make([]queue.Bound, n)
	for id := range n {
		if r.data[id], err = r.memory(userclient.MemBufferData | uint32(id)); err != nil {
			return err
		}
		if r.control[id], err = r.memory(userclient.MemBufferControl | uint32(id)); err != nil && !absent(err) {
			return err
		}
		r.bounds[id] = queue.Bound{Data: uint32(len(r.data[id])), Control: uint32(len(r.control[id]))}
	}
	return nil
}

func (r *rig) mapArenas() (err error) {
	if r.regions, err = r.memoryMap(); err != nil {
		return err
	}
	for _, typ := range []uint32{userclient.MemDriverArena, userclient.MemClientArena} {
		m, err := r.mapped(typ)
		if err != nil {
			return err
		}
		r.arenas[typ] = m.Bytes
	}
	return nil
}

// errNoRegion is the error of a memory type that the memory map does not have.
var errNoRegion = errors.New("the memory map does not have it")

// memory returns the memory of a type: a part of an arena where there is a memory map,
// a mapping of its own otherwise.
func (r *rig) memory(typ uint32) ([]byte, error) {
	if r.regions == nil {
		m, err := r.mapped(typ)
		return m.Bytes, err
	}
	g, at := findRegion(r.regions, typ)
	if g == nil {
		return nil, fmt.Errorf("%s: %w", memoryText(typ), errNoRegion)
	}
	b := r.arenas[g.Arena]
	if at > uint64(len(b)) || g.Length > uint64(len(b))-at {
		return nil, fmt.Errorf("%s: %d bytes at %d leave the %d bytes of %s", memoryText(typ), g.Length, at, len(b), memoryText(g.Arena))
	}
	return b[at : at+g.Length : at+g.Length], nil
}

// findRegion returns the row of a memory map that holds typ, and the offset of typ in
// its arena.
func findRegion(regions []userclient.Region, typ uint32) (g *userclient.Region, off uint64) {
	for i := range regions {
		g := &regions[i]
		if typ >= g.Type && uint64(typ) < uint64(g.Type)+uint64(g.Count) {
			return g, g.Offset + uint64(typ-g.Type)*g.Stride
		}
	}
	return nil, 0
}

// absent reports whether err says that there is no such memory or selector (C17).
func absent(err error) bool {
	c := ioreturn.Of(err)
	return errors.Is(err, errNoRegion) || c == ioreturn.Unsupported || c == ioreturn.BadArgument || c == ioreturn.NotFound
}

func (r *rig) queueConfig(name string) queue.Config {
	return queue.Config{
		Layout: r.layout, Name: name, Buffers: len(r.bounds), Roles: r.roles,
		Eager:      r.t.Describe().Policy == userclient.PolicyDropOldest, // see package iostream
		RingAlways: r.t.Describe().Policy == userclient.PolicyDriver,
	}
}

func (r *rig) makeEnd() error {
	if r.layout == userclient.LayoutClassic {
		r.roles = queue.NewRoles(queue.RoleUnknown)
	}
	in, err := queue.NewConsumer(r.out, r.queueConfig("output queue"))
	if err != nil {
		return err
	}
	out, err := queue.NewProducer(r.in, r.queueConfig("input queue"))
	if err != nil {
		return err
	}
	r.end = queue.NewEnd(in, out, r.bounds, false)
	r.link.mine = r
	return nil
}

// take waits for n entries of the output queue. It returns those that came and why
// there are not more.
func (r *rig) take(ctx context.Context, n int) ([]queue.Entry, error) {
	var got []queue.Entry
	for {
		buf := make([]queue.Entry, n-len(got))
		m, err := r.end.Receive(buf)
		got = append(got, buf[:m]...)
		if err != nil || len(got) == n {
			return got, err
		}
		if m > 0 {
			continue
		}
		if _, err := r.end.Arm(1, queue.SleepBell); err != nil {
			return got, err
		}
		// Ready may also mean that the driver says that nothing will follow. That is no
		// reason not to wait here: the caller may be about to see that something does.
		if n, err := r.end.Len(); err != nil || n > 0 {
			continue
		}
		if err := r.port.Wait(ctx); err != nil {
			return got, err
		}
	}
}

// mustTake takes n entries, or ends the rule in an error.
func (r *rig) mustTake(n int) []queue.Entry {
	ctx, cancel := r.t.Frames(n)
	defer cancel()
	es, err := r.take(ctx, n)
	if err != nil {
		r.t.abortf("only %d of %d entries came: %v", len(es), n, err)
	}
	return es
}

// drain takes what is on the output queue now, without waiting.
func (r *rig) drain() ([]queue.Entry, error) {
	es := make([]queue.Entry, len(r.bounds))
	n, err := r.end.Receive(es)
	return es[:n], err
}

// put publishes es on the input queue and rings if the driver asked for it.
func (r *rig) put(es ...queue.Entry) error {
	wake, err := r.end.Send(es)
	if err != nil || wake == queue.WakeNone {
		return err
	}
	return r.bell.Ring()
}

// returning makes the entries by which buffers go back: unused, or, on a stream to the
// device, filled from end to end.
func (r *rig) returning(es []queue.Entry) []queue.Entry {
	back := make([]queue.Entry, len(es))
	for i, e := range es {
		back[i] = queue.Entry{Buffer: e.Buffer}
		if r.t.has(CapToDevice) {
			back[i].DataLength = r.bounds[e.Buffer].Data
		}
	}
	return back
}

// mustGiveBack returns buffers to the driver.
func (r *rig) mustGiveBack(es ...queue.Entry) {
	r.must("give buffers back", r.put(r.returning(es)...))
}

// forge publishes es on the input queue past every check, and rings. After it, the
// rig's own end is not in step with the queue: use it only to receive.
func (r *rig) forge(es ...queue.Entry) error {
	cfg := r.queueConfig("input queue")
	cfg.Buffers = 0
	p, err := queue.NewProducer(r.in, cfg)
	if err != nil {
		return err
	}
	if _, err := p.Put(es); err != nil {
		return err
	}
	return r.bell.Ring()
}

// mustRing rings the driver whether it asked for it or not.
func (r *rig) mustRing() { r.must("ring the doorbell", r.bell.Ring()) }

// ended waits until the session is over and returns why, or nil if it is not within the
// bound for answers.
func (l *link) ended() error {
	ctx, cancel := l.t.Within(answerBound)
	defer cancel()
	select {
	case <-l.Done():
		return l.Err()
	case <-ctx.Done():
		return nil
	}
}
