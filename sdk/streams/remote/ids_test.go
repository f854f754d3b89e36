// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"math"
	"testing"
)

// D60 at the driver's end: where the counter begins again, no ioctl gets 0.
func TestD60IDsWrap(t *testing.T) {
	before := ids.Load()
	defer ids.Store(before)
	ids.Store(math.MaxUint64 - 1)
	if one, two := newID(), newID(); one != math.MaxUint64 || two != 1 {
		t.Errorf("%#x, %#x", one, two)
	}
}
