// SPDX-License-Identifier: Apache-2.0

package userclient

import (
	"testing"

	"github.com/iostreamkit/iostreamkit/sdk/internal/record"
)

// The numbers of the ABI stand in this package, where they are compared with abi.h.
func TestFrameIsThatOfTheRecords(t *testing.T) {
	for name, n := range map[string][2]int{
		"record header": {RecordHeaderSize, record.HeaderSize},
		"field header":  {FieldHeaderSize, record.FieldHeaderSize},
		"must":          {int(FieldMust), int(record.Must)},
		"text":          {MaxText, record.MaxText},
	} {
		if n[0] != n[1] {
			t.Errorf("%s: %d here, %d in the codec", name, n[0], n[1])
		}
	}
}
