// SPDX-License-Identifier: Apache-2.0

package iostream

import (
	"maps"
	"slices"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// Format returns the current format.
func (d *Driver) Format() Format {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.format
}

// ChangeFormat gives the stream a new format, with a new epoch, and tells every
// session. It is refused with ErrState while the stream runs or is suspended: entries
// before and after a change never share a run (C43). Halt it first. The error matches
// ErrInvalid if f can't be described to a client.
func (d *Driver) ChangeFormat(f Format) error {
	_, err := d.setFormat(f)
	return ioreturn.Op("change format", d.cfg.Name, err)
}

// setFormat stores f under the next epoch and tells every session.
func (d *Driver) setFormat(f Format) (Format, error) {
	if _, err := f.AppendBinary(nil); err != nil {
		return f, err
	}
	d.mu.Lock()
	if err := d.storeFormat(&f); err != nil {
		d.mu.Unlock()
		return f, err
	}
	d.mu.Unlock()
	d.Emit(Event{Kind: userclient.EventFormatChanged, Value: uint64(f.Epoch)})
	return f, nil
}

// storeFormat keeps f under the next epoch. mu is held, so the owner stays; its mu is
// held, so it does not start meanwhile.
func (d *Driver) storeFormat(f *Format) error {
	if o := d.owner; o != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.state == userclient.StateRunning || o.state == userclient.StateSuspended {
			return ioreturn.NotReady
		}
	}
	f.Epoch = d.format.Epoch + 1
	d.format = *f
	d.format.Extra = slices.Clone(f.Extra)
	d.epoch.Store(f.Epoch)
	d.generation++
	return nil
}

// SetProperty changes one property (an empty value removes it) and tells every session.
// The error matches ErrInvalid if the property can't be described to a client; nothing
// has changed then.
func (d *Driver) SetProperty(key, value string) error {
	d.mu.Lock()
	before := d.properties
	d.properties = maps.Clone(before)
	if d.properties == nil {
		d.properties = make(map[string]string)
	}
	d.properties[key] = value
	if value == "" {
		delete(d.properties, key)
	}
	if _, err := d.describeLocked().AppendBinary(nil); err != nil {
		d.properties = before
		d.mu.Unlock()
		return ioreturn.Op("set property", d.cfg.Name, err)
	}
	d.mu.Unlock()
	d.Emit(Event{Kind: userclient.EventPropertyChanged, Text: key})
	return nil
}
