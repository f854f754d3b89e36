// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"errors"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/inproc"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// What must see the payload can't be left out: a stream whose modules don't open does not
// either.
func TestPayloadWhereAModuleDoesNotOpen(t *testing.T) {
	var refuse error
	picky := onUp("picky", pass)
	picky.Open = func(*streams.Queue, streams.OpenInfo) error { return refuse }
	f := flowing(t, setup{stack: []*streams.Module{picky}})
	f.must(f.s.Close())
	refuse = streams.EPERM
	conn, err := inproc.Connect(t.Context(), f.d, nil)
	f.must(err)
	if s, err := iostream.Open(t.Context(), conn, nil); !errors.Is(err, ioreturn.ErrPermission) {
		t.Errorf("open: %v, %v", s, err)
	}
	f.must(f.d.WaitIdle(f.ctx()))
	refuse = nil
	f.open()
	f.must(f.s.Start(f.ctx()))
	f.post("a")
	f.read("a", 0)
}

// A client may push before it opens the stream.
func TestPayloadOfAStreamOpenedAfterAPush(t *testing.T) {
	f := flowing(t, setup{pushable: []*streams.Module{onUp("drop", free)}, unstarted: true})
	f.must(f.s.Close())
	conn, err := inproc.Connect(t.Context(), f.d, nil)
	f.must(err)
	f.must(remote.Push(f.ctx(), conn, "drop"))
	f.s, err = iostream.Open(t.Context(), conn, nil)
	f.must(err)
	f.must(f.s.Start(f.ctx()))
	f.post("a")
	f.nothing()
	f.lost(map[iostream.Cause]uint64{userclient.LossModule: 1})
}

// Each session has modules of its own: what another client pushes changes nothing here.
func TestPayloadAndTheModulesOfAnotherSession(t *testing.T) {
	f := flowing(t, setup{pushable: []*streams.Module{onUp("drop", free)}})
	other, err := inproc.Connect(t.Context(), f.d, nil)
	f.must(err)
	f.must(remote.Push(f.ctx(), other, "drop"))
	f.post("a")
	f.read("a", 0)
	f.must(other.Close())
}
