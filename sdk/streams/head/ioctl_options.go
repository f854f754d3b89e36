// SPDX-License-Identifier: Apache-2.0

package head

import (
	"encoding/binary"
	"math"
	"os"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
)

// The error options in the numbers of OpenSS7, where an error stays unless one says
// otherwise.
const (
	openSS7ReadOnce  = 1
	openSS7WriteOnce = 2
)

func (c *raw) setErr() (int, streams.Errno) {
	o := streams.ErrorOptions(c.low(16))
	if c.h.cfg.Profile == streams.OpenSS7 {
		switch v := o; {
		case v&^(openSS7ReadOnce|openSS7WriteOnce) != 0:
			o = 1 << 15 // an unknown one
		default:
			o = streams.ReadErrorStays | streams.WriteErrorStays
			if v&openSS7ReadOnce != 0 {
				o = o&^readErrors | streams.ReadErrorOnce
			}
			if v&openSS7WriteOnce != 0 {
				o = o&^writeErrors | streams.WriteErrorOnce
			}
		}
	}
	return 0, c.h.setErrorOptions(o)
}

func (c *raw) getErr() (int, streams.Errno) {
	o, err := c.h.ErrorOptions()
	if err != nil {
		return 0, streams.ErrnoOf(err)
	}
	v := int(o)
	if c.h.cfg.Profile == streams.OpenSS7 {
		if v = 0; o&streams.ReadErrorOnce != 0 {
			v |= openSS7ReadOnce
		}
		if o&streams.WriteErrorOnce != 0 {
			v |= openSS7WriteOnce
		}
	}
	return 0, c.outInt(v)
}

func (c *raw) setClose() (int, streams.Errno) {
	if errno := c.h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	p, errno := c.in(c.arg, 4)
	if errno != 0 {
		return 0, errno
	}
	ms := int32(binary.LittleEndian.Uint32(p))
	return 0, c.h.setCloseTime(time.Duration(ms) * time.Millisecond)
}

func (c *raw) getClose() (int, streams.Errno) {
	d, err := c.h.CloseTime()
	if err != nil {
		return 0, streams.ErrnoOf(err)
	}
	return 0, c.outInt(int(min(d.Milliseconds(), math.MaxInt32)))
}

func (c *raw) getSig() (int, streams.Errno) {
	if errno := c.h.gate(classAsk); errno != 0 {
		return 0, errno
	}
	e, errno := c.h.getSig()
	if errno != 0 && c.h.cfg.Profile != streams.OpenSS7 {
		return 0, errno
	}
	if bad := c.outInt(int(e)); bad != 0 {
		return 0, bad
	}
	return 0, errno
}

// sigset reads a strsigset: pid ss_pid, int ss_events. The only process that a head knows
// is its own, as 0 or by its number.
func (c *raw) sigset() (events uint32, errno streams.Errno) {
	if errno := c.h.gate(classBoth); errno != 0 {
		return 0, errno
	}
	p, errno := c.in(c.arg, 8)
	if errno != 0 {
		return 0, errno
	}
	if c.h.cfg.Remote {
		return 0, streams.EOPNOTSUPP
	}
	le := binary.LittleEndian
	if pid := int(int32(le.Uint32(p))); pid != 0 && pid != os.Getpid() {
		return 0, streams.ESRCH
	}
	return le.Uint32(p[4:]), 0
}

func (c *raw) eSetSig() (int, streams.Errno) {
	events, errno := c.sigset()
	if errno != 0 {
		return 0, errno
	}
	set := raw{arg: uint64(events)}
	return 0, c.h.register(streams.Events(set.low(16)), nil)
}

func (c *raw) eGetSig() (int, streams.Errno) {
	_, errno := c.sigset()
	if errno != 0 {
		return 0, errno
	}
	e := c.h.events.wanted()
	if e == 0 {
		return 0, streams.EINVAL
	}
	return 0, c.out(c.arg+4, binary.LittleEndian.AppendUint32(nil, uint32(e)))
}
