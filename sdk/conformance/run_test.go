// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// testDriver is a correct stream of which nothing is ever posted.
func testDriver(t *testing.T) *iostream.Driver {
	t.Helper()
	d, err := iostream.NewDriver(iostream.DriverConfig{Name: "acme/test/stream", DataSize: 64}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		<-d.Done()
	})
	return d
}

// rules makes must-rules of checks.
func rules(checks map[string]func(*T)) []Rule {
	var out []Rule
	for id, check := range checks {
		out = append(out, Rule{ID: id, Profile: Core, Level: Must, Origin: Both, Title: id, Why: "why", Remedy: "remedy", Check: check})
	}
	slices.SortFunc(out, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// verdicts runs rules and returns "verdict reason messages" of each by ID.
func verdicts(t *testing.T, target Target, opts *Options, rs []Rule) map[string]string {
	t.Helper()
	rep, err := run(t.Context(), target, opts, rs)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i := range rep.Rules {
		r := &rep.Rules[i]
		out[r.ID] = strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Verdict, r.Reason, strings.Join(r.Messages, "; ")))
	}
	return out
}

func TestChecksComeToTheirVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		defer close(forever)
		got := verdicts(t, FromProvider(testDriver(t)), nil, rules(map[string]func(*T){
			"A-01": func(*T) {},
			"A-02": func(t *T) { t.Errorf("breach %d", 1); t.Errorf("breach %d", 2) },
			"A-03": func(t *T) { defer t.Logf("deferred"); t.Fatalf("breach") },
			"A-04": func(t *T) { t.Skipf("no %s", "cable"); t.Errorf("not reached") },
			"A-05": func(t *T) { t.abortf("no open") },
			"A-06": func(*T) { panic("boom") },
			"A-07": func(t *T) { t.Go(func() { panic("beside") }) },
			"A-08": func(*T) { <-forever },
			"A-09": func(t *T) { <-t.Context().Done(); t.Errorf("%v", context.Cause(t.Context())) },
			"A-10": func(*T) { runtime.Goexit() },
			"A-11": func(t *T) { t.Go(func() { t.Fatalf("beside") }) },
			"A-12": func(t *T) { t.Cleanup(func() string { return "a thing is left" }) },
			"A-13": func(t *T) { t.Conn(false) },
			"A-14": func(t *T) { t.Errorf("breach"); panic("boom") },
		}))
		for id, want := range map[string]string{
			"A-01": "pass", "A-02": "fail  breach 1; breach 2", "A-03": "fail  breach", "A-04": "skip no cable",
			"A-05": "error the check could not be prepared no open", "A-06": "error the check panicked: boom",
			"A-07": "error the check panicked: beside", "A-08": "error the check did not return although its time was up",
			"A-09": "fail  time is up: the rule's 5s are over", "A-10": "error the check ended without a verdict",
			"A-11": "fail  beside", "A-12": "error a thing is left", "A-13": "pass", "A-14": "fail  breach",
		} {
			if got[id] != want {
				t.Errorf("%s: got %q, want %q", id, got[id], want)
			}
		}
	})
}

// A check that hangs in a call to the driver is ended by its context and by the end of
// its connection, and the next rule finds the stream free.
func TestHangingCheckLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := testDriver(t)
		got := verdicts(t, FromProvider(d), nil, rules(map[string]func(*T){
			"A-01": func(t *T) {
				l := t.link()
				l.reach(userclient.StateRunning)
				t.Errorf("port: %v", l.port.Wait(context.Background()))
			},
			"A-02": func(t *T) { t.link().reach(userclient.StateRunning) },
		}))
		if !strings.HasPrefix(got["A-01"], "fail  port: ") || got["A-02"] != "pass" {
			t.Errorf("got %q", got)
		}
	})
}

func TestEndedRunPassesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		rep, err := run(ctx, FromProvider(testDriver(t)), nil, rules(map[string]func(*T){
			"A-01": func(*T) { cancel() },
			"A-02": func(t *T) { <-t.Context().Done() },
		}))
		if err != nil {
			t.Fatal(err)
		}
		if rep.Error != 2 || rep.Result != Incomplete {
			t.Errorf("got %s, %+v", rep.Result, rep.Totals)
		}
	})
}

