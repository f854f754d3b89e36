// SPDX-License-Identifier: Apache-2.0

// Package cpu has what Go has no word for about the processor.
package cpu
