// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
)

// TestInterruptedConform runs the suite until the terminal shows that it is at its
// third rule, and interrupts it.
func TestInterruptedConform(t *testing.T) {
	alone(t)
	screen, line := terminal(t)
	serving, stop := context.WithCancel(t.Context())
	defer stop()
	served, over := make(chan struct{}), make(chan int, 1)
	go func() { over <- Main(serving, Options{}, []string{"serve", "null"}, nil, notify{served}, io.Discard) }()
	<-served
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- Main(ctx, Options{}, []string{"conform", "sample/null/sink", "--json"}, nil, &out, line)
	}()
	var shown []byte
	for buf := make([]byte, 100); !bytes.Contains(shown, []byte("\x1b[K  3 of ")); {
		n, err := screen.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, shown)
		}
		shown = append(shown, buf[:n]...)
	}
	cancel()
	if got := <-status; got != exitIncomplete {
		t.Errorf("status %d", got)
	}
	var rep conformance.Report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatal(err)
	}
	last := rep.Rules[len(rep.Rules)-1]
	if rep.Result != conformance.Incomplete || rep.Pass < 2 || last.Verdict != conformance.Skip || last.Reason != "the run ended before it" {
		t.Errorf("%s, %d passed; the last is %+v", rep.Result, rep.Pass, last)
	}
	stop()
	<-over
}

// TestRuleProgress checks what a terminal of some width gets to see.
func TestRuleProgress(t *testing.T) {
	var b strings.Builder
	p := &ruleProgress{&b, 10}
	p.say("123456789")
	p.say("1234567890")
	p.finish()
	if got, want := b.String(), "\r\x1b[K123456789\r\x1b[K123456789\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p = startRuleProgress(&b)
	p.say("unseen")
	if strings.Contains(b.String(), "unseen") {
		t.Error("what is no terminal was written to")
	}
}

func TestSplitWords(t *testing.T) {
	for _, tc := range []struct {
		give string
		want []string
		err  string
	}{
		{give: "", want: nil},
		{give: " \t\n", want: nil},
		{give: "a  b\tc ", want: []string{"a", "b", "c"}},
		{give: `a\ b 'c d' "e f"`, want: []string{"a b", "c d", "e f"}},
		{give: `pre'mid'"end"`, want: []string{"premidend"}},
		{give: `'' ""`, want: []string{"", ""}},
		{give: `'a\b' "a\b" "a\"\\" \'`, want: []string{`a\b`, `a\b`, `a"\`, `'`}},
		{give: `$HOME *.c; a&b`, want: []string{"$HOME", "*.c;", "a&b"}},
		{give: `'open`, err: "not closed"},
		{give: `"open`, err: "not closed"},
		{give: `end\`, err: "backslash"},
	} {
		got, err := splitWords(tc.give)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%q: %q, %v", tc.give, got, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%q: %q, %v, want %q", tc.give, got, err, tc.want)
		}
	}
}

// TestJoinedWordsAreSplitAgain joins any words and splits them.
func TestJoinedWordsAreSplitAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.String()).Draw(t, "words")
		line := joinWords(words...)
		got, err := splitWords(line)
		if err != nil || !slices.Equal(got, words) {
			t.Fatalf("%q became %s and then %q, %v", words, line, got, err)
		}
	})
}
