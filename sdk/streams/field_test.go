// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"testing"
)

func TestFields(t *testing.T) {
	r := newRig(t, 4, 2)
	for _, tc := range []struct {
		f    Field
		band uint8
		v    int
		err  error
	}{
		{QHiWat, 0, 10, nil}, {QLoWat, 0, 5, nil}, {QHiWat, 7, 20, nil}, {QHiWat, 0, -1, EINVAL},
		{QMaxPSz, 0, 99, nil}, {QMaxPSz, 0, Unlimited, nil}, {QMaxPSz, 1, 9, EINVAL}, {QMinPSz, 0, 3, nil},
		{QMinPSz, 0, -1, EINVAL}, {QCount, 0, 1, EPERM}, {QFirst, 0, 1, EPERM}, {QLast, 0, 1, EPERM},
		{QFlag, 0, 1, EPERM}, {9, 0, 1, EINVAL},
	} {
		if err := r.q.SetField(tc.f, tc.band, tc.v); !errors.Is(err, tc.err) {
			t.Errorf("set field %d of band %d to %d: %v, want %v", tc.f, tc.band, tc.v, err, tc.err)
		}
		if tc.err != nil {
			continue
		}
		if v, err := r.q.Field(tc.f, tc.band); v != tc.v || err != nil {
			t.Errorf("field %d of band %d is %d, %v; want %d", tc.f, tc.band, v, err, tc.v)
		}
	}
	r.put((*Queue).Putq, "D:abc", "H:x", "D:de", "2D:f")
	for _, tc := range []struct {
		f    Field
		band uint8
		want int
	}{{QCount, 0, 6}, {QCount, 2, 1}, {QFirst, 0, 1}, {QLast, 0, 2}, {QFirst, 2, 1}, {QFirst, 3, -1}, {QLast, 200, -1}, {QCount, 200, 0}} {
		if v, err := r.q.Field(tc.f, tc.band); v != tc.want || err != nil {
			t.Errorf("field %d of band %d is %d, %v; want %d", tc.f, tc.band, v, err, tc.want)
		}
	}
	if _, err := r.q.Field(QFlag, 1); !errors.Is(err, EINVAL) {
		t.Errorf("flags of band 1: %v", err)
	}
	if f, _ := r.q.Field(QFlag, 0); QueueFlags(f)&(QUse|QReadR) != QUse {
		t.Errorf("flags %x", f)
	}
	// A higher mark makes room at once.
	r.q.SetField(QHiWat, 0, 6)
	if r.q.CanPut(0) {
		t.Error("not full")
	}
	settle(t, r.d)
	r.q.SetField(QLoWat, 0, 10)
	if _, above := r.runs(); !above {
		t.Error("new marks did not enable who waited")
	}
}
