// SPDX-License-Identifier: Apache-2.0

// Package fd owns file descriptors that several goroutines use: a descriptor is
// closed when it has been given up and its last user is done, so that its number
// never means another file while somebody still uses it.
package fd
