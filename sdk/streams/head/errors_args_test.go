// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// arrangeOthers makes conditions of modules, links and descriptors hold.
func (s *scene) arrangeOthers(c errtable.Condition) bool {
	lower, _ := s.files[fdLower].(*head.Head)
	control := func(t streams.Type, b ...byte) {
		m, err := s.arena.From(t, b)
		s.must(err)
		s.must(lower.Stream().Do(func(q *streams.Queue) { q.Put(m) }))
	}
	switch c {
	case errtable.OpenFailed:
		s.openErr = answered
	case errtable.Anchored:
		s.must(s.h.Push(s.t.Context(), "mod"))
		s.must(s.h.Anchor())
	case errtable.BadDescriptor:
		s.arg = argAddr
		if s.op != "I_FDINSERT" {
			s.arg = fdClosed
		}
		s.store(36, fdClosed)
	case errtable.LowerNotAStream:
		s.arg = fdFile
	case errtable.LowerIsUpper:
		s.arg = fdSelf
	case errtable.LowerUnusable, errtable.OtherHungUp:
		control(streams.MHangup)
	case errtable.OtherError:
		control(streams.MError, byte(recorded), byte(recorded))
	case errtable.OtherLinked:
		s.linkBelow(lower)
	case errtable.LinkZero:
		s.arg = 0
	case errtable.LinkUnknown:
		s.arg = 1 << 20
	case errtable.NotRegistered:
		if s.op == "I_SETSIG" {
			s.arg = 0
		} else {
			s.store(4, 0)
		}
	default:
		return false
	}
	return true
}

// arrangeArgument makes the argument wrong.
func (s *scene) arrangeArgument(c errtable.Condition) {
	type key struct {
		op errtable.Op
		c  errtable.Condition
	}
	byValue := map[key]uint64{
		{"I_FLUSH", errtable.NoFlags}:           0,
		{"I_SRDOPT", errtable.BothReadModes}:    3,
		{"I_SETSIG", errtable.AlertWithoutBand}: uint64(streams.EventBandAlert),
		{"I_CKBAND", errtable.BandRange}:        256,
		{"I_CANPUT", errtable.BandRange}:        256,
		{"I_FLUSH", errtable.BadFlags}:          4,
		{"I_SRDOPT", errtable.BadFlags}:         1 << 16,
		{"I_SWROPT", errtable.BadFlags}:         4,
		{"I_SERROPT", errtable.BadFlags}:        1 << 4,
		{"I_ATMARK", errtable.BadFlags}:         4,
		{"I_SETSIG", errtable.BadFlags}:         1 << 10,
	}
	byMemory := map[key][]any{ // where, and what
		{"I_FLUSHBAND", errtable.BadFlags}:       {4, 8},
		{"I_FLUSHBAND", errtable.NoFlags}:        {4, 0},
		{"I_ESETSIG", errtable.BadFlags}:         {4, 1 << 10},
		{"I_ESETSIG", errtable.AlertWithoutBand}: {4, int(streams.EventBandAlert)},
		{"I_ESETSIG", errtable.NoProcess}:        {0, 1 << 30},
		{"I_EGETSIG", errtable.NoProcess}:        {0, 1 << 30},
		{"I_FDINSERT", errtable.BadFlags}:        {32, 2},
		{"I_FDINSERT", errtable.LengthNegative}:  {4, -1},
		{"I_FDINSERT", errtable.BadOffset}:       {40, 2},
		{"I_FDINSERT", errtable.ControlTooShort}: {40, 8},
		{"I_FDINSERT", errtable.ControlTooLarge}: {4, 5000},
		{"I_FDINSERT", errtable.BadBuffer}:       {8, uint64(badAddr)},
		{"I_STR", errtable.LengthNegative}:       {8, -1},
		{"I_STR", errtable.TimeNegative}:         {4, -2},
		{"I_STR", errtable.TimeTooLong}:          {4, 2147484},
		{"I_STR", errtable.HeadOnlyCommand}:      {0, int(streams.CmdLink)},
		{"I_STR", errtable.DataTooLarge}:         {8, 300000},
		{"I_STR", errtable.BadBuffer}:            {16, uint64(badAddr)},
		{"I_LIST", errtable.CountNotPositive}:    {0, 0},
		{"I_LIST", errtable.BadBuffer}:           {8, uint64(badAddr)},
		{"I_PEEK", errtable.BadBuffer}:           {24, uint64(badAddr)},
		{"I_SETCLTIME", errtable.TimeNegative}:   {0, -1},
		{"I_SETCLTIME", errtable.TimeTooLong}:    {0, 300001},
		{"I_PUSH", errtable.NameTooLong}:         {0, "modmodmod"},
		{"I_PUSH", errtable.NameEmpty}:           {0, ""},
		{"I_PUSH", errtable.NameUnknown}:         {0, "nobody"},
		{"I_FIND", errtable.NameTooLong}:         {0, "modmodmod"},
		{"I_FIND", errtable.NameEmpty}:           {0, ""},
		{"I_FIND", errtable.NameUnknown}:         {0, "nobody"},
	}
	byMessage := map[key]head.Message{
		{errtable.OpGetMsg, errtable.BadFlags}:              {Flags: 8},
		{errtable.OpGetPMsg, errtable.BadFlags}:             {Flags: 8},
		{errtable.OpGetPMsg, errtable.NoFlags}:              {},
		{errtable.OpGetPMsg, errtable.UrgentWithBand}:       {Flags: streams.MsgUrgent, Band: 1},
		{errtable.OpPutMsg, errtable.BadFlags}:              {Flags: 8},
		{errtable.OpPutMsg, errtable.UrgentWithoutControl}:  {Flags: streams.MsgUrgent, Data: []byte{}},
		{errtable.OpPutMsg, errtable.ControlTooLarge}:       {Control: make([]byte, 5000)},
		{errtable.OpPutPMsg, errtable.BadFlags}:             {Flags: 8},
		{errtable.OpPutPMsg, errtable.NoFlags}:              {},
		{errtable.OpPutPMsg, errtable.UrgentWithoutControl}: {Flags: streams.MsgUrgent, Data: []byte{}},
		{errtable.OpPutPMsg, errtable.UrgentWithBand}:       {Flags: streams.MsgUrgent, Band: 1, Control: []byte{}},
		{errtable.OpPutPMsg, errtable.ControlTooLarge}:      {Flags: streams.MsgBand, Control: make([]byte, 5000)},
	}
	k := key{s.op, c}
	if s.op == "I_PEEK" || s.op == "I_GETBAND" {
		s.control(streams.MData, 'x')
	}
	if s.op == "I_GETSIG" {
		s.must(s.h.SetSig(streams.EventInput, func(head.Notice) {}))
	}
	value, isValue := byValue[k]
	memory, isMemory := byMemory[k]
	message, isMessage := byMessage[k]
	switch {
	case isValue:
		s.arg = value
	case isMemory:
		s.store(memory[0].(int), memory[1])
	case isMessage:
		s.msg = message
	case c == errtable.BadAddress:
		s.arg = badAddr
	case c == errtable.HeadOnlyCommand && s.op == errtable.OpTransparent:
		s.cmd = streams.CmdPLinkLH
	default:
		s.t.Errorf("nothing brings this about")
	}
}

