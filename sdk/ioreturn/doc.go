// SPDX-License-Identifier: Apache-2.0

// Package ioreturn holds the errors of IOStreamKit: IOKit's result codes, the
// small set of meanings that programs test for, the operation that failed, and the
// rules of the protocol that the other side may break.
//
// An error carries three things: what was tried on what ([OpError]), the driver's
// own code ([Code], or an errno), and the meaning, by errors.Is.
package ioreturn
