// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestNumbersInWords(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{answer(nil), "success"},
		{answer(ioreturn.Busy), `"busy (kIOReturnBusy, 0xe00002d5)"`},
		{codeText(ioreturn.Busy), "kIOReturnBusy (busy)"},
		{codeText(0xe0001234), ioreturn.Code(0xe0001234).Error()},
		{memoryText(userclient.MemOutputQueue), "the output queue (memory type 0x10000000)"},
		{memoryText(userclient.MemBufferData | 3), "the data region of buffer 3 (memory type 0x30000003)"},
		{memoryText(userclient.MemBufferControl), "the control region of buffer 0 (memory type 0x40000000)"},
		{memoryText(0x90000001), "unknown memory (memory type 0x90000001)"},
		{featureText(0), "no feature"},
		{featureText(3), "sequence and events (0x3)"},
		{featureText(1 << 40), "unknown bit 40 (0x10000000000)"},
		{
			regionText(&userclient.Region{Type: userclient.MemBufferData, Count: 4, Arena: userclient.MemDriverArena, Offset: 4096, Length: 64, Stride: 128}),
			"the data region of buffer 0 (memory type 0x30000000) and the following, 4 in all, 128 bytes apart, " +
				"64 bytes at offset 4096 of the driver's arena (memory type 0x70000000)",
		},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
