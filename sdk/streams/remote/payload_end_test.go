// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"errors"
	"io"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func TestPayloadAndTheFlushOfAClient(t *testing.T) {
	k := &keeper{}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, stack: []*streams.Module{k.module("keep")}})
	f.post("a", "b")
	if n, err := f.s.Flush(f.ctx()); n != 2 || err != nil {
		t.Errorf("Flush: %d, %v", n, err)
	}
	f.takeAll(3)
	f.post("c")
	k.letGo(t)
	f.read("c", 2)
	f.lost(map[iostream.Cause]uint64{userclient.LossFlushed: 2})
}

func TestPayloadSuspended(t *testing.T) {
	k := &keeper{}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 4}, stack: []*streams.Module{k.module("keep")}})
	b, err := f.d.Take(f.ctx())
	f.must(err)
	f.post("a")
	f.must(f.s.Suspend(f.ctx()))
	f.must(f.d.Post(b, copy(b.Data(), "b")))
	k.letGo(t)
	f.nothing()
	if st := f.d.Stats(); st.Backlogged != 2 {
		t.Errorf("%d entries wait, want 2", st.Backlogged)
	}
	f.must(f.s.Start(f.ctx()))
	f.read("a", 0)
	f.read("b", 1)
	f.lost(nil)
}

func TestPayloadComesBeforeTheEnd(t *testing.T) {
	k := &keeper{}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, stack: []*streams.Module{k.module("keep")}})
	late, err := f.d.Take(f.ctx())
	f.must(err)
	f.post("a", "b")
	f.d.Halt(nil)
	f.nothing()
	f.must(f.d.Post(late, copy(late.Data(), "late")))
	if b, err := f.d.TryTake(); err == nil {
		t.Errorf("buffer %d could be taken after the end", b.ID())
	}
	k.letGo(t)
	f.read("a", 0)
	f.read("b", 1)
	if _, err := f.s.Next(f.ctx()); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v, want the end", err)
	}
	f.lost(map[iostream.Cause]uint64{userclient.LossStopped: 1})
	f.must(f.s.Start(f.ctx()))
	f.post("c")
	k.letGo(t)
	f.read("c", 3)
}

func TestPayloadOfAClientThatLeavesBeforeTheEnd(t *testing.T) {
	k := &keeper{deaf: true}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, stack: []*streams.Module{k.module("keep")}})
	f.post("a")
	f.d.Halt(nil)
	f.must(f.s.Close())
	f.lost(map[iostream.Cause]uint64{userclient.LossSessionEnded: 1})
}

func TestPayloadOfAClientThatLeaves(t *testing.T) {
	k := &keeper{deaf: true}
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 3}, stack: []*streams.Module{k.module("keep")}})
	f.post("a", "b")
	f.must(f.s.Close())
	f.lost(map[iostream.Cause]uint64{userclient.LossSessionEnded: 2})
	if err := f.d.WaitIdle(f.ctx()); err != nil {
		t.Error(err)
	}
	f.open()
	f.must(f.s.Start(f.ctx()))
	f.post("c")
	k.letGo(t)
	f.read("c", 0)
}
