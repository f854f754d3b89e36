// SPDX-License-Identifier: Apache-2.0

//go:build linux

package work

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/bench/internal/job"
)

// newDriver makes the driver of a task: its stream has everything on that it has by
// default.
func newDriver(t *job.Task) (*iostream.Driver, error) {
	return iostream.NewDriver(iostream.DriverConfig{
		Name: "bench/driver/stream", Driver: "iostreamkit bench",
		Buffers: t.Job.Buffers, DataSize: t.Job.Size, Wait: t.Job.Wait,
	}, nil)
}

// farStream is the driver's process.
func farStream(ctx context.Context, t *job.Task, ready func() error) (err error) {
	d, err := newDriver(t)
	if err != nil {
		return err
	}
	defer d.Close()
	l, err := socket.Listen(socketPath(t), nil)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, heard{d}) }()
	defer func() {
		err = errors.Join(err, l.Close(), <-served)
	}()
	if err := ready(); err != nil {
		return err
	}
	return drive(ctx, t, d)
}

// heard is a driver whose client's rings are counted.
type heard struct{ *iostream.Driver }

// NewSession is the driver's.
func (h heard) NewSession(p userclient.Peer, r userclient.Resources) (userclient.Session, error) {
	listenTo(r.Doorbell())
	return h.Driver.NewSession(p, r)
}

// drive posts buffers until ctx ends.
func drive(ctx context.Context, t *job.Task, d *iostream.Driver) error {
	l := newDriverLoop(t, d)
	if t.Job.Cancel || t.Job.Hz > 0 {
		l.ctx = ctx
	} else {
		stop := context.AfterFunc(ctx, func() { _ = d.Close() }) // the other way to end it
		defer stop()
	}
	if t.Job.Hz > 0 {
		return l.paced()
	}
	for {
		if err := l.turn(); err != nil {
			return err
		}
	}
}

type driverLoop struct {
	t        *job.Task
	d        *iostream.Driver
	ctx      context.Context // of the calls that are measured
	source   []byte          // private memory that buffers are filled from
	buffers  []*iostream.Buffer
	postings []iostream.Posting
	allocs   *allocs
}

func newDriverLoop(t *job.Task, d *iostream.Driver) *driverLoop {
	return &driverLoop{
		t: t, d: d, ctx: context.Background(), source: bytes.Repeat([]byte{1}, t.Job.Size), allocs: newAllocs(t.Job.Count),
		buffers: make([]*iostream.Buffer, t.Job.Batch), postings: make([]iostream.Posting, t.Job.Batch),
	}
}

// turn takes buffers, fills them and posts them.
func (l *driverLoop) turn() error {
	n, err := l.d.TakeBatch(l.ctx, l.buffers)
	if err != nil {
		return err
	}
	for i, b := range l.buffers[:n] {
		if l.t.Job.Full {
			copy(b.Data(), l.source)
		}
		l.postings[i].Length = l.t.Job.Size
	}
	l.allocs.add(n)
	return l.d.PostBatch(l.buffers[:n], l.postings[:n])
}

// paced posts one buffer with each tick.
func (l *driverLoop) paced() error {
	dev, err := newDevice(l.t.Job.Hz)
	if err != nil {
		return err
	}
	defer dev.closeAfter(l.ctx)()
	for {
		if err := dev.wait(); err != nil {
			return err
		}
		if err := l.turn(); err != nil {
			return err
		}
	}
}

// line is how far apart the words are that look reads.
const line = 64

// look reads one word of every cache line of p. It takes eight lines at a time: otherwise
// the loop takes longer than the lines do, which that of the C programs does not.
func look(p []byte) (sum uint64) {
	const many = 8
	for ; len(p) >= many*line; p = p[many*line:] {
		q := (*[many * line]byte)(p)
		sum += binary.NativeEndian.Uint64(q[0*line:]) + binary.NativeEndian.Uint64(q[1*line:]) +
			binary.NativeEndian.Uint64(q[2*line:]) + binary.NativeEndian.Uint64(q[3*line:]) +
			binary.NativeEndian.Uint64(q[4*line:]) + binary.NativeEndian.Uint64(q[5*line:]) +
			binary.NativeEndian.Uint64(q[6*line:]) + binary.NativeEndian.Uint64(q[7*line:])
	}
	for ; len(p) >= line; p = p[line:] {
		sum += binary.NativeEndian.Uint64(p)
	}
	if len(p) >= 8 {
		sum += binary.NativeEndian.Uint64(p)
	}
	return sum
}
