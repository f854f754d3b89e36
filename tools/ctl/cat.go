// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// catResult is what cat --json prints.
type catResult struct {
	Stream      string            `json:"stream" doc:"the stream's name"`
	Frames      uint64            `json:"frames" doc:"frames read"`
	Bytes       uint64            `json:"bytes" doc:"payload in them"`
	Seconds     float64           `json:"seconds" doc:"from the start to the last frame"`
	Ended       string            `json:"ended" doc:"why it ended: end of the stream, count reached, or interrupted"`
	Lost        uint64            `json:"lost" doc:"frames that were lost between the first and the last one read, and up to the end if the stream ended"`
	LostByCause map[string]uint64 `json:"lost_by_cause,omitempty" doc:"what the driver counted until the reading ended, by cause"`
}

// Why cat ended.
const (
	endedEnd         = "end of the stream"
	endedCount       = "count reached"
	endedInterrupted = "interrupted"
)

type catFlags struct {
	push   []string // modules
	output string
	count  uint64
	strict bool
}

func (a *app) catCommand() *cobra.Command {
	var f catFlags
	cmd := &cobra.Command{
		Use:   "cat NAME",
		Short: "Write the payload of a stream to standard output or a file",
		Long: `Open a from-device stream, start it, and write its payload to standard output or a
file until the stream ends, or an interrupt. Frames that were lost are reported on
standard error.

With --push the payload passes modules of the driver. What they drop is lost, with the
cause "module"; what they hold up waits in the driver's buffers.

With --json a summary is printed at the end: on standard output if the payload goes
to a file, else on standard error.`,
		Example: fmt.Sprintf("  %[1]s cat acme/cam0/video -o video.raw\n  %[1]s cat sample/pattern/counter -n 1 | od -t u8 | head", a.opts.Name),
		Args:    arguments(1, 1, "the name of a stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("count") && f.count == 0 {
				return usagef("--count is 0, it needs at least 1")
			}
			return a.cat(cmd, args[0], f)
		},
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to this `file` instead of standard output")
	cmd.Flags().Uint64VarP(&f.count, "count", "n", 0, "stop after `N` frames (default at the end of the stream)")
	cmd.Flags().StringArrayVar(&f.push, "push", nil, "let the payload pass a `module` of the driver; may be repeated")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "fail if anything was lost")
	return cmd
}

func (a *app) cat(cmd *cobra.Command, name string, f catFlags) (err error) {
	ctx := cmd.Context()
	if f.output == "" {
		c, stop := whileRead(ctx, cmd.OutOrStdout())
		defer stop()
		ctx = c
	}
	s, err := a.open(ctx, name, iostream.FromDevice)
	if err != nil {
		return err
	}
	defer closing(&err, s)
	for _, m := range f.push {
		if err := remote.Push(ctx, s.Conn(), m); err != nil {
			return err
		}
	}
	w, report := stdout(cmd), cmd.ErrOrStderr()
	bar := cmd.ErrOrStderr()
	switch {
	case f.output != "":
		file, createErr := os.Create(f.output)
		if createErr != nil {
			return createErr
		}
		defer closing(&err, file)
		w, report = file, stdout(cmd)
	case isTerminal(cmd.OutOrStdout()):
		bar = io.Discard // the payload goes to the same screen
	}
	r, st, err := pull(ctx, s, w, bar, f.count)
	if err != nil {
		return explainEnd(ctx, name, err)
	}
	if a.json {
		if err := a.emit(report, r, ""); err != nil {
			return err
		}
	} else if r.Lost > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", a.opts.Name, r.lossText(st, s.BufferCount()))
	}
	if f.strict && r.Lost > 0 {
		return fmt.Errorf("read %s: %s of %d lost", name, plural(r.Lost, "frame"), r.Frames+r.Lost)
	}
	return nil
}

// closing closes c at the end of a function; a failure of that is its error if it has
// no other.
func closing(err *error, c io.Closer) {
	if closed := c.Close(); *err == nil {
		*err = closed
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// openStream opens a stream whose driver answers.
func openStream(ctx context.Context, name string, cfg *iostream.Config) (*iostream.Stream, error) {
	return reaching(ctx, reachBound, func(ctx context.Context) (*iostream.Stream, error) { return iostreamkit.Open(ctx, name, cfg) })
}

// open opens a stream for a command that needs the direction want.
func (a *app) open(ctx context.Context, name string, want iostream.Direction) (*iostream.Stream, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	s, err := openStream(ctx, name, nil)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	is := s.Direction()
	if is == want || want == iostream.ToDevice && is == iostream.BothWays {
		return s, nil
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return nil, &hintedError{
		fmt.Errorf("%s is a %v stream, this command is for %v", name, is, want),
		[]string{fmt.Sprintf("use \"%s %s %s\"", a.opts.Name, commandFor(is), name)},
	}
}

// commandFor returns the command that moves payload in a direction.
func commandFor(d iostream.Direction) string {
	if d == iostream.FromDevice {
		return "cat"
	}
	return "send"
}

// lateBound bounds what a command still asks the driver after it was interrupted.
const lateBound = 2 * time.Second

// pull writes a stream's payload to w until it ends, or count frames were read (0:
// no limit), or ctx ends. It returns what was read and the driver's counters.
func pull(ctx context.Context, s *iostream.Stream, w, bar io.Writer, count uint64) (*catResult, *iostream.Stats, error) {
	r := &catResult{Stream: s.Name(), Ended: endedEnd}
	p := startProgress(bar, 0)
	err := s.Start(ctx)
	if err == nil {
		err = r.read(ctx, s, w, p, count)
	}
	r.Seconds = p.finish().Seconds()
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) && !errors.Is(err, errReaderGone) {
		r.Ended, err = endedInterrupted, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w (%s were read before)", err, size(r.Bytes))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateBound)
	defer cancel()
	// Statistics come before Stop, which discards what nobody will read.
	st, err := s.DriverStats(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Stop(ctx); err != nil {
		return nil, nil, err
	}
	r.count(s.Stats())
	r.LostByCause = lostByCause(&st)
	return r, &st, nil
}

// read copies frames to w.
func (r *catResult) read(ctx context.Context, s *iostream.Stream, w io.Writer, p *progress, count uint64) error {
	for f, err := range s.Frames(ctx) {
		if err != nil {
			return err
		}
		if _, err := w.Write(f.Data()); err != nil {
			return err
		}
		r.Frames++
		r.Bytes += uint64(len(f.Data()))
		p.add(len(f.Data()))
		if r.Frames == count {
			r.Ended = endedCount
			return nil
		}
	}
	return nil
}

// count tells from the numbers of the entries what is missing.
func (r *catResult) count(st iostream.ClientStats) {
	r.Lost = st.Missed
	if r.Ended != endedEnd || !st.Given {
		return
	}
	last := st.LastGiven + 1
	if st.Entries > 0 {
		last -= st.LastSeq + 1
	}
	r.Lost += last
}

// lossText reports a loss.
func (r *catResult) lossText(st *iostream.Stats, buffers int) string {
	text := fmt.Sprintf("%s of %s were lost on the way to this program", plural(r.Lost, "frame"), r.Stream)
	if c := causes(st); c != "" {
		text += " (the driver counted: " + c + ")"
	}
	if n := len(st.Log); n > 0 {
		l := lossOf(st.Log[n-1])
		text += "\n  the last ones " + l.blame(uint32(buffers))
	}
	return text
}
