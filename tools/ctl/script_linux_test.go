// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/iostreamkit/iostreamkit/linux/rundir"
	"github.com/iostreamkit/iostreamkit/linux/socket"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"iostreamctl": func() {
			os.Exit(Main(context.Background(), Options{}, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
		"mutant": mutantMain,
	})
}

// scriptBound is how long a script may wait for one thing.
const scriptBound = 30 * time.Second

// TestScripts runs testdata/script. Each script has a run directory and a directory
// for temporary files of its own; both must be empty at its end.
//
// Its own commands are
//
//	await NAME there|gone|STATE  waits until a stream is there, is gone, or has that state
//	await file FILE              waits until a file has contents
//	words FILE N                 checks that a file is the 64-bit numbers from 0 to N-1
//	empty DIR                    checks that a directory is empty
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for variable, dir := range map[string]string{rundir.Variable: "run", "TMPDIR": "tmp"} {
				path := filepath.Join(env.WorkDir, dir)
				if err := os.Mkdir(path, 0o700); err != nil {
					return err
				}
				env.Setenv(variable, path)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "words": words, "empty": empty,
		},
	})
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME there|gone|STATE, or await file FILE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptBound)
	defer cancel()
	if args[0] == "file" {
		ts.Check(awaitFile(ctx, ts.MkAbs(args[1])))
		return
	}
	dir, err := rundir.At(ts.Getenv(rundir.Variable))
	ts.Check(err)
	switch name, what := args[0], args[1]; what {
	case "there", "gone":
		ts.Check(awaitEntry(ctx, dir, name, what == "there"))
	default:
		ts.Check(awaitState(ctx, dir, name, what))
	}
}

func awaitFile(ctx context.Context, path string) error {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", path, context.Cause(ctx))
		}
	}
}

func awaitEntry(ctx context.Context, dir rundir.Dir, name string, there bool) error {
	is, known := false, false
	for e, err := range dir.Watch(ctx) {
		if err != nil {
			return fmt.Errorf("%s: there %v, known %v: %w", name, is, known, err)
		}
		if e.Stream.Name == name {
			is, known = e.Kind != rundir.Removed, true
		}
		if known && is == there {
			return nil
		}
		if _, err := dir.Find(name); !there && err != nil {
			return nil
		}
	}
	return nil
}

func awaitState(ctx context.Context, dir rundir.Dir, name, state string) error {
	found, err := dir.Find(name)
	if err != nil {
		return err
	}
	conn, err := socket.Dial(ctx, found.Path, &socket.DialConfig{Observe: true})
	if err != nil {
		return err
	}
	o, err := iostream.NewObserver(ctx, conn)
	if err != nil {
		return err
	}
	defer o.Close()
	for {
		ob, err := o.Observe(ctx)
		if err != nil {
			return err
		}
		if ob.State.String() == state {
			return nil
		}
		if _, _, err := o.NextEvents(ctx); err != nil {
			return fmt.Errorf("%s is %v: %w", name, ob.State, err)
		}
	}
}

func words(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: words FILE N")
	}
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var n uint64
	_, err = fmt.Sscan(args[1], &n)
	ts.Check(err)
	if uint64(len(b)) != 8*n {
		ts.Fatalf("%s has %d bytes, want %d", args[0], len(b), 8*n)
	}
	for i := range n {
		if w := binary.LittleEndian.Uint64(b[8*i:]); w != i {
			ts.Fatalf("word %d of %s is %d", i, args[0], w)
		}
	}
}

func empty(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: empty DIR")
	}
	files, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, f := range files {
		ts.Logf("%s holds %s", args[0], f.Name())
	}
	if len(files) > 0 {
		ts.Fatalf("%s is not empty", args[0])
	}
}
