// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math"

	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

const (
	storms     = 2
	stormCalls = 40
)

// stormSelectors are what a storm calls: nothing that waits for something that may never
// come, nothing of the vendor's, and nothing that changes the device for good.
func stormSelectors() []uint32 {
	return []uint32{
		userclient.SelOpen, userclient.SelClose, userclient.SelStart, userclient.SelStop, userclient.SelSuspend,
		userclient.SelGetMode, userclient.SelSetMode, userclient.SelGetBufferCount, userclient.SelDescribe,
		userclient.SelSelect, userclient.SelMemoryMap, userclient.SelStats, userclient.SelEvents, userclient.SelCorrelate,
		userclient.SelGetFormat, userclient.SelSetFormat, userclient.SelObserve, userclient.SelDoorbell, userclient.SelFlush,
		8, 0x50, 0xff, 0x130, 0x1ff, 0x200, 0x7fff,
	}
}

// wild returns a number that is often one of those at which things break.
func (t *T) wild() uint64 {
	edges := []uint64{
		0, 1, 2, 3, 31, 32, 0xffff, uint64(userclient.OpenExclusive), uint64(userclient.OpenShared),
		math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32, 1 << 63, math.MaxUint64,
	}
	if n := t.Rand().IntN(2 * len(edges)); n < len(edges) {
		return edges[n]
	}
	return t.Rand().Uint64()
}

// nonsense makes a random call.
func (t *T) nonsense() userclient.Args {
	sels := stormSelectors()
	a := userclient.Args{
		Selector: sels[t.Rand().IntN(len(sels))],
		In:       make([]uint64, t.Rand().IntN(userclient.MaxScalars+1)),
		Out:      make([]uint64, t.Rand().IntN(userclient.MaxScalars+1)),
		InBytes:  make([]byte, t.Rand().IntN(300)),
		OutBytes: make([]byte, t.Rand().IntN(2000)),
	}
	if t.Rand().IntN(2) == 0 {
		a.In = a.In[:min(len(a.In), 1+t.Rand().IntN(2))] // what most methods take
	}
	for i := range a.In {
		a.In[i] = t.wild()
	}
	for i := range a.InBytes {
		a.InBytes[i] = byte(t.Rand().Uint32())
	}
	if a.Selector == userclient.SelSetMode && len(a.In) == 1 && userclient.Mode(a.In[0]).Valid() {
		a.In[0] += 3 // the direction stays
	}
	return a
}

func checkStorm(t *T) {
	for range storms {
		l := t.link()
		l.mustChoose()
		for n := range stormCalls {
			a := t.nonsense()
			if err := l.do(&a); lost(err) {
				t.Fatalf("call %d of a storm, selector %#x with scalars %#x, %d bytes in and room for %d scalars and %d bytes, was not answered: %v",
					n+1, a.Selector, a.In, len(a.InBytes), len(a.Out), len(a.OutBytes), err)
			}
			if a.NOut > len(a.Out) || a.NOutBytes > len(a.OutBytes) {
				t.Fatalf("selector %#x answered %d scalars and %d bytes where there was room for %d and %d",
					a.Selector, a.NOut, a.NOutBytes, len(a.Out), len(a.OutBytes))
			}
		}
		_ = l.closeStream() // it may be closed already
		l.must("hang up", l.Close())
	}
	t.served(t.layout(), fmt.Sprintf("%d random calls", storms*stormCalls))
}
