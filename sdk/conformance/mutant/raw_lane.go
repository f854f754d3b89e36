// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// rawAlignment is that of data regions, lineAlignment that of everything else.
const (
	rawAlignment  = 4096
	lineAlignment = 128
)

// rawLane is the memory and the data path of one open session. The session's mu guards
// it, except for what is fixed when it is made.
type rawLane struct {
	s        *rawSession
	d        *Raw
	regions  []userclient.Region
	arenas   map[uint32]userclient.Mem
	releases []func() error

	outMem, inMem queue.Memory
	out           *queue.Producer
	in            *queue.Consumer
	bufs          []rawBuffer

	free    []uint32 // with the driver, in the order in which they came
	held    []uint32 // to-device: empty, given to the client with the next start
	backlog []queue.Entry
	queued  []queue.Entry // both ways: received, to be echoed

	seq      uint64 // given next
	word     uint64 // of the pattern, next
	received uint32
	gap      bool
	overrun  uint64 // entries lost in the row of losses that is going on
	st       userclient.Stats
	broken   bool // the client broke a rule
	bug      pathBugs

	ctx    context.Context
	cancel context.CancelFunc
	joined sync.WaitGroup
}

// rawBuffer is one buffer.
type rawBuffer struct {
	data, control []byte
	mine          bool // owned by the driver
}

func newRawLane(s *rawSession) (*rawLane, error) {
	ln := &rawLane{s: s, d: s.d, arenas: map[uint32]userclient.Mem{}}
	ln.ctx, ln.cancel = context.WithCancel(context.Background())
	ln.seq = max(ln.carriedOver(), ln.inherited())
	sizes := ln.plan()
	for _, a := range []struct {
		typ uint32
		w   userclient.Writer
	}{{userclient.MemDriverArena, userclient.DriverWrites}, {userclient.MemClientArena, userclient.ClientWrites}} {
		m, release, err := s.res.Alloc(int(max(sizes[a.typ], 1)), a.w)
		if err != nil {
			ln.free0()
			return nil, fmt.Errorf("allocate: %w", err)
		}
		ln.arenas[a.typ] = m
		ln.releases = append(ln.releases, release)
	}
	if err := ln.makeQueues(); err != nil {
		ln.free0()
		return nil, err
	}
	for id := range uint32(s.d.cfg.Buffers) {
		b := rawBuffer{mine: true}
		m, _ := ln.memory(userclient.MemBufferData | id) // planned above
		b.data = m.Bytes
		if s.d.cfg.ControlSize > 0 {
			m, _ = ln.memory(userclient.MemBufferControl | id)
			b.control = m.Bytes
		}
		ln.bufs = append(ln.bufs, b)
		if !ln.lost(id) {
			ln.home(id)
		}
	}
	return ln, nil
}

// plan lays out queues and buffers and returns the sizes of the arenas.
func (ln *rawLane) plan() map[uint32]uint64 {
	cfg, l := &ln.d.cfg, ln.s.layout
	sizes := map[uint32]uint64{}
	add := func(typ, arena uint32, n int, length, align uint64) {
		off := (sizes[arena] + align - 1) / align * align
		stride := (length + align - 1) / align * align
		ln.regions = append(ln.regions, userclient.Region{
			Type: typ, Count: uint32(n), Arena: arena, Offset: off, Length: length, Stride: stride,
		})
		sizes[arena] = off + stride*uint64(n-1) + length
	}
	ring := uint64(queue.RingSize(l, queue.RingCount(l, cfg.Buffers)))
	driver, client := userclient.MemDriverArena, userclient.MemClientArena
	if l == userclient.LayoutClassic {
		add(userclient.MemOutputQueue, client, 1, ring, lineAlignment)
	} else {
		add(userclient.MemOutputQueue, driver, 1, ring, lineAlignment)
		add(userclient.MemInputReader, driver, 1, queue.ReaderSize, lineAlignment)
		add(userclient.MemOutputReader, client, 1, queue.ReaderSize, lineAlignment)
	}
	add(userclient.MemInputQueue, client, 1, ring, lineAlignment)
	filler := driver
	if ln.d.mode.ToDevice() {
		filler = client
	}
	add(userclient.MemBufferData, filler, cfg.Buffers, uint64(cfg.DataSize), rawAlignment)
	if cfg.ControlSize > 0 {
		add(userclient.MemBufferControl, filler, cfg.Buffers, uint64(cfg.ControlSize), lineAlignment)
	}
	return sizes
}

