// SPDX-License-Identifier: Apache-2.0

// Package sample has drivers that need no hardware: they play a file, make a
// pattern, give back what they are sent, or swallow it. The serve command offers
// them, and the demo streams a file with them.
//
// Each constructor returns a driver and its loop, which is what
// iostreamkit.Serve takes. A loop serves one client after the other and ends with
// its context. A client that breaks a rule loses its session, and the loop goes on.
package sample
