// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"testing"
)

// token is private state that counts its releases.
type token struct{ released int }

func (p *token) Release() { p.released++ }

var asked = Ioctl{Cmd: 0x5401, ID: 7, Credential: "me"}

func request(t *testing.T, a *Arena, x Ioctl, parts ...string) *Block {
	t.Helper()
	m, err := a.Ioctl(x, build(t, a, parts...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestIoctlRequest(t *testing.T) {
	a := testArena(t)
	m := request(t, a, asked, "D:abc", "D:de")
	r, ok := m.Request()
	if x, _ := m.Ioctl(); x != asked || !ok || r.Count != 5 || m.Type() != MIoctl {
		t.Errorf("%+v %+v", x, r)
	}
	if m.SetType(MIocAck) == nil || m.SetType(MData) == nil {
		t.Error("the type was changed by hand")
	}
	m.Free()
	word := asked
	word.Transparent, word.Arg = true, 0x1000
	data := build(t, a, "D:x")
	if _, err := a.Ioctl(word, data); !errors.Is(err, EINVAL) {
		t.Errorf("transparent with data: %v", err)
	}
	data.Free()
	plain := build(t, a, "D:x")
	defer plain.Free()
	if _, ok := plain.Ioctl(); ok || plain.Ack(0, 0) == nil || plain.Private() != nil || plain.TakePrivate() != nil {
		t.Error("an M_DATA message passes for an ioctl")
	}
}

// Each helper of the reference's table that turns a message of the family, with the checks
// that the originals lack.
func TestIoctlHelpers(t *testing.T) {
	transparent := asked
	transparent.Transparent, transparent.Arg = true, 0x1000
	for _, tc := range []struct {
		name string
		x    Ioctl
		give []string
		do   func(m *Block) error
		want string // the message after it
		err  error
	}{
		{"miocack", asked, []string{"D:abc"}, func(m *Block) error { return m.Ack(3, 42) }, "M_IOCACK: D:abc", nil},
		{"miocack, more than is there", asked, []string{"D:abc"}, func(m *Block) error { return m.Ack(4, 0) }, "M_IOCTL: D:abc", ErrSpace},
		{"miocack, negative", asked, nil, func(m *Block) error { return m.Ack(-1, 0) }, "M_IOCTL:", EINVAL},
		{"miocnak", asked, []string{"D:abc"}, func(m *Block) error { return m.Nak(ENXIO) }, "M_IOCNAK: D:abc", nil},
		{"mioc2ack", asked, []string{"D:abc"}, func(m *Block) error { return withData(m, "out", func(d *Block) error { return m.AckData(d, 3, 1) }) }, "M_IOCACK: D:out", nil},
		{"mioc2ack, more than is there", asked, []string{"D:abc"}, func(m *Block) error { return withData(m, "out", func(d *Block) error { return m.AckData(d, 4, 1) }) }, "M_IOCTL: D:abc", ErrSpace},
		{"mioc2ack, its own data", asked, []string{"D:abc"}, func(m *Block) error { return m.AckData(m.Next(), 3, 1) }, "M_IOCTL: D:abc", ErrMessage},
		{"mcopyin", asked, []string{"D:abc"}, func(m *Block) error { return m.CopyIn(nil, 10, 0x2000) }, "M_COPYIN:", nil},
		{"mcopyin of the argument", transparent, nil, func(m *Block) error { return m.CopyIn(nil, 10, 0) }, "M_COPYIN:", nil},
		{"mcopyin of no argument", asked, nil, func(m *Block) error { return m.CopyIn(nil, 10, 0) }, "M_IOCTL:", EINVAL},
		{"mcopyin, negative", transparent, nil, func(m *Block) error { return m.CopyIn(nil, -1, 0) }, "M_IOCTL:", EINVAL},
		{"mcopyout", transparent, nil, func(m *Block) error {
			return withData(m, "out", func(d *Block) error { return m.CopyOut(nil, 3, 0, d) })
		}, "M_COPYOUT: D:out", nil},
		{"mcopyout of what is attached", asked, []string{"D:abc"}, func(m *Block) error { return m.CopyOut(nil, 3, 0x10, nil) }, "M_COPYOUT: D:abc", nil},
		{"mcopyout, more than is there", transparent, nil, func(m *Block) error {
			return withData(m, "out", func(d *Block) error { return m.CopyOut(nil, 4, 0, d) })
		}, "M_IOCTL:", ErrSpace},
		{"mcopyout of nothing", transparent, nil, func(m *Block) error { return m.CopyOut(nil, 4, 0, nil) }, "M_IOCTL:", ErrSpace},
		{"copy done, no request", asked, nil, func(m *Block) error { return m.CopyDone(0, nil) }, "M_IOCTL:", ErrType},
		{"miocpullup", asked, []string{"D:ab", "D:cd"}, func(m *Block) error { return m.PullupIoctl(3) }, "M_IOCTL: D:abc D:d", nil},
		{"miocpullup 0", asked, nil, func(m *Block) error { return m.PullupIoctl(0) }, "M_IOCTL:", nil},
		{"miocpullup, too short", asked, []string{"D:ab"}, func(m *Block) error { return m.PullupIoctl(3) }, "M_IOCTL: D:ab", EINVAL},
		{"miocpullup, no data", asked, nil, func(m *Block) error { return m.PullupIoctl(1) }, "M_IOCTL:", EINVAL},
		{"miocpullup, transparent", transparent, nil, func(m *Block) error { return m.PullupIoctl(0) }, "M_IOCTL:", EINVAL},
		{"shared", asked, []string{"D:ab"}, func(m *Block) error {
			d, _ := m.Dup()
			defer d.Free()
			return m.Nak(0)
		}, "M_IOCTL: D:ab", ErrShared},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := testArena(t)
			m := request(t, a, tc.x, tc.give...)
			if err := tc.do(m); show(m) != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%q, %v; want %q, %v", show(m), err, tc.want, tc.err)
			}
			if x, ok := m.Ioctl(); !ok || x != tc.x {
				t.Errorf("the request became %+v", x)
			}
			m.Free()
		})
	}
}

