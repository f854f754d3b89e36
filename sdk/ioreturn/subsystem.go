// SPDX-License-Identifier: Apache-2.0

package ioreturn

import "fmt"

// systemIOKit is the lowest code of IOKit: system 0x38 in the top six bits. Below
// them are twelve bits of subsystem and fourteen of code.
const systemIOKit Code = 0x38 << 26

// Subsystem returns the name of the part of IOKit that c comes from ("common",
// "usb", …), its number for a part without a known name, or "" if c is not a code
// of IOKit.
func (c Code) Subsystem() string {
	if c&^(1<<26-1) != systemIOKit {
		return ""
	}
	n := uint32(c) >> 14 & 0xfff
	if name, ok := subsystems[n]; ok {
		return name
	}
	return fmt.Sprintf("subsystem %#x", n)
}

var subsystems = map[uint32]string{
	0:     "common",
	1:     "usb",
	2:     "firewire",
	4:     "block_storage",
	5:     "graphics",
	6:     "networking",
	8:     "bluetooth",
	9:     "pmu",
	10:    "acpi",
	11:    "smbus",
	12:    "ahci",
	13:    "powermanagement",
	14:    "hidsystem",
	16:    "scsi",
	17:    "usbaudio",
	18:    "wirelesscharging",
	28:    "nvme",
	29:    "thunderbolt",
	30:    "graphics_acceleration",
	31:    "keystore",
	32:    "smc",
	33:    "apfs",
	34:    "acpiec",
	35:    "timesync_avb",
	0x2a:  "platform",
	0x45:  "audio_video",
	0x46:  "cec",
	0x47:  "arc",
	0x80:  "baseband",
	0xfe:  "HDA",
	0x147: "hsic",
	0x174: "sdio",
	0x208: "wlan",
	0x209: "sleepwakehandler",
	0x20a: "ppm",
	0xffe: "vendor_specific",
	0xfff: "reserved",
}
