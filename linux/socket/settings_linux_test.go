// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/control/plane"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/commands"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
)

// otherUserSetsRole gets a setting and sets it, and prints what came of that.
func otherUserSetsRole(path string) error {
	c, err := Dial(context.Background(), path, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	o, err := iostream.NewObserver(ctx, c)
	if err != nil {
		return err
	}
	defer o.Close()
	if _, err := o.Describe(ctx); err != nil {
		return err
	}
	s, err := remote.Open(c, nil)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	client := plane.Client(s)
	if v, err := client.Get(ctx, "gain"); err != nil || v.Int() != 20 {
		return fmt.Errorf("getting came to %v, %w", v, err)
	}
	_, err = client.Set(ctx, "gain", control.Int(30))
	fmt.Println(errors.Is(err, streams.EACCES), err)
	return nil
}

// Another user who may connect to a driver may look at its settings, and change them only if
// the driver says so. Only root can become one; for everybody else the choice itself is
// tested by TestOwner of package commands.
func TestC42OtherUserSetsNothing(t *testing.T) {
	if os.Getuid() != 0 {
		return
	}
	leak.Check(t)
	dir := openDir(t)
	for i, tc := range []struct {
		cfg  *commands.Config
		says string
		now  int64
	}{
		{nil, "true set control gain: this user may look, but not set", 20},
		{&commands.Config{Caller: commands.Anyone}, "false <nil>", 30},
	} {
		var table control.Table
		err := table.Add(control.Info{
			Name: "gain", Access: control.CanGet | control.CanSet,
			Shape: control.Shape{Type: control.TypeInt, Max: control.Int(60), Default: control.Int(20)},
		}, control.Handler{})
		driver, err2 := plane.Module("settings", &table, tc.cfg)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		d, err := iostream.NewDriver(iostream.DriverConfig{
			Name: "test/settings/stream", DataSize: 4096, Control: &remote.Plane{Driver: driver},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprint("s", i))
		l, err := Listen(path, &ListenConfig{Mode: 0o666})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- l.Serve(context.Background(), d) }()
		c := spawn(t, "other user sets", path, "", func(c *exec.Cmd) {
			c.Dir = dir
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
		})
		if got := c.line(t); !strings.HasPrefix(got, tc.says) {
			t.Errorf("the other user says %q, want %q", got, tc.says)
		}
		if c.wait(); !c.ProcessState.Success() {
			t.Errorf("the other user's client: %v", c.ProcessState)
		}
		if v, err := table.Get(t.Context(), "gain"); err != nil || v.Int() != tc.now {
			t.Errorf("the gain is %v, %v, want %d", v, err, tc.now)
		}
		l.Close()
		<-served
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
