// SPDX-License-Identifier: Apache-2.0

// Package control gives the settings of a device names and types: a gain in dB from 0 to
// 60, an input that is one of three, a button that starts a calibration. A driver puts
// them into a Table; a client lists, gets, sets, calls and watches them, and checks a
// value before it sends it.
//
// The package knows neither drivers nor transports. What travels is a command number, a
// record there and a record back, which the control plane carries as an ioctl (package
// streams): Table.Serve answers what Client.Do sends.
package control
