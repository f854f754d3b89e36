// SPDX-License-Identifier: Apache-2.0

// Package house holds the project's rules about its own source that no general
// linter knows: licence lines, file lengths, where unsafe and build constraints may
// stand, documentation of everything exported, and links between documents. It has
// no code, only tests, so that go test ./... checks the rules.
package house
