// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// progress shows how far a transfer is, on one line of a terminal that is written
// over and over. Anything that is no terminal stays empty.
type progress struct {
	w     io.Writer // nil: show nothing
	total uint64    // 0: unknown
	begin time.Time
	bytes atomic.Uint64
	stop  chan struct{}
	shown sync.WaitGroup
}

const (
	progressEvery = 200 * time.Millisecond
	barWidth      = 20
	eraseLine     = "\r\x1b[K"
)

// terminalWidth returns the width of w, if it is a terminal.
func terminalWidth(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 {
		width = 80
	}
	return width, true
}

// startProgress begins to show a transfer of total bytes (0: unknown) on w. The
// caller calls finish.
func startProgress(w io.Writer, total uint64) *progress {
	p := &progress{total: total, begin: time.Now(), stop: make(chan struct{})}
	if _, ok := terminalWidth(w); ok {
		p.w = w
		p.shown.Go(p.show)
	}
	return p
}

// add counts bytes. It may be called at any rate.
func (p *progress) add(n int) { p.bytes.Add(uint64(n)) }

// finish takes the line away and returns how long the transfer took.
func (p *progress) finish() time.Duration {
	took := time.Since(p.begin)
	close(p.stop)
	p.shown.Wait()
	if p.w != nil {
		_, _ = io.WriteString(p.w, eraseLine) // a terminal that is gone needs no line
	}
	return took
}

func (p *progress) show() {
	t := time.NewTicker(progressEvery)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			_, _ = io.WriteString(p.w, eraseLine+p.line(p.bytes.Load(), time.Since(p.begin)))
		}
	}
}

// line is what is shown after some time.
func (p *progress) line(n uint64, took time.Duration) string {
	s := fmt.Sprintf("%s  %s  %s", size(n), rate(n, took), took.Round(time.Second))
	if p.total == 0 {
		return s
	}
	done := min(float64(n)/float64(p.total), 1)
	full := int(done * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f%%  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100, s)
}
