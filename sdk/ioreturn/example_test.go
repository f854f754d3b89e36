// SPDX-License-Identifier: Apache-2.0

package ioreturn_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// A program tests for the meaning, and shows or logs the rest.
func ExampleCode() {
	err := ioreturn.Op("open", "acme/cam0/video", ioreturn.ExclusiveAccess)
	if errors.Is(err, ioreturn.ErrBusy) {
		fmt.Println(err)
	}
	var code ioreturn.Code
	if errors.As(err, &code) {
		fmt.Println(code.ID(), code.Name())
	}
	// Output:
	// open acme/cam0/video: another client has it open for itself (kIOReturnExclusiveAccess, 0xe00002c5)
	// IOSK-E02C5 kIOReturnExclusiveAccess
}

// A driver tells its clients more than the bare code.
func ExampleStatusError() {
	err := error(&ioreturn.StatusError{Code: ioreturn.NotReady, Detail: "the tuner is not locked yet"})
	code, detail := ioreturn.Status(err) // what travels to the client
	fmt.Println(code.Name(), "/", detail)
	fmt.Println(errors.Is(err, ioreturn.ErrState))
	// Output:
	// kIOReturnNotReady / the tuner is not locked yet
	// true
}

// Errors of the standard library become the code of their meaning.
func ExampleOf() {
	_, err := os.Open("/no/such/firmware")
	fmt.Println(ioreturn.Of(err).Name())
	// Output:
	// kIOReturnNotFound
}

// A rule's text tells the author of the other side where to look.
func ExampleRule_Text() {
	err := ioreturn.Broken(ioreturn.RuleEntryOwner, "entry 12 gives back buffer 3, which the driver has")
	var broken *ioreturn.RuleError
	if errors.As(err, &broken) {
		t, _ := broken.Rule.Text()
		fmt.Println(err)
		fmt.Println(t.What)
	}
	// Output:
	// rule ENTRY-OWNER broken by the other side: entry 12 gives back buffer 3, which the driver has (IOSK-E1007)
	// The sender of an entry owns the buffer that the entry names. A buffer passes to the other side when its entry is published, and comes back with an entry from there.
}
