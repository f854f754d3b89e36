// SPDX-License-Identifier: Apache-2.0

package commands

import (
	"cmp"
	"sync"
	"sync/atomic"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
)

// Limits of a module.
const (
	DefaultRunning = 64 // functions that run at a time, in all streams together
	maxWaiting     = 16 // calls that wait for a function of the same stream
)

// Config tunes a module. The zero value, and nil, are ready to use.
type Config struct {
	// Base is what the module is and does beside its commands: its procedures get every
	// message that is not part of a command of the table, and it is opened and closed with
	// the module. Its name does not count. Nil does what [streams.Queue.PassOn] does.
	Base *streams.Module
	// Running is how many functions may run at a time, in all streams together. A function
	// that goes on after its stream was closed counts until it returns. One command more is
	// refused with EBUSY. Zero means DefaultRunning.
	Running int
	// Caller says what the owner of a credential may do. It is called in a procedure and so
	// must not block. Nil is [Owner]: the driver's user and root may read and write, others read.
	Caller func(credential any) ioctl.Caller
}

// Module returns a module that carries out the commands of a table, on any number of
// streams. It can be pushed, and be the driver of a stream. A command that the table does
// not have is passed on by a module, and refused with EINVAL by a driver.
//
// Closing, or popping, does not wait for a function that runs: its context ends, its
// caller gets ENXIO, and when it returns its result is dropped.
//
// The error matches EINVAL for no table, a name that can't be one, or a Base that is not
// valid.
func Module(name string, t *ioctl.Table, cfg *Config) (*streams.Module, error) {
	s := &server{table: t, cfg: *cmp.Or(cfg, &Config{}), open: map[*streams.Queue]*instance{}}
	if t == nil || s.cfg.Running < 0 {
		return nil, streams.EINVAL
	}
	s.cfg.Running = cmp.Or(s.cfg.Running, DefaultRunning)
	s.base = *cmp.Or(s.cfg.Base, &streams.Module{})
	if s.base.Write.Put == nil {
		s.base.Write.Put = (*streams.Queue).PassOn
	}
	m := s.base
	m.Name, m.Open, m.Close, m.Write.Put = name, s.opened, s.closed, s.put
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &m, nil
}

// server is a table with all streams that it is used in.
type server struct {
	table   *ioctl.Table
	cfg     Config
	base    streams.Module
	running atomic.Int64

	mu   sync.RWMutex
	open map[*streams.Queue]*instance // by their write queues
}

func (s *server) instance(q *streams.Queue) *instance {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.open[q]
}

func (s *server) opened(q *streams.Queue, info streams.OpenInfo) error {
	w := q.Partner()
	s.mu.Lock()
	s.open[w] = &instance{server: s, queue: w}
	s.mu.Unlock()
	if s.base.Open == nil {
		return nil
	}
	err := s.base.Open(q, info)
	if err != nil {
		s.instance(w).close()
		s.forget(w)
	}
	return err
}

func (s *server) forget(w *streams.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, w)
}

func (s *server) closed(q *streams.Queue) {
	s.instance(q.Partner()).close()
	s.forget(q.Partner())
	if s.base.Close != nil {
		s.base.Close(q)
	}
}

// put is the put procedure of the write side.
func (s *server) put(q *streams.Queue, m *streams.Block) {
	switch m.Type() {
	case streams.MIoctl:
		if s.instance(q).request(m) {
			return
		}
	case streams.MIocData:
		if c, ok := m.Private().(*conversation); ok && c.in.queue == q {
			c.resume(m)
			return
		}
	}
	s.base.Write.Put(q, m)
}

// caller returns what the owner of a credential may do.
func (s *server) caller(credential any) ioctl.Caller {
	if s.cfg.Caller != nil {
		return s.cfg.Caller(credential)
	}
	return Owner(credential)
}
