// SPDX-License-Identifier: Apache-2.0

// Package ioctl has typed commands: what a module or driver answers to an ioctl,
// written with Go values instead of user memory and messages.
//
// A [Table] is built from [Command] values, each with a number, the Go types of its
// argument and result, and a function. The table checks at its making that the types
// have the same layout on every machine and that numbers, directions and sizes agree.
//
//	table, err := ioctl.NewTable(nil, ioctl.Command[Gain, ioctl.None]{
//		Number: setGain, Name: "SET_GAIN", Access: ioctl.ForWriting,
//		Do: func(ctx context.Context, job *ioctl.Job, in Gain) (ioctl.None, error) { … },
//	})
//
// A [Call] carries out one command as a conversation without any input or output of
// its own: each Step takes an [Event] and says with a [Next] what has to happen, be it
// a copy from or to user memory, the work itself, or the answer. An engine turns that
// into M_COPYIN and M_COPYOUT messages or sends it to another process. A [Copier] is the
// other side: it owns the [Memory] and trusts nothing that is asked of it. [Run] joins
// both.
package ioctl
