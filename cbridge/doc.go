// SPDX-License-Identifier: Apache-2.0

// Package cbridge is where IOStreamKit meets C. Its headers, in
// include/iostreamkit, are the ABI for every side that is not written in Go:
// kernel modules, driver extensions and C programs. The Go part so far is the test
// that compiles them and compares every name, number, size and offset with the
// packages below sdk.
package cbridge
