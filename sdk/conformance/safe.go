// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/control"
	"github.com/iostreamkit/iostreamkit/sdk/streams"
	"github.com/iostreamkit/iostreamkit/sdk/streams/ioctl"
	"github.com/iostreamkit/iostreamkit/sdk/streams/remote"
)

// SafeCommand is a command of the driver that the suite may send at any time and as often as
// it likes, and give up in its middle. It succeeds when it is sent as it is written here.
type SafeCommand struct {
	// Name is what messages call it. Empty means its number.
	Name   string          `json:"name,omitempty"`
	Number streams.Command `json:"number"`
	// Data are those of an I_STR, in hexadecimal digits. As many bytes may come back.
	Data Hex `json:"data,omitempty"`
	// Transparent sends the word Arg instead, as an ioctl does.
	Transparent bool   `json:"transparent,omitempty"`
	Arg         uint64 `json:"arg,omitempty"`
	// Memory is what the command may copy from and to; it reaches nothing else.
	Memory []SafeMemory `json:"memory,omitempty"`
}

// SafeMemory is memory that a command names in its argument.
type SafeMemory struct {
	Addr uint64 `json:"addr"`           // as the argument has it, not 0
	Data Hex    `json:"data,omitempty"` // what is there at first; zeros behind
	Size int    `json:"size,omitempty"` // in bytes; zero means that of the data
}

// Hex is bytes that are written as hexadecimal digits in JSON.
type Hex []byte

// MarshalText returns the digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText parses the digits, which may be separated by spaces.
func (h *Hex) UnmarshalText(b []byte) error {
	digits := make([]byte, 0, len(b))
	for _, c := range b {
		if c != ' ' {
			digits = append(digits, c)
		}
	}
	v, err := hex.DecodeString(string(digits))
	if err != nil {
		return fmt.Errorf("%q are no bytes in hexadecimal digits: %w", b, err)
	}
	*h = v
	return nil
}

// name returns what messages call the command.
func (c *SafeCommand) name() string {
	if c.Name != "" {
		return c.Name
	}
	return fmt.Sprintf("%#x", uint32(c.Number))
}

func ofHead(n streams.Command) bool {
	for h := range streams.Commands() {
		if h.Command == n {
			return true
		}
	}
	return false
}

// check says what is wrong with a command of a device file.
func (c *SafeCommand) check() error {
	switch {
	case c.Number == 0:
		return errors.New("it has no number")
	case ofHead(c.Number):
		return errors.New("it is a command of the stream head, which no driver gets")
	case c.Transparent && len(c.Data) > 0:
		return errors.New("it is transparent and has data: put them into memory, and its address into arg")
	case !c.Transparent && c.Arg != 0:
		return errors.New("it has an arg and is not transparent")
	case len(c.Data) > remote.MaxData:
		return fmt.Errorf("it has %d bytes of data, at most %d fit into a call", len(c.Data), remote.MaxData)
	}
	for i, m := range c.Memory {
		if m.Size < 0 || m.Size > remote.MaxData || m.Size > 0 && m.Size < len(m.Data) {
			return fmt.Errorf("memory %d has the size %d and %d bytes of data, at most %d are allowed", i+1, m.Size, len(m.Data), remote.MaxData)
		}
	}
	_, err := ioctl.NewRegions(c.regions()...)
	return err
}

// regions returns the command's memory, as it is at first.
func (c *SafeCommand) regions() []ioctl.Region {
	var list []ioctl.Region
	for _, m := range c.Memory {
		b := make([]byte, max(m.Size, len(m.Data)))
		copy(b, m.Data)
		list = append(list, ioctl.Region{Addr: m.Addr, Data: b})
	}
	return list
}

// checkSafe says what is wrong with what the device file permits.
func (d *Device) checkSafe() error {
	for i, name := range d.SafeCalls {
		if err := control.CheckName(name); err != nil {
			return fmt.Errorf("safe_calls: %d: %w", i+1, err)
		}
	}
	for i, name := range d.SafeModules {
		if name == "" || len(name) > streams.MaxName {
			return fmt.Errorf("safe_modules: %d: a name has 1 to %d bytes", i+1, streams.MaxName)
		}
	}
	for i := range d.SafeCommands {
		if err := d.SafeCommands[i].check(); err != nil {
			return fmt.Errorf("safe_commands: %s: %w", d.SafeCommands[i].name(), err)
		}
	}
	return nil
}