// withData runs do with new data, which is freed if do did not take it.
func withData(m *Block, data string, do func(*Block) error) error {
	d, err := m.Arena().From(MData, []byte(data))
	if err != nil {
		return err
	}
	if err = do(d); err != nil {
		d.Free()
	}
	return err
}

func TestIoctlBodies(t *testing.T) {
	a := testArena(t)
	m := request(t, a, asked)
	m.CopyIn(nil, 10, 0x2000)
	if r, ok := m.CopyRequest(); !ok || r != (CopyRequest{0x2000, 10}) {
		t.Errorf("copy request %+v, %t", r, ok)
	}
	in := build(t, a, "D:0123456789")
	if err := m.CopyDone(ENXIO, in); !errors.Is(err, EINVAL) {
		t.Errorf("failure with data: %v", err)
	}
	m.CopyDone(0, in)
	if r, ok := m.CopyResponse(); !ok || r.Error != 0 || show(m) != "M_IOCDATA: D:0123456789" {
		t.Errorf("copy response %+v, %t, %q", r, ok, show(m))
	}
	m.Ack(2, 42)
	if r, ok := m.Reply(); !ok || r != (Reply{Count: 2, Rval: 42}) {
		t.Errorf("answer %+v, %t", r, ok)
	}
	m.Nak(ENXIO)
	if r, ok := m.Reply(); !ok || r != (Reply{Error: ENXIO}) {
		t.Errorf("answer %+v, %t: something of the ack is left", r, ok)
	}
	for _, none := range []func() bool{
		func() bool { _, ok := m.Request(); return ok },
		func() bool { _, ok := m.CopyRequest(); return ok },
		func() bool { _, ok := m.CopyResponse(); return ok },
	} {
		if none() {
			t.Error("an M_IOCNAK has another body too")
		}
	}
	m.Free()
}

// Private state is released exactly once, on each way that it can end.
func TestPrivateState(t *testing.T) {
	for name, tc := range map[string]struct {
		end    func(m *Block)
		atOnce int // releases before the message is freed
		want   int // and with that
	}{
		"freed":         {func(*Block) {}, 0, 1},
		"acknowledged":  {func(m *Block) { m.CopyDone(0, nil); m.Ack(0, 0) }, 1, 1},
		"refused":       {func(m *Block) { m.Nak(0) }, 1, 1},
		"copy failed":   {func(m *Block) { m.CopyDone(ENXIO, nil) }, 0, 1},
		"replaced":      {func(m *Block) { m.CopyIn(nil, 1, 1) }, 1, 1},
		"taken":         {func(m *Block) { m.TakePrivate() }, 0, 0},
		"taken further": {func(m *Block) { m.CopyIn(m.TakePrivate(), 1, 1) }, 0, 1},
		"looked at":     {func(m *Block) { m.Private() }, 0, 1},
		"duplicated":    {func(m *Block) { d, _ := m.Dup(); m.TakePrivate(); d.Free() }, 0, 1},
		"copied":        {func(m *Block) { c, _ := m.Copy(); c.Free() }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := testArena(t)
			m := request(t, a, asked)
			state := &token{}
			if err := m.CopyIn(state, 4, 0x1000); err != nil {
				t.Fatal(err)
			}
			tc.end(m)
			if state.released != tc.atOnce {
				t.Errorf("released %d times at once, want %d", state.released, tc.atOnce)
			}
			m.Free()
			if state.released != tc.want {
				t.Errorf("released %d times, want %d", state.released, tc.want)
			}
		})
	}
}
