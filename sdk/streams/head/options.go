// SPDX-License-Identifier: Apache-2.0

package head

import (
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// readOptions returns the read options.
func (h *Head) readOptions() streams.ReadOptions {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.readOpts
}

const (
	readModes    = streams.ReadDiscard | streams.ReadKeep
	readControls = streams.ReadCtlAsData | streams.ReadCtlDrop | streams.ReadCtlFail
)

// merged returns the read options with others set. The error is EINVAL for options that
// contradict each other.
func merged(old, set streams.ReadOptions) (streams.ReadOptions, streams.Errno) {
	controls := set & readControls
	if set&^(readModes|readControls) != 0 || set&readModes == readModes || controls&(controls-1) != 0 {
		return old, streams.EINVAL
	}
	if controls == 0 {
		controls = old & readControls
	}
	return old&streams.ReadKeepUrgent | set&readModes | controls, 0
}

// SetReadOptions sets how read treats boundaries and control parts (I_SRDOPT). The error
// is EINVAL for unknown options and for two of one kind.
func (h *Head) SetReadOptions(o streams.ReadOptions) error {
	return h.op(streams.CmdSetRead, h.setReadOptions(o))
}

func (h *Head) setReadOptions(o streams.ReadOptions) streams.Errno {
	c := classBoth
	if h.cfg.Profile == streams.OpenSS7 {
		c = classRead
	}
	errno := h.gate(c)
	if errno != 0 {
		return errno
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readOpts, errno = merged(h.readOpts, o)
	return errno
}

// ReadOptions returns the read options (I_GRDOPT).
func (h *Head) ReadOptions() (streams.ReadOptions, error) {
	if errno := h.gate(classAsk); errno != 0 {
		return 0, h.op(streams.CmdGetRead, errno)
	}
	return h.readOptions() &^ streams.ReadKeepUrgent, nil
}

// SetWriteOptions sets what write does with nothing to write and on a broken stream
// (I_SWROPT). The error is EINVAL for unknown options.
func (h *Head) SetWriteOptions(o streams.WriteOptions) error {
	return h.op(streams.CmdSetWrite, h.setWriteOptions(o))
}

func (h *Head) setWriteOptions(o streams.WriteOptions) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.hungUp && h.cfg.Profile == streams.OpenSS7:
		return streams.ENXIO
	case o&^(streams.WriteZero|streams.WritePipe) != 0:
		return streams.EINVAL
	}
	h.writeOpts = o
	return 0
}

