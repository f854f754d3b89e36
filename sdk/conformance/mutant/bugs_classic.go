// SPDX-License-Identifier: Apache-2.0

package mutant

import "github.com/iostreamkit/iostreamkit/sdk/queue"

// Bugs of classic queues.
const (
	BugBothMove     Bug = "both-move"     // the first entry moves both indices of the output queue
	BugLateWrap     Bug = "late-wrap"     // an index reaches the count before it wraps
	BugRolesSwapped Bug = "roles-swapped" // the roles of the input queue are not those of the output queue
)

// inputRoles are the roles of the input queue.
func (ln *rawLane) inputRoles(same *queue.Roles) *queue.Roles {
	if ln.d.has(BugRolesSwapped) {
		return queue.NewRoles(queue.TailWrites)
	}
	return same
}

// spoilClassic damages a classic output queue after an entry was published.
func (ln *rawLane) spoilClassic() {
	if ln.native() {
		return
	}
	head := shared(ln.outMem.Ring, queue.ClassicHeadOff)
	if ln.d.has(BugBothMove) && ln.bug.puts == 1 {
		shared(ln.outMem.Ring, queue.ClassicTailOff).Store(1)
	}
	if ln.d.has(BugLateWrap) && head.Load() == 0 {
		head.Store(shared(ln.outMem.Ring, queue.ClassicCountOff).Load())
	}
}
