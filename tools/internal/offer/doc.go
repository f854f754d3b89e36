// SPDX-License-Identifier: Apache-2.0

// Package offer offers any provider to other processes: drivers that are not made by
// package iostream, are changed on the way, or break the rules on purpose. Programs
// serve a driver with iostreamkit.Serve.
package offer
