// SPDX-License-Identifier: Apache-2.0

// Package mutant tests the conformance suite. It has drivers that keep every rule,
// some of them eccentric, and drivers that break exactly one: mutants. A suite that
// passes a mutant does not bite; one that fails an eccentric driver bites the wrong one.
//
// Mutants are made in two ways. [Wrap] changes what a correct driver on package
// iostream answers. [Raw] is a driver written on the user client and the queues alone,
// with a switch for each bug, because mistakes in posting, ownership, numbering,
// counting and waking can't be made by wrapping.
package mutant
