// SPDX-License-Identifier: Apache-2.0

// Package memfd makes and checks the shared memory of sessions: anonymous files,
// sealed so that neither side can take pages away from under the other's mapping
// (C2). One memfd has one writer; what the driver writes carries a seal by which
// the client can neither map it writable nor punch holes into it.
package memfd
