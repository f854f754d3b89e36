// SPDX-License-Identifier: Apache-2.0

package errtable

import "strconv"

// Condition is something about a call or its stream that may make the call fail.
type Condition uint8

// The conditions. Their texts, which complete "when", are what String returns.
const (
	// Of the stream as it is when the call comes.
	Closed      Condition = iota + 1
	NotReadable           // the opener gave up reading
	NotWritable           // the opener gave up writing
	LinkedBelow
	ReadError
	WriteError
	HungUp
	HungUpEmpty // and nothing is left to take
	BrokenPipe
	IsPipe
	AcrossTransport

	// Of the arguments.
	BadAddress // of the argument itself
	BadBuffer  // of a buffer that the argument points to
	BadFlags
	NoFlags
	BothReadModes
	AlertWithoutBand
	BandRange
	CountNotPositive
	LengthNegative
	TimeNegative
	TimeTooLong
	HeadOnlyCommand
	DataTooLarge
	DataRange
	MaxPacketZero
	ControlTooLarge
	ControlTooShort
	BadOffset
	UrgentWithoutControl
	UrgentWithBand
	NameTooLong
	NameEmpty
	NameUnknown
	NoAccess
	NoProcess
	NotPermitted
	NotRegistered

	// Of the modules and of other streams.
	PushLimit
	Anchored
	PlumbingBusy
	NoModule
	NoModuleInPipe
	OpenFailed
	NotAMultiplexer
	BadDescriptor
	LowerNotAStream
	LowerIsUpper
	LowerUnusable
	Cycle
	LinkZero
	LinkUnknown
	OtherLinked
	OtherError
	OtherHungUp
	NoPeerHead
	PeerFull
	TooManyFiles

	// Of the messages in the read queue.
	Empty
	FirstIsFile
	FirstIsNoFile
	FirstIsControl

	// Of the wait.
	WouldBlock
	NoMemory
	Interrupted
	TooManyWaiters
	SlotTimeout
	TimedOut
	ErrorMeanwhile
	HungUpMeanwhile
	LinkedMeanwhile
	ClosedMeanwhile

	// Of the answers of a module or driver.
	Refused
	RefusedBare
	CopyTooLarge
	CopiesTooLarge
	TooManyCopies
	CopyBadAddress
	CopyOutShort
	CopyOutEmpty
	AnswerShort
	AnswerEmpty
	AnswerTooLong
	AnswerBadAddress

	conditions = iota + 1 // one more than the last
)

// Conditions returns all conditions in the order of their numbers.
func Conditions() []Condition {
	all := make([]Condition, 0, conditions-1)
	for c := Closed; c < conditions; c++ {
		all = append(all, c)
	}
	return all
}

// String returns what must be so, as the end of a sentence that begins with "when".
func (c Condition) String() string {
	if c == 0 || c >= conditions {
		return "Condition(" + strconv.Itoa(int(c)) + ")"
	}
	return conditionTexts[c]
}

