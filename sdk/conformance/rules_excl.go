// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"errors"
	"fmt"
	"os"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// exclRules are about exclusive use and observers.
func exclRules() []Rule {
	observes := []Capability{CapObserve}
	return []Rule{
		{
			ID: "EXCL-01", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title: "One client at a time has the stream open",
			What: "While a client has the stream open, running or suspended, an open by another is refused as kIOReturnExclusiveAccess, and the " +
				"first client goes on undisturbed.",
			Why:    "Two clients would take each other's frames, or write into the same queue.",
			Remedy: "Keep one owner for the stream, set under a lock in open and cleared in close and at the end of the session.",
			Check:  checkExclusive,
		},
		{
			ID: "EXCL-02", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "A client that was refused can open the stream later",
			What:   "A client whose open was refused because another had the stream open can open it on the same connection once the other has closed it.",
			Why:    "Programs wait for a stream and try again; they would have to connect anew each time without knowing it.",
			Remedy: "Let a refused open leave no trace in the session: no half-made queues, no state.",
			Check:  checkRefusedThenOpen,
		},
		{
			ID: "EXCL-03", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title:  "Of two clients that open at once, one succeeds",
			What:   "When two clients call open at the same time, one gets the stream and the other is refused as kIOReturnExclusiveAccess.",
			Why:    "Both would believe to own the stream, or both would be told that it is busy.",
			Remedy: "Test for an owner and set it in one step, under a lock.",
			Check:  checkOpenRace,
		},
		{
			ID: "EXCL-04", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0",
			Title: "Shared use is refused where it is not offered",
			What: "Open with the option for shared use (0x00020000) is refused as kIOReturnUnsupported by a driver that serves one client, and the " +
				"stream stays free.",
			Why:    "A client that asked to share would lock out the others without knowing it.",
			Remedy: "Look at the options of open, and refuse what is not done.",
			Check:  checkSharedOpen,
		},
		{
			ID: "EXCL-05", Profile: Core, Level: Should, Origin: HostLibrary, Since: "0.1.0",
			Title:  "A busy stream says who uses it",
			What:   "The refusal of an open because another client has the stream open carries a text that names that client.",
			Why:    "The user wants to know which program to end, not that some program is in the way.",
			Remedy: "Return a StatusError with the program and the process number of the owner.",
			Check:  checkBusyText,
		},
		{
			ID: "EXCL-06", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: observes,
			Title:  "An observer can look while the stream is in use",
			What:   "An observer can connect while a client has the stream running, and everything that only asks is answered to it.",
			Why:    "Tools that show what streams do are needed most while somebody uses them.",
			Remedy: "Take connections of observers whether or not the stream is open, and answer questions without asking for the session's state.",
			Check:  checkObserverLooks,
		},
		{
			ID: "EXCL-07", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: observes,
			Title:  "An observer can only look",
			What:   "An observer's open, start, stop, suspend, set mode and mapping of memory are refused as kIOReturnNotPermitted, and change nothing.",
			Why:    "Anybody may be allowed to observe; an observer that can stop or read a stream is none.",
			Remedy: "Check whether the session is an observer's before anything else, against a list of what observers may call.",
			Check:  checkObserverOnlyLooks,
		},
		{
			ID: "EXCL-08", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: observes,
			Title: "The observation names the owner",
			What: "While a client has the stream open, the observation names its process (or -1 where that can't be known) and when it opened the " +
				"stream; when nobody has, the process is -1.",
			Why:    "Users find out by it which program keeps a device busy.",
			Remedy: "Take the process from the transport's peer when the stream is opened, and forget it when it is closed.",
			Check:  checkOwnerTold,
		},
		{
			ID: "EXCL-09", Profile: Core, Level: Must, Origin: HostLibrary, Since: "0.1.0", Needs: observes,
			Title: "Observers do not disturb the stream",
			What: "Observers that come and go, as many at once as the description allows (up to 16), keep no client from opening the stream, and the " +
				"entries of one that runs keep coming.",
			Why:    "Looking at a stream would change it.",
			Remedy: "Count observers apart from clients, and make nothing of the stream's depend on their sessions.",
			Check:  checkObserversDoNotDisturb,
		},
	}
}

func checkExclusive(t *T) {
	for _, s := range []userclient.State{userclient.StateOpen, userclient.StateRunning, userclient.StateSuspended} {
		r := t.rig(t.layout())
		other := t.link()
		other.mustChoose()
		if s != userclient.StateOpen {
			r.mustStart()
		}
		if s == userclient.StateSuspended {
			r.mustSuspend()
		}
		other.refused(fmt.Sprintf("open by a second client while the first one's stream is %s", s), other.open(), ioreturn.ExclusiveAccess)
		r.accepted("start by the first client, after another's open was refused,", r.start())
		r.expect("after another client's open was refused")
		other.must("hang up", other.Close())
		r.accepted("close by the first client, after the other has gone,", r.closeStream())
		r.must("hang up", r.Close())
	}
}

func checkRefusedThenOpen(t *T) {
	first, second := t.link(), t.link()
	first.reach(userclient.StateOpen)
	second.mustChoose()
	for range 3 {
		if err := second.open(); err == nil {
			t.abortf("a second client could open the stream")
		}
	}
	first.must("close the stream", first.closeStream())
	if second.accepted("open by a client that was refused before, after the owner closed the stream,", second.open()) {
		r := second.mustMap(t.layout())
		r.mustStart()
		r.expect("after an open that was refused before")
	}
}

// openRaces is how often two clients race.
const openRaces = 10

