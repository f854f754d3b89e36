// SPDX-License-Identifier: Apache-2.0

//go:build linux

package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseBusy(t *testing.T) {
	got, err := parseBusy("cpu  10 1 5 1000 70 2 3 4 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
	if want := (10 + 1 + 5 + 2 + 3 + 4) * tick; err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "cpu  1 2 3\n", "cpu0 1 1 1 1 1 1 1 1\n", "cpu a 1 1 1 1 1 1 1\n"} {
		if got, err := parseBusy(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

func TestParseModel(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nmodel\t\t: 207\nmodel name\t: A  Processor @ 2 GHz\n\nmodel name: B\n": "A Processor @ 2 GHz",
		"processor\t: 0\nCPU part\t: 0xd0c\n":                                                   "0xd0c",
		"":                                                                                      "unknown CPU",
	} {
		if got := parseModel(text); got != want {
			t.Errorf("%q is %q", text, got)
		}
	}
}

// TestOwnTimeIsNotOthers keeps this process busy, which must not count.
func TestOwnTimeIsNotOthers(t *testing.T) {
	w, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	for worked := w.own; worked < w.own+200*time.Millisecond; {
		if worked, err = own(); err != nil {
			t.Fatal(err)
		}
	}
	other, err := w.others(0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := busy()
	if err != nil {
		t.Fatal(err)
	}
	took := float64(time.Since(w.at))
	all := float64(b-w.busy) / took
	if other > all || (all-other)*took < float64(100*time.Millisecond) {
		t.Errorf("others %v of %v CPUs in %v", other, all, time.Duration(took))
	}
	if job, err := w.others(time.Hour); err != nil || job != 0 {
		t.Errorf("others beside a job that took everything: %v, %v", job, err)
	}
}

func TestWaitForQuietIsBoundedAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if err := awaitQuiet(t.Context(), 0); err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if err := awaitQuiet(ctx, time.Hour); !errors.Is(err, why) {
		t.Error(err)
	}
}
