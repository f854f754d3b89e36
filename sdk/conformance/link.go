// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// link is a rule's raw connection: every selector can be called in every state, whether
// a client should do so or not. Methods whose name begins with must prepare a rule: what
// they can't do ends it in an error. The others return what the driver said.
type link struct {
	userclient.Conn
	t    *T
	port userclient.Port // output; nil until connectPorts
	ev   userclient.Port // events; nil where the driver has none
	bell userclient.Bell

	features uint64            // granted by choose
	chosen   userclient.Layout // asked for by choose
	mine     *rig              // of the open session; nil until its memory is mapped and its queues are used
}

// link connects as a client and makes its ports. Nothing is selected or opened.
func (t *T) link() *link {
	l := &link{Conn: t.Conn(false), t: t}
	l.mustPorts()
	return l
}

// observer connects as one.
func (t *T) observer() *link { return &link{Conn: t.Conn(true), t: t} }

func (l *link) mustPorts() {
	var err error
	if l.port, err = l.Port(userclient.PortOutput); err != nil {
		l.t.abortf("could not make the output port: %v", err)
	}
	if l.t.Describe().Offered&userclient.FeatureEvents != 0 {
		if l.ev, err = l.Port(userclient.PortEvents); err != nil {
			l.t.abortf("could not make the events port: %v", err)
		}
	}
	if l.bell, err = l.Bell(userclient.PortInput); err != nil {
		l.t.abortf("could not make the doorbell: %v", err)
	}
}

// do runs one external method within the bound for answers.
func (l *link) do(a *userclient.Args) error {
	ctx, cancel := l.t.Within(answerBound)
	defer cancel()
	return l.Call(ctx, a)
}

// call runs a selector with scalars and ignores what comes out.
func (l *link) call(sel uint32, in ...uint64) error {
	return l.do(&userclient.Args{Selector: sel, In: in, Out: make([]uint64, userclient.MaxScalars)})
}

// words runs a selector and returns the scalars that came out.
func (l *link) words(sel uint32, in ...uint64) ([]uint64, error) {
	a := userclient.Args{Selector: sel, In: in, Out: make([]uint64, userclient.MaxScalars)}
	if err := l.do(&a); err != nil {
		return nil, err
	}
	return a.Out[:a.NOut], nil
}

// bytes runs a selector and returns the bytes that came out.
func (l *link) bytes(sel uint32, in ...uint64) ([]byte, error) {
	a := userclient.Args{
		Selector: sel, In: in,
		Out: make([]uint64, userclient.MaxScalars), OutBytes: make([]byte, userclient.MaxInline),
	}
	if err := l.do(&a); err != nil {
		return nil, err
	}
	return a.OutBytes[:a.NOutBytes], nil
}

// choose settles layout and every feature that both sides know; a driver without the
// selector is classic and needs it not.
func (l *link) choose(layout userclient.Layout) error {
	l.chosen = layout
	if !l.t.has(CapDescribe) {
		return nil
	}
	d := l.t.Describe()
	ctx, cancel := l.t.Within(answerBound)
	defer cancel()
	features, err := choose(ctx, l.Conn, &d, layout)
	l.features = features
	return err
}

func (l *link) open() error    { return l.call(userclient.SelOpen, uint64(userclient.OpenExclusive)) }
func (l *link) start() error   { return l.call(userclient.SelStart) }
func (l *link) stop() error    { return l.call(userclient.SelStop) }
func (l *link) suspend() error { return l.call(userclient.SelSuspend) }

// closeStream calls SelClose; the connection stays.
func (l *link) closeStream() error { return l.call(userclient.SelClose) }

// must ends the rule in an error unless err is nil. what is a verb: "start the stream".
func (l *link) must(what string, err error) {
	if err != nil {
		l.t.abortf("could not %s: %v", what, err)
	}
}

func (l *link) mustChoose() { l.must("select features", l.choose(l.t.layout())) }
func (l *link) mustStart()  { l.must("start the stream", l.start()) }
func (l *link) mustStop()   { l.must("stop the stream", l.stop()) }

// mustOpen opens the stream, which the rule's client before this one may just have lost:
// a driver has a moment to free it.
func (l *link) mustOpen() {
	l.mine = nil // of the session before
	if err := l.openSoon(); err != nil {
		l.t.abortf("a client %v", err)
	}
}

// reach brings a fresh link to a state, with the preferred layout.
func (l *link) reach(s userclient.State) {
	l.mustChoose()
	if s == userclient.StateClosed {
		return
	}
	l.mustOpen()
	if s == userclient.StateOpen {
		return
	}
	if s == userclient.StateSuspended {
		l.reachSuspended()
		return
	}
	l.mustStart()
}

// observation asks for state, owner and counters. Needs CapObserve.
func (l *link) observation() (o userclient.Observation, err error) {
	b, err := l.bytes(userclient.SelObserve)
	if err == nil {
		err = o.UnmarshalBinary(b)
	}
	return o, err
}

// stats asks for the counters of the session. Needs CapStats.
func (l *link) stats() (s userclient.Stats, err error) {
	b, err := l.bytes(userclient.SelStats)
	if err == nil {
		err = s.UnmarshalBinary(b)
	}
	return s, err
}

// layout returns the layout that rules use which are not about layouts.
func (t *T) layout() userclient.Layout {
	d := t.Describe()
	return preferred(&d)
}

// layouts returns every layout that the driver offers.
func (t *T) layouts() []userclient.Layout {
	var out []userclient.Layout
	for _, l := range []userclient.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		if t.Describe().Layouts&(1<<l) != 0 {
			out = append(out, l)
		}
	}
	return out
}

// lost reports whether err means that the session is over or the driver did not answer,
// and not that the driver refused.
func lost(err error) bool {
	return errors.Is(err, ioreturn.ErrGone) || errors.Is(err, ioreturn.ErrClosed) ||
		errors.Is(err, errTimeUp) || errors.Is(err, context.Canceled) || errors.Is(err, ioreturn.ErrOutcomeUnknown)
}

// refusalText says what is wrong with the answer to a call that must be refused with
// want, or nothing.
func refusalText(what string, err error, want ioreturn.Code) string {
	switch got := ioreturn.Of(err); {
	case err == nil:
		return fmt.Sprintf("%s succeeded; it must be refused with %s", what, codeText(want))
	case lost(err):
		return fmt.Sprintf("%s was not answered: %v; it must be refused with %s", what, err, codeText(want))
	case got != want:
		return fmt.Sprintf("%s was refused with %s; it must be refused with %s", what, answer(err), codeText(want))
	}
	return ""
}

// refused checks that a call was refused with want.
func (l *link) refused(what string, err error, want ioreturn.Code) bool {
	problem := refusalText(what, err, want)
	if problem != "" {
		l.t.Errorf("%s", problem)
	}
	return problem == ""
}

// accepted checks that a call succeeded.
func (l *link) accepted(what string, err error) bool {
	if err != nil {
		l.t.Errorf("%s was answered with %s; it must succeed", what, answer(err))
	}
	return err == nil
}
