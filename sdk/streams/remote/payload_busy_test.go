// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// everyFifth is a module with a queue that drops, duplicates and copies what passes.
func everyFifth(name string) *streams.Module {
	n := 0
	put := data(func(q *streams.Queue, m *streams.Block) {
		n++
		double := m.Dup
		switch n % 5 {
		case 0:
			m.Free()
			return
		case 1:
			double = m.Copy
		case 2:
			q.Putq(m)
			return
		}
		d, err := double()
		if err == nil {
			q.Putq(d)
		}
		q.Putq(m)
	})
	service := func(q *streams.Queue) {
		for m := q.Getq(); m != nil; m = q.Getq() {
			q.PutNext(m)
		}
	}
	return &streams.Module{
		Name: name, Read: streams.Procedures{Put: put, Service: service}, Write: streams.Procedures{Put: put, Service: service},
	}
}

// TestPayloadWhileModulesComeAndGo has several goroutines at the driver's end and one that
// changes the stack all the time. A number out of order would end the session.
func TestPayloadWhileModulesComeAndGo(t *testing.T) {
	const entries = 2000
	for _, direction := range []iostream.Direction{iostream.FromDevice, iostream.ToDevice, iostream.BothWays} {
		t.Run(direction.String(), func(t *testing.T) {
			f := flowing(t, setup{
				driver:   iostream.DriverConfig{Direction: direction, Buffers: 4},
				stack:    []*streams.Module{everyFifth("bottom")},
				pushable: []*streams.Module{everyFifth("top")},
			})
			ctx, cancel := context.WithCancel(f.ctx())
			var others sync.WaitGroup
			for range 2 {
				others.Go(func() {
					for {
						b, err := f.d.Take(ctx)
						if err == nil {
							err = f.d.Post(b, 8)
						}
						if err != nil {
							if !errors.Is(err, context.Canceled) {
								t.Error(err)
							}
							return
						}
					}
				})
			}
			others.Go(func() {
				for ctx.Err() == nil {
					err := remote.Push(ctx, f.s.Conn(), "top")
					if err == nil {
						err = remote.Pop(ctx, f.s.Conn())
					}
					if err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
			for i := range entries {
				fr, err := f.s.Next(ctx)
				f.must(err)
				if direction == iostream.FromDevice {
					err = fr.Release()
				} else {
					err = fr.Send(8)
				}
				f.must(err)
				if i%500 == 499 {
					f.must(f.s.Stop(ctx))
					f.must(f.s.Start(ctx))
				}
			}
			cancel()
			others.Wait()
			f.must(f.s.Stop(f.ctx()))
			if _, err := f.s.Flush(f.ctx()); err != nil {
				t.Error(err)
			}
			f.balanced()
			st := f.d.Stats()
			for c, n := range st.Lost {
				if may := c == int(userclient.LossModule) || c == int(userclient.LossStopped); n > 0 && !may {
					t.Errorf("%d lost under %v", n, iostream.Cause(c))
				}
			}
			if direction != iostream.ToDevice && st.Lost[userclient.LossModule] == 0 || direction != iostream.FromDevice && st.Discarded == 0 {
				t.Errorf("no module has dropped anything: %+v", st)
			}
		})
	}
}

// TestPayloadOfAClientThatIsCutOff ends the session in the middle of everything.
func TestPayloadOfAClientThatIsCutOff(t *testing.T) {
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: 4}, stack: []*streams.Module{everyFifth("module")}})
	ctx, cancel := context.WithCancel(f.ctx())
	defer cancel()
	var driver sync.WaitGroup
	driver.Go(func() {
		for {
			b, err := f.d.Take(ctx)
			if err == nil {
				err = f.d.Post(b, 8)
			}
			if err != nil {
				return
			}
		}
	})
	for round := range 20 {
		for range 10 + round {
			fr, err := f.s.Next(ctx)
			f.must(err)
			f.must(fr.Release())
		}
		f.must(f.s.Conn().Close())
		for {
			fr, err := f.s.Next(ctx) // what was posted before
			if err == nil {
				f.must(fr.Release())
				continue
			}
			if !errors.Is(err, ioreturn.ErrClosed) && !errors.Is(err, ioreturn.ErrGone) {
				t.Errorf("round %d: %v", round, err)
			}
			break
		}
		f.must(f.s.Close())
		f.must(f.d.WaitIdle(ctx))
		f.balanced()
		f.open()
		f.must(f.s.Start(ctx))
	}
	cancel()
	driver.Wait()
}

// TestPayloadOfALargeBatch posts more entries at once than one goroutine lets in.
func TestPayloadOfALargeBatch(t *testing.T) {
	const buffers = 300
	f := flowing(t, setup{driver: iostream.DriverConfig{Buffers: buffers}, stack: []*streams.Module{onUp("pass", pass)}})
	bs, ps := make([]*iostream.Buffer, buffers), make([]iostream.Posting, buffers)
	for range 3 {
		for n := 0; n < buffers; {
			m, err := f.d.TakeBatch(f.ctx(), bs[n:])
			f.must(err)
			n += m
		}
		f.must(f.d.PostBatch(bs, ps))
		for n := 0; n < buffers; {
			frames := make([]iostream.Frame, buffers)
			m, err := f.s.NextBatch(f.ctx(), frames, 1)
			f.must(err)
			n += m
			f.must(f.s.ReleaseBatch(frames[:m]))
		}
	}
	f.lost(nil)
	if st := f.s.Stats(); st.Entries != 3*buffers || st.Missed != 0 {
		t.Errorf("the client has seen %d entries and missed %d", st.Entries, st.Missed)
	}
}
