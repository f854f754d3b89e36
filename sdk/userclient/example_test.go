// SPDX-License-Identifier: Apache-2.0

package userclient_test

import (
	"fmt"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

// A description travels as a record and comes back the same.
func ExampleDescription_AppendBinary() {
	b, err := userclient.Description{
		Name:       "acme/cam0/video",
		Mode:       userclient.ModeOutput,
		Properties: map[string]string{"serial": "4711"},
	}.AppendBinary(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var d userclient.Description
	if err := d.UnmarshalBinary(b); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Name, d.Mode, d.Properties["serial"])
	fmt.Println(d.UnmarshalBinary(b[:2]))
	// Output:
	// acme/cam0/video from-device 4711
	// rule DESCRIBE broken by the other side: description: 2 bytes are too short for a record (IOSK-E1109)
}

// Both ends look into one table before they do anything.
func ExampleNext() {
	t := userclient.Next(userclient.StateRunning, userclient.OpSetMode)
	fmt.Println(t.Next, t.Code)
	t = userclient.Next(userclient.StateRunning, userclient.OpStop)
	fmt.Println(t.Next, t.Code == ioreturn.Success)
	// Output:
	// running busy (kIOReturnBusy, 0xe00002d5)
	// open true
}

func ExampleParseName() {
	vendor, device, stream, err := userclient.ParseName("acme/cam0/video")
	fmt.Println(vendor, device, stream, err)
	_, _, _, err = userclient.ParseName("acme/cam 0/video")
	fmt.Println(err)
	// Output:
	// acme cam0 video <nil>
	// stream name "acme/cam 0/video": the device "cam 0" has ' '; only letters, digits, '.', '_' and '-' are allowed (invalid argument)
}
