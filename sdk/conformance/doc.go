// SPDX-License-Identifier: Apache-2.0

// Package conformance tells whether a driver keeps the rules of IOStreamKit.
//
// A rule is data: an ID that never changes, what must hold, why it matters, what to
// do about a breach, and a function that checks it. [Rules] lists them; each has a
// page in docs/reference/rules. [Run] checks a driver, which is anything that a
// [Target] can connect to: a Go value in this process, or a driver behind an address.
// Package conformtest runs the same rules as subtests of go test.
//
// # Verdicts
//
// A rule passes, fails, is skipped with a reason, is not claimed (the driver does not
// offer what the rule is about), or ends in an error (the check itself could not be
// made). A skip is never a pass. The whole is conformant, not conformant, or
// incomplete: nothing failed, but a rule that must hold was skipped, waived or could
// not be checked.
//
// A pass says that no breach was seen, not that there is none.
//
// # Isolation
//
// Each rule works on connections of its own, which are closed at its end, within a
// bounded time and with a random source of its own, so that its verdict does not
// depend on which rules ran before it. After a rule that did not pass, or that
// attacks the driver, the suite looks whether the driver is still alive.
package conformance

// Version is the version of the suite. The major number grows when a driver that was
// conformant may not be any more.
const Version = "0.3.0"
