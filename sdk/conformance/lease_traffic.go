// SPDX-License-Identifier: Apache-2.0

package conformance

// Checks of how a stream goes on while the client holds some of its buffers.

// roundAgain keeps all buffers but n, and returns these over and over.
func (r *rig) roundAgain(n, rounds int) {
	t := r.t
	mine := r.mustLend()
	if n = min(n, len(mine)-1); n <= 0 {
		t.inapplicable("the client gets only one buffer at a time, so none can be held beside it")
	}
	for i := range rounds {
		if i == 0 {
			t.Rand().Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		}
		kept, back := mine[n:], mine[:n]
		r.back(back...)
		came := r.lent(n)
		if len(came) < n {
			t.Fatalf("(%s queues) the client holds %d buffers and has returned the other %d; %s. The buffers %v did not come again",
				r.layout, len(kept), n, r.silence(len(came), n), missing(idsOf(back), came))
		}
		copy(back, came)
	}
}

func checkOthersGoRound(t *T) {
	t.eachLayout(3, func(r *rig) {
		n := (len(r.bounds) + 1) / 2
		r.roundAgain(n, t.roundsOf(n, leaseRounds, 2))
	})
}

func checkOneGoesRound(t *T) {
	t.eachLayout(2, func(r *rig) { r.roundAgain(1, t.rounds(leaseRounds, 3)) })
}

// manyReturns is how many buffers go back while a rule waits for one to be forgotten.
const manyReturns = 1200

func checkNoneUsedUp(t *T) {
	r := t.running(t.layout())
	mine := r.mustLend()
	first, returned := len(mine), 0
	for range t.roundsOf(first, manyReturns/first+1, 2) {
		t.Rand().Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		n := (first + 1) / 2
		n += t.Rand().IntN(first - n + 1) // LEASE-09 is about fewer
		r.back(mine[:n]...)
		returned += n
		came := r.lent(n)
		if len(came) < n {
			t.Fatalf("the client could have %d buffers at once at the beginning; after it had returned %d in all, it returned %d of those that it had, and %s",
				first, returned, n, r.silence(len(came), n))
		}
		copy(mine[:n], came)
	}
}
