// SPDX-License-Identifier: Apache-2.0

package userclient

// PayloadInfo is what an entry carries beside its bytes.
type PayloadInfo struct {
	// Seq is the number that the entry was given at the driver's Post, or on its way down
	// the low 32 bits of the one that the client gave it.
	Seq uint64
	// Time is the entry's stream time in ns, 0 if it has none.
	Time int64
	// Flags are the flags of the entry, those of package queue. That it follows a loss is
	// only known when the modules are done with those before it.
	Flags uint8
	// Buffer is the number of the buffer that the entry is in.
	Buffer uint32
	// Down is true for an entry from the client to the driver.
	Down bool
}

// Payload is an entry of a stream while modules have it. The data path makes it, and lends
// its buffer to the modules until nothing refers to it any more: neither memory, which
// FreeBuffer tells, nor any message, which Carry and Drop count. Then the entry goes on if it
// has arrived, once, and otherwise was dropped by a module: it is counted, and its buffer is
// free. Carry, Drop and FreeBuffer are those of streams.Carried and streams.FreeRoutine.
//
// Its methods don't block and may be called from any goroutine, inside procedures too.
type Payload interface {
	// Info tells what the entry carries. It is valid until the last Drop.
	Info() PayloadInfo
	// Region returns the whole data region of the buffer, and Range what of it is valid.
	// What a client fills it can also change while modules look (C40).
	Region() []byte
	Range() (offset, length int)
	// Arrived says that the entry has come out of the modules of p at the end where it was
	// bound for, down or up, with that range of its region. Only the first call counts, none
	// from other modules than those that it was given to, none at the wrong end, and none
	// behind an entry with a higher number.
	Arrived(p PayloadPath, down bool, offset, length int)
	// Replaced is Arrived for an entry whose bytes are not in its region any more. They are
	// b, which is copied, and put there when nobody looks at it. More bytes than the region
	// has drop the entry.
	Replaced(p PayloadPath, down bool, b []byte)
	Carry()
	Drop()
	FreeBuffer(region []byte)
}

// PayloadPath is implemented by a ControlSession whose modules also see the payload of the
// stream (C14). It must be comparable with ==.
type PayloadPath interface {
	// SeesPayload reports whether there are modules now. Entries go by where it says no. It
	// does not block and may be called with a lock held.
	SeesPayload() bool
	// SendPayload lets an entry into the modules, at the end where it comes from. It is
	// called with no lock held, for one entry after the other in each direction. Modules may
	// run in it. An entry that can't go in is let go of at once, and so counted as dropped.
	SendPayload(p Payload)
	// FlushPayload throws away what modules have queued on its way up, and if so wanted on
	// its way down, with an M_FLUSH. It is called with no lock held.
	FlushPayload(down bool)
}

// PayloadPlane is implemented by a ControlPlane that knows whether its sessions have modules
// for payload from the start. Their control plane then begins with the opening of the
// stream, and not with the first command.
type PayloadPlane interface{ SeesPayload() bool }