// memory returns what lies at a memory type.
func (ln *rawLane) memory(typ uint32) (userclient.Mem, error) {
	if m, ok := ln.arenas[typ]; ok {
		return m, nil
	}
	for _, r := range ln.regions {
		if typ < r.Type || typ-r.Type >= r.Count {
			continue
		}
		off := r.Offset + uint64(typ-r.Type)*r.Stride
		m := ln.arenas[r.Arena]
		m.Bytes = m.Bytes[off : off+r.Length : off+r.Length]
		m.Offset += int64(off)
		return m, nil
	}
	return userclient.Mem{}, ioreturn.BadArgument
}

func (ln *rawLane) makeQueues() (err error) {
	l := ln.s.layout
	bytes := func(typ uint32) []byte {
		m, _ := ln.memory(typ) // planned
		return m.Bytes
	}
	ln.outMem.Ring, ln.inMem.Ring = bytes(userclient.MemOutputQueue), bytes(userclient.MemInputQueue)
	var roles *queue.Roles
	if l == userclient.LayoutClassic {
		roles = queue.NewRoles(queue.HeadWrites)
	} else {
		ln.outMem.Reader, ln.inMem.Reader = bytes(userclient.MemOutputReader), bytes(userclient.MemInputReader)
	}
	for _, m := range []queue.Memory{ln.outMem, ln.inMem} {
		if err := queue.Format(m, l, queue.RingCount(l, ln.d.cfg.Buffers)); err != nil {
			return err
		}
	}
	cfg := queue.Config{Layout: l, Name: "output queue", Buffers: ln.d.cfg.Buffers, Roles: roles}
	if ln.out, err = queue.NewProducer(ln.outMem, cfg); err != nil {
		return err
	}
	cfg.Name, cfg.Roles = "input queue", ln.inputRoles(roles)
	cfg.Endless = true
	if ln.in, err = queue.NewConsumer(ln.inMem, cfg); err != nil {
		return err
	}
	ln.setStatus(uint32(ioreturn.NotReady))
	return nil
}

// home puts a buffer where the driver keeps the unused ones.
func (ln *rawLane) home(id uint32) {
	if ln.d.mode == userclient.ModeInput {
		ln.held = append(ln.held, id)
	} else {
		ln.free = append(ln.free, id)
	}
}

// run starts the goroutines that listen to the client and, with a period, to the device.
func (ln *rawLane) run() {
	ln.joined.Go(func() {
		for ln.listen() {
		}
	})
	if p := ln.d.cfg.Period; p > 0 {
		ln.joined.Go(func() {
			tick := time.NewTicker(p)
			defer tick.Stop()
			for {
				select {
				case <-ln.ctx.Done():
					return
				case <-tick.C:
					ln.s.mu.Lock()
					ln.frame()
					ln.s.mu.Unlock()
				}
			}
		})
	}
}

// listen waits for the client once and does what it asks for.
func (ln *rawLane) listen() bool {
	ln.s.mu.Lock()
	var ready bool
	var err error
	if ln.broken {
		err = ioreturn.ErrProtocol
	} else {
		ready, err = ln.arm()
	}
	ln.s.mu.Unlock()
	if err == nil && !ready {
		err = ln.s.res.Doorbell().Wait(ln.ctx)
	}
	ln.s.mu.Lock()
	defer ln.s.mu.Unlock()
	if ln.ctx.Err() != nil {
		return false
	}
	if err != nil {
		ln.breach(err)
		return false
	}
	ln.pump()
	return true
}

// breach ends the session because the client broke a rule.
func (ln *rawLane) breach(err error) {
	ln.broken = true
	ln.s.res.Hangup(err)
}

// finish ends the lane, joins its goroutines and gives its memory back. mu is free.
func (ln *rawLane) finish() {
	ln.cancel()
	ln.joined.Wait()
	ln.s.mu.Lock()
	defer ln.s.mu.Unlock()
	ln.dropBacklog(userclient.LossSessionEnded)
	ln.spoilMemory()
	ln.spoilAtEnd()
	ln.free0()
}

func (ln *rawLane) free0() {
	for _, release := range ln.releases {
		_ = release() // the transport is going anyway
	}
	ln.releases = nil
}
