// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"strings"
	"testing"
	"time"
)

// headCommands are the published numbers behind 'S' << 8, written out once more.
const headCommands = `
1 I_NREAD 2 I_PUSH 3 I_POP 4 I_LOOK 5 I_FLUSH 6 I_SRDOPT 7 I_GRDOPT 8 I_STR 9 I_SETSIG 10 I_GETSIG 11 I_FIND 12 I_LINK
13 I_UNLINK 14 I_RECVFD 15 I_PEEK 16 I_FDINSERT 17 I_SENDFD 19 I_SWROPT 20 I_GWROPT 21 I_LIST 22 I_PLINK 23 I_PUNLINK
24 I_ANCHOR 28 I_FLUSHBAND 29 I_CKBAND 30 I_GETBAND 31 I_ATMARK 32 I_SETCLTIME 33 I_GETCLTIME 34 I_CANPUT 35 I_SERROPT
36 I_GERROPT 37 I_ESETSIG 38 I_EGETSIG 49 _I_GETPEERCRED 50 _I_PLINK_LH`

func TestCommandNumbers(t *testing.T) {
	words := strings.Fields(headCommands)
	for i := 0; i < len(words); i += 2 {
		n, err := ParseCommand(words[i])
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseCommand(words[i+1])
		if err != nil || c != 'S'<<8|n || c.String() != words[i+1] {
			t.Errorf("%s is %#x, want %#x (%v)", words[i+1], uint32(c), uint32('S'<<8|n), err)
		}
	}
	for name, want := range map[string]Command{"FIONREAD": 0x4004667f, "FIORDCHK": 0x20006603} {
		if c, err := ParseCommand(name); err != nil || c != want || c.String() != name {
			t.Errorf("%s is %#x, want %#x (%v)", name, uint32(c), uint32(want), err)
		}
	}
	if len(words)/2+2 != len(commandNames) {
		t.Errorf("the test has %d commands, the table %d", len(words)/2+2, len(commandNames))
	}
	last := Command(0)
	for c := range Commands() {
		if c.Command <= last {
			t.Errorf("%s is out of order", c.Name)
		}
		last = c.Command
	}
}

func TestCommandsWithoutName(t *testing.T) {
	if got := Command(0x54ff).String(); got != "0x54ff" {
		t.Errorf("got %q", got)
	}
	for _, s := range []string{"", "I_push", "0x100000000", "-1"} {
		if c, err := ParseCommand(s); err == nil {
			t.Errorf("%q is taken for %v", s, c)
		}
	}
}

func TestCommandClasses(t *testing.T) {
	headOnly, readOnly := map[string]bool{}, map[string]bool{}
	for c := range Commands() {
		if c.Command.HeadOnly() {
			headOnly[c.Name] = true
		}
		if !c.Command.NeedsWriteSide() {
			readOnly[c.Name] = true
		}
	}
	for _, tc := range []struct {
		got  map[string]bool
		want string
	}{
		{headOnly, "I_LINK I_PLINK I_UNLINK I_PUNLINK _I_GETPEERCRED _I_PLINK_LH"},
		{readOnly, "I_RECVFD I_PEEK I_NREAD I_ATMARK FIONREAD FIORDCHK"},
	} {
		want := strings.Fields(tc.want)
		if len(want) != len(tc.got) {
			t.Errorf("got %v, want %v", tc.got, want)
		}
		for _, name := range want {
			if !tc.got[name] {
				t.Errorf("%s is missing in %v", name, tc.got)
			}
		}
	}
	if Command(0x1234).HeadOnly() || !Command(0x1234).NeedsWriteSide() {
		t.Error("an unknown command is treated as one of the head's")
	}
}

func TestFlagNames(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{FlushFlags(0).String(), "0"},
		{FlushRW.String(), "FLUSHRW"},
		{(FlushW | FlushBand).String(), "FLUSHW|FLUSHBAND"},
		{(FlushR | 0x80).String(), "FLUSHR|0x80"},
		{(EventInput | EventBandAlert).String(), "S_INPUT|S_BANDURG"},
		{(EventsAll + 1).String(), "0x400"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
	if strings.Contains(EventsAll.String(), "0x") || strings.Count(EventsAll.String(), "|") != 9 {
		t.Errorf("not all events have names: %v", EventsAll)
	}
}

func TestFlagValues(t *testing.T) {
	if DefaultReadOptions != 0x10 {
		t.Errorf("default read options are %#x", DefaultReadOptions)
	}
	all := SetReadOptions | SetWriteOffset | SetMinPacket | SetMaxPacket | SetHighWater | SetLowWater
	if all != SetAll {
		t.Errorf("SetAll is %#x, its parts %#x", SetAll, all)
	}
}

func TestProfiles(t *testing.T) {
	for i, p := range Profiles() {
		if got, err := ParseProfile(p.String()); err != nil || got != p || int(p) != i {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	if p, err := ParseProfile("posix"); err == nil {
		t.Errorf("posix is taken for %v", p)
	}
	if got := Profile(9).String(); got != "Profile(9)" {
		t.Errorf("got %q", got)
	}
	if Profile(9).Tunables() != Strict.Tunables() {
		t.Error("a profile that does not exist is not the strict one")
	}
	sol, o7 := Solaris.Tunables(), OpenSS7.Tunables()
	if sol.Modules != 9 || sol.DataSize != 65536 || sol.ControlSize != 1024 || sol.HighWater != 5120 || sol.IoctlWait != 15*time.Second {
		t.Errorf("solaris: %+v", sol)
	}
	if o7.Modules != 64 || o7.DataSize != 262144 || o7.ControlSize != 4096 || o7.LowWater != 8192 || o7.CloseWait != 15*time.Second {
		t.Errorf("openss7: %+v", o7)
	}
	if s := Strict.Tunables(); s.CopyRounds != 16 || s.CopySize != s.DataSize || sol.CopyRounds != 0 {
		t.Errorf("strict: %+v", s)
	}
}
