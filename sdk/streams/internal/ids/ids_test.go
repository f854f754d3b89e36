// SPDX-License-Identifier: Apache-2.0

package ids

import (
	"math"
	"testing"
)

// D60: where the counter begins again, no ioctl gets 0.
func TestD60IDsWrap(t *testing.T) {
	before := Last.Load()
	defer Last.Store(before)
	Last.Store(math.MaxUint64 - 1)
	if one, two := Next(), Next(); one != math.MaxUint64 || two != 1 {
		t.Errorf("%#x, %#x", one, two)
	}
}
