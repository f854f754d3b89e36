// SPDX-License-Identifier: Apache-2.0

package ioreturn

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestOpError(t *testing.T) {
	if Op("open", "acme/cam0/video", nil) != nil {
		t.Error("an operation on success is an error")
	}
	err := Op("open", "acme/cam0/video", ExclusiveAccess)
	if !strings.HasPrefix(err.Error(), "open acme/cam0/video: ") || !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	if got := Op("list", "", ErrGone).Error(); got != "list: the other side is gone" {
		t.Errorf("got %q", got)
	}
	var op *OpError
	if !errors.As(err, &op) || op.Op != "open" || op.Target != "acme/cam0/video" {
		t.Errorf("got %+v", op)
	}
}

func TestSentinelsAreTheStandardLibrarys(t *testing.T) {
	for _, tc := range []struct{ ours, std error }{
		{ErrClosed, os.ErrClosed}, {ErrClosed, fs.ErrClosed}, {ErrTimeout, os.ErrDeadlineExceeded},
		{ErrPermission, os.ErrPermission}, {ErrNotFound, os.ErrNotExist}, {ErrInvalid, os.ErrInvalid},
		{ErrUnsupported, errors.ErrUnsupported},
	} {
		if !errors.Is(tc.ours, tc.std) {
			t.Errorf("%v is not %v", tc.ours, tc.std)
		}
	}
}

func TestStatusError(t *testing.T) {
	err := &StatusError{Code: NoPower, Detail: "the amplifier is off"}
	if got := err.Error(); got != "the amplifier is off: the device has no power (kIOReturnNoPower, 0xe00002e3)" {
		t.Errorf("got %q", got)
	}
	if !errors.Is(err, ErrGone) || errors.Is(err, ErrBusy) {
		t.Error("the meaning is not its code's")
	}
	if got := (&StatusError{Code: Busy}).Error(); got != Busy.Error() {
		t.Errorf("got %q", got)
	}
}

func TestRuleError(t *testing.T) {
	err := Broken(RuleQueueIndex, "tail %d is past head %d", 70, 4)
	want := "rule QUEUE-INDEX broken by the other side: tail 70 is past head 4 (IOSK-E1003)"
	if err.Error() != want || !errors.Is(err, ErrProtocol) || errors.Is(err, ErrIO) {
		t.Errorf("got %v", err)
	}
	var rule *RuleError
	if !errors.As(Op("dequeue", "x", err), &rule) || rule.Rule != RuleQueueIndex {
		t.Errorf("got %+v", rule)
	}
}

func TestC50EveryRule(t *testing.T) {
	name := regexp.MustCompile(`^[A-Z]+(-[A-Z]+)*$`)
	names := map[string]bool{}
	var last Rule
	for r := range Rules() {
		if r.Rule <= last {
			t.Errorf("%s is out of order", r.Name)
		}
		last = r.Rule
		if got, ok := r.Rule.Text(); !ok || got != r || r.Rule.String() != r.Name {
			t.Errorf("%s is not found by its number", r.Name)
		}
		if !name.MatchString(r.Name) || names[r.Name] {
			t.Errorf("name %q is malformed or comes twice", r.Name)
		}
		names[r.Name] = true
		for _, s := range []string{r.What, r.Why, r.Remedy} {
			if !strings.HasSuffix(s, ".") || len(s) < 40 || strings.Contains(s, "  ") {
				t.Errorf("%s: %q is not a sentence", r.Name, s)
			}
		}
	}
	if len(names) == 0 {
		t.Error("there are no rules")
	}
	if _, ok := Rule(0x1fff).Text(); ok || Rule(0x1fff).String() != "Rule(0x1fff)" || Rule(0x1fff).ID() != "IOSK-E1FFF" {
		t.Errorf("an unknown rule is %s, %s", Rule(0x1fff), Rule(0x1fff).ID())
	}
}
