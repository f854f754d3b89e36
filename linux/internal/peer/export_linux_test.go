// SPDX-License-Identifier: Apache-2.0

package peer

// OpenByNumber is how a process is watched before Linux 6.5.
var OpenByNumber = openByNumber

// Printable is how a program's name is made safe to print.
var Printable = printable
