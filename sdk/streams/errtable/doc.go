// SPDX-License-Identifier: Apache-2.0

// Package errtable says which errors each operation of a stream head gives, when,
// and in which order it looks for them, in each profile.
//
// It is data, kept apart from the code of the head, so that it can judge the head:
// tests ask it which error is due ([First]), fuzzers ask it whether an error is
// documented at all ([Allowed]), and docs/reference/streams.md is made from it.
//
// Where the documentation of Solaris or OpenSS7 says nothing about a case, the
// column repeats what Strict does. Nothing here was measured on those systems.
package errtable
