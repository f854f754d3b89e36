// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"fmt"

	"github.com/iostreamkit/iostreamkit"
	"github.com/iostreamkit/iostreamkit/sdk/iostream"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
	"github.com/spf13/cobra"
)

// infoResult is what info prints.
type infoResult struct {
	Name       string            `json:"name" doc:"vendor/device/stream"`
	State      string            `json:"state" doc:"closed (nobody has it open), open, running or suspended"`
	Driver     process           `json:"driver" doc:"the driver"`
	Version    string            `json:"driver_version,omitempty" doc:"version of the driver"`
	Owner      *process          `json:"owner,omitempty" doc:"the client that has it open"`
	ABI        string            `json:"abi" doc:"newest version of the interface that the driver speaks"`
	Direction  string            `json:"direction" doc:"from-device, to-device or both-ways"`
	Directions []string          `json:"directions" doc:"the directions that a client can switch to"`
	Policy     string            `json:"policy" doc:"what happens when no buffer is free: block, drop-newest, drop-oldest, fail, or driver if it decides by itself"`
	Format     formatResult      `json:"format" doc:"what the bytes mean"`
	Buffers    buffersResult     `json:"buffers" doc:"the buffers"`
	Layouts    []string          `json:"layouts" doc:"the forms of the queues that the driver offers"`
	Features   []string          `json:"features" doc:"what the driver offers beyond the classic interface"`
	Clock      clockResult       `json:"clock" doc:"the clock of time stamps"`
	Stats      statsResult       `json:"stats" doc:"counters of the session that has it open or had it last"`
	LossLog    []lossResult      `json:"loss_log" doc:"the last losses, oldest first"`
	Properties map[string]string `json:"properties,omitempty" doc:"vendor, model, serial, bus and others"`
}

type process struct {
	PID     int    `json:"pid" doc:"process, -1 if unknown"`
	UID     int    `json:"uid" doc:"its user, -1 if unknown"`
	Program string `json:"program,omitempty" doc:"its program"`
}

type formatResult struct {
	Kind          string `json:"kind" doc:"raw, video, audio, iq or vendor"`
	Code          uint32 `json:"code,omitempty" doc:"FourCC of video, code of samples, or the vendor's own"`
	Epoch         uint32 `json:"epoch" doc:"grows with each change of the format"`
	Width         uint32 `json:"width,omitempty" doc:"video: pixels"`
	Height        uint32 `json:"height,omitempty" doc:"video: lines"`
	Stride        uint32 `json:"stride,omitempty" doc:"video: bytes of a line"`
	RateNum       uint32 `json:"rate_num,omitempty" doc:"frames or samples per second: numerator"`
	RateDen       uint32 `json:"rate_den,omitempty" doc:"and denominator"`
	Channels      uint32 `json:"channels,omitempty" doc:"audio, iq"`
	BitsPerSample uint32 `json:"bits_per_sample,omitempty" doc:"audio, iq"`
}

type buffersResult struct {
	Count       uint32 `json:"count" doc:"number of buffers"`
	DataSize    uint32 `json:"data_size" doc:"bytes of payload in each"`
	ControlSize uint32 `json:"control_size" doc:"bytes of its control region, 0 if there is none"`
	Alignment   uint32 `json:"alignment" doc:"of the payload, in bytes"`
	ReadOnly    bool   `json:"read_only" doc:"the client can't write into them"`
}

type clockResult struct {
	ID           string `json:"id" doc:"none, host-monotonic or device"`
	ResolutionNS int64  `json:"resolution_ns" doc:"its smallest step"`
	TickRate     uint64 `json:"tick_rate,omitempty" doc:"ticks per second of a device's clock"`
}

type statsResult struct {
	Posted      uint64            `json:"posted" doc:"entries that the driver gave to the client"`
	Returned    uint64            `json:"returned" doc:"entries that the client gave back or sent"`
	Backlogged  uint64            `json:"backlogged" doc:"entries that wait at the driver now"`
	Bytes       uint64            `json:"bytes" doc:"payload"`
	Lost        uint64            `json:"lost" doc:"entries lost"`
	LostByCause map[string]uint64 `json:"lost_by_cause,omitempty" doc:"the same by cause: drop-newest, drop-oldest, fail, stopped, session-ended, flushed, module or device"`
	Copies      uint64            `json:"copies" doc:"copies of payload that the library made at the driver's end"`
	Rings       uint64            `json:"rings" doc:"notifications really sent to the client"`
	Wakeups     uint64            `json:"wakeups" doc:"times that the driver's end was woken"`
	Discarded   uint64            `json:"discarded" doc:"entries of the client that a module of the driver dropped"`
	LastSeq     *uint64           `json:"last_seq,omitempty" doc:"number of the last entry"`
}