// What a check sees after the run was ended is no breach; what it saw before is one.
func TestEndedRunBreaksNothing(t *testing.T) {
	for breach, want := range map[string]Verdict{"before": Fail, "after": Error} {
		ctx, cancel := context.WithCancel(t.Context())
		rep, err := run(ctx, FromProvider(testDriver(t)), nil, rules(map[string]func(*T){
			"A-01": func(t *T) {
				if breach == "before" {
					t.Errorf("a wrong number")
				}
				cancel()
				t.Fatalf("the call was answered with %v", t.Context().Err())
			},
		}))
		if err != nil {
			t.Fatal(err)
		}
		if r := rep.Rules[0]; r.Verdict != want || len(r.Notes) != 1 {
			t.Errorf("%s the end: %s, notes %q", breach, r.Verdict, r.Notes)
		}
	}
}

// A rule's randomness follows from the seed alone: not from the order, nor from what
// other rules draw.
func TestRandomnessIsTheRules(t *testing.T) {
	draw := func(seed uint64, shuffle bool) map[string]uint64 {
		out := map[string]uint64{}
		checks := map[string]func(*T){}
		for i := range 8 {
			id := fmt.Sprintf("A-%02d", i)
			checks[id] = func(t *T) { out[id] = t.Rand().Uint64() }
		}
		verdicts(t, FromProvider(testDriver(t)), &Options{Seed: seed, Shuffle: shuffle}, rules(checks))
		return out
	}
	first := draw(7, false)
	for id, v := range draw(7, true) {
		if first[id] != v {
			t.Errorf("%s drew %d, then %d, from the same seed", id, first[id], v)
		}
	}
	if second := draw(8, false); second["A-01"] == first["A-01"] {
		t.Error("another seed draws the same")
	}
}

