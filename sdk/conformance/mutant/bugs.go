// SPDX-License-Identifier: Apache-2.0

package mutant

// Bug is one mistake that a raw driver can be made to make. Each is looked at in one
// place of the driver, where it would be made in earnest.
type Bug string
