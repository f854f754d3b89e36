// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"sync"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/iostreamkit/iostreamkit/tools/internal/sample"
)

// The streams of the demo's driver.
const (
	dataStream = "demo/file/data" // the file once, hashed
	bulkStream = "demo/file/bulk" // the file again and again
	echoStream = "demo/echo/ping" // one buffer, given back at once
)

// The shape of the buffers.
const (
	fileBuffers  = 16
	fileDataSize = 64 << 10
	echoDataSize = 4096
)

// Selectors of dataStream's driver, for the client's checks.
const (
	selHash  = userclient.SelVendorBase + iota // out: bytes, SHA-256 of what was posted
	selPlace                                   // in: 1 scalar, buffer; out: 4 scalars, device major and minor, inode, offset
	selPoke                                    // in: 3 scalars, buffer, index, value; writes a byte, whoever has the buffer
)

// device is the driver's end of dataStream: it remembers what it read, and where.
type device struct {
	mu      sync.Mutex
	hash    hash.Hash
	regions map[uint32][]byte
}

// began is called before the first frame for a client.
func (v *device) began() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hash.Reset()
	clear(v.regions)
}

// filled is called with each buffer that the file was read into.
func (v *device) filled(b *iostream.Buffer, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hash.Write(b.Data()[:n])
	v.regions[b.ID()] = b.Region()
}

// call answers the selectors above.
func (v *device) call(_ context.Context, a *iostream.Args) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case a.Selector == selHash:
		a.NOutBytes = copy(a.OutBytes, v.hash.Sum(nil))
		return nil
	case a.Selector == selPlace && len(a.In) == 1:
		region, ok := v.regions[uint32(a.In[0])]
		if !ok {
			return ioreturn.NotFound
		}
		p, err := placeOf(region)
		if err != nil {
			return err
		}
		a.NOut = copy(a.Out, []uint64{p.major, p.minor, p.inode, p.offset})
		return nil
	case a.Selector == selPoke && len(a.In) == 3:
		region, ok := v.regions[uint32(a.In[0])]
		if !ok || a.In[1] >= uint64(len(region)) {
			return ioreturn.NotFound
		}
		// The buffer is the client's, so no honest driver does this. Here it shows that the
		// client looks at this very memory.
		region[a.In[1]] = byte(a.In[2])
		return nil
	}
	return ioreturn.BadArgument
}

// served is one of the demo's drivers with its loop.
type served struct {
	d   *iostream.Driver
	run sample.Loop
}

// drivers makes the demo's drivers.
func drivers(path string) ([]served, error) {
	v := &device{hash: sha256.New(), regions: make(map[uint32][]byte)}
	file := iostream.DriverConfig{Name: dataStream, Driver: "iostreamkit demo", Buffers: fileBuffers, DataSize: fileDataSize}
	bulk, echo := file, file
	bulk.Name, echo.Name = bulkStream, echoStream
	echo.Buffers, echo.DataSize = 1, echoDataSize
	modules, err := stack()
	if err != nil {
		return nil, err
	}
	var all []served
	for _, make := range []func() (*iostream.Driver, sample.Loop, error){
		func() (*iostream.Driver, sample.Loop, error) {
			return sample.File(path, file, sample.Options{Began: v.began, Filled: v.filled, Method: v.call})
		},
		func() (*iostream.Driver, sample.Loop, error) {
			return sample.File(path, bulk, sample.Options{Loop: true, Stack: modules})
		},
		func() (*iostream.Driver, sample.Loop, error) { return sample.Loopback(echo) },
	} {
		d, run, err := make()
		if err != nil {
			return nil, err
		}
		all = append(all, served{d, run})
	}
	return all, nil
}

// Serve is the driver's process: it offers the streams of the demo in the run
// directory of its environment until stdin ends, which it does when the parent is gone,
// however that came, or ctx ends. At the end it removes the run directory if nothing is
// left in it.
func Serve(ctx context.Context, path string, stdin io.Reader) error {
	all, err := drivers(path)
	if err != nil {
		return err
	}
	parent := ctx
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // whatever ends it, the parent is not there any more
		cancel(nil)
	}()
	var over sync.WaitGroup
	for _, s := range all {
		over.Go(func() { cancel(iostreamkit.Serve(ctx, s.d, s.run)) })
	}
	over.Wait()
	if dir := os.Getenv(runDirVariable); dir != "" {
		_ = os.Remove(dir) // of the parent, which does it too unless it was killed
	}
	if err := context.Cause(ctx); parent.Err() == nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// runDirVariable is where drivers and clients look for the run directory.
const runDirVariable = "IOSTREAMKIT_RUNDIR"
