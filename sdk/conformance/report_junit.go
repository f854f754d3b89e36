// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Hostname   string          `xml:"hostname,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitDetail `xml:"failure,omitempty"`
	Error   *junitDetail `xml:"error,omitempty"`
	Skipped *junitDetail `xml:"skipped,omitempty"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML, for CI systems: one test suite with a test
// case for each rule. A broken should-rule and a broken rule under a waiver are skipped
// there with a message that says so, because JUnit has nothing between.
func (r *Report) WriteJUnit(w io.Writer) error {
	s := junitSuite{
		Name: r.Target, Tests: len(r.Rules), Time: seconds(time.Duration(r.Duration)),
		Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"), Hostname: r.Host.Name,
		Properties: []junitProperty{
			{"suite", r.Suite}, {"result", string(r.Result)}, {"driver", r.Driver.Driver}, {"driver.version", r.Driver.Version},
			{"seed", fmt.Sprint(r.Settings.Seed)}, {"reproduce", r.Settings.Reproduce},
		},
	}
	for i := range r.Rules {
		c := junitOf(&r.Rules[i])
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	all := junitSuites{
		Name: "conformance", Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Skipped: s.Skipped,
		Time: s.Time, Suites: []junitSuite{s},
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitOf(r *RuleResult) junitCase {
	area, _, _ := strings.Cut(r.ID, "-")
	c := junitCase{
		Class: "conformance." + area, Name: r.ID + " " + r.Title, Time: seconds(r.Duration),
		Output: strings.Join(r.Notes, "\n"),
	}
	var b strings.Builder
	switch r.Verdict {
	case Pass:
	case Fail:
		textBroken(&b, r)
		d := &junitDetail{Message: first(r.Messages), Text: b.String()}
		switch {
		case r.Waiver != nil:
			d.Message = fmt.Sprintf("broken, waived until %s: %s", r.Waiver.Expires, d.Message)
			c.Skipped = d
		case r.Level != Must:
			d.Message = "advice: " + d.Message
			c.Skipped = d
		default:
			c.Failure = d
		}
	case Error:
		textOpen(&b, r)
		c.Error = &junitDetail{Message: r.Reason, Text: b.String()}
	case Skip:
		c.Skipped = &junitDetail{Message: r.Reason}
	case NotClaimed:
		c.Skipped = &junitDetail{Message: "not claimed: " + r.Reason}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func first(messages []string) string {
	if len(messages) == 0 {
		return ""
	}
	return messages[0]
}
