// SPDX-License-Identifier: Apache-2.0

// Package remote carries the control plane between a client and a driver. An ioctl crosses
// as a conversation of calls (C6): the client asks, the driver's end answers that it is
// done or what it needs from the caller's memory, the client sends that or gives up.
//
// The user's half is always the client's: a stream head (package head) on a stream of its
// own, whose driver is a [Lower]. The modules are at the driver's end, below an [End] that
// the driver makes for each session. Neither trusts the other: what the driver asks for
// goes through the head's limits and reaches registered memory only, and a client that
// sends nonsense, or nothing, hurts its own session's stack only (C7).
//
// Commands, their data, and the answers cross, and so do flushes, pushes and pops. What
// M_ERROR, M_HANGUP and signals say in the driver's stack crosses as events of the session
// (C22); whoever fetches those gives them to the head, see [Session.Deliver]. Data messages
// don't cross: the payload has the IOStream's own queues.
// Before it is in them, or after, it passes the modules at the driver's end, see
// [End.SendPayload].
package remote
