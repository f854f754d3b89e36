// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/errtable"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// TestErrorTable brings about every condition that the errno table has for an operation,
// in each profile, and wants exactly the errno that is due.
func TestErrorTable(t *testing.T) {
	for _, profile := range streams.Profiles() {
		for e := range errtable.All() {
			for _, row := range e.Rows {
				if row.Outcome(profile) == errtable.None {
					continue
				}
				t.Run(profile.String()+"/"+string(e.Op)+"/"+row.When.String(), func(t *testing.T) {
					if why := impossible(profile, e.Op, row.When); why != "" {
						t.Skip(why)
					}
					inBubble(t, func(t *testing.T) { check(t, profile, e.Op, row.When) })
				})
			}
		}
	}
}

// TestErrorOrder adds a state of the stream to what is wrong with an argument: the table
// says which of the two is told, or that the operation does not look at the state.
func TestErrorOrder(t *testing.T) {
	states := []errtable.Condition{errtable.AcrossTransport, errtable.ReadError, errtable.WriteError, errtable.HungUp}
	for _, profile := range streams.Profiles() {
		for e := range errtable.All() {
			for _, row := range e.Rows {
				c := row.When
				if row.Outcome(profile) == errtable.None || !ofArgument(c) || e.Op == "I_RECVFD" || impossible(profile, e.Op, c) != "" {
					continue
				}
				for _, state := range states {
					t.Run(profile.String()+"/"+string(e.Op)+"/"+c.String()+"/"+state.String(), func(t *testing.T) {
						inBubble(t, func(t *testing.T) { check(t, profile, e.Op, c, state) })
					})
				}
			}
		}
	}
}

// ofArgument reports whether a condition is about the argument of an operation.
func ofArgument(c errtable.Condition) bool {
	switch c {
	case errtable.MaxPacketZero, errtable.DataRange, errtable.NoAccess, errtable.NotPermitted:
		return false
	}
	return c >= errtable.BadAddress && c <= errtable.NotRegistered
}