func checkOpenRace(t *T) {
	links := []*link{t.link(), t.link()}
	for _, l := range links {
		l.mustChoose()
	}
	for range openRaces {
		answers := make(chan error, len(links))
		begin := make(chan struct{})
		for _, l := range links {
			t.Go(func() {
				<-begin
				answers <- l.open()
			})
		}
		close(begin)
		won := 0
		for range links {
			switch err := <-answers; {
			case err == nil:
				won++
			case ioreturn.Of(err) != ioreturn.ExclusiveAccess:
				t.Fatalf("of two clients that opened the stream at once, one was refused with %s; it must be refused with %s",
					answer(err), codeText(ioreturn.ExclusiveAccess))
			}
		}
		if won != 1 {
			t.Fatalf("of two clients that opened the stream at once, %d succeeded; it must be one", won)
		}
		for _, l := range links {
			if err := l.closeStream(); err != nil && ioreturn.Of(err) != ioreturn.NotOpen {
				t.abortf("could not close the stream: %v", err)
			}
		}
	}
}

func checkSharedOpen(t *T) {
	if d := t.Describe(); d.MaxClients > 1 {
		t.inapplicable("the driver serves %d clients at once", d.MaxClients)
	}
	l := t.link()
	l.mustChoose()
	l.refused("open for shared use", l.call(userclient.SelOpen, uint64(userclient.OpenShared)), ioreturn.Unsupported)
	l.accepted("open for exclusive use after it", l.open())
}

func checkBusyText(t *T) {
	first, second := t.link(), t.link()
	first.reach(userclient.StateOpen)
	second.mustChoose()
	err := second.open()
	if err == nil {
		t.abortf("a second client could open the stream")
	}
	var se *ioreturn.StatusError
	if !errors.As(err, &se) || se.Detail == "" {
		t.Errorf("open of a stream that another client uses was refused with %s and no word about that client", answer(err))
	}
}

func checkObserverLooks(t *T) {
	l := t.link()
	l.reach(userclient.StateRunning)
	c, err := t.Connect(true)
	if err != nil {
		t.Fatalf("an observer could not connect while the stream runs: %v", err)
	}
	o := &link{Conn: c, t: t}
	for _, q := range t.questions() {
		a := userclient.Args{Selector: q.sel, In: q.in, Out: make([]uint64, userclient.MaxScalars), OutBytes: make([]byte, userclient.MaxInline)}
		o.accepted(q.name+" by an observer while the stream runs", o.do(&a))
	}
}

func checkObserverOnlyLooks(t *T) {
	l := t.link()
	l.reach(userclient.StateOpen)
	o := t.observer()
	ctx, cancel := t.Within(answerBound)
	defer cancel()
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"open", o.open}, {"start", o.start}, {"stop", o.stop}, {"suspend", o.suspend}, {"set mode", o.setSameMode},
		{"mapping of the output queue", func() error {
			m, err := o.Map(ctx, userclient.MemOutputQueue)
			if err == nil {
				err = m.Unmap()
			}
			return err
		}},
	} {
		err := c.do()
		if c.what == "mapping of the output queue" && ioreturn.Of(err) == ioreturn.NotOpen {
			continue // an observer's session is never open: the state table's answer says the same
		}
		if problem := refusalText(c.what+" by an observer", err, ioreturn.NotPermitted); problem != "" {
			t.Errorf("%s", problem)
		}
		if changed := l.changed(userclient.StateOpen, c.what+" by an observer"); changed != "" {
			t.Errorf("%s", changed)
		}
	}
}

func checkOwnerTold(t *T) {
	l, o := t.link(), t.observer()
	told := func(when string) userclient.Observation {
		ob, err := o.observation()
		if err != nil {
			t.Fatalf("%s, the observation was answered with %s", when, answer(err))
		}
		return ob
	}
	nobody := func(when string) {
		if ob := told(when); ob.OwnerPID != -1 || ob.State != userclient.StateClosed {
			t.Errorf("%s, the observation says that process %d has the stream, which is %s; it must say -1 and closed", when, ob.OwnerPID, ob.State)
		}
	}
	nobody("before anybody has opened the stream")
	l.reach(userclient.StateOpen)
	ob := told("while this client has the stream open")
	if pid := os.Getpid(); ob.OwnerPID != pid && ob.OwnerPID != -1 {
		t.Errorf("while process %d has the stream open, the observation names process %d", pid, ob.OwnerPID)
	}
	if ob.OwnerPID == -1 {
		t.Logf("the driver does not know the process of its client")
	}
	if ob.Opened <= 0 {
		t.Errorf("while a client has the stream open, the observation says that it was opened at %d; it must be the host's monotonic time in ns", ob.Opened)
	}
	l.must("close the stream", l.closeStream())
	nobody("after the stream was closed")
}

// mostObservers is how many observers a rule connects at once at most.
const mostObservers = 16

func checkObserversDoNotDisturb(t *T) {
	n := int(min(t.Describe().MaxObservers, mostObservers))
	observers := make([]*link, n)
	for i := range observers {
		c, err := t.Connect(true)
		if err != nil {
			t.Fatalf("observer %d could not connect: %v; the description allows %d", i+1, err, t.Describe().MaxObservers)
		}
		observers[i] = &link{Conn: c, t: t}
	}
	l := t.link()
	l.mustChoose()
	if !l.accepted(fmt.Sprintf("open while %d observers look", n), l.open()) {
		return
	}
	r := l.mustMap(t.layout())
	r.mustStart()
	for i, o := range observers {
		if i%4 == 0 {
			e, ok := r.expect(fmt.Sprintf("while %d observers look", n-i))
			if !ok {
				return
			}
			r.mustGiveBack(e)
		}
		o.must("hang up", o.Close())
	}
	e, ok := r.expect("after all observers have gone")
	if ok {
		r.mustGiveBack(e)
	}
	t.Conn(true)
	r.expect("after another observer has come")
}
