// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"fmt"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// BufferShape is the size of one buffer of a stream, in bytes.
type BufferShape struct{ DataSize, ControlSize int }

// AddBuffer appends a buffer and returns its ID; IDs given before do not change
// (Apple's addBuffer). A session that is open keeps the buffers it has: the new one
// is there from the next open on.
func (d *Driver) AddBuffer(s BufferShape) (id int, err error) {
	ids, err := d.AddBuffers(s)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// AddBuffers appends several buffers, all or none (Apple's addBuffers).
func (d *Driver) AddBuffers(shapes ...BufferShape) (ids []int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.shapes)+len(shapes) > userclient.MaxBuffers {
		return nil, ioreturn.Op("add buffers", d.cfg.Name,
			fmt.Errorf("%d buffers are more than %d: %w", len(d.shapes)+len(shapes), userclient.MaxBuffers, ioreturn.NoResources))
	}
	for _, s := range shapes {
		if s.DataSize < 1 || int64(s.DataSize) > maxDataSize || s.ControlSize < 0 || int64(s.ControlSize) > maxDataSize {
			return nil, ioreturn.Op("add buffers", d.cfg.Name, fmt.Errorf("size %+v is out of range: %w", s, ioreturn.BadArgument))
		}
	}
	all := slices.Clone(d.shapes)
	for _, s := range shapes {
		control := s.ControlSize
		if d.cfg.Metadata {
			control = max(control, userclient.MetadataSize)
		}
		ids = append(ids, len(all))
		all = append(all, shape{Data: uint32(s.DataSize), Control: uint32(control)})
	}
	if rows := len(newPlan(userclient.LayoutNative, true, all, minAlignment).regions); rows > userclient.MaxRegions {
		return nil, ioreturn.Op("add buffers", d.cfg.Name, fmt.Errorf(
			"the sizes change so often that the memory map has %d rows, more than %d: %w", rows, userclient.MaxRegions, ioreturn.NoResources))
	}
	d.shapes = all
	d.generation++
	return ids, nil
}

// RemoveBuffer removes a buffer; the IDs of those behind it shrink by one (Apple's
// removeBuffer). It is refused while a client has the stream open, with an error
// matching ErrBusy, and with one matching ErrNotFound for an unknown ID.
func (d *Driver) RemoveBuffer(id int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.owner != nil:
		return ioreturn.Op("remove buffer", d.cfg.Name, ioreturn.Busy)
	case id < 0 || id >= len(d.shapes):
		return ioreturn.Op("remove buffer", d.cfg.Name, ioreturn.NotFound)
	}
	d.shapes = slices.Delete(d.shapes, id, id+1)
	d.generation++
	return nil
}

// RemoveAllBuffers removes every buffer (Apple's removeAllBuffers); it is refused
// while a client has the stream open. A stream without buffers can't be opened.
func (d *Driver) RemoveAllBuffers() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owner != nil {
		return ioreturn.Op("remove all buffers", d.cfg.Name, ioreturn.Busy)
	}
	d.shapes = nil
	d.generation++
	return nil
}

// BufferCount returns the number of buffers (Apple's getBufferCount).
func (d *Driver) BufferCount() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.shapes)
}

// BufferShape returns the size of a buffer (Apple's getBufferWithID); ok is false for
// an unknown ID.
func (d *Driver) BufferShape(id int) (s BufferShape, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id < 0 || id >= len(d.shapes) {
		return BufferShape{}, false
	}
	return BufferShape{int(d.shapes[id].Data), int(d.shapes[id].Control)}, true
}

// BufferShapes lists the sizes of all buffers by ID (Apple's getBuffers).
func (d *Driver) BufferShapes() []BufferShape {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]BufferShape, len(d.shapes))
	for i, s := range d.shapes {
		out[i] = BufferShape{int(s.Data), int(s.Control)}
	}
	return out
}