func TestSelection(t *testing.T) {
	rs := rules(map[string]func(*T){"A-01": func(*T) {}, "A-02": func(*T) {}, "B-01": func(*T) {}})
	rs[2].Profile = Timing
	for _, tc := range []struct {
		name string
		o    Options
		want string // IDs that passed, then those skipped
	}{
		{"all", Options{}, "A-01 A-02 B-01 |"},
		{"one", Options{Only: []string{"A-02"}}, "A-02 | A-01 B-01"},
		{"area", Options{Only: []string{"a"}}, "A-01 A-02 | B-01"},
		{"pattern", Options{Only: []string{"*-01"}}, "A-01 B-01 | A-02"},
		{"skip", Options{Skip: []string{"A"}}, "B-01 | A-01 A-02"},
		{"profile", Options{Profiles: []Profile{Timing}}, "B-01 |"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var passed, skipped []string
			for id, v := range verdicts(t, FromProvider(testDriver(t)), &tc.o, rs) {
				switch v {
				case "pass":
					passed = append(passed, id)
				case "skip not selected":
					skipped = append(skipped, id)
				default:
					t.Errorf("%s: %s", id, v)
				}
			}
			slices.Sort(passed)
			slices.Sort(skipped)
			if got := strings.TrimSpace(strings.Join(passed, " ") + " | " + strings.Join(skipped, " ")); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	for _, o := range []Options{
		{Only: []string{"C"}}, {Only: []string{"["}}, {Skip: []string{"["}}, {Profiles: []Profile{"x"}}, {TimeScale: -1},
		{Device: &Device{TimeScale: -1}},
	} {
		if _, err := run(t.Context(), FromProvider(testDriver(t)), &o, rs); !errors.Is(err, ioreturn.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", o, err)
		}
	}
}

func TestWhatDoesNotApply(t *testing.T) {
	rs := rules(map[string]func(*T){"A-01": func(*T) {}})
	for _, tc := range []struct {
		name   string
		change func(*Rule)
		device Device
		want   string
	}{
		{"claimed", func(r *Rule) { r.Needs = []Capability{CapNative} }, Device{}, "pass"},
		{"not offered", func(r *Rule) { r.Needs = []Capability{CapClassic} }, Device{}, "not_claimed"},
		{"pattern unknown", func(r *Rule) { r.Needs = []Capability{CapCounter} }, Device{}, "skip"},
		{"no pattern", func(r *Rule) { r.Needs = []Capability{CapCounter} }, Device{Pattern: PatternNone}, "not_claimed"},
		{"other pattern", func(r *Rule) { r.Needs = []Capability{CapCounter} }, Device{Pattern: PatternPRBS}, "not_claimed"},
		{"pattern", func(r *Rule) { r.Needs = []Capability{CapCounter} }, Device{Pattern: PatternCounter}, "pass"},
		{"no safe command", func(r *Rule) { r.Needs = []Capability{CapSafeCommands} }, Device{}, "not_claimed"},
		{"safe command", func(r *Rule) { r.Needs = []Capability{CapSafeCommands} }, Device{SafeCommands: []SafeCommand{{Number: 7}}}, "pass"},
		{"no safe module", func(r *Rule) { r.Needs = []Capability{CapSafeModules} }, Device{}, "not_claimed"},
		{"safe module", func(r *Rule) { r.Needs = []Capability{CapSafeModules} }, Device{SafeModules: []string{"trace"}}, "pass"},
		{"can't kill", func(r *Rule) { r.Needs = []Capability{CapKill} }, Device{}, "not_claimed"},
		{"kill declared in vain", func(r *Rule) { r.Needs = []Capability{CapKill} }, Device{Capabilities: []Capability{CapKill}}, "not_claimed"},
		{"can't restart", func(r *Rule) { r.Needs = []Capability{CapRestart} }, Device{}, "skip"},
		{"destructive", func(r *Rule) { r.Destructive = true }, Device{}, "skip"},
		{"destructive allowed", func(r *Rule) { r.Destructive = true }, Device{AllowDestructive: true}, "pass"},
		{"cable", func(*Rule) {}, Device{NeedsCable: []string{"A-*"}}, "skip"},
		{"cable there", func(*Rule) {}, Device{NeedsCable: []string{"A-*"}, CableConnected: true}, "pass"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := slices.Clone(rs)
			tc.change(&r[0])
			got, _, _ := strings.Cut(verdicts(t, FromProvider(testDriver(t)), &Options{Device: &tc.device}, r)["A-01"], " ")
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A driver that a rule killed is started anew where that is possible. Where it is not,
// every other rule ends in an error that names the one that did it.
func TestDeadDriver(t *testing.T) {
	rs := rules(map[string]func(*T){"A-01": func(*T) {}, "A-02": func(*T) {}, "A-03": func(*T) {}})
	var current *iostream.Driver
	rs[1].Attack = true
	rs[1].Check = func(*T) {
		_ = current.Close() // it never fails
		<-current.Done()
	}
	starts := 0
	start := func() (userclient.Provider, func() error, error) {
		starts++
		current = testDriver(t)
		return current, current.Close, nil
	}
	target := FromStart("restartable", start)
	got := verdicts(t, target, nil, rs)
	if got["A-02"] != "pass" || got["A-03"] != "pass" || starts != 2 {
		t.Errorf("with restart: %q after %d starts", got, starts)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	current = testDriver(t)
	got = verdicts(t, FromProvider(current), nil, rs)
	if got["A-01"] != "pass" || got["A-02"] != "pass" || !strings.HasPrefix(got["A-03"], "error the driver is not usable any more since rule A-02") {
		t.Errorf("without restart: %q", got)
	}
}

func TestUnreachableTarget(t *testing.T) {
	target := FromDial("nowhere", func(context.Context, bool) (userclient.Conn, error) { return nil, ioreturn.ErrNotFound })
	rep, err := Run(t.Context(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Result != Incomplete || rep.Pass != 0 || rep.Error == 0 {
		t.Errorf("got %s, %+v", rep.Result, rep.Totals)
	}
}

func TestWaivers(t *testing.T) {
	rs := rules(map[string]func(*T){"LIFE-01": func(t *T) { t.Errorf("broken") }, "LIFE-02": func(*T) {}})
	device := func(id, expires string) *Device {
		return &Device{Waivers: []Waiver{{Rule: id, Reason: "known", Expires: expires}}}
	}
	today := time.Now().Format(time.DateOnly)
	yesterday := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	for _, tc := range []struct {
		name   string
		device *Device
		want   Result
		warns  int
	}{
		{"none", nil, NotConformant, 0},
		{"valid", device("LIFE-01", today), Incomplete, 0},
		{"expired", device("LIFE-01", yesterday), NotConformant, 1},
		{"for another, which needs none", device("LIFE-02", today), NotConformant, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rep, err := run(t.Context(), FromProvider(testDriver(t)), &Options{Device: tc.device}, rs)
			if err != nil {
				t.Fatal(err)
			}
			if rep.Result != tc.want || len(rep.Warnings) != tc.warns {
				t.Errorf("got %s, warnings %q, want %s and %d", rep.Result, rep.Warnings, tc.want, tc.warns)
			}
		})
	}
}

func TestProgressIsToldOnce(t *testing.T) {
	var n atomic.Int32
	rs := rules(map[string]func(*T){"A-01": func(*T) {}, "A-02": func(t *T) { t.Errorf("x") }})
	verdicts(t, FromProvider(testDriver(t)), &Options{Progress: func(RuleResult) { n.Add(1) }}, rs)
	if n.Load() != 2 {
		t.Errorf("told %d times", n.Load())
	}
}
