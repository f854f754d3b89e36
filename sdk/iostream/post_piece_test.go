// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"encoding/binary"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/queue"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// TestC14BatchThatTheClientSpoils posts a batch of which the first sixteen find room, and
// then the client's index can't be: each entry of the batch has a number and is accounted for.
func TestC14BatchThatTheClientSpoils(t *testing.T) {
	const buffers = 64 // in a ring of 128 entries
	ctx := bounded(t)
	d := newDriver(t, iostream.DriverConfig{Buffers: buffers}, nil)
	v := newVandal(t, d)
	v.call(t, userclient.SelStart)
	regions, err := userclient.ParseRegions(v.call(t, userclient.SelMemoryMap))
	if err != nil {
		t.Fatal(err)
	}
	post := func(n int) {
		bs := make([]*iostream.Buffer, n)
		if got, err := d.TakeBatch(ctx, bs); got != n || err != nil {
			t.Fatalf("took %d of %d buffers: %v", got, n, err)
		}
		if err := d.PostBatch(bs, make([]iostream.Posting, n)); err != nil {
			t.Fatal(err)
		}
		for _, b := range bs { // which the client gives back at once
			v.put(queue.Entry{Buffer: b.ID()})
		}
	}
	post(buffers)
	post(40)
	r := row(regions, userclient.MemOutputReader)
	binary.LittleEndian.PutUint32(v.arena[r.Offset+queue.ReaderHeadOff:], 1<<20)
	post(buffers)
	select {
	case <-v.conn.Done():
	case <-ctx.Done():
		t.Fatal("the client was not hung up on")
	}
	if err := d.WaitIdle(ctx); err != nil {
		t.Fatal(err)
	}
	if st := d.Stats(); st.Posted != buffers+40+16 || st.LastSeq != 2*buffers+40-1 {
		t.Errorf("%d were posted, the last number is %d", st.Posted, st.LastSeq)
	}
	wantLost(t, d, map[iostream.Cause]uint64{userclient.LossSessionEnded: buffers - 16})
}
