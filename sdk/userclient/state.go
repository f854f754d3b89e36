// SPDX-License-Identifier: Apache-2.0

package userclient

import "github.com/iostreamkit/iostreamkit/sdk/ioreturn"

// State is the state of a session, as both ends see it.
type State uint32

// The states.
const (
	StateClosed    State = 0 // connected, not open
	StateOpen      State = 1 // open, not running
	StateRunning   State = 2
	StateSuspended State = 3
	StateGone      State = 4 // the session is over; final
)

// String returns the state's name in lower case.
func (s State) String() string {
	if s < States {
		return stateNames[s]
	}
	return "unknown state"
}

var stateNames = [States]string{"closed", "open", "running", "suspended", "gone"}

// Operation is a row of the state table.
type Operation uint32

// The operations.
const (
	OpOpen Operation = iota
	OpClose
	OpStart
	OpStop
	OpSuspend
	OpGetMode
	OpSetMode
	OpGetBufferCount
	OpDescribe // and observe, stats: what needs no open
	OpSelect   // settles features and layout, before open
	OpMap
	OpDequeue
	OpEnqueue
	OpInputSync
	OpGetFormat
	OpSetFormat
	OpCorrelate
	OpEvents
	OpFlush
	OpControl
	OpHangup // the other side is gone
	opCount
)

// String returns the operation's name as it appears in errors: "set mode".
func (o Operation) String() string {
	if o < opCount {
		return opNames[o]
	}
	return "unknown operation"
}

var opNames = [opCount]string{
	"open", "close", "start", "stop", "suspend", "get mode", "set mode", "get buffer count", "describe", "select", "map",
	"dequeue", "enqueue", "input sync", "get format", "set format", "correlate", "events", "flush", "control", "hang up",
}

// Transition is a cell of the state table: the next state if Code is Success,
// the refusal otherwise.
type Transition struct {
	Next State
	Code ioreturn.Code
}

// States and Operations are the sizes of the table.
const (
	States     = 5
	Operations = int(opCount)
)

// Next returns what op does in state s. It is the one authority for both ends and
// for the conformance suite (C23), and equals the table in abi.h. Unknown states
// and operations answer BadArgument.
func Next(s State, op Operation) Transition {
	if s >= States || op >= opCount {
		return Transition{s, ioreturn.BadArgument}
	}
	return stateTable[op][s]
}

func to(s State) Transition { return Transition{Next: s} }

func no(s State, c ioreturn.Code) Transition { return Transition{s, c} }

// everywhere allows an operation in every state but gone, changing nothing.
func everywhere() [States]Transition {
	return [States]Transition{
		to(StateClosed), to(StateOpen), to(StateRunning), to(StateSuspended),
		no(StateGone, ioreturn.NoDevice),
	}
}

// whileOpen allows an operation in open, running and suspended, changing nothing.
func whileOpen() [States]Transition {
	t := everywhere()
	t[StateClosed] = no(StateClosed, ioreturn.NotOpen)
	return t
}

// whileStopped allows an operation in open only, changing nothing.
func whileStopped() [States]Transition {
	t := whileOpen()
	t[StateRunning] = no(StateRunning, ioreturn.Busy)
	t[StateSuspended] = no(StateSuspended, ioreturn.Busy)
	return t
}

var stateTable = [opCount][States]Transition{
	OpOpen: {
		to(StateOpen),
		no(StateOpen, ioreturn.StillOpen), no(StateRunning, ioreturn.StillOpen), no(StateSuspended, ioreturn.StillOpen),
		no(StateGone, ioreturn.NoDevice),
	},
	OpClose: {
		no(StateClosed, ioreturn.NotOpen),
		to(StateClosed), to(StateClosed), to(StateClosed),
		no(StateGone, ioreturn.NoDevice),
	},
	OpStart: {
		no(StateClosed, ioreturn.NotOpen),
		to(StateRunning), to(StateRunning), to(StateRunning),
		no(StateGone, ioreturn.NoDevice),
	},
	OpStop: {
		no(StateClosed, ioreturn.NotOpen),
		to(StateOpen), to(StateOpen), to(StateOpen),
		no(StateGone, ioreturn.NoDevice),
	},
	OpSuspend: {
		no(StateClosed, ioreturn.NotOpen),
		no(StateOpen, ioreturn.NotReady),
		to(StateSuspended), to(StateSuspended),
		no(StateGone, ioreturn.NoDevice),
	},
	OpGetMode:        everywhere(),
	OpSetMode:        whileStopped(),
	OpGetBufferCount: everywhere(),
	OpDescribe:       everywhere(),
	OpSelect: {
		to(StateClosed),
		no(StateOpen, ioreturn.StillOpen), no(StateRunning, ioreturn.StillOpen), no(StateSuspended, ioreturn.StillOpen),
		no(StateGone, ioreturn.NoDevice),
	},
	OpMap:       whileOpen(),
	OpDequeue:   whileOpen(),
	OpEnqueue:   whileOpen(),
	OpInputSync: whileOpen(),
	OpGetFormat: everywhere(),
	OpSetFormat: whileStopped(),
	OpCorrelate: everywhere(),
	OpEvents:    everywhere(),
	OpFlush:     whileOpen(),
	OpControl:   everywhere(),
	OpHangup: {
		to(StateGone), to(StateGone), to(StateGone), to(StateGone), to(StateGone),
	},
}

// OperationOf returns the row of the table that governs a selector; ok is false
// for selectors without one (the vendor's).
func OperationOf(selector uint32) (op Operation, ok bool) {
	switch selector {
	case SelOpen:
		return OpOpen, true
	case SelClose:
		return OpClose, true
	case SelStart:
		return OpStart, true
	case SelStop:
		return OpStop, true
	case SelSuspend:
		return OpSuspend, true
	case SelGetMode:
		return OpGetMode, true
	case SelSetMode:
		return OpSetMode, true
	case SelGetBufferCount:
		return OpGetBufferCount, true
	case SelDescribe, SelObserve, SelStats:
		return OpDescribe, true
	case SelSelect:
		return OpSelect, true
	case SelMemoryMap:
		return OpMap, true
	case SelEvents:
		return OpEvents, true
	case SelCorrelate:
		return OpCorrelate, true
	case SelGetFormat:
		return OpGetFormat, true
	case SelSetFormat:
		return OpSetFormat, true
	case SelInputSync:
		return OpInputSync, true
	case SelDoorbell, SelArm:
		return OpEnqueue, true
	case SelFlush:
		return OpFlush, true
	case SelIoctl, SelIoctlData, SelIoctlAbandon, SelControlPush, SelControlPop, SelControlNames, SelControlFlush:
		return OpControl, true
	}
	return 0, false
}
