// SPDX-License-Identifier: Apache-2.0

// Package offer offers any provider to other processes, for tests of drivers that are
// not made by package iostream or are changed on the way. Programs serve a driver with
// iostreamkit.Serve. There is nothing in it on systems where processes can't be
// connected yet.
package offer
