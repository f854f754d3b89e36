// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit/internal/monotime"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// The methods that move no entries. The session's mu is held.

func words(a *userclient.Args, out ...uint64) error {
	a.NOut = copy(a.Out, out)
	return nil
}

// record answers with bytes, all or none.
func record(a *userclient.Args, b []byte, err error) error {
	if err != nil {
		return err
	}
	if len(b) > len(a.OutBytes) {
		return ioreturn.NoSpace
	}
	a.NOutBytes = copy(a.OutBytes, b)
	return nil
}

// takes checks the number of scalars.
func takes(a *userclient.Args, n int) error {
	if len(a.In) != n {
		return &ioreturn.StatusError{Code: ioreturn.BadArgument, Detail: fmt.Sprintf("%d scalars, want %d", len(a.In), n)}
	}
	return nil
}

func (s *rawSession) describe(_ context.Context, a *userclient.Args) error {
	b, err := s.d.Describe().AppendBinary(nil)
	return record(a, b, err)
}

func (s *rawSession) choose(_ context.Context, a *userclient.Args) error {
	if err := takes(a, 2); err != nil {
		return err
	}
	d := s.d.Describe()
	if a.In[0]&^d.Offered != 0 || a.In[1] > 31 || d.Layouts&(1<<a.In[1]) == 0 {
		return ioreturn.Unsupported
	}
	s.features, s.layout = a.In[0], userclient.Layout(a.In[1])
	if s.layout == userclient.LayoutClassic {
		s.features &^= userclient.FeatureSequence
	}
	return words(a, s.features)
}

func (s *rawSession) getMode(_ context.Context, a *userclient.Args) error {
	return words(a, uint64(s.d.mode)) // it never changes
}

func (s *rawSession) setMode(_ context.Context, a *userclient.Args) error {
	if err := takes(a, 1); err != nil {
		return err
	}
	if a.In[0] != uint64(s.d.mode) {
		return ioreturn.UnsupportedMode
	}
	return nil
}

func (s *rawSession) getBufferCount(_ context.Context, a *userclient.Args) error {
	return words(a, uint64(s.d.cfg.Buffers))
}

func (s *rawSession) memoryMap(_ context.Context, a *userclient.Args) error {
	b, err := userclient.AppendRegions(nil, s.lane.regions)
	return record(a, b, err)
}

func (s *rawSession) getStats(_ context.Context, a *userclient.Args) error {
	st := s.d.stats(s)
	b, err := st.AppendBinary(nil)
	return record(a, b, err)
}

// stats are those of the session that has or had the stream open. The caller is s,
// whose mu is held.
func (d *Raw) stats(s *rawSession) userclient.Stats {
	d.mu.Lock()
	last := d.last
	d.mu.Unlock()
	if last == nil {
		return userclient.Stats{}
	}
	if last != s {
		last.mu.Lock()
		defer last.mu.Unlock()
	}
	if last.lane == nil {
		return userclient.Stats{}
	}
	return last.lane.stats()
}

func (s *rawSession) getEvents(_ context.Context, a *userclient.Args) error {
	if err := takes(a, 1); err != nil {
		return err
	}
	s.evMu.Lock()
	defer s.evMu.Unlock()
	from := min(a.In[0], uint64(len(s.events)))
	list := s.events[from:]
	list = list[:userclient.FitEvents(list, len(a.OutBytes))]
	b, err := userclient.AppendEvents(nil, list)
	if err != nil {
		return err
	}
	if err := record(a, b, nil); err != nil {
		return err
	}
	return words(a, from+uint64(len(list)), 0)
}

func (s *rawSession) correlate(_ context.Context, a *userclient.Args) error {
	before := monotime.Now()
	stream := s.d.now()
	after := monotime.Now()
	return words(a, uint64(stream), uint64(before+(after-before)/2), uint64((after-before+1)/2+1))
}

func (s *rawSession) getFormat(_ context.Context, a *userclient.Args) error {
	s.d.mu.Lock()
	f := s.d.format
	s.d.mu.Unlock()
	b, err := f.AppendBinary(nil)
	return record(a, b, err)
}

func (s *rawSession) setFormat(_ context.Context, a *userclient.Args) error {
	var f userclient.Format
	if err := f.UnmarshalBinary(a.InBytes); err != nil {
		return ioreturn.BadArgument
	}
	s.d.mu.Lock()
	f.Epoch = s.d.format.Epoch + 1
	s.d.format = f
	s.d.changes++
	s.d.mu.Unlock()
	s.d.emit(userclient.Event{Kind: userclient.EventFormatChanged, Value: uint64(f.Epoch)})
	if len(a.OutBytes) == 0 {
		return nil
	}
	b, err := f.AppendBinary(nil)
	return record(a, b, err)
}

func (s *rawSession) observe(_ context.Context, a *userclient.Args) error {
	o := userclient.Observation{OwnerPID: -1, OwnerUID: -1, Stats: s.d.stats(s)}
	s.d.mu.Lock()
	owner := s.d.owner
	s.d.mu.Unlock()
	if owner != nil {
		if owner != s {
			owner.mu.Lock()
			defer owner.mu.Unlock()
		}
		o.State, o.Opened = owner.state, owner.opened
		o.OwnerPID, o.OwnerUID, o.Owner = owner.peer.PID, owner.peer.UID, owner.peer.Program
	}
	b, err := o.AppendBinary(nil)
	return record(a, b, err)
}

func (s *rawSession) doorbell(_ context.Context, a *userclient.Args) error {
	if err := takes(a, 1); err != nil {
		return err
	}
	s.lane.pump()
	return nil
}

func (s *rawSession) flush(_ context.Context, a *userclient.Args) error {
	return words(a, uint64(s.lane.dropBacklog(userclient.LossFlushed)))
}

// inputSync returns when everything that was published before it is consumed. This
// driver consumes at once, so looking is enough.
func (s *rawSession) inputSync(_ context.Context, a *userclient.Args) error {
	if err := takes(a, 1); err != nil {
		return err
	}
	s.lane.pump()
	return words(a, uint64(s.lane.received))
}
