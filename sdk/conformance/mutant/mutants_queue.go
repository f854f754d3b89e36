// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// set writes a word of the session's shared memory, if it has it.
func (s *Session) set(typ uint32, off int, v uint32) {
	if m, err := s.next.Memory(typ); err == nil && off+4 <= len(m.Bytes) {
		shared(m.Bytes, off).Store(v)
	}
}

// native reports whether the queues of an open session are native.
func (s *Session) native() bool {
	m, err := s.next.Memory(userclient.MemOutputQueue)
	return err == nil && shared(m.Bytes, 0).Load() == queue.RingMagic
}

// spoiled is a loopback driver whose shared memory is damaged whenever a selector has been
// answered with success.
func spoiled(name string, sel uint32, spoil func(*Session)) func() conformance.Target {
	return hooked(name, onCall(sel, func(_ context.Context, s *Session, _ *userclient.Args, next func() error) error {
		err := next()
		if err == nil {
			spoil(s)
		}
		return err
	}))
}

// spoiledNative is spoiled for native queues only.
func spoiledNative(name string, sel uint32, typ uint32, off int, v uint32) func() conformance.Target {
	return spoiled(name, sel, func(s *Session) {
		if s.native() {
			s.set(typ, off, v)
		}
	})
}

// loopbackCount is how many entries a native queue of the loopback driver has.
func loopbackCount() uint32 {
	return queue.RingCount(userclient.LayoutNative, LoopbackConfig().Buffers)
}

func queueMutants() []Mutant {
	return append(queueMemoryMutants(), queueIndexMutants()...)
}

func queueMemoryMutants() []Mutant {
	notReady := uint32(ioreturn.NotReady)
	return []Mutant{
		{
			Name: "ring-version", Rule: "QUEUE-01", Wrong: "Its output ring says that it has version 2 of the layout.",
			New: spoiledNative("ring-version", userclient.SelOpen, userclient.MemOutputQueue, queue.RingMagicOff, queue.RingMagic+1),
		},
		{
			Name: "reader-magic", Rule: "QUEUE-01", Wrong: "It forgets the magic word of the client's words about the output queue.",
			New: spoiledNative("reader-magic", userclient.SelOpen, userclient.MemOutputReader, queue.ReaderMagicOff, 0),
		},
		{
			Name: "count-too-large", Rule: "QUEUE-02", Wrong: "Its output ring claims twice as many entries as its memory holds.",
			New: spoiledNative("count-too-large", userclient.SelOpen, userclient.MemOutputQueue, queue.RingCountOff, 2*loopbackCount()),
		},
		{
			Name: "count-odd", Rule: "QUEUE-02", Wrong: "Its input ring has a number of entries that is no power of two.",
			New: spoiledNative("count-odd", userclient.SelOpen, userclient.MemInputQueue, queue.RingCountOff, 7),
		},
		{
			Name: "posted-at-open", Rule: "QUEUE-03", Wrong: "There is an entry on its output queue as soon as the stream is open.",
			New: spoiledNative("posted-at-open", userclient.SelOpen, userclient.MemOutputQueue, queue.RingTailOff, 1),
		},
		{
			Name: "status-never-stops", Rule: "QUEUE-04", Wrong: "Its status word says running although the stream was stopped.",
			New: spoiledNative("status-never-stops", userclient.SelStop, userclient.MemOutputQueue, queue.RingStatusOff, queue.StatusRunning),
		},
		{
			Name: "status-after-suspend", Rule: "QUEUE-05", Wrong: "Its status word says not ready while the stream is suspended.",
			New: spoiledNative("status-after-suspend", userclient.SelSuspend, userclient.MemOutputQueue, queue.RingStatusOff, notReady),
		},
		{
			Name: "status-stays", Rule: "QUEUE-05", Wrong: "Its status word still says not ready after the stream was started a second time.",
			New: spoiled("status-stays", userclient.SelStart, func(s *Session) {
				if s.native() && s.Count("start") > 0 {
					s.set(userclient.MemOutputQueue, queue.RingStatusOff, notReady)
				}
			}),
		},
		{
			Name: "scribble", Rule: "QUEUE-06", Wrong: "It marks entries as read by wiping them in the client's ring.",
			New: buggy("scribble", RawConfig{}, BugScribble),
		},
		{
			Name: "magic-wiped", Rule: "QUEUE-07", Wrong: "It wipes the magic word of the output ring when the stream is stopped.",
			New: spoiledNative("magic-wiped", userclient.SelStop, userclient.MemOutputQueue, queue.RingMagicOff, 0),
		},
		{
			Name: "pedantic", Rule: "QUEUE-08", Wrong: "It hangs up when a word that has no meaning is not zero.",
			New: buggy("pedantic", RawConfig{}, BugPedantic),
		},
		{
			Name: "trusts-hints", Rule: "QUEUE-09", Wrong: "It hangs up when the client's CPU number is larger than that of any CPU.",
			New: buggy("trusts-hints", RawConfig{}, BugTrustsHints),
		},
	}
}

func queueIndexMutants() []Mutant {
	return []Mutant{
		{
			Name: "foreign-entry", Rule: "QUEUE-10", Wrong: "Every fifth of its entries names a buffer that does not exist.",
			New: buggy("foreign-entry", RawConfig{}, BugForeignEntry),
		},
		{
			Name: "long-entry", Rule: "QUEUE-10", Wrong: "Its entries are one byte longer than the buffer.",
			New: buggy("long-entry", RawConfig{}, BugLongEntry),
		},
		{
			Name: "late-entry", Rule: "QUEUE-11", Wrong: "It publishes an entry with length 0, and corrects that when it publishes the next one.",
			New: buggy("late-entry", RawConfig{}, BugLateEntry),
		},
		{
			Name: "modulo-tail", Rule: "QUEUE-12", Wrong: "Its tail begins again at 0 at the end of the ring.",
			New: buggy("modulo-tail", RawConfig{}, BugModuloTail),
		},
		{
			Name: "modulo-head", Rule: "QUEUE-13", Wrong: "Its read index of the input queue begins again at 0 at the end of the ring.",
			New: buggy("modulo-head", RawConfig{}, BugModuloHead),
		},
		{
			Name: "silent-head", Rule: "QUEUE-13", Wrong: "It never publishes how far it has read.",
			New: buggy("silent-head", RawConfig{}, BugSilentHead),
		},
		{
			Name: "tight-ring", Rule: "QUEUE-14", Wrong: "It takes a ring for full that holds as many entries as there are buffers, and hangs up.",
			New: buggy("tight-ring", RawConfig{}, BugTightRing),
		},
		{
			Name: "overfill", Rule: "QUEUE-15", Wrong: "When it has no buffer left it posts the last one again.",
			New: buggy("overfill", RawConfig{}, BugOverfill),
		},
		{
			Name: "one-per-ring", Rule: "QUEUE-16", Wrong: "It takes one entry for each ring, however many there are.",
			New: buggy("one-per-ring", RawConfig{Direction: iostream.BothWays}, BugOnePerRing),
		},
		{
			Name: "wrap-lost", Rule: "QUEUE-17", Wrong: "Of a batch that crosses the end of the ring it takes only the first part.",
			New: buggy("wrap-lost", RawConfig{}, BugWrapLost),
		},
		{
			Name: "read-late", Rule: "QUEUE-18", Wrong: "It looks at the client's entry again when it uses the buffer, and hangs up if that has changed.",
			New: buggy("read-late", RawConfig{}, BugReadLate),
		},
	}
}
