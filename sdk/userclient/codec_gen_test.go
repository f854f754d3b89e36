// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"time"

	"pgregory.net/rapid"
)

func genText(most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := CleanText(rapid.StringN(0, most, most).Draw(t, "text"))
		return s
	})
}

func genPart() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Za-z0-9_-][A-Za-z0-9._-]{0,29}`)
}

func genFormat() *rapid.Generator[Format] {
	return rapid.Custom(func(t *rapid.T) Format {
		u := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
		return Format{
			Kind: FormatKind(u("kind")), Code: u("code"), Epoch: u("epoch"),
			Width: u("width"), Height: u("height"), Stride: u("stride"),
			RateNum: u("num"), RateDen: u("den"), Channels: u("channels"), BitsPerSample: u("bits"),
			Extra: append([]byte(nil), rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "extra")...),
		}
	})
}

func genDescription() *rapid.Generator[Description] {
	return rapid.Custom(func(t *rapid.T) Description {
		u := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
		d := Description{
			ABIMax:   Version{1, 7},
			ABIMin:   Version{rapid.Uint16Max(1).Draw(t, "major"), rapid.Uint16Max(7).Draw(t, "minor")},
			Name:     genPart().Draw(t, "vendor") + "/" + genPart().Draw(t, "device") + "/" + genPart().Draw(t, "stream"),
			Index:    u("index"),
			Instance: rapid.Uint64().Draw(t, "instance"), Generation: u("generation"),
			Driver: genText(MaxText).Draw(t, "driver"), DriverVersion: genText(20).Draw(t, "version"),
			Mode: Mode(rapid.Uint32Max(2).Draw(t, "mode")), Modes: u("modes"), Layouts: u("layouts"), RingCount: u("ring"),
			Buffers: BufferShape{
				Count: rapid.Uint32Max(MaxBuffers).Draw(t, "count"), DataSize: u("data"), ControlSize: u("control"),
				Alignment: rapid.SampledFrom([]uint32{0, 1, 64, 4096, 1 << 31}).Draw(t, "alignment"),
				Kind:      MemKind(u("kind")), ReadOnly: rapid.Bool().Draw(t, "ro"),
			},
			Ports: PortKind(u("ports")),
			Clock: Clock{
				ID: u("clock"), Epoch: rapid.Int64().Draw(t, "clock epoch"),
				Resolution: time.Duration(rapid.Int64().Draw(t, "resolution")), TickRate: rapid.Uint64().Draw(t, "ticks"),
			},
			Policy: Policy(u("policy")), Backlog: u("backlog"), MaxClients: u("clients"), MaxObservers: u("observers"),
			Offered: rapid.Uint64().Draw(t, "offered"), Required: rapid.Uint64().Draw(t, "required"),
			MaxCopy: u("copy"), MaxRounds: u("rounds"), Format: genFormat().Draw(t, "format"),
			Properties:   rapid.MapOfN(genText(8).Filter(func(s string) bool { return s != "" }), genText(40), 0, 8).Draw(t, "props"),
			SharedMemory: rapid.Bool().Draw(t, "shared"), SyncNeeded: rapid.Bool().Draw(t, "sync"),
			DirectControl: rapid.Bool().Draw(t, "direct"),
		}
		for i := range d.Selectors {
			d.Selectors[i] = rapid.Uint64().Draw(t, "selectors")
		}
		if len(d.Properties) == 0 {
			d.Properties = nil
		}
		return d
	})
}

func genStats() *rapid.Generator[Stats] {
	return rapid.Custom(func(t *rapid.T) Stats {
		v := func(name string) uint64 { return rapid.Uint64().Draw(t, name) }
		s := Stats{
			Numbered: rapid.Bool().Draw(t, "numbered"), LastSeq: v("seq"), Posted: v("posted"), Returned: v("returned"),
			Backlogged: v("backlogged"), Bytes: v("bytes"), Copies: v("copies"), Rings: v("rings"), Wakeups: v("wakeups"),
		}
		for i := range s.Lost {
			s.Lost[i] = v("lost")
		}
		for range rapid.IntRange(0, MaxLossLog).Draw(t, "log") {
			u := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
			s.Log = append(s.Log, LossRecord{
				Time: int64(v("time")), Cause: Cause(u("cause")), Count: u("n"), LastSeq: v("last"),
				Free: u("free"), Backlog: u("back"), Posted: u("post"),
			})
		}
		return s
	})
}