func (s *scene) arrangeMessages(c errtable.Condition) bool {
	switch c {
	case errtable.FirstIsFile:
		s.control(streams.MPassFP)
	case errtable.FirstIsNoFile:
		s.control(streams.MData, 'x')
	case errtable.FirstIsControl:
		s.control(streams.MProto, 'x')
	case errtable.TooManyFiles, errtable.BadAddress:
		if s.op != "I_RECVFD" {
			return false
		}
		a, b, err := head.Pipe(s.d, &s.cfg)
		s.must(err)
		s.must(s.h.Close(s.t.Context()))
		s.held = append(s.held, a)
		s.h = b
		s.must(a.SendFD(head.File{}))
		if s.arg = argAddr; c == errtable.BadAddress {
			s.arg = badAddr
		} else {
			s.most = 0
		}
	default:
		return false
	}
	return true
}

func (s *scene) arrangeAnswers(c errtable.Condition) bool {
	copyIn := func(addr streams.Addr, rounds *int) onAnswer {
		return func(s *scene, m *streams.Block) bool {
			if *rounds--; *rounds < 0 {
				return ackNow(s, m)
			}
			s.must(m.CopyIn(nil, 4, addr))
			return true
		}
	}
	rounds := 5
	answers := func(stored, said int) onAnswer {
		return func(s *scene, m *streams.Block) bool {
			data, err := s.arena.From(streams.MData, make([]byte, said))
			s.must(err)
			s.must(m.AckData(data, said, 0))
			s.must(data.Resize(0, stored-said))
			return true
		}
	}
	copyOut := func(stored int) onAnswer {
		return func(s *scene, m *streams.Block) bool {
			data, err := s.arena.From(streams.MData, make([]byte, 4))
			s.must(err)
			s.must(m.CopyOut(nil, 4, bufAddr, data))
			s.must(data.Resize(0, stored-4))
			return true
		}
	}
	switch c {
	case errtable.Refused:
		s.answer = func(s *scene, m *streams.Block) bool { s.must(m.Nak(answered)); return true }
	case errtable.RefusedBare:
		s.answer = func(s *scene, m *streams.Block) bool { s.must(m.Nak(0)); return true }
	case errtable.CopyTooLarge, errtable.CopiesTooLarge, errtable.TooManyCopies:
		s.answer = copyIn(bufAddr, &rounds)
	case errtable.CopyBadAddress:
		s.answer = copyIn(badAddr, &rounds)
	case errtable.CopyOutShort:
		s.answer = copyOut(2)
	case errtable.CopyOutEmpty:
		s.answer = copyOut(0)
	case errtable.AnswerShort:
		s.answer = answers(2, 4)
	case errtable.AnswerEmpty:
		s.answer = answers(0, 4)
	case errtable.AnswerTooLong:
		s.answer = answers(5, 5)
	case errtable.AnswerBadAddress:
		s.store(0, int(cmdOne), 0, 4, 0, uint64(fixedAddr))
		s.answer = answers(4, 4)
	default:
		return false
	}
	if s.op == "I_UNLINK" || s.op == "I_PUNLINK" {
		answer := s.answer
		s.linkFirst()
		s.answer = answer
	}
	return true
}

// linkFirst makes a link that can be undone.
func (s *scene) linkFirst() {
	s.answer = ackNow
	_, err := s.h.Link(s.files[fdLower].(*head.Head), s.op == "I_PUNLINK")
	s.must(err)
	s.others = append(s.others, func() {
		s.answer = ackNow
		if s.op == "I_PUNLINK" {
			s.must(s.stream(s.module).Unlink(int(streams.MuxAll), true))
		}
	})
}
