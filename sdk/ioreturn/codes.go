// SPDX-License-Identifier: Apache-2.0

package ioreturn

// The codes of IOReturn.h, without the prefix kIOReturn.
const (
	Success          Code = 0x00000000 // ok
	Invalid          Code = 0xe0000001 // should never appear
	Error            Code = 0xe00002bc // general
	NoMemory         Code = 0xe00002bd // allocation failed
	NoResources      Code = 0xe00002be // shortage
	IPCError         Code = 0xe00002bf // IPC failure
	NoDevice         Code = 0xe00002c0 // no such device
	NotPrivileged    Code = 0xe00002c1 // privilege
	BadArgument      Code = 0xe00002c2 // bad argument
	LockedRead       Code = 0xe00002c3 // read-locked
	LockedWrite      Code = 0xe00002c4 // write-locked
	ExclusiveAccess  Code = 0xe00002c5 // exclusive and already open
	BadMessageID     Code = 0xe00002c6 // msg_id mismatch
	Unsupported      Code = 0xe00002c7 // unsupported
	VMError          Code = 0xe00002c8 // VM failure
	InternalError    Code = 0xe00002c9 // internal
	IOError          Code = 0xe00002ca // I/O error
	CannotLock       Code = 0xe00002cc // cannot lock (0x2cb is unused)
	NotOpen          Code = 0xe00002cd // not open
	NotReadable      Code = 0xe00002ce // no read
	NotWritable      Code = 0xe00002cf // no write
	NotAligned       Code = 0xe00002d0 // alignment
	BadMedia         Code = 0xe00002d1 // media error
	StillOpen        Code = 0xe00002d2 // still open
	RLDError         Code = 0xe00002d3 // rld failure
	DMAError         Code = 0xe00002d4 // DMA failure
	Busy             Code = 0xe00002d5 // busy
	Timeout          Code = 0xe00002d6 // I/O timeout
	Offline          Code = 0xe00002d7 // offline
	NotReady         Code = 0xe00002d8 // not ready
	NotAttached      Code = 0xe00002d9 // not attached
	NoChannels       Code = 0xe00002da // no DMA channels
	NoSpace          Code = 0xe00002db // no room for data
	PortExists       Code = 0xe00002dd // port exists (0x2dc is unused)
	CannotWire       Code = 0xe00002de // cannot wire memory
	NoInterrupt      Code = 0xe00002df // no interrupt
	NoFrames         Code = 0xe00002e0 // no DMA frames queued
	MessageTooLarge  Code = 0xe00002e1 // message too large
	NotPermitted     Code = 0xe00002e2 // not permitted
	NoPower          Code = 0xe00002e3 // no power
	NoMedia          Code = 0xe00002e4 // no media
	UnformattedMedia Code = 0xe00002e5 // not formatted
	UnsupportedMode  Code = 0xe00002e6 // no such mode
	Underrun         Code = 0xe00002e7 // data underrun
	Overrun          Code = 0xe00002e8 // data overrun
	DeviceError      Code = 0xe00002e9 // device faulty
	NoCompletion     Code = 0xe00002ea // completion routine needed
	Aborted          Code = 0xe00002eb // aborted
	NoBandwidth      Code = 0xe00002ec // bus bandwidth
	NotResponding    Code = 0xe00002ed // not responding
	IsoTooOld        Code = 0xe00002ee // isoch request too late
	IsoTooNew        Code = 0xe00002ef // isoch request too far ahead
	NotFound         Code = 0xe00002f0 // not found
)
