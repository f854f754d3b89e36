// SPDX-License-Identifier: Apache-2.0

// Package commands makes modules and drivers of command tables: what package ioctl says
// with Go values, they answer on a stream, with M_COPYIN, M_COPYOUT, M_IOCACK and
// M_IOCNAK.
//
// A function of a command may block: it runs in a goroutine of its own, and data and other
// messages of the stream go on meanwhile. A stream has one function running at a time.
//
// A stream head has one ioctl under way at a time and does not tell the modules when its
// caller gives one up. The next one that comes down tells it: then the context of a
// function that still runs ends, and the earlier command is refused with EINTR, which the
// head drops. So no module should send an M_IOCTL of its own down through one of these.
// Streams linked below a multiplexer have several callers, and there functions wait for
// each other instead.
package commands
