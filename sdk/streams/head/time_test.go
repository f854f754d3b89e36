// SPDX-License-Identifier: Apache-2.0

package head_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/head"
)

// The cases of time: D1 to D7, D32 to D35 and D53 of the STREAMS case list.

func TestD1toD3Timeouts(t *testing.T) {
	for name, tc := range map[string]struct {
		wait, want time.Duration
	}{"D1": {time.Second, time.Second}, "D2": {0, 15 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := open(t, nil, keep)
				begin := time.Now()
				_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne, Wait: tc.wait})
				wantErr(t, err, streams.ETIME)
				if took := time.Since(begin); took != tc.want {
					t.Errorf("after %v", took)
				}
				(<-r.seen).Free()
				r.works()
			})
		})
	}
	t.Run("D3", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			r := open(t, nil, keep)
			ctx, cancel := context.WithCancel(t.Context())
			done := r.str(ctx, &head.Str{Command: cmdOne, Wait: head.Forever})
			after(time.Hour)
			pending(t, done)
			cancel()
			wantErr(t, (<-done).err, streams.EINTR)
			(<-r.seen).Free()
			r.works()
		})
	})
}

func TestDeadlineIsATimeout(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := r.h.Str(ctx, &head.Str{Command: cmdOne, Wait: head.Forever})
		wantErr(t, err, streams.ETIME)
	})
}

func TestD4LateAck(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne, Wait: time.Second})
		wantErr(t, err, streams.ETIME)
		late := <-r.seen
		r.ack(late, 7, "")
		r.works()
		if got := r.dropped(); !slices.Equal(got, []string{"the call has ended"}) {
			t.Errorf("dropped: %q", got)
		}
	})
}

// released is private state that counts its end.
type released struct{ n *int }

func (p released) Release() { *p.n++ }

func TestD6D7LateCopyRequests(t *testing.T) {
	for name, out := range map[string]bool{"D6 in": false, "D7 out": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := open(t, nil, keep)
				buf := []byte("untouched")
				done := r.transparent(t.Context(), 0x100, region(t, 0x100, buf))
				m := <-r.seen
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := r.h.Str(ctx, &head.Str{Command: cmdTwo}) // waits for its turn, and gives up
				wantErr(t, err, streams.EINTR)
				r.must(m.Nak(streams.EIO))
				r.send(m)
				wantErr(t, (<-done).err, streams.EIO)

				_, err = r.h.Str(t.Context(), &head.Str{Command: cmdOne, Wait: time.Second})
				wantErr(t, err, streams.ETIME)
				late, freed := <-r.seen, 0
				if out {
					r.must(late.CopyOut(released{&freed}, 4, head.DataAddr, r.block("1234")))
				} else {
					r.must(late.CopyIn(released{&freed}, 4, head.DataAddr))
				}
				r.send(late)
				back := <-r.seen
				resp, ok := back.CopyResponse()
				if !ok || resp.Error != 1 || back.Next() != nil || back.Private() != (released{&freed}) || freed != 0 {
					t.Errorf("the driver got %v, %+v, private %v, released %d times", back.Type(), resp, back.Private(), freed)
				}
				back.Free()
				if freed != 1 {
					t.Errorf("the state was released %d times", freed)
				}
				if string(buf) != "untouched" {
					t.Errorf("the caller's memory is %q", buf)
				}
				r.works()
			})
		})
	}
}

func TestD32OneAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		first := r.str(t.Context(), &head.Str{Command: cmdOne})
		m := <-r.seen
		second := r.str(t.Context(), &head.Str{Command: cmdTwo})
		pending(t, second)
		if len(r.seen) > 0 {
			t.Error("the second was sent while the first waits")
		}
		x, _ := m.Ioctl()
		r.ack(m, 1, "")
		m = <-r.seen
		y, _ := m.Ioctl()
		r.ack(m, 2, "")
		if a, b := <-first, <-second; a.rval != 1 || b.rval != 2 || x.ID == y.ID {
			t.Errorf("%+v and %+v, IDs %d and %d", a, b, x.ID, y.ID)
		}
	})
}

