// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Numbers of the ABI in the words of messages. The number always comes along: it is what
// the author of a driver finds in the source.

// answer says in words what a call came to: "success", or the error.
func answer(err error) string {
	if err == nil {
		return "success"
	}
	return fmt.Sprintf("%q", err.Error())
}

// codeText says in words what a code is: "kIOReturnBusy (busy)".
func codeText(c ioreturn.Code) string {
	if t, ok := c.Text(); ok {
		return fmt.Sprintf("%s (%s)", t.Name, t.Text)
	}
	return c.Error()
}

// memoryText names a memory type: "the data region of buffer 3 (memory type 0x30000003)".
func memoryText(typ uint32) string {
	name := "unknown memory"
	switch typ {
	case userclient.MemOutputQueue:
		name = "the output queue"
	case userclient.MemInputQueue:
		name = "the input queue"
	case userclient.MemOutputReader:
		name = "the client's words about the output queue"
	case userclient.MemInputReader:
		name = "the driver's words about the input queue"
	case userclient.MemDriverArena:
		name = "the driver's arena"
	case userclient.MemClientArena:
		name = "the client's arena"
	default:
		switch id := typ & userclient.MemBufferIDMask; typ & userclient.MemTypeMask {
		case userclient.MemBufferData:
			name = fmt.Sprintf("the data region of buffer %d", id)
		case userclient.MemBufferControl:
			name = fmt.Sprintf("the control region of buffer %d", id)
		}
	}
	return fmt.Sprintf("%s (memory type %#08x)", name, typ)
}

// regionText names a row of the memory map.
func regionText(g *userclient.Region) string {
	name := memoryText(g.Type)
	if g.Count != 1 {
		name += fmt.Sprintf(" and the following, %d in all, %d bytes apart", g.Count, g.Stride)
	}
	return fmt.Sprintf("%s, %d bytes at offset %d of %s", name, g.Length, g.Offset, memoryText(g.Arena))
}

// featureText names feature bits: "sequence and events (0x3)".
func featureText(features uint64) string {
	names := map[uint64]string{
		userclient.FeatureSequence: "sequence", userclient.FeatureEvents: "events", userclient.FeatureMetadata: "metadata",
		userclient.FeatureSharedWord: "shared-word", userclient.FeatureControl: "control",
	}
	if features == 0 {
		return "no feature"
	}
	var out []string
	for rest := features; rest != 0; rest &= rest - 1 {
		name := names[rest&-rest]
		if name == "" {
			name = fmt.Sprintf("unknown bit %d", bits.TrailingZeros64(rest))
		}
		out = append(out, name)
	}
	return fmt.Sprintf("%s (%#x)", strings.Join(out, " and "), features)
}
