// SPDX-License-Identifier: Apache-2.0

// Package demo streams a file from a driver process to this one, and checks and
// measures everything about it that the project promises: that what arrives is what
// was read, that nothing was copied or lost, and how long it takes.
//
// Where processes can't reach each other yet, driver and client are one process.
package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/iostreamkit/iostreamkit/sdk/conformance"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/target"
)

// Options say what to stream.
type Options struct {
	// File is what the driver reads.
	File string
	// Driver is the program that runs Serve in another process, with the same File.
	// The zero value runs the driver in this process.
	Driver target.Program
	// Measure is how long to measure throughput and round trips, each. Zero means half a
	// second.
	Measure time.Duration
}

// Report is what Run found out.
type Report struct {
	Verified bool     `json:"verified" doc:"everything below is as it should be"`
	Problems []string `json:"problems,omitempty" doc:"what is not as it should be"`

	File      string `json:"file" doc:"the file that the driver read"`
	DriverPID int    `json:"driver_pid" doc:"process of the driver"`
	ClientPID int    `json:"client_pid" doc:"process of the client; the same where two processes can't be connected yet"`

	Bytes   uint64 `json:"bytes" doc:"payload that the client received and hashed"`
	Entries uint64 `json:"entries" doc:"entries that it came in"`
	SHA256  sums   `json:"sha256" doc:"hashes of the file's bytes"`

	Lost            uint64  `json:"lost" doc:"entries lost, in all measurements"`
	Copies          uint64  `json:"copies" doc:"copies of payload that the library made, at both ends, in all measurements"`
	WakeupsPerEntry float64 `json:"wakeups_per_entry" doc:"times that one of the sides was woken, per entry, while throughput was measured"`

	ThroughputBytesPerS   float64 `json:"throughput_bytes_per_s" doc:"while the driver reads the file into the buffers again and again, and the client reads every byte"`
	ThroughputEntriesPerS float64 `json:"throughput_entries_per_s" doc:"the same in entries"`
	HashedBytesPerS       float64 `json:"hashed_bytes_per_s" doc:"while both sides compute SHA-256"`

	RoundTrip RoundTrip `json:"round_trip_ns" doc:"time until a buffer sent to the driver is back, in ns"`
	ZeroCopy  ZeroCopy  `json:"zero_copy" doc:"proof that both sides see the same memory"`

	Control Control `json:"control" doc:"a setting of the driver that was changed"`

	Conformance Conformance `json:"conformance" doc:"what the conformance suite says about the driver"`

	Buffers  uint32 `json:"buffers" doc:"number of buffers of the stream"`
	DataSize uint32 `json:"data_size" doc:"bytes of each"`

	checksum uint64 // of what throughput read, so that it is read
}

type sums struct {
	Driver string `json:"driver" doc:"of what the driver read into the buffers"`
	Client string `json:"client" doc:"of what the client saw in them"`
	File   string `json:"file" doc:"of the file, read apart from both"`
}

// RoundTrip is a distribution of round trips, in ns.
type RoundTrip struct {
	Count int64 `json:"count" doc:"round trips measured"`
	P50   int64 `json:"p50" doc:"median"`
	P99   int64 `json:"p99" doc:"99 of 100 took at most so long"`
	P999  int64 `json:"p999" doc:"999 of 1000 took at most so long"`
	Max   int64 `json:"max" doc:"the longest"`
}

// ZeroCopy is what was found out about the memory of one buffer.
type ZeroCopy struct {
	SameInode             bool   `json:"same_inode" doc:"the buffer is in the same file in memory at both ends; false in one process, which needs no file"`
	SameOffset            bool   `json:"same_offset" doc:"and at the same place of it"`
	WriteAfterPostVisible bool   `json:"write_after_post_visible" doc:"a byte that the driver wrote after it had posted the buffer was seen by the client"`
	Driver                *Place `json:"driver,omitempty" doc:"where the driver has the buffer"`
	Client                *Place `json:"client,omitempty" doc:"where the client has it"`
}

