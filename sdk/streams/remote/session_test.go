// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// stacks opens a session whose modules are the driver's, and one whose modules are on this
// side. Both can push "a" and "b", and have a driver that says EINVAL to what it does not know.
func stacks(t *testing.T, fn func(t *testing.T, s *remote.Session, driver string)) {
	find := func(name string) *streams.Module {
		if name == "a" || name == "b" {
			return &streams.Module{Name: name}
		}
		return nil
	}
	end, err := remote.NewEnd(&remote.Plane{
		Driver:  &streams.Module{Name: "driver"},
		Modules: func(name string, _ userclient.Peer) *streams.Module { return find(name) },
	}, userclient.Peer{})
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	for driver, open := range map[string]func(remote.Caller, *head.Config) (*remote.Session, error){
		"driver": remote.Open, "remote": remote.OpenHere,
	} {
		t.Run(driver, func(t *testing.T) {
			s, err := open(end, &head.Config{Modules: find})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			}()
			fn(t, s, driver)
		})
	}
}

// The commands that are about modules reach the stack that there is, by name and by number,
// and say the same wherever it is.
func TestC6ModulesByNumber(t *testing.T) {
	const arg, list = 0x1000, 0x2000
	stacks(t, func(t *testing.T, s *remote.Session, driver string) {
		mem := make([]byte, 16)
		names := make([]byte, 4*(streams.MaxName+1))
		regions, err := ioctl.NewRegions(ioctl.Region{Addr: arg, Data: mem}, ioctl.Region{Addr: list, Data: names})
		if err != nil {
			t.Fatal(err)
		}
		do := func(cmd streams.Command, name string, want streams.Errno) int {
			t.Helper()
			clear(mem)
			copy(mem, name)
			rval, err := s.Ioctl(t.Context(), cmd, arg, regions)
			if want == 0 && err != nil || want != 0 && !errors.Is(err, want) {
				t.Errorf("%v of %q: %v, want %v", cmd, name, err, want)
			}
			return rval
		}
		listed := func(want ...string) {
			t.Helper()
			want = append(want, driver)
			if n, err := s.Ioctl(t.Context(), streams.CmdList, 0, nil); n != len(want) || err != nil {
				t.Errorf("I_LIST counts %d, %v, want %d", n, err, len(want))
			}
			clear(mem)
			binary.LittleEndian.PutUint32(mem, 4)
			binary.LittleEndian.PutUint64(mem[8:], list)
			if _, err := s.Ioctl(t.Context(), streams.CmdList, arg, regions); err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range int(binary.LittleEndian.Uint32(mem)) {
				name := names[i*(streams.MaxName+1):][:streams.MaxName+1]
				got = append(got, strings.TrimRight(string(name), "\x00"))
			}
			byName, err := s.List(t.Context())
			if !slices.Equal(got, want) || !slices.Equal(byName, want) || err != nil {
				t.Errorf("I_LIST: %q, by name %q, %v, want %q", got, byName, err, want)
			}
		}
		listed()
		do(streams.CmdPop, "", streams.EINVAL)
		do(streams.CmdLook, "", streams.EINVAL)
		do(streams.CmdPush, "c", streams.EINVAL)
		do(streams.CmdPush, "", streams.EINVAL)
		do(streams.CmdPush, "a", 0)
		do(streams.CmdPush, "b", 0)
		listed("b", "a")
		if do(streams.CmdLook, "", 0); string(mem[:2]) != "b\x00" {
			t.Errorf("on top is %q", mem)
		}
		if n := do(streams.CmdFind, "a", 0); n != 1 {
			t.Errorf("I_FIND says %d", n)
		}
		do(streams.CmdPop, "", 0)
		listed("a")
		if n := do(streams.CmdFind, "b", 0); n != 0 {
			t.Errorf("I_FIND says %d of a module that was popped", n)
		}
		do(streams.CmdAnchor, "", 0)
		do(streams.CmdPop, "", streams.EPERM)
		if err := s.Push(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		if err := s.Pop(t.Context()); err != nil {
			t.Error(err)
		}
		listed("a")
	})
}

// A client can't push without end.
func TestPushesAreBounded(t *testing.T) {
	stacks(t, func(t *testing.T, s *remote.Session, _ string) {
		most := streams.Strict.Tunables().Modules
		for i := range most {
			if err := s.Push(t.Context(), "a"); err != nil {
				t.Fatal(i, err)
			}
		}
		if err := s.Push(t.Context(), "a"); !errors.Is(err, ioreturn.ErrInvalid) && !errors.Is(err, streams.EINVAL) {
			t.Errorf("module %d: %v", most+1, err)
		}
	})
}

// bare is a driver without a control plane.
type bare struct{}

func (bare) Call(context.Context, *userclient.Args) error { return ioreturn.Unsupported }

// C6: a driver without a stack gets one on the client's side, whose modules answer what the
// driver can't.
func TestC6StackOnTheClientsSide(t *testing.T) {
	answers := &streams.Module{Name: "answers", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if x, ok := m.Ioctl(); !ok || x.Cmd != cmd || q.ReplyAck(m, m.Next().Size(), 5) != nil {
			q.PutNext(m)
		}
	}}}
	s, err := remote.OpenHere(bare{}, &head.Config{Modules: func(string) *streams.Module { return answers }})
	if err != nil {
		t.Fatal(err)
	}
	str := head.Str{Command: cmd, Data: []byte("hello")}
	_, err = s.Str(t.Context(), &str)
	wantErr(t, err, streams.EOPNOTSUPP)
	if err := s.Push(t.Context(), "answers"); err != nil {
		t.Fatal(err)
	}
	if rval, err := s.Str(t.Context(), &str); err != nil || rval != 5 || str.Len != 5 {
		t.Errorf("%d, %d bytes, %v", rval, str.Len, err)
	}
	_, err = s.Str(t.Context(), &head.Str{Command: cmd + 1})
	wantErr(t, err, streams.EOPNOTSUPP)
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// liar says what it likes of its modules.
type liar []string