// check makes conditions hold, does the operation and compares its errno with the table's.
func check(t *testing.T, profile streams.Profile, op errtable.Op, c errtable.Condition, more ...errtable.Condition) {
	s := newScene(t, profile, op)
	defer s.close()
	s.arguments()
	s.before(append(more, c)...)
	if op != errtable.OpOpen {
		s.open()
	}
	s.arrange(c)
	for _, c := range more {
		s.arrange(c)
	}
	s.also = append(s.also, more...)
	holds := func(have errtable.Condition) bool { return have == c || slices.Contains(s.also, have) }
	due := errtable.First(profile, op, holds)
	want, ok := due.Errno()
	switch {
	case ok:
	case due == errtable.Recorded:
		want = recorded
	case due == errtable.Answered:
		want = answered
	}
	if got := s.outcome(); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// impossible says why a condition can't be brought about for an operation of the head.
func impossible(p streams.Profile, op errtable.Op, c errtable.Condition) string {
	switch c {
	case errtable.NotPermitted:
		return "the only process that a head knows is its own"
	case errtable.Cycle:
		return "the stream that would close a cycle is linked itself, which is tested first"
	case errtable.NoAccess, errtable.Interrupted, errtable.HungUpMeanwhile, errtable.NameUnknown, errtable.NoMemory:
		if op == errtable.OpOpen {
			return "a head is opened with its driver, not by a name, and without messages"
		}
	}
	calls := []errtable.Op{
		errtable.OpRead, errtable.OpWrite, errtable.OpGetMsg, errtable.OpGetPMsg, errtable.OpPutMsg, errtable.OpPutPMsg,
	}
	switch {
	case slices.Contains(calls, op) && (c == errtable.BadAddress || c == errtable.BadBuffer):
		return "the buffers of a call are slices"
	case slices.Contains(calls, op) && c == errtable.BandRange:
		return "the band of a call is a byte"
	case op == "I_PEEK" && c == errtable.NoMemory:
		return "it needs no message"
	case op == errtable.OpTransparent && c == errtable.TimedOut && p != streams.OpenSS7:
		return "it waits for ever"
	case (op == "I_PUSH" || op == "I_POP") && c == errtable.LinkedMeanwhile:
		return "a link waits for others who change the stack"
	case (op == "I_STR" || op == errtable.OpTransparent) && c == errtable.LinkedMeanwhile:
		return "a stream with an ioctl under way can't be linked"
	}
	return ""
}

// before makes what must be so before the stream is opened.
func (s *scene) before(all ...errtable.Condition) {
	tun := s.cfg.Profile.Tunables()
	for _, c := range all {
		s.prepare(c, &tun)
	}
	s.cfg.Tunables = &tun
}

func (s *scene) prepare(c errtable.Condition, tun *streams.Tunables) {
	switch c {
	case errtable.NotReadable:
		s.cfg.Access = head.WriteOnly
	case errtable.NotWritable:
		s.cfg.Access = head.ReadOnly
	case errtable.AcrossTransport:
		s.cfg.Remote = true
	case errtable.BrokenPipe, errtable.IsPipe, errtable.NoModuleInPipe, errtable.PeerFull:
		s.pipe = true
	case errtable.PushLimit:
		tun.Modules = 0
	case errtable.TooManyWaiters:
		tun.Waiters = 1
	case errtable.CopyTooLarge:
		tun.CopySize = 3
	case errtable.CopiesTooLarge:
		tun.CopyTotal = 3
	case errtable.TooManyCopies:
		tun.CopyRounds = 1
	case errtable.WouldBlock, errtable.PlumbingBusy:
		s.cfg.NonBlocking = true
	case errtable.NotAMultiplexer:
		s.module.Mux = nil
	case errtable.MaxPacketZero, errtable.DataRange:
		s.module.Write.MinPacket, s.module.Write.MaxPacket = 100, 200
	}
	if s.op == "I_SENDFD" && (c == errtable.NoMemory) {
		s.pipe = true
	}
	if s.op == errtable.OpOpen && c == errtable.OpenFailed {
		s.module.Open = func(*streams.Queue, streams.OpenInfo) error { return answered }
	}
}

// arrange makes a condition hold on the open stream.
func (s *scene) arrange(c errtable.Condition) {
	switch {
	case s.arrangeState(c), s.arrangeMessages(c), s.arrangeAnswers(c), s.arrangeWait(c), s.arrangeOthers(c):
	default:
		s.arrangeArgument(c)
	}
}

func (s *scene) arrangeState(c errtable.Condition) bool {
	switch c {
	case errtable.NotReadable, errtable.NotWritable, errtable.AcrossTransport, errtable.IsPipe, errtable.NoModuleInPipe,
		errtable.NoModule, errtable.PushLimit, errtable.NotAMultiplexer, errtable.DataRange, errtable.NoPeerHead, errtable.Empty:
		// The stream is so as it is.
	case errtable.Closed:
		s.must(s.h.Close(s.t.Context()))
	case errtable.LinkedBelow:
		s.linkBelow(s.h)
	case errtable.ReadError:
		s.control(streams.MError, byte(recorded), streams.ErrorUnchanged)
	case errtable.WriteError:
		s.control(streams.MError, streams.ErrorUnchanged, byte(recorded))
	case errtable.HungUp, errtable.HungUpEmpty:
		s.control(streams.MHangup)
	case errtable.BrokenPipe:
		s.must(s.held[0].Close(s.t.Context()))
		s.also = append(s.also, errtable.HungUp)
	case errtable.MaxPacketZero:
		s.must(s.h.Stream().Do(func(*streams.Queue) {
			s.must(s.driver.Partner().SetField(streams.QMinPSz, 0, 0))
			s.must(s.driver.Partner().SetField(streams.QMaxPSz, 0, 0))
		}))
	case errtable.NoMemory:
		s.noMem.Store(true)
	case errtable.PeerFull:
		for err := error(nil); err == nil; {
			err = s.h.SendFD(head.File{})
		}
	default:
		return false
	}
	return true
}

// linkBelow links a stream below another one.
func (s *scene) linkBelow(h *head.Head) {
	s.t.Helper()
	upper, answer := s.other(), s.answer
	s.answer = ackNow
	_, err := upper.Link(h, false)
	s.must(err)
	s.answer = answer
	s.others = append(s.others, func() { s.must(upper.Close(context.Background())) })
}

// arrangeWait makes the operation wait, and something happen meanwhile.
func (s *scene) arrangeWait(c errtable.Condition) bool {
	ctx := s.t.Context()
	switch c {
	case errtable.WouldBlock, errtable.PlumbingBusy:
	case errtable.Interrupted:
		s.act = func() {}
	case errtable.ErrorMeanwhile:
		s.also = []errtable.Condition{c}
		s.act = func() { s.control(streams.MError, byte(recorded), byte(recorded)) }
	case errtable.HungUpMeanwhile:
		s.also = []errtable.Condition{c}
		s.act = func() { s.control(streams.MHangup) }
	case errtable.ClosedMeanwhile:
		s.also = []errtable.Condition{c}
		s.act = func() {
			closed := make(chan struct{})
			go func() { defer close(closed); s.must(s.h.Close(context.Background())) }()
			synctest.Wait()
			s.others = append(s.others, func() { <-closed })
		}
	case errtable.LinkedMeanwhile:
		s.also = []errtable.Condition{c}
		s.act = func() { s.linkBelow(s.h) }
	case errtable.TimedOut:
		s.also = []errtable.Condition{c}
		s.act = func() { after(16 * time.Second) }
	case errtable.SlotTimeout, errtable.TooManyWaiters:
		waiting, cancel := context.WithCancel(ctx)
		s.others = append(s.others, cancel)
		s.answer = nil
		n := 1
		if c == errtable.TooManyWaiters {
			n = 2
		}
		for range n {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = s.h.Str(waiting, &head.Str{Command: cmdTwo, Wait: head.Forever})
			}()
			s.others = append(s.others, func() { <-ended })
			after(time.Millisecond)
		}
		return true
	default:
		return false
	}
	s.makeWait()
	return true
}

// makeWait brings the stream into a state in which the operation waits.
func (s *scene) makeWait() {
	switch s.op {
	case "I_PUSH", "I_POP":
		var err error
		s.plumb, err = s.h.Stream().Plumb(s.t.Context())
		s.must(err)
		if s.act == nil {
			s.others = append(s.others, s.plumb.Release)
		}
		if s.also == nil {
			s.others = append(s.others, s.plumb.Release)
			s.plumb = nil
		}
	case "I_UNLINK", "I_PUNLINK":
		s.linkFirst()
		s.answer = nil
	case "I_FDINSERT", errtable.OpWrite, errtable.OpPutMsg, errtable.OpPutPMsg:
		s.full = true
		s.h.SetNonBlocking(true)
		for err := error(nil); err == nil; {
			_, err = s.h.Write(s.t.Context(), []byte("x"))
		}
		s.h.SetNonBlocking(s.cfg.NonBlocking)
	default:
		s.answer = nil
	}
}
