// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
)

// verify streams the file once and hashes what arrives.
func verify(ctx context.Context, l *link, r *Report, _ time.Duration) (err error) {
	begin := time.Now()
	s, err := start(ctx, l, dataStream)
	if err != nil {
		return err
	}
	defer closing(&err, s)
	shape := s.Description().Buffers
	r.Buffers, r.DataSize = shape.Count, shape.DataSize
	h := sha256.New()
	for f, err := range s.Frames(ctx) {
		if err != nil {
			return err
		}
		h.Write(f.Data())
		r.Entries++
		r.Bytes += uint64(len(f.Data()))
	}
	r.HashedBytesPerS = perSecond(r.Bytes, time.Since(begin))
	r.SHA256.Client = hex.EncodeToString(h.Sum(nil))
	a := iostream.Args{Selector: selHash, OutBytes: make([]byte, sha256.Size)}
	if err := s.Call(ctx, &a); err != nil {
		return err
	}
	r.SHA256.Driver = hex.EncodeToString(a.OutBytes[:a.NOutBytes])
	_, err = r.account(ctx, s)
	return err
}

// start opens and starts a stream.
func start(ctx context.Context, l *link, name string) (*iostream.Stream, error) {
	conn, err := l.connect(ctx, name, false)
	if err != nil {
		return nil, err
	}
	s, err := iostream.Open(ctx, conn, nil)
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func closing(err *error, s *iostream.Stream) {
	if closed := s.Close(); *err == nil {
		*err = closed
	}
}

// account adds what a session lost and copied, and returns how often its sides were
// woken.
func (r *Report) account(ctx context.Context, s *iostream.Stream) (wakeups uint64, err error) {
	driver, err := s.DriverStats(ctx)
	if err != nil {
		return 0, err
	}
	client := s.Stats()
	r.Lost += max(driver.TotalLost(), client.Missed)
	r.Copies += driver.Copies + client.Copies
	return driver.Wakeups + client.Wakeups, nil
}

// throughput lets the driver read the file again and again and reads every byte of it.
func throughput(ctx context.Context, l *link, r *Report, d time.Duration) (err error) {
	s, err := start(ctx, l, bulkStream)
	if err != nil {
		return err
	}
	defer closing(&err, s)
	var n, entries, sum uint64
	begin := time.Now()
	took := time.Duration(0)
	for f, err := range s.Frames(ctx) {
		if err != nil {
			return err
		}
		sum += addUp(f.Data())
		n += uint64(len(f.Data()))
		entries++
		if took = time.Since(begin); took >= d {
			break
		}
	}
	wakeups, err := r.account(ctx, s)
	if err != nil {
		return err
	}
	if entries == 0 {
		return errors.New("the stream ended before the first entry")
	}
	r.ThroughputBytesPerS, r.ThroughputEntriesPerS = perSecond(n, took), perSecond(entries, took)
	r.WakeupsPerEntry = float64(wakeups) / float64(entries)
	r.checksum = sum
	return nil
}

// addUp reads all of p.
func addUp(p []byte) (sum uint64) {
	for ; len(p) >= 8; p = p[8:] {
		sum += binary.NativeEndian.Uint64(p)
	}
	for _, b := range p {
		sum += uint64(b)
	}
	return sum
}

func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// A round trip longer than this is recorded as this long.
const longestRoundTrip = 10 * time.Second

// warmUp is how many round trips come before those that count.
const warmUp = 500

// message is how many bytes travel in a round trip.
const message = 64

// roundTrips sends a buffer to the driver, which gives it back, again and again. Both
// sides sleep while they wait.
func roundTrips(ctx context.Context, l *link, r *Report, d time.Duration) (err error) {
	s, err := start(ctx, l, echoStream)
	if err != nil {
		return err
	}
	defer closing(&err, s)
	f, err := s.Next(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = f.Release() }() // whatever happened: the loan is over
	h := hdrhistogram.New(1, int64(longestRoundTrip), 3)
	var begin time.Time
	for i := 0; begin.IsZero() || time.Since(begin) < d; i++ {
		if i == warmUp {
			begin = time.Now()
		}
		sent := time.Now()
		if err := f.Send(message); err != nil {
			return err
		}
		if f, err = s.Next(ctx); err != nil {
			return err
		}
		took := time.Since(sent)
		if len(f.Data()) != message {
			return fmt.Errorf("%d bytes came back of %d", len(f.Data()), message)
		}
		if begin.IsZero() {
			continue
		}
		if err := h.RecordValue(int64(min(took, longestRoundTrip))); err != nil {
			return err
		}
	}
	r.RoundTrip = RoundTrip{
		Count: h.TotalCount(), P50: h.ValueAtPercentile(50), P99: h.ValueAtPercentile(99), P999: h.ValueAtPercentile(99.9), Max: h.Max(),
	}
	_, err = r.account(ctx, s)
	return err
}