func (l liar) Call(_ context.Context, a *userclient.Args) error {
	if a.Selector != userclient.SelControlNames {
		return &ioreturn.StatusError{Code: ioreturn.Busy, Detail: "no"}
	}
	var b []byte
	b = binary.LittleEndian.AppendUint32(b, 0)
	for _, name := range l {
		b = binary.LittleEndian.AppendUint16(b, 1)
		b = binary.LittleEndian.AppendUint16(b, 0)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(name))), name...)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	a.NOutBytes = copy(a.OutBytes, b)
	return nil
}

// A driver that lies about its modules gives a documented errno, or names that fit.
func TestLiesAboutModules(t *testing.T) {
	for i, l := range []liar{nil, {strings.Repeat("x", 200), "driver"}, {"a", "\x00\xff", "driver"}, {"only"}} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s, err := remote.Open(l, nil)
			if err != nil {
				t.Fatal(err)
			}
			mem := make([]byte, streams.MaxName+2)
			mem[streams.MaxName+1] = 'X'
			regions, err := ioctl.NewRegions(ioctl.Region{Addr: 1, Data: mem})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Ioctl(t.Context(), streams.CmdLook, 1, regions); mem[streams.MaxName] != 0 || mem[streams.MaxName+1] != 'X' {
				t.Errorf("a name that does not fit: %q, %v", mem, err)
			}
			for _, cmd := range []streams.Command{streams.CmdPush, streams.CmdPop, streams.CmdLook, streams.CmdFind, streams.CmdList} {
				_, err := s.Ioctl(t.Context(), cmd, 1, regions)
				var errno streams.Errno
				if err != nil && !errors.As(err, &errno) {
					t.Errorf("%v: %v", cmd, err)
				}
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// popping is memory that pops a module before it is read.
type popping struct {
	ioctl.Memory
	pop func() error
}

func (p popping) ReadAt(b []byte, addr uint64) error {
	if err := p.pop(); err != nil {
		return err
	}
	return p.Memory.ReadAt(b, addr)
}

// A module that is popped between two rounds leaves a caller behind, who is answered at once
// and not after a time of its own.
func TestModulePoppedBetweenRounds(t *testing.T) {
	freed := 0
	asks := &streams.Module{Name: "asks", Write: streams.Procedures{Put: func(q *streams.Queue, m *streams.Block) {
		if m.Type() != streams.MIoctl || m.CopyIn(state{&freed}, 4, 0x1000) != nil {
			q.PutNext(m)
			return
		}
		q.Reply(m)
	}}}
	end, err := remote.NewEnd(&remote.Plane{
		Driver:  &streams.Module{Name: "driver"},
		Modules: func(string, userclient.Peer) *streams.Module { return asks },
	}, userclient.Peer{})
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	s, err := remote.Open(end, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Push(t.Context(), "asks"); err != nil {
		t.Fatal(err)
	}
	regions, err := ioctl.NewRegions(ioctl.Region{Addr: 0x1000, Data: []byte("1234")})
	if err != nil {
		t.Fatal(err)
	}
	mem := popping{regions, func() error { return s.Pop(t.Context()) }}
	_, err = s.Transparent(t.Context(), cmd, 0x1000, mem)
	wantErr(t, err, streams.EINVAL)
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if freed != 1 {
		t.Errorf("the module's state was released %d times", freed)
	}
}
