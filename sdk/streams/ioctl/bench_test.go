// SPDX-License-Identifier: Apache-2.0

package ioctl

import "testing"

// BenchmarkRun carries out commands without a stream: by I_STR, with a copy each way,
// and with three copies.
func BenchmarkRun(b *testing.B) {
	d := &device{}
	table := d.table(b, Config{})
	mem := regions(b, Region{Addr: 0x100, Data: make([]byte, 16)})
	transfer, _, transferMem, argMem, _ := threeLegs(b)
	arg := bytesOf(b, transferArg{From: 0x2000, To: 0x3000, Bytes: 5, Words: 2})
	for _, bc := range []struct {
		name string
		req  Request
		mem  Memory
	}{
		{"I_STR", Request{Command: cmdGetStats, Data: make([]byte, 16), Caller: everyone}, mem},
		{"transparent", Request{Command: cmdGetStats, Transparent: true, Arg: 0x100, Caller: everyone}, mem},
		{"ranges", transfer, transferMem},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				copy(argMem, arg) // the command stores its result there
				d.ends = d.ends[:0]
				if _, _, err := Run(b.Context(), table, bc.req, bc.mem); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
