// SPDX-License-Identifier: Apache-2.0

// Package socket carries user clients between processes over a unix socket of type
// SOCK_SEQPACKET: the driver is an ordinary process, Listen and Serve offer its
// stream, Dial opens a session.
//
// Each message is one frame; wire.go has every number and layout. A session goes
//
//	client            driver
//	HELLO        →
//	             ←    WELCOME, with the bell of the input queue; or REFUSE
//	PORT …       →                 one for each port, with its bell, before open
//	CALL         →
//	             ←    REPLY        in any order; CANCEL asks for an early one
//	MAP          →
//	             ←    MAPPED       with the arena, the first time
//	BYE          →
//	             ←    hang-up, after the driver has ended the session
//
// Everything but the start of payload stays out of the socket: entries travel in
// shared memory, notifications as bells (package linux/internal/bell). Descriptors
// travel only where the frames above say so, one to a frame; what is too large for
// a frame travels as a sealed memfd.
//
// The other side is not trusted: every length, number and descriptor is checked
// before it is used, and what breaks a rule ends the session with an error that
// names the rule. What the transport promises against whom: towards another user
// everything; towards the same user, who could trace this process, everything that
// a faulty program can do, see package bell for the rest.
//
// The package works on Linux. The numbers of the wire compile everywhere.
package socket
