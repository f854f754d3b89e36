// SPDX-License-Identifier: Apache-2.0

// Package userclient is the seam of IOStreamKit: the numbers, records and
// interfaces by which a client and a driver talk, whatever lies between them.
//
// A client holds a [Conn]; a driver offers a [Provider], which makes one [Session]
// per client. A transport carries the calls of the one to the other and shares
// memory between them, and does nothing else: everything that a user sees as a
// stream is written once, above this package, in iostream.
//
// The numbers 0 to 7, the memory and port types, modes and open options are those
// of Apple's IOStreamFamily (IOStreamShared.h); everything that is not Apple's
// has a number from 0x100 up or says so. The state table ([Next]) is the one
// authority on what is allowed when.
package userclient
