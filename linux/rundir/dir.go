// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// Variable is the environment variable that names the run directory. If it is set,
// nothing else is looked at.
const Variable = "IOSTREAMKIT_RUNDIR"

// Where streams of the system, and of users without a directory of their own, are
// registered.
const (
	systemDir = "/run/iostreamkit"
	tmpDir    = "/tmp"
)

// Dir is where streams are registered and found: one directory to register in,
// and one or more to search. Default and At make one. A Dir holds no resources;
// its methods may be called concurrently.
type Dir struct {
	own    place
	search []place // own first
	euid   int
	step   func(string) // called between the steps of Register and Close; nil but in tests
}

// environment is what Default's choice depends on.
type environment struct {
	getenv func(string) string
	euid   int
	system string
	tmp    string
}

// Default returns the run directory of this process, by the first that applies:
//
//   - IOSTREAMKIT_RUNDIR, an absolute path, and nothing else;
//   - XDG_RUNTIME_DIR/iostreamkit, if XDG_RUNTIME_DIR is ours and can be written;
//   - /run/iostreamkit, if this user can write there: root's, or one that root has
//     given to a service;
//   - /tmp/iostreamkit-UID.
//
// Unless IOSTREAMKIT_RUNDIR is set, streams are searched for in all of them, so
// that a user finds the streams of the system's drivers, and a program without
// XDG_RUNTIME_DIR those of the same user's session. Default makes nothing and
// does not fail for a directory that is missing or must not be used: Register,
// List and Watch tell. The error matches ErrInvalid if IOSTREAMKIT_RUNDIR is not
// an absolute path.
func Default() (Dir, error) {
	return environment{getenv: os.Getenv, euid: os.Geteuid(), system: systemDir, tmp: tmpDir}.resolve()
}

// At returns the run directory at path, and searches nothing else. A relative path
// is made absolute. Register makes the directory if it is missing, not its parents.
func At(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil || path == "" {
		return Dir{}, fmt.Errorf("run directory %q cannot be made an absolute path (%w)", path, ioreturn.ErrInvalid)
	}
	return dirOf(os.Geteuid(), place{path: abs}), nil
}

// Path returns the directory in which Register registers.
func (d Dir) Path() string { return d.own.path }

// SearchPath returns the directories in which List, Find and Watch look, in the
// order of precedence.
func (d Dir) SearchPath() []string {
	paths := make([]string, len(d.search))
	for i, p := range d.search {
		paths[i] = p.path
	}
	return paths
}

// dirOf returns a Dir that registers in own and searches own and then others,
// each once.
func dirOf(euid int, own place, others ...place) Dir {
	d := Dir{own: own, search: []place{own}, euid: euid}
	for _, p := range others {
		if !slices.ContainsFunc(d.search, func(q place) bool { return q.path == p.path }) {
			d.search = append(d.search, p)
		}
	}
	return d
}

func (v environment) resolve() (Dir, error) {
	if path := v.getenv(Variable); path != "" {
		if !filepath.IsAbs(path) {
			return Dir{}, ioreturn.Op("use", Variable, fmt.Errorf("%q is not an absolute path (%w)", path, ioreturn.ErrInvalid))
		}
		return dirOf(v.euid, place{path: filepath.Clean(path)}), nil
	}
	var all []place
	own := -1
	if p, ok := v.session(); ok {
		all, own = append(all, p), 0
	}
	system := place{path: v.system, system: true}
	if all = append(all, system); own < 0 && system.usable(v.euid) {
		own = len(all) - 1
	}
	all = append(all, place{path: fmt.Sprintf("%s/iostreamkit-%d", v.tmp, v.euid), private: true})
	if own < 0 {
		own = len(all) - 1
	}
	return dirOf(v.euid, all[own], all...), nil
}

// session returns the directory below XDG_RUNTIME_DIR; ok is false unless that is
// a directory of ours that can be written: after su or sudo it is often another
// user's, in a container it is often missing.
func (v environment) session() (p place, ok bool) {
	base := v.getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(base) {
		return place{}, false
	}
	var st unix.Stat_t
	if unix.Stat(base, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != v.euid {
		return place{}, false
	}
	if fs.FileMode(st.Mode).Perm()&0o022 != 0 || writable(base) != nil {
		return place{}, false
	}
	return place{path: filepath.Join(base, "iostreamkit")}, true
}
