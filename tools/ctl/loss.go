// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"fmt"
	"strings"

	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// lostByCause returns the losses of each cause that has any; nil if there are none.
func lostByCause(st *iostream.Stats) map[string]uint64 {
	var m map[string]uint64
	for c, n := range st.Lost {
		if n > 0 {
			if m == nil {
				m = map[string]uint64{}
			}
			m[iostream.Cause(c).String()] = n
		}
	}
	return m
}

// lossText says what was lost and why: "lost 3 frames (drop-newest 2, stopped 1)".
func lossText(st *iostream.Stats) string {
	total := st.TotalLost()
	if total == 0 {
		return "nothing lost"
	}
	return fmt.Sprintf("lost %s (%s)", plural(total, "frame"), causes(st))
}

func causes(st *iostream.Stats) string {
	var parts []string
	for c, n := range st.Lost {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%v %d", iostream.Cause(c), n))
		}
	}
	return strings.Join(parts, ", ")
}

// blame says where the buffers were when something was lost, and so who was late.
func (l *lossResult) blame(buffers uint32) string {
	client := int64(buffers) - int64(l.Free) - int64(l.Backlog) - int64(l.Posted)
	where := fmt.Sprintf("when of %s %d were with the client, %d posted and unread, %d in the backlog, %d free",
		plural(buffers, "buffer"), max(client, 0), l.Posted, l.Backlog, l.Free)
	switch l.Cause {
	case userclient.LossDropNewest.String(), userclient.LossDropOldest.String(), userclient.LossFail.String():
		return where + ": the client was late"
	}
	return where
}

// who names a process.
func who(program string, pid int) string {
	switch {
	case program != "" && pid > 0:
		return fmt.Sprintf("%s, PID %d", program, pid)
	case pid > 0:
		return fmt.Sprintf("PID %d", pid)
	case program != "":
		return program
	}
	return "an unknown program"
}
