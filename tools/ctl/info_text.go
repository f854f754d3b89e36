// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// text is the result for people.
func (r *infoResult) text() string {
	var b strings.Builder
	b.WriteString(r.Name + "\n")
	row := func(title, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s  %s\n", title, fmt.Sprintf(format, args...))
	}
	row("state", "%s", r.stateText())
	row("driver", "%s", r.Driver.text()+versionText(r.Version))
	row("direction", "%s", r.Direction)
	row("format", "%s", r.Format.text())
	row("buffers", "%s", r.Buffers.text())
	row("when late", "%s", r.Policy)
	row("clock", "%s, resolution %v", r.Clock.ID, time.Duration(r.Clock.ResolutionNS))
	st := &r.Stats
	row("counters", "%d posted, %d returned, %s, %s, %s, %s", st.Posted, st.Returned, size(st.Bytes),
		plural(st.Rings, "notification"), plural(st.Wakeups, "wake-up"), plural(st.Copies, "copy"))
	row("lost", "%s", st.lostText())
	if n := len(r.LossLog); n > 0 {
		l := r.LossLog[n-1]
		row("last loss", "%s (%s), %s", plural(l.Count, "frame"), l.Cause, l.blame(r.Buffers.Count))
	}
	if len(r.Properties) > 0 {
		row("properties", "%s", properties(r.Properties))
	}
	return b.String()
}

func (r *infoResult) stateText() string {
	if r.Owner == nil {
		return r.State
	}
	return fmt.Sprintf("%s, open by %s", r.State, r.Owner.text())
}

func (p *process) text() string {
	s := who(p.Program, p.PID)
	if p.UID >= 0 {
		s += fmt.Sprintf(", user %d", p.UID)
	}
	return s
}

func versionText(v string) string {
	if v == "" {
		return ""
	}
	return ", version " + v
}

func (f *formatResult) text() string {
	s := f.Kind
	if f.Width > 0 {
		s += fmt.Sprintf(" %dx%d", f.Width, f.Height)
	}
	if f.Channels > 0 {
		s += fmt.Sprintf(" %s of %s", plural(f.Channels, "channel"), plural(f.BitsPerSample, "bit"))
	}
	if f.RateNum > 0 {
		s += fmt.Sprintf(" %.6g/s", float64(f.RateNum)/float64(max(f.RateDen, 1)))
	}
	if f.Code > 0 {
		s += fmt.Sprintf(" code %#08x", f.Code)
	}
	return s
}

func (b *buffersResult) text() string {
	s := fmt.Sprintf("%d of %s", b.Count, plural(b.DataSize, "byte"))
	if b.ControlSize > 0 {
		s += fmt.Sprintf(" and %s of control", plural(b.ControlSize, "byte"))
	}
	if b.ReadOnly {
		s += ", read-only for the client"
	}
	return s
}

func (s *statsResult) lostText() string {
	if s.Lost == 0 {
		return "nothing"
	}
	var parts []string
	for _, cause := range slices.Sorted(maps.Keys(s.LostByCause)) {
		parts = append(parts, fmt.Sprintf("%s %d", cause, s.LostByCause[cause]))
	}
	return fmt.Sprintf("%s (%s)", plural(s.Lost, "frame"), strings.Join(parts, ", "))
}