var conditionTexts = [conditions]string{
	Closed:               "the stream was closed",
	NotReadable:          "the stream is not open for reading",
	NotWritable:          "the stream is not open for writing",
	LinkedBelow:          "the stream is linked below a multiplexer",
	ReadError:            "the read side has an error",
	WriteError:           "the write side has an error",
	HungUp:               "the stream is hung up",
	HungUpEmpty:          "the stream is hung up and its read queue is empty",
	BrokenPipe:           "the other end of the pipe is closed",
	IsPipe:               "the stream is a pipe or a FIFO",
	AcrossTransport:      "the driver is in another process",
	BadAddress:           "the argument is outside the caller's memory",
	BadBuffer:            "a buffer that the argument names is outside the caller's memory",
	BadFlags:             "a flag is set that the command does not know",
	NoFlags:              "no flag is set",
	BothReadModes:        "RMSGD and RMSGN are both set",
	AlertWithoutBand:     "S_BANDURG is set without S_RDBAND",
	BandRange:            "the band is outside 0 to 255",
	CountNotPositive:     "the count is zero or negative",
	LengthNegative:       "a length is negative",
	TimeNegative:         "the time is negative and not \"for ever\"",
	TimeTooLong:          "the time is longer than the profile allows",
	HeadOnlyCommand:      "the command is one that only the head may send to modules",
	DataTooLarge:         "the data are larger than strmsgsz",
	DataRange:            "the length of the data is outside the packet sizes of the topmost module",
	MaxPacketZero:        "the topmost module takes no data",
	ControlTooLarge:      "the control part is larger than strctlsz",
	ControlTooShort:      "the control part has no room for the token",
	BadOffset:            "the offset is negative or no multiple of 4",
	UrgentWithoutControl: "a priority message has no control part",
	UrgentWithBand:       "a priority message has a band",
	NameTooLong:          "the name is longer than 8 bytes",
	NameEmpty:            "the name is empty",
	NameUnknown:          "no module has the name",
	NoAccess:             "the caller may not open it, or not in this way",
	NoProcess:            "there is no such process or group",
	NotPermitted:         "the caller may not send signals to the process",
	NotRegistered:        "the process is not registered",
	PushLimit:            "as many modules are pushed as the profile allows",
	Anchored:             "the anchor is at the top module and the caller has no privilege",
	PlumbingBusy:         "another push, pop or open is under way and the stream does not block",
	NoModule:             "no module is pushed",
	NoModuleInPipe:       "the stream is a pipe or a FIFO without a module",
	OpenFailed:           "the open procedure fails",
	NotAMultiplexer:      "the driver is no multiplexer",
	BadDescriptor:        "the descriptor is not open",
	LowerNotAStream:      "the lower descriptor is no stream",
	LowerIsUpper:         "the lower stream is the upper one",
	LowerUnusable:        "the lower stream is linked, hung up, in error or busy",
	Cycle:                "the link would make a cycle",
	LinkZero:             "the link number is 0",
	LinkUnknown:          "no link of this kind and stream has the number",
	OtherLinked:          "the other stream is linked below a multiplexer",
	OtherError:           "the other stream has an error",
	OtherHungUp:          "the other stream is hung up",
	NoPeerHead:           "at the other end is no stream head",
	PeerFull:             "the read queue of the other end is full",
	TooManyFiles:         "the caller has as many open files as it may",
	Empty:                "the read queue is empty",
	FirstIsFile:          "the first message is a passed file",
	FirstIsNoFile:        "the first message is no passed file",
	FirstIsControl:       "the first message has a control part and RPROTNORM is set",
	WouldBlock:           "the call would have to wait and the stream does not block",
	NoMemory:             "there is no memory for a message",
	Interrupted:          "the caller gives up while the call waits",
	TooManyWaiters:       "too many callers wait behind another ioctl",
	SlotTimeout:          "another ioctl holds the stream for 15 s",
	TimedOut:             "no answer comes in time",
	ErrorMeanwhile:       "an error is recorded while the call waits",
	HungUpMeanwhile:      "the stream is hung up while the call waits",
	LinkedMeanwhile:      "the stream is linked below a multiplexer while the call waits",
	ClosedMeanwhile:      "the stream is closed while the call waits",
	Refused:              "a module refuses and says why",
	RefusedBare:          "a module refuses and does not say why",
	CopyTooLarge:         "a module asks for a larger copy than the limit",
	CopiesTooLarge:       "a module asks for more bytes in all than the limit",
	TooManyCopies:        "a module asks for more copies than the limit",
	CopyBadAddress:       "a module asks for a copy outside the caller's memory",
	CopyOutShort:         "a module copies out more bytes than it attached",
	CopyOutEmpty:         "a module copies out and attached nothing",
	AnswerShort:          "the answer says more bytes than it has",
	AnswerEmpty:          "the answer says a length and has no data",
	AnswerTooLong:        "the answer is longer than the caller's buffer",
	AnswerBadAddress:     "the caller's buffer for the answer is outside its memory",
}
