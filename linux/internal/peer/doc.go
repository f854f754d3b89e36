// SPDX-License-Identifier: Apache-2.0

// Package peer tells who is at the other end of a unix socket, and when that
// process dies, also while a forked child of it keeps the socket open (C28).
package peer
