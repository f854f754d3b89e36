// SPDX-License-Identifier: Apache-2.0

package memfd_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/leak"
	"github.com/iostreamkit/iostreamkit/linux/internal/memfd"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { leak.Main(m) }

const size = 1 << 20

func create(t testing.TB, readOnlyForOthers bool) *memfd.Memory {
	t.Helper()
	m, err := memfd.Create("test", size, readOnlyForOthers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// raw returns a memfd that was made by somebody less careful.
func raw(t testing.TB, flags int, length int64, seals int) int {
	t.Helper()
	num, err := unix.MemfdCreate("raw", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(num) })
	if length > 0 {
		if err := unix.Fallocate(num, 0, 0, length); err != nil {
			t.Fatal(err)
		}
	}
	if seals != 0 {
		if _, err := unix.FcntlInt(uintptr(num), unix.F_ADD_SEALS, seals); err != nil {
			t.Fatal(err)
		}
	}
	return num
}

func punch(num int) error {
	return unix.Fallocate(num, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096)
}

func TestC2OneWriter(t *testing.T) {
	leak.Check(t)
	m := create(t, true)
	m.Bytes[0], m.Bytes[size-1] = 1, 2
	if err := memfd.Check(m.FD, size, true); err != nil {
		t.Fatal(err)
	}
	if _, err := memfd.Map(m.FD, size, true); err == nil {
		t.Error("a second writable mapping could be made")
	}
	ro, err := memfd.Map(m.FD, size, false)
	if err != nil {
		t.Fatal(err)
	}
	defer memfd.Unmap(ro)
	m.Bytes[0] = 3
	if ro[0] != 3 || ro[size-1] != 2 {
		t.Errorf("the other mapping shows %d and %d", ro[0], ro[size-1])
	}
	if err := punch(m.FD); err == nil {
		t.Error("a hole could be punched")
	}
	if _, err := unix.Pwrite(m.FD, []byte{1}, 0); err == nil {
		t.Error("the memory could be written by descriptor")
	}
}

// C2: memory that the client writes can lose its contents, but not its pages' place:
// a hole reads as zeros and is no fault.
func TestC2HoleInTheClientsMemoryIsNoFault(t *testing.T) {
	leak.Check(t)
	m := create(t, false)
	other, err := memfd.Map(m.FD, size, true)
	if err != nil {
		t.Fatal(err)
	}
	defer memfd.Unmap(other)
	other[0] = 9
	if err := punch(m.FD); err != nil {
		t.Fatal(err)
	}
	if m.Bytes[0] != 0 {
		t.Errorf("a hole reads as %d", m.Bytes[0])
	}
	if unix.Ftruncate(m.FD, 0) == nil || unix.Ftruncate(m.FD, 2*size) == nil {
		t.Error("the size could be changed")
	}
	if err := memfd.Check(m.FD, size, true); !broken(err, ioreturn.RuleMemorySeals) {
		t.Errorf("memory with a second writer announced as the driver's: %v", err)
	}
}

func TestPagesAreReserved(t *testing.T) {
	m := create(t, true)
	var st unix.Stat_t
	if err := unix.Fstat(m.FD, &st); err != nil {
		t.Fatal(err)
	}
	if st.Blocks*512 < size {
		t.Errorf("%d of %d bytes are reserved", st.Blocks*512, size)
	}
}

func TestWantOfMemoryIsAnError(t *testing.T) {
	leak.Check(t)
	signal.Ignore(syscall.SIGXFSZ) // the limit on file sizes stands for that on memory
	defer signal.Reset(syscall.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = size / 2
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	_, err := memfd.Create("test", size, false)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, unix.EFBIG) {
		t.Errorf("Create: %v, want EFBIG", err)
	}
}

func TestSizes(t *testing.T) {
	for _, n := range []int{0, -1, math.MinInt, math.MaxInt, math.MaxInt - 1} {
		if _, err := memfd.Create("test", n, false); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("Create of %d bytes: %v", n, err)
		}
	}
	m, err := memfd.Create("test", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Bytes) != os.Getpagesize() {
		t.Errorf("one byte became %d", len(m.Bytes))
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestC28MappingIsNotForForkedChildren(t *testing.T) {
	m := create(t, true)
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(smaps), "/memfd:test")
	if !ok {
		t.Fatal("the mapping is not listed")
	}
	_, flags, _ := strings.Cut(after, "VmFlags:")
	flags, _, _ = strings.Cut(flags, "\n")
	if !strings.Contains(flags, " dc") {
		t.Errorf("flags of the mapping are %q, want dc (do not copy on fork)", flags)
	}
	if f, err := unix.FcntlInt(uintptr(m.FD), unix.F_GETFD, 0); err != nil || f&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v", f, err)
	}
}

