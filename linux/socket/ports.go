// SPDX-License-Identifier: Apache-2.0

//go:build linux

package socket

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/linux/internal/bell"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"golang.org/x/sys/unix"
)

// Port returns where this side waits for the driver. See userclient.Conn. An
// observer has the events port only.
func (c *Conn) Port(typ uint32) (userclient.Port, error) {
	p, err := c.port(typ)
	if err != nil {
		return nil, ioreturn.Op(fmt.Sprintf("make port %#x", typ), c.path, err)
	}
	return p, nil
}

func (c *Conn) port(typ uint32) (*bell.Port, error) {
	switch {
	case typ != userclient.PortOutput && typ != userclient.PortEvents:
		return nil, fmt.Errorf("there is no such port to wait on: %w", ioreturn.BadArgument)
	case typ == userclient.PortOutput && c.cfg.Observe:
		return nil, fmt.Errorf("an observer has no queues: %w", ioreturn.NotPermitted)
	case c.closing.Load():
		return nil, ioreturn.ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.ports[typ]; p != nil {
		return p, nil
	}
	if c.err != nil {
		return nil, c.err
	}
	if c.wasOpened.Load() {
		return nil, fmt.Errorf("ports are made before open: %w", ioreturn.StillOpen)
	}
	p, ring, err := bell.NewPort(c.kind, c.bellLost)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ring)
	c.at("client.port-made")
	c.scratch = appendWord(c.scratch, FramePort, 0, typ, true)
	if err := c.send(c.scratch, ring); err != nil {
		p.Close()
		return nil, err
	}
	c.ports[typ] = p
	c.at("client.port-sent")
	return p, nil
}

// Bell returns what rings the driver about the input queue. See userclient.Conn.
func (c *Conn) Bell(typ uint32) (userclient.Bell, error) {
	err := c.over()
	switch {
	case err != nil:
	case typ != userclient.PortInput:
		err = fmt.Errorf("there is no such bell: %w", ioreturn.BadArgument)
	case c.doorbell == nil:
		err = fmt.Errorf("an observer has no queues: %w", ioreturn.NotPermitted)
	default:
		return c.doorbell, nil
	}
	return nil, ioreturn.Op(fmt.Sprintf("use bell %#x", typ), c.path, err)
}
