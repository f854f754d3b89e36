// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
)

// A large batch is published in pieces on both sides, so that the other one can begin, and is one
// batch to everybody else.
func TestBatchesArePublishedInPieces(t *testing.T) {
	const n = 2*pieceSize + 3
	ctx := t.Context()
	d, err := NewDriver(DriverConfig{Name: "acme/test/pieces", Buffers: n, DataSize: 8}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	conn, err := inproc.Connect(ctx, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	buffers, frames := make([]*Buffer, n), make([]Frame, n)
	if got, err := d.TakeBatch(ctx, buffers); got != n || err != nil {
		t.Fatalf("took %d, %v", got, err)
	}
	if err := d.PostBatch(buffers, make([]Posting, n)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.NextBatch(ctx, frames, n); got != n || err != nil {
		t.Fatalf("read %d, %v", got, err)
	}
	for i := range frames {
		if frames[i].Seq() != uint64(i) || frames[i].Missed() != 0 {
			t.Errorf("frame %d has number %d, %d missed", i, frames[i].Seq(), frames[i].Missed())
		}
	}
	if err := s.ReleaseBatch(frames); err != nil {
		t.Fatal(err)
	}
	view := d.view.Load().owner
	view.mu.Lock()
	driver := view.lane.end.Counters()
	view.mu.Unlock()
	s.mu.Lock()
	client := s.end.Counters()
	s.mu.Unlock()
	if driver.SentBatches != 3 || client.SentBatches != 3 || driver.Sent != n || client.Sent != n {
		t.Errorf("driver %+v, client %+v: want %d entries each, in 3 publications", driver, client, n)
	}
}
