// SPDX-License-Identifier: Apache-2.0

package ioreturn

// ioReturns are the codes of IOReturn.h in the order of their numbers.
var ioReturns = []CodeText{
	{
		Success, "kIOReturnSuccess", nil, "ok",
		"Nothing to do: this code is not an error.",
	},
	{
		Invalid, "kIOReturnInvalid", ErrProtocol, "a result that must never be seen",
		"The driver returned a variable that it never set. Look for a path of the handler without a result.",
	},
	{
		Error, "kIOReturnError", ErrIO, "general error",
		"The driver has no better code. Ask it for a detail: a driver written with this SDK can return a StatusError with a sentence.",
	},
	{
		NoMemory, "kIOReturnNoMemory", ErrNoMemory, "out of memory",
		"Ask for fewer or smaller buffers, or free memory.",
	},
	{
		NoResources, "kIOReturnNoResources", ErrNoMemory, "out of a resource",
		"Something countable has run out, such as channels, contexts or descriptors. Close what is not used.",
	},
	{
		IPCError, "kIOReturnIPCError", ErrProtocol, "the message between client and driver was wrong",
		"A message was malformed or too large to be passed inline. Compare the versions of both sides.",
	},
	{
		NoDevice, "kIOReturnNoDevice", ErrGone, "the device is not there",
		"It was unplugged, or its driver has ended. Wait for it to come back and open it again.",
	},
	{
		NotPrivileged, "kIOReturnNotPrivileged", ErrPermission, "more privilege is needed",
		"Run the program as a user who may do this, or give it the entitlement or capability that the driver asks for.",
	},
	{
		BadArgument, "kIOReturnBadArgument", ErrInvalid, "bad argument",
		"An argument, a size or a selector is wrong. A classic driver also answers this for selectors and memory types that it lacks.",
	},
	{
		LockedRead, "kIOReturnLockedRead", ErrBusy, "locked for reading",
		"Another client holds the lock. Try again when it is released.",
	},
	{
		LockedWrite, "kIOReturnLockedWrite", ErrBusy, "locked for writing",
		"Another client holds the lock. Try again when it is released.",
	},
	{
		ExclusiveAccess, "kIOReturnExclusiveAccess", ErrBusy, "another client has it open for itself",
		"Close the other program. An observer, such as the info command, can tell which one it is.",
	},
	{
		BadMessageID, "kIOReturnBadMessageID", ErrProtocol, "a message carries the wrong number",
		"Client and driver disagree about the interface. Compare their versions.",
	},
	{
		Unsupported, "kIOReturnUnsupported", ErrUnsupported, "not supported by the driver",
		"The driver lacks this operation. Its description tells which selectors and features it has.",
	},
	{
		VMError, "kIOReturnVMError", ErrNoMemory, "the memory could not be mapped",
		"The address space or a limit on locked memory is used up. Look at the limits of the process.",
	},
	{
		InternalError, "kIOReturnInternalError", ErrIO, "internal error of the driver",
		"A fault in the driver. Report it to the driver's author with the steps that led to it.",
	},
	{
		IOError, "kIOReturnIOError", ErrIO, "input or output failed",
		"The device reported a fault during a transfer. Look at cables and power, then reset the device.",
	},
	{
		CannotLock, "kIOReturnCannotLock", ErrBusy, "the lock could not be taken",
		"Another client holds the lock. Try again when it is released.",
	},
	{
		NotOpen, "kIOReturnNotOpen", ErrState, "the stream is not open",
		"Call Open first. After a Close, or after the driver was restarted, open again.",
	},
	{
		NotReadable, "kIOReturnNotReadable", ErrPermission, "reading is not allowed",
		"The stream or buffer was opened for the other direction. Look at its mode.",
	},
	{
		NotWritable, "kIOReturnNotWritable", ErrPermission, "writing is not allowed",
		"The stream or buffer was opened for the other direction, or its memory is read-only for clients.",
	},
	{
		NotAligned, "kIOReturnNotAligned", ErrInvalid, "an address or length is not aligned",
		"Align it as the description asks.",
	},
	{
		BadMedia, "kIOReturnBadMedia", ErrIO, "the medium is faulty",
		"Replace the medium.",
	},
	{
		StillOpen, "kIOReturnStillOpen", ErrState, "the stream is open already",
		"Close it before opening it again or before changing what is fixed while it is open.",
	},
	{
		RLDError, "kIOReturnRLDError", ErrIO, "the loader failed",
		"A part of the driver could not be loaded. Look at its installation.",
	},
	{
		DMAError, "kIOReturnDMAError", ErrIO, "a DMA transfer failed",
		"The device or its IOMMU refused a transfer. Look at the system's log for a fault address.",
	},
	{
		Busy, "kIOReturnBusy", ErrBusy, "busy",
		"Another operation is under way, or the stream is running and must be stopped first.",
	},
	{
		Timeout, "kIOReturnTimeout", ErrTimeout, "the device did not finish in time",
		"Try again. If it happens often, look at the load of the bus and of the machine.",
	},
	{
		Offline, "kIOReturnOffline", ErrGone, "the device is offline",
		"It is attached but switched off. Bring it online and open it again.",
	},
	{
		NotReady, "kIOReturnNotReady", ErrState, "not ready",
		"The operation needs another state first: for example, only a running stream can be suspended.",
	},
	{
		NotAttached, "kIOReturnNotAttached", ErrGone, "the device is not attached",
		"Attach it and open it again.",
	},
	{
		NoChannels, "kIOReturnNoChannels", ErrNoMemory, "no DMA channel is free",
		"Close other streams of the device.",
	},
	{
		NoSpace, "kIOReturnNoSpace", ErrNoMemory, "no room for the data",
		"Give a larger buffer, or read what is waiting first.",
	},
	{
		PortExists, "kIOReturnPortExists", ErrBusy, "a port of this kind was registered already",
		"Register each port once per session.",
	},
	{
		CannotWire, "kIOReturnCannotWire", ErrNoMemory, "the memory could not be pinned",
		"Raise the limit on locked memory, or use smaller buffers.",
	},
	{
		NoInterrupt, "kIOReturnNoInterrupt", ErrIO, "the device has no interrupt",
		"The driver could not connect to the device's interrupt. Look at the slot and at other drivers.",
	},
	{
		NoFrames, "kIOReturnNoFrames", ErrNoMemory, "no DMA frame is queued",
		"Give buffers to the device before it needs them.",
	},
	{
		MessageTooLarge, "kIOReturnMessageTooLarge", ErrInvalid, "the message is too large",
		"Send less at once; the description tells the limits.",
	},
	{
		NotPermitted, "kIOReturnNotPermitted", ErrPermission, "not permitted",
		"The system refused. On macOS the program may lack the entitlement that the driver extension asks for; the reason stands in the kernel's log only.",
	},
	{
		NoPower, "kIOReturnNoPower", ErrGone, "the device has no power",
		"Switch it on and open it again.",
	},
	{
		NoMedia, "kIOReturnNoMedia", ErrGone, "there is no medium",
		"Insert the medium, or connect the signal.",
	},
	{
		UnformattedMedia, "kIOReturnUnformattedMedia", ErrIO, "the medium is not formatted",
		"Format it.",
	},
	{
		UnsupportedMode, "kIOReturnUnsupportedMode", ErrUnsupported, "no such mode",
		"Set a mode that the description offers.",
	},
	{
		Underrun, "kIOReturnUnderrun", ErrUnderrun, "nothing was there when data was needed",
		"Give filled buffers earlier, or more of them.",
	},
	{
		Overrun, "kIOReturnOverrun", ErrOverrun, "no buffer was free when data came",
		"Give buffers back earlier, or use more of them. A classic driver also answers this when its queue is full.",
	},
	{
		DeviceError, "kIOReturnDeviceError", ErrIO, "the device is faulty",
		"Reset the device. If the fault stays, it needs repair.",
	},
	{
		NoCompletion, "kIOReturnNoCompletion", ErrInvalid, "a completion is needed",
		"This method answers asynchronously only. Call it in its asynchronous form.",
	},
	{
		Aborted, "kIOReturnAborted", ErrAborted, "aborted",
		"The call was cancelled and had no effect. Call again if it is still wanted.",
	},
	{
		NoBandwidth, "kIOReturnNoBandwidth", ErrNoMemory, "the bus has no bandwidth left",
		"Lower the rate, or move the device to another bus.",
	},
	{
		NotResponding, "kIOReturnNotResponding", ErrGone, "the device does not respond",
		"Look at cables and power, then reset the device and open it again.",
	},
	{
		IsoTooOld, "kIOReturnIsoTooOld", ErrInvalid, "an isochronous request came too late",
		"Queue requests further ahead of time.",
	},
	{
		IsoTooNew, "kIOReturnIsoTooNew", ErrInvalid, "an isochronous request is too far ahead",
		"Queue requests closer to their time.",
	},
	{
		NotFound, "kIOReturnNotFound", ErrNotFound, "not found",
		"The stream, buffer or property does not exist. List what there is.",
	},
}