func broken(err error, want ioreturn.Rule) bool {
	var r *ioreturn.RuleError
	return errors.As(err, &r) && r.Rule == want
}

func TestC2BadMemoryIsRefused(t *testing.T) {
	leak.Check(t)
	const fixed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	shm, err := os.CreateTemp("/dev/shm", "test")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(shm.Name())
	defer shm.Close()
	if err := shm.Truncate(size); err != nil {
		t.Fatal(err)
	}
	sparse := raw(t, 0, 0, 0)
	if err := unix.Ftruncate(sparse, size); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(sparse), unix.F_ADD_SEALS, fixed); err != nil {
		t.Fatal(err)
	}
	punched := raw(t, 0, size, fixed)
	if err := punch(punched); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		num      int
		readOnly bool
		want     ioreturn.Rule
	}{
		"no seals":                 {raw(t, 0, size, 0), false, ioreturn.RuleMemorySeals},
		"can shrink":               {raw(t, 0, size, fixed&^unix.F_SEAL_SHRINK), false, ioreturn.RuleMemorySeals},
		"can grow":                 {raw(t, 0, size, fixed&^unix.F_SEAL_GROW), false, ioreturn.RuleMemorySeals},
		"can be sealed further":    {raw(t, 0, size, fixed&^unix.F_SEAL_SEAL), false, ioreturn.RuleMemorySeals},
		"others can write":         {raw(t, 0, size, fixed), true, ioreturn.RuleMemorySeals},
		"too short":                {raw(t, 0, size-1, fixed), false, ioreturn.RuleMemorySize},
		"empty":                    {raw(t, 0, 0, fixed), false, ioreturn.RuleMemorySize},
		"never written":            {sparse, false, ioreturn.RuleMemorySize},
		"punched":                  {punched, false, ioreturn.RuleMemorySize},
		"huge pages":               {raw(t, unix.MFD_HUGETLB, 0, fixed), false, ioreturn.RuleMemoryKind},
		"file on disk":             {int(file.Fd()), false, ioreturn.RuleMemoryKind},
		"pipe":                     {int(r.Fd()), false, ioreturn.RuleMemoryKind},
		"file in /dev/shm":         {int(shm.Fd()), false, ioreturn.RuleMemorySeals},
		"not a descriptor":         {-1, false, ioreturn.RuleMemoryKind},
		"sealed as it should be":   {raw(t, 0, size, fixed), false, 0},
		"read-only for all":        {raw(t, 0, size, fixed|unix.F_SEAL_WRITE), true, 0},
		"read-only for the others": {raw(t, 0, size, fixed|unix.F_SEAL_FUTURE_WRITE), true, 0},
	} {
		err := memfd.Check(tc.num, size, tc.readOnly)
		if tc.want == 0 && err != nil || tc.want != 0 && !broken(err, tc.want) {
			t.Errorf("%s: %v, want rule %v", name, err, tc.want)
		}
	}
	if err := memfd.CheckDMABuf(raw(t, 0, size, fixed), size); !broken(err, ioreturn.RuleMemoryKind) {
		t.Errorf("a memfd as a dma-buf: %v", err)
	}
	if err := memfd.CheckDMABuf(-1, size); !broken(err, ioreturn.RuleMemoryKind) {
		t.Errorf("no descriptor as a dma-buf: %v", err)
	}
}

func TestBulkRoundTrip(t *testing.T) {
	leak.Check(t)
	want := bytes.Repeat([]byte("bulk"), 1<<18)
	num, err := memfd.NewBulk(want)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(num)
	got := make([]byte, len(want))
	if err := memfd.ReadBulk(num, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadBulk: %v, equal %t", err, bytes.Equal(got, want))
	}
	if _, err := unix.Pwrite(num, []byte{0}, 0); err == nil {
		t.Error("the contents could be changed")
	}
	if err := memfd.ReadBulk(num, make([]byte, len(want)+1)); !broken(err, ioreturn.RuleMemorySize) {
		t.Errorf("more bytes than there are: %v", err)
	}
	if err := memfd.ReadBulk(raw(t, 0, size, 0), got[:1]); !broken(err, ioreturn.RuleMemorySeals) {
		t.Errorf("without seals: %v", err)
	}
}
