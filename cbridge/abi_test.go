// SPDX-License-Identifier: Apache-2.0

package cbridge_test

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/iostreamkit/iostreamkit/internal/gen"
)

// compiler is one language that the headers must be good in.
type compiler struct {
	name, command, suffix string
	flags                 []string
}

// compilers returns what the headers are compiled with. C++ is part of "make ci",
// which sets IOSK_TEST_CXX; the tests themselves need a C compiler only.
func compilers() []compiler {
	strict := []string{"-Wall", "-Wextra", "-Werror", "-pedantic"}
	out := []compiler{
		{"C99", "gcc", ".c", append([]string{"-std=c99"}, strict...)},
		{"C11", "gcc", ".c", append([]string{"-std=c11"}, strict...)},
	}
	if os.Getenv("IOSK_TEST_CXX") != "" {
		out = append(out, compiler{"C++11", "g++", ".cc", append([]string{"-std=c++11"}, strict...)})
	}
	return out
}

// run compiles source and returns what the program prints, or the compiler's
// complaint.
func (c compiler) run(t *testing.T, source string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file, program := filepath.Join(dir, "abi"+c.suffix), filepath.Join(dir, "abi")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.exec(t, file, "-o", program); err != nil {
		return "", err
	}
	out, err := exec.Command(program).Output()
	return string(out), err
}

// exec runs the compiler with the headers in its path.
func (c compiler) exec(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(c.command)
	if err != nil {
		t.Fatalf("%s is needed to compare the C header with the Go packages (on Debian: apt-get install gcc g++): %v", c.command, err)
	}
	cmd := exec.Command(path, slices.Concat(c.flags, []string{"-Iinclude"}, args)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", c.name, err, complaint.String())
	}
	return out.String(), nil
}

// macros returns the names of the object-like macros of the header, without IOSK_.
func macros(t *testing.T) []string {
	t.Helper()
	out, err := compilers()[0].exec(t, "-E", "-dM", "include/iostreamkit/abi.h")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
		if name, ok := strings.CutPrefix(strings.Fields(s.Text())[1], "IOSK_"); ok && !strings.Contains(name, "(") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// shared are the packages whose exported constants are the ABI. Constants of the
// types in private are arguments or results of functions and never leave the process.
var shared = []struct {
	dir     string
	file    string            // only this one
	trim    string            // from the macro's beginning
	all     string            // prefix of all
	prefix  map[string]string // by type
	private []string          // types
}{
	{dir: "../sdk/userclient", private: []string{"Writer"}},
	{dir: "../sdk/queue", private: []string{"Wake", "Role"}},
	{dir: "../sdk/ioreturn", prefix: map[string]string{"Code": "RETURN_"}},
	{dir: "../linux/socket", file: "wire.go", trim: "WIRE_", all: "WIRE_"},
}

// goNumbers returns what the header must define, by macro without IOSK_.
func goNumbers(t *testing.T) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	for _, pkg := range shared {
		consts, err := gen.Consts(pkg.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range consts {
			if slices.Contains(pkg.private, c.Type) || pkg.file != "" && pkg.file != c.File {
				continue
			}
			v, ok := c.Uint64()
			if !ok {
				t.Errorf("%s: %s is no unsigned number, so the header can't have it", pkg.dir, c.Name)
			}
			name := pkg.all + pkg.prefix[c.Type] + strings.TrimPrefix(gen.Macro(c.Name), pkg.trim)
			if _, dup := out[name]; dup {
				t.Errorf("%s: two constants would be IOSK_%s", pkg.dir, name)
			}
			out[name] = v
		}
	}
	return out
}

// differences compares the names of both languages.
func differences(goNames, cNames []string) []string {
	var out []string
	for _, n := range goNames {
		if !slices.Contains(cNames, n) {
			out = append(out, "IOSK_"+n+" is missing in the header")
		}
	}
	for _, n := range cNames {
		if !slices.Contains(goNames, n) {
			out = append(out, "IOSK_"+n+" is in the header, but no Go package has it")
		}
	}
	return out
}

func TestABINamesAreTheSameInBothLanguages(t *testing.T) {
	want, have := slices.Sorted(maps.Keys(goNumbers(t))), macros(t)
	for _, d := range differences(want, have) {
		t.Error(d)
	}
	if len(have) < 200 {
		t.Errorf("only %d macros were found", len(have))
	}
}

func TestANameInOneLanguageOnlyIsSeen(t *testing.T) {
	got := differences([]string{"A", "B"}, []string{"B", "C"})
	want := []string{"IOSK_A is missing in the header", "IOSK_C is in the header, but no Go package has it"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestABINumbers(t *testing.T) {
	var b strings.Builder
	b.WriteString("#include <stdio.h>\n#include \"iostreamkit/abi.h\"\nint main(void)\n{\n")
	for _, name := range macros(t) {
		cast := "(unsigned long long)"
		if strings.HasPrefix(name, "RETURN_") {
			cast += "(uint32_t)"
		}
		fmt.Fprintf(&b, "\tprintf(\"%s %%llu\\n\", %sIOSK_%s);\n", name, cast, name)
	}
	b.WriteString("\treturn 0;\n}\n")
	want := goNumbers(t)
	for _, c := range compilers() {
		t.Run(c.name, func(t *testing.T) {
			out, err := c.run(t, b.String())
			if err != nil {
				t.Fatal(err)
			}
			seen := 0
			for line := range strings.Lines(out) {
				name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
				v, err := strconv.ParseUint(number, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				if seen++; v != want[name] {
					t.Errorf("IOSK_%s is %#x, in Go %#x", name, v, want[name])
				}
			}
			if seen != len(want) {
				t.Errorf("%d numbers were compared, Go has %d", seen, len(want))
			}
		})
	}
}

func TestAssertionsFailWhereTheyShould(t *testing.T) {
	for _, c := range compilers() {
		t.Run(c.name, func(t *testing.T) {
			source := "#include \"iostreamkit/abi.h\"\nIOSK_ASSERT(%s, sizeof(struct iosk_entry) == %d);\nint main(void) { return 0; }\n"
			if _, err := c.run(t, fmt.Sprintf(source, "good", 32)); err != nil {
				t.Errorf("a true assertion: %v", err)
			}
			if _, err := c.run(t, fmt.Sprintf(source, "bad", 33)); err == nil {
				t.Error("a false assertion compiles")
			}
		})
	}
}

// TestC31HeaderIsKernelSafe compiles the header as a kernel would: without any
// header of the C library, and with the two that a kernel has.
func TestC31HeaderIsKernelSafe(t *testing.T) {
	dir := t.TempDir()
	types := `#pragma once
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t; typedef unsigned long long uint64_t;
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
`
	stddef := "#pragma once\n#define offsetof(type, member) __builtin_offsetof(type, member)\n"
	if err := os.Mkdir(filepath.Join(dir, "linux"), 0o700); err != nil {
		t.Fatal(err)
	}
	source := "#include \"iostreamkit/abi.h\"\nuint32_t next(uint32_t s, uint32_t o);\nuint32_t next(uint32_t s, uint32_t o) { return iosk_state_next(s, o); }\n"
	for name, content := range map[string]string{"linux/types.h": types, "linux/stddef.h": stddef, "module.c": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kernel := compiler{name: "kernel", command: "gcc", flags: []string{
		"-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wdeclaration-after-statement", "-ffreestanding", "-nostdinc", "-D__KERNEL__", "-I" + dir,
	}}
	if _, err := kernel.exec(t, "-c", filepath.Join(dir, "module.c"), "-o", filepath.Join(dir, "module.o")); err != nil {
		t.Error(err)
	}
}
