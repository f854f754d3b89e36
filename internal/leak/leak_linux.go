// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// snapshot is what the process holds at one moment.
type snapshot struct {
	fds  map[string]string // number to what it is, as the kernel names it
	maps map[string]uint64 // what is mapped to how many bytes of it
}

// take reads /proc/self. The descriptors that reading itself needs, and those that
// the runtime opens once for its poller, are not counted.
func take() snapshot {
	startPoller()
	return snapshot{fds: openDescriptors(), maps: sharedMappings()}
}

// startPoller makes the runtime open its epoll and event descriptors now, so that
// a test that is the first to use the poller does not seem to leak them.
func startPoller() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
}

func openDescriptors() map[string]string {
	fds := make(map[string]string)
	// ReadDir's own descriptor is in the list but closed by the time it is looked up.
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic("leak: cannot list descriptors: " + err.Error())
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			fds[e.Name()] = target
		}
	}
	return fds
}

// sharedMappings sums the bytes of every mapping that is shared or of a memfd,
// dma-buf or device. Private memory is the runtime's and garbage-collected.
func sharedMappings() map[string]uint64 {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		panic("leak: cannot list mappings: " + err.Error())
	}
	defer f.Close()
	maps := make(map[string]uint64)
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if what, size, ok := parseMapping(sc.Text()); ok {
			maps[what] += size
		}
	}
	return maps
}

// parseMapping decodes one line of /proc/self/maps; ok is false for mappings that
// do not count. The file's offset is left out of what: only the sum matters.
func parseMapping(line string) (what string, size uint64, ok bool) {
	f := strings.Fields(line) // range, permissions, offset, device, inode, path
	if len(f) < 5 || len(f[1]) != 4 {
		return "", 0, false
	}
	path := strings.Join(f[5:], " ")
	special := strings.HasPrefix(path, "/memfd:") || strings.HasPrefix(path, "/dmabuf:") || strings.HasPrefix(path, "/dev/")
	if f[1][3] != 's' && !special {
		return "", 0, false
	}
	from, to, _ := strings.Cut(f[0], "-")
	start, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if err1 != nil || err2 != nil || end < start {
		return "", 0, false
	}
	return fmt.Sprintf("%s (inode %s on %s)", path, f[4], f[3]), end - start, true
}

// grown returns what later holds beyond s, one sentence each.
func (s snapshot) grown(later snapshot) []string {
	var list []string
	for fd, target := range later.fds {
		if s.fds[fd] != target {
			list = append(list, fmt.Sprintf("descriptor %s is still open: %s", fd, target))
		}
	}
	for what, size := range later.maps {
		if old := s.maps[what]; size > old {
			list = append(list, fmt.Sprintf("%d bytes are still mapped: %s", size-old, what))
		}
	}
	slices.Sort(list)
	return list
}