type lossResult struct {
	TimeNS  int64  `json:"time_ns" doc:"stream time"`
	Cause   string `json:"cause" doc:"as in lost_by_cause"`
	Count   uint32 `json:"count" doc:"entries lost in a row"`
	LastSeq uint64 `json:"last_seq" doc:"number of the last of them"`
	Free    uint32 `json:"free" doc:"buffers that the driver had free then"`
	Backlog uint32 `json:"backlog" doc:"entries that waited at the driver then"`
	Posted  uint32 `json:"posted" doc:"entries that the client had not read then; it had the buffers that are not counted here"`
}

func (a *app) infoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info NAME",
		Short: "Show what a stream is, who has it open, and what was lost",
		Long: `Show what a stream is, who has it open, how much went through it, and what was
lost for which reason. It looks on without opening the stream, also while another
program uses it.`,
		Example: fmt.Sprintf("  %s info acme/cam0/video", a.opts.Name),
		Args:    arguments(1, 1, "the name of a stream"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.info(cmd, args[0]) },
	}
}

func (a *app) info(cmd *cobra.Command, name string) error {
	ctx := cmd.Context()
	if err := checkName(name); err != nil {
		return err
	}
	r, err := reaching(ctx, reachBound, func(ctx context.Context) (*infoResult, error) {
		o, err := iostreamkit.Observe(ctx, name)
		if err != nil {
			return nil, err
		}
		defer o.Close()
		return observe(ctx, o)
	})
	if err != nil {
		return a.explain(ctx, name, err)
	}
	return a.emit(stdout(cmd), r, r.text())
}

// checkName refuses what can't be a stream's name as wrong usage.
func checkName(name string) error {
	if _, _, _, err := userclient.ParseName(name); err != nil {
		return &usageError{err}
	}
	return nil
}

func observe(ctx context.Context, o *iostream.Observer) (*infoResult, error) {
	d, err := o.Describe(ctx)
	if err != nil {
		return nil, err
	}
	ob, err := o.Observe(ctx)
	if err != nil {
		return nil, err
	}
	p := o.Peer()
	r := &infoResult{
		Name: d.Name, State: ob.State.String(), Driver: process{p.PID, p.UID, d.Driver}, Version: d.DriverVersion,
		ABI:       fmt.Sprintf("%d.%d", d.ABIMax.Major, d.ABIMax.Minor),
		Direction: d.Mode.String(), Policy: d.Policy.String(),
		Format: formatOf(d.Format), Buffers: buffersOf(&d), Clock: clockOf(d.Clock),
		Stats: statsOf(&ob.Stats), LossLog: []lossResult{}, Properties: d.Properties,
		Directions: []string{}, Layouts: []string{}, Features: []string{},
	}
	if ob.OwnerPID > 0 {
		r.Owner = &process{ob.OwnerPID, ob.OwnerUID, ob.Owner}
	}
	for m := userclient.ModeInput; m.Valid(); m++ {
		if d.Modes&(1<<m) != 0 {
			r.Directions = append(r.Directions, m.String())
		}
	}
	for _, l := range []userclient.Layout{userclient.LayoutNative, userclient.LayoutClassic} {
		if d.Layouts&(1<<l) != 0 {
			r.Layouts = append(r.Layouts, l.String())
		}
	}
	for i, name := range [...]string{"sequence", "events", "metadata", "shared-word", "control"} {
		if d.Offered&(1<<i) != 0 {
			r.Features = append(r.Features, name)
		}
	}
	for _, l := range ob.Stats.Log {
		r.LossLog = append(r.LossLog, lossOf(l))
	}
	return r, nil
}

func lossOf(l iostream.LossRecord) lossResult {
	return lossResult{l.Time, l.Cause.String(), l.Count, l.LastSeq, l.Free, l.Backlog, l.Posted}
}

func formatOf(f iostream.Format) formatResult {
	kind := "vendor"
	if names := [...]string{"raw", "video", "audio", "iq"}; uint64(f.Kind) < uint64(len(names)) {
		kind = names[f.Kind]
	}
	return formatResult{
		Kind: kind, Code: f.Code, Epoch: f.Epoch, Width: f.Width, Height: f.Height, Stride: f.Stride,
		RateNum: f.RateNum, RateDen: f.RateDen, Channels: f.Channels, BitsPerSample: f.BitsPerSample,
	}
}

func buffersOf(d *iostream.Description) buffersResult {
	b := d.Buffers
	return buffersResult{b.Count, b.DataSize, b.ControlSize, b.Alignment, b.ReadOnly}
}

func clockOf(c userclient.Clock) clockResult {
	id := "none"
	switch c.ID {
	case userclient.ClockMonotonic:
		id = "host-monotonic"
	case userclient.ClockDevice:
		id = "device"
	}
	return clockResult{id, c.Resolution.Nanoseconds(), c.TickRate}
}

func statsOf(st *iostream.Stats) statsResult {
	r := statsResult{
		Posted: st.Posted, Returned: st.Returned, Backlogged: st.Backlogged, Bytes: st.Bytes,
		Lost: st.TotalLost(), LostByCause: lostByCause(st), Copies: st.Copies, Rings: st.Rings, Wakeups: st.Wakeups,
		Discarded: st.Discarded,
	}
	if st.Numbered {
		r.LastSeq = &st.LastSeq
	}
	return r
}