// Place is where a process has a piece of memory.
type Place struct {
	Device string `json:"device" doc:"of the file in memory, major:minor"`
	Inode  uint64 `json:"inode" doc:"number of the file in memory"`
	Offset uint64 `json:"offset" doc:"of the buffer in that file"`
}

// link is the connection to the driver, wherever it runs.
type link struct {
	pid     int
	connect func(ctx context.Context, name string, observe bool) (userclient.Conn, error)
	target  conformance.Target // its bulkStream
	close   func() error
}

// Run streams and measures. The error says that this could not be done; what was done
// and is not right is in the report. Everything that Run started is over, and no file
// is left, when it returns.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if o.Measure <= 0 {
		o.Measure = time.Second / 2
	}
	r := &Report{File: o.File, ClientPID: os.Getpid()}
	if r.SHA256.File, err = hashFile(ctx, o.File); err != nil {
		return nil, err
	}
	l, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := l.close(); err == nil {
			err = closed
		}
	}()
	r.DriverPID = l.pid
	for _, part := range []struct {
		name string
		run  func(context.Context, *link, *Report, time.Duration) error
	}{
		{"compare the memory", prove}, {"stream the file", verify},
		{"measure throughput", throughput}, {"measure round trips", roundTrips},
		{"change a setting", controls}, {"run the conformance suite", conform},
	} {
		if err := part.run(ctx, l, r, o.Measure); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	r.judge()
	return r, nil
}

func connect(ctx context.Context, o Options) (*link, error) {
	if len(o.Driver.Args) == 0 {
		return within(ctx, o.File)
	}
	return spawn(ctx, o.Driver)
}

// spawn starts the driver's process.
func spawn(ctx context.Context, p target.Program) (*link, error) {
	p.Stream = bulkStream
	d, err := target.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	return &link{pid: d.PID(), connect: d.Dial, target: d, close: d.Close}, nil
}

// hashFile returns the hash of a plain file. Anything else may have no end, or other
// contents for the driver.
func hashFile(ctx context.Context, path string) (string, error) {
	switch info, err := os.Stat(path); {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no plain file, which the demo needs because it reads it several times", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, interruptible{ctx, f})
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", fmt.Errorf("%s is empty: there is nothing to stream", path)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// interruptible is a file that is not read any more when a context has ended.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read reads from the file.
func (i interruptible) Read(p []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, context.Cause(i.ctx)
	}
	return i.r.Read(p)
}

// judge says what is wrong.
func (r *Report) judge() {
	two := r.DriverPID != r.ClientPID
	s, z := r.SHA256, r.ZeroCopy
	for _, c := range []struct {
		wrong bool
		what  string
	}{
		{r.Bytes == 0, "nothing was streamed"},
		{s.Driver != s.Client, "the client saw other bytes than the driver read"},
		{s.Driver != s.File, "the driver read other bytes than there are in the file; was the file changed?"},
		{r.Lost > 0, fmt.Sprintf("%d entries were lost", r.Lost)},
		{r.Copies > 0, fmt.Sprintf("the library made %d copies", r.Copies)},
		{two && !z.SameInode, "the buffer is not in the same file in memory at both ends"},
		{two && !z.SameOffset, "the buffer is not at the same place at both ends"},
		{!z.WriteAfterPostVisible, "what the driver wrote after Post was not seen by the client"},
		{r.RoundTrip.Count == 0, "no round trip was measured"},
		{!r.Control.good(), fmt.Sprintf("the setting %s is %g after it was set to %g", r.Control.Name, r.Control.Read, r.Control.Set)},
		{!r.Conformance.good(two), fmt.Sprintf("the driver is %s: %s", r.Conformance.Result, strings.Join(r.Conformance.Open, ", "))},
	} {
		if c.wrong {
			r.Problems = append(r.Problems, c.what)
		}
	}
	r.Verified = len(r.Problems) == 0
}
