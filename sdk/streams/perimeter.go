// SPDX-License-Identifier: Apache-2.0

package streams

import "sync/atomic"

// perimeter makes everything that happens in a stream happen one at a time, without a
// lock that anybody waits for. Whoever finds the stream quiet goes inside and calls the
// procedures; who finds somebody inside leaves the message in the inbox. The one inside
// looks into the inbox and serves the enabled queues before it leaves.
//
// No wake-up is lost: who leaves something looks afterwards whether the stream is quiet,
// and who leaves the stream looks afterwards whether there is something.
type perimeter struct {
	domain *Domain
	busy   atomic.Bool
	inbox  atomic.Pointer[Block] // messages and events that came, the newest first
	calls  atomic.Pointer[Block] // events that don't wait for a Stepper

	// For the one inside.
	pending  *Block // taken from the inbox, the oldest first
	runFirst *Queue // enabled queues, in order
	runLast  *Queue
	visits   *perimeter // streams that were left something, to be looked at after leaving

	visiting  atomic.Bool // in somebody's list of visits
	nextVisit *perimeter
	stepping  bool   // known to the Stepper to have work; it holds the lock of this
	resume    func() // finish as a value, so that starting it allocates nothing
}

func (p *perimeter) init(d *Domain) {
	p.domain = d
	p.resume = func() { p.leave() }
}

// tryEnter goes inside if nobody is there.
func (p *perimeter) tryEnter() bool {
	if !p.busy.CompareAndSwap(false, true) {
		return false
	}
	p.domain.arena.entered()
	return true
}

// push leaves an item in a list.
func push(list *atomic.Pointer[Block], item *Block) {
	for {
		item.next = list.Load()
		if list.CompareAndSwap(item.next, item) {
			return
		}
	}
}

// takeAll empties a list and returns its items, the oldest first.
func takeAll(list *atomic.Pointer[Block]) *Block {
	var first *Block
	for item := list.Swap(nil); item != nil; {
		item.next, first, item = first, item, item.next
	}
	return first
}

// post leaves a message or event in the inbox. visit must follow.
func (p *perimeter) post(item *Block) { push(&p.inbox, item) }

// visit takes care of what was left, unless somebody is inside, who will.
func (p *perimeter) visit() {
	if p.tryEnter() {
		p.leave()
	}
}

// put gives q, a queue of this stream, a message from outside: now if the stream is quiet.
func (p *perimeter) put(q *Queue, m *Block) {
	if !p.tryEnter() {
		p.send(q, m)
		p.visit()
		return
	}
	if p.pending == nil && p.inbox.Load() == nil {
		q.arrive(m)
	} else {
		p.send(q, m) // behind what came before
	}
	p.leave()
}

// send posts a message for q.
func (p *perimeter) send(q *Queue, m *Block) {
	m.queue, m.class = q, classTransit
	p.post(m)
}

// arrive takes a message that enters the stream at this queue: at a port, or below the
// head.
func (q *Queue) arrive(m *Block) {
	if q.partner == nil {
		q.port.arrive(m)
		return
	}
	q.PutNext(m)
}

// schedule lets the service procedure of q run. The caller is inside.
func (p *perimeter) schedule(q *Queue) {
	q.nextRun = nil
	if p.runFirst == nil {
		p.runFirst = q
	} else {
		p.runLast.nextRun = q
	}
	p.runLast = q
}

// later notes a stream that something was left for from inside this one.
func (p *perimeter) later(other *perimeter) {
	if other != p && other.visiting.CompareAndSwap(false, true) {
		other.nextVisit, p.visits = p.visits, other
	}
}

// leave does what is to be done, leaves, and then does the same for the streams that got
// something from here. Work beyond the budget goes to another goroutine.
func (p *perimeter) leave() {
	budget := p.domain.budget
	todo := p.finish(&budget)
	for todo != nil {
		next := todo
		todo, next.nextVisit = next.nextVisit, nil
		next.visiting.Store(false)
		if next.tryEnter() {
			more := next.finish(&budget)
			for more != nil {
				m := more
				more = m.nextVisit
				m.nextVisit, todo = todo, m
			}
		}
	}
}

// finish works, leaves the stream and returns the streams to visit.
func (p *perimeter) finish(budget *int) (visits *perimeter) {
	for {
		p.call()
		if step := p.domain.stepper; step != nil {
			step.offer(p)
		} else if !p.drain(budget) {
			// The stream stays busy, but what it left for others goes out now.
			visits, p.visits = p.joined(visits), nil
			p.domain.arena.deferred.start()
			go p.resume()
			return visits
		}
		visits, p.visits = p.joined(visits), nil
		p.busy.Store(false)
		if p.calls.Load() == nil && !p.neglected() || !p.busy.CompareAndSwap(false, true) {
			p.domain.arena.left(p.domain.stepper != nil)
			return visits
		}
	}
}

// neglected reports whether something came that nobody knows of.
func (p *perimeter) neglected() bool {
	if p.inbox.Load() == nil {
		return false
	}
	step := p.domain.stepper
	return step == nil || !step.knows(p)
}

// joined returns the visits with more behind them.
func (p *perimeter) joined(more *perimeter) *perimeter {
	if more == nil {
		return p.visits
	}
	end := more
	for end.nextVisit != nil {
		end = end.nextVisit
	}
	end.nextVisit = p.visits
	return more
}

// call runs the calls that wait for nothing.
func (p *perimeter) call() {
	if p.calls.Load() == nil {
		return
	}
	for item := takeAll(&p.calls); item != nil; {
		e := item.event
		item, e.item.next = item.next, nil
		e.run()
	}
}

// drain works until nothing is left; false means that the budget is used up.
func (p *perimeter) drain(budget *int) bool {
	for {
		p.call() // may take away what was ready
		switch {
		case !p.ready():
			return true
		case *budget <= 0:
			return false
		case p.pending != nil:
			p.deliver()
		default:
			p.serve(nil)
			p.refill()
		}
		*budget--
	}
}

// ready reports whether there is work, and fetches the inbox if there is none else.
func (p *perimeter) ready() bool {
	if p.pending == nil && p.runFirst == nil {
		p.refill()
	}
	return p.pending != nil || p.runFirst != nil
}

// refill fetches the inbox if all that was fetched before is done.
func (p *perimeter) refill() {
	if p.pending == nil && p.inbox.Load() != nil {
		p.pending = takeAll(&p.inbox)
	}
}

// deliver hands on the oldest item of the inbox.
func (p *perimeter) deliver() {
	item := p.pending
	p.pending, item.next = item.next, nil
	if item.event != nil {
		item.event.run()
		return
	}
	q := item.queue
	item.queue, item.class = nil, 0
	q.arrive(item)
}

// serve runs the service procedure of the enabled queue behind prev, or of the first one.
func (p *perimeter) serve(prev *Queue) {
	q := p.runFirst
	if prev != nil {
		q = prev.nextRun
		prev.nextRun = q.nextRun
	} else {
		p.runFirst = q.nextRun
	}
	if p.runLast == q {
		p.runLast = prev
	}
	q.nextRun = nil
	q.flags &^= QEnab
	if q.flags&qClosing == 0 {
		q.service(q)
	}
}