// WriteOptions returns the write options (I_GWROPT).
func (h *Head) WriteOptions() (streams.WriteOptions, error) {
	if errno := h.gate(classAsk); errno != 0 {
		return 0, h.op(streams.CmdGetWrite, errno)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.writeOpts, nil
}

const (
	readErrors  = streams.ReadErrorStays | streams.ReadErrorOnce
	writeErrors = streams.WriteErrorStays | streams.WriteErrorOnce
)

// mergedErrors returns the error options with others set.
func mergedErrors(old, set streams.ErrorOptions) (streams.ErrorOptions, streams.Errno) {
	if set&^(readErrors|writeErrors) != 0 || set&readErrors == readErrors || set&writeErrors == writeErrors {
		return old, streams.EINVAL
	}
	for _, side := range [...]streams.ErrorOptions{readErrors, writeErrors} {
		if set&side != 0 {
			old = old&^side | set&side
		}
	}
	return old, 0
}

// SetErrorOptions sets whether errors of M_ERROR that come from now on stay or are told
// once (I_SERROPT). The error is EINVAL for unknown options and for both of one side.
func (h *Head) SetErrorOptions(o streams.ErrorOptions) error {
	return h.op(streams.CmdSetErr, h.setErrorOptions(o))
}

func (h *Head) setErrorOptions(o streams.ErrorOptions) streams.Errno {
	errno := h.gate(classBoth)
	if errno != 0 {
		return errno
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errOpts, errno = mergedErrors(h.errOpts, o)
	return errno
}

// ErrorOptions returns the error options (I_GERROPT), one for each side.
func (h *Head) ErrorOptions() (streams.ErrorOptions, error) {
	if errno := h.gate(classBoth); errno != 0 {
		return 0, h.op(streams.CmdGetErr, errno)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.errOpts
	if o&readErrors == 0 {
		o |= streams.ReadErrorStays
	}
	if o&writeErrors == 0 {
		o |= streams.WriteErrorStays
	}
	return o, nil
}

// maxCloseTime is the longest close time that OpenSS7 takes.
const maxCloseTime = 300 * time.Second

// SetCloseTime sets how long a close waits for each module to send what it has queued
// (I_SETCLTIME). 0 is not at all. The error is EINVAL for a negative time, and under
// OpenSS7 for more than 300 s.
func (h *Head) SetCloseTime(d time.Duration) error {
	return h.op(streams.CmdSetClose, h.setCloseTime(d))
}

func (h *Head) setCloseTime(d time.Duration) streams.Errno {
	if errno := h.gate(classBoth); errno != 0 {
		return errno
	}
	if d < 0 || d > maxCloseTime && h.cfg.Profile == streams.OpenSS7 {
		return streams.EINVAL
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closeWait = d
	return 0
}

// CloseTime returns how long a close waits for each module (I_GETCLTIME).
func (h *Head) CloseTime() (time.Duration, error) {
	if errno := h.gate(classAsk); errno != 0 {
		return 0, h.op(streams.CmdGetClose, errno)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closeWait, nil
}

// maxMargin limits the room around written data that a module may ask for.
const maxMargin = 1 << 16

// setOptions does what an M_SETOPTS asks for, as far as it makes sense. It runs inside the
// stream.
func (h *Head) setOptions(q *streams.Queue, m *streams.Block) {
	o, ok := m.Value().(streams.HeadOptions)
	m.Free()
	if !ok {
		return
	}
	band := uint8(0)
	if o.Flags&streams.SetBand != 0 {
		band = o.Band
	}
	for _, f := range [...]struct {
		flag  streams.SetFlags
		field streams.Field
		band  uint8
		value int
	}{
		{streams.SetMinPacket, streams.QMinPSz, 0, o.MinPacket}, {streams.SetMaxPacket, streams.QMaxPSz, 0, o.MaxPacket},
		{streams.SetHighWater, streams.QHiWat, band, o.HighWater}, {streams.SetLowWater, streams.QLoWat, band, o.LowWater},
	} {
		if o.Flags&f.flag != 0 {
			_ = q.SetField(f.field, f.band, f.value) // one that makes no sense changes nothing
		}
	}
	h.mu.Lock()
	h.applyOptions(o)
	h.mu.Unlock()
	h.wakeAll()
}

// applyOptions sets those that the head itself keeps. mu is held.
func (h *Head) applyOptions(o streams.HeadOptions) {
	if o.Flags&streams.SetReadOptions != 0 {
		if opts, errno := merged(h.readOpts, o.Read&^streams.ReadKeepUrgent); errno == 0 {
			h.readOpts = opts&^streams.ReadKeepUrgent | o.Read&streams.ReadKeepUrgent
		}
	}
	if o.Flags&streams.SetErrorOptions != 0 {
		h.errOpts, _ = mergedErrors(h.errOpts, o.Errors)
	}
	if o.Flags&streams.SetWriteOffset != 0 && o.WriteOffset >= 0 && o.WriteOffset <= maxMargin {
		h.writeOffset = o.WriteOffset
	}
	if o.Flags&streams.SetTail != 0 && o.Tail >= 0 && o.Tail <= maxMargin {
		h.writeTail = o.Tail
	}
	for _, s := range [...]struct {
		on, off streams.SetFlags
		value   *bool
	}{
		{streams.SetReadNotes, streams.SetNoReadNotes, &h.readNotes},
		{streams.SetOldNoDelay, streams.SetNoOldNoDelay, &h.oldNoDelay},
		{streams.SetDelimit, streams.SetNoDelimit, &h.delimit},
	} {
		if o.Flags&(s.on|s.off) != 0 {
			*s.value = o.Flags&s.on != 0
		}
	}
}
