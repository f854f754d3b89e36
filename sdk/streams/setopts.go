// SPDX-License-Identifier: Apache-2.0

package streams

// HeadOptions is what an MSetOpts message asks of the stream head, as the value of its
// first block (System V's stroptions). Only the fields that Flags name count.
//
// A head knows SetReadOptions, SetWriteOffset, SetMinPacket, SetMaxPacket, SetHighWater,
// SetLowWater, SetBand, SetErrorOptions and SetTail, and the switches SetReadNotes,
// SetOldNoDelay and SetDelimit with their opposites. The others are for terminals and for
// the memory of a kernel; they have no effect.
type HeadOptions struct {
	Flags       SetFlags
	Read        ReadOptions
	WriteOffset int // bytes to leave free before written data
	Tail        int // bytes to leave free behind them
	MinPacket   int // of the head's read queue
	MaxPacket   int
	HighWater   int // of the head's read queue, or of Band in it with SetBand
	LowWater    int
	Band        uint8
	Errors      ErrorOptions
}

// SetHeadOptions sends an MSetOpts with the options up the stream. It may be called on
// either queue of a module. The error is ENOSR.
func (q *Queue) SetHeadOptions(o HeadOptions) error {
	m, err := q.Arena().Alloc(MSetOpts, 0)
	if err != nil {
		return err
	}
	m.data.carry(o)
	q.pair.read.PutNext(m)
	return nil
}
