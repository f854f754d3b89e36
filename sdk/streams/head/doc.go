// SPDX-License-Identifier: Apache-2.0

// Package head is the stream head: the end of a stream that a program uses. It sends
// commands and data down, does the copies that modules ask for, in memory that the caller
// has registered, and keeps what comes up until it is read.
//
// The commands are those of System V STREAMS, I_STR and I_PUSH and so on, as methods with
// Go values, and as [Head.Ioctl] with numbers and addresses. Where systems differ a
// profile decides; docs/reference/streams.md has every command and every error in the
// order in which they are tested.
//
// A head has one ioctl under way at a time; others wait for their turn. Modules and
// drivers are not trusted: what they answer is matched with what was asked, measured
// against what is attached, and copied within limits.
package head