func TestD33WaiterHasItsOwnTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		first := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
		m := <-r.seen
		begin := time.Now()
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmdTwo, Wait: time.Minute})
		wantErr(t, err, streams.ETIME)
		if took := time.Since(begin); took != 15*time.Second {
			t.Errorf("it waited %v", took)
		}
		r.ack(m, 3, "")
		if a := <-first; a.rval != 3 || a.err != nil {
			t.Errorf("the first: %+v", a)
		}
	})
}

func TestWaitersAreServedInTurn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		var calls []<-chan answer
		for i := range 5 {
			calls = append(calls, r.str(t.Context(), &head.Str{Command: cmdOne + streams.Command(i)}))
			pending(t, calls[i])
		}
		for i := range calls {
			m := <-r.seen
			if x, _ := m.Ioctl(); x.Cmd != cmdOne+streams.Command(i) {
				t.Errorf("call %d is %v", i, x.Cmd)
			}
			r.ack(m, i, "")
		}
		for i, done := range calls {
			if a := <-done; a.rval != i || a.err != nil {
				t.Errorf("call %d: %+v", i, a)
			}
		}
	})
}

func TestTooManyWaiters(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		tun := streams.Strict.Tunables()
		tun.Waiters = 1
		r := open(t, &head.Config{Tunables: &tun}, keep)
		first := r.str(t.Context(), &head.Str{Command: cmdOne})
		m := <-r.seen
		second := r.str(t.Context(), &head.Str{Command: cmdOne})
		pending(t, second)
		_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne})
		wantErr(t, err, streams.EBUSY)
		r.ack(m, 0, "")
		r.ack(<-r.seen, 0, "")
		<-first
		<-second
	})
}

// The time is that of each leg, not of the whole call.
func TestEachLegHasItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		r := open(t, nil, keep)
		done := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: 10 * time.Second, Data: []byte("data")})
		for range 5 {
			after(9 * time.Second)
			m := <-r.seen
			r.must(m.CopyIn(nil, 4, head.DataAddr))
			r.send(m)
		}
		m := <-r.seen
		if text := string(m.Next().Bytes()); text != "data" {
			t.Errorf("the driver got %q", text)
		}
		pending(t, done)
		r.ack(m, 5, "")
		if a := <-done; a.rval != 5 || a.err != nil {
			t.Errorf("%+v", a)
		}
	})
}

func TestD53CloseWhilePending(t *testing.T) {
	for profile, want := range map[streams.Profile]streams.Errno{streams.Strict: streams.ENXIO, streams.OpenSS7: streams.EIO} {
		t.Run(profile.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := open(t, &head.Config{Profile: profile}, keep)
				first := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
				m := <-r.seen
				second := r.str(t.Context(), &head.Str{Command: cmdOne, Wait: head.Forever})
				pending(t, second)
				if err := r.h.Close(t.Context()); err != nil {
					t.Error(err)
				}
				wantErr(t, (<-first).err, want)
				wantErr(t, (<-second).err, want)
				_, err := r.h.Str(t.Context(), &head.Str{Command: cmdOne})
				wantErr(t, err, streams.EBADF)
				m.Free()
			})
		})
	}
}

// A call that waits without a limit, and so holds up the others, is told of again and again
// while it waits, and one with a time of its own that is not longer than usual is not.
func TestWatchdog(t *testing.T) {
	for name, tc := range map[string]struct {
		wait time.Duration
		want []string
	}{
		"for ever": {head.Forever, []string{"no answer for 15s", "no answer for 30s"}},
		"longer":   {20 * time.Second, []string{"no answer for 15s"}},
		"usual":    {0, nil},
		"short":    {time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				r := open(t, nil, keep)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := r.str(ctx, &head.Str{Command: cmdOne, Wait: tc.wait})
				after(40 * time.Second)
				cancel()
				<-done
				after(time.Minute)
				(<-r.seen).Free()
				r.mu.Lock()
				var got []string
				for _, s := range r.steps {
					if s.What == head.StepWaiting {
						got = append(got, s.Reason)
						if s.Command != cmdOne || s.ID == 0 {
							t.Errorf("%+v", s)
						}
					}
				}
				r.mu.Unlock()
				if !slices.Equal(got, tc.want) {
					t.Errorf("told of %q, want %q", got, tc.want)
				}
			})
		})
	}
}
