// SPDX-License-Identifier: Apache-2.0

package streams

// Field names a value of a queue for [Queue.Field] and [Queue.SetField] (System V's
// strqget and strqset), with the numbers of System V.
type Field uint8

// Fields of a queue. The first two and QCount exist for each band.
const (
	QHiWat  Field = 0
	QLoWat  Field = 1
	QMaxPSz Field = 2
	QMinPSz Field = 3
	QCount  Field = 4 // bytes in the queue; not settable
	QFirst  Field = 5 // bytes of the band's first message, -1 for none; not settable
	QLast   Field = 6 // bytes of the band's last message, -1 for none; not settable
	QFlag   Field = 7 // see QueueFlags; not settable
)

// Unlimited is a packet size without a limit, System V's INFPSZ.
const Unlimited = -1

// SetField sets a value, which must not be negative; a size may be [Unlimited]. New water
// marks count at once: those who wait for room are enabled if there is some now. A band
// that does not exist yet is made. The error is EPERM for what can't be set, and EINVAL
// for a field or value that does not exist, or a band other than 0 where a field has
// none.
func (q *Queue) SetField(f Field, band uint8, v int) error {
	switch f {
	case QHiWat, QLoWat:
		if v < 0 {
			return EINVAL
		}
		l := q.makeLevel(band)
		if f == QHiWat {
			l.high = v
		} else {
			l.low = v
		}
		l.update()
		q.relax(l, band)
		return nil
	case QMaxPSz, QMinPSz:
		if v < 0 && (f == QMinPSz || v != Unlimited) || band != 0 {
			return EINVAL
		}
		if f == QMaxPSz {
			q.maxPacket = v
		} else {
			q.minPacket = v
		}
		return nil
	case QCount, QFirst, QLast, QFlag:
		return EPERM
	}
	return EINVAL
}

// Field returns a value. The error is EINVAL for a field that does not exist, or a band
// other than 0 where a field has none. A band that does not exist yet is empty and has
// the marks of band 0.
func (q *Queue) Field(f Field, band uint8) (int, error) {
	if band != 0 && (f == QMaxPSz || f == QMinPSz || f == QFlag) {
		return 0, EINVAL
	}
	l := q.level(band)
	if l == nil {
		l = &level{high: q.base.high, low: q.base.low}
	}
	switch f {
	case QHiWat:
		return l.high, nil
	case QLoWat:
		return l.low, nil
	case QMaxPSz:
		return q.maxPacket, nil
	case QMinPSz:
		return q.minPacket, nil
	case QCount:
		return l.bytes, nil
	case QFirst, QLast:
		return q.edge(f, band), nil
	case QFlag:
		return int(q.Flags()), nil
	}
	return 0, EINVAL
}

// edge returns the bytes of the first or last message of a band; band 0 includes high
// priority.
func (q *Queue) edge(f Field, band uint8) int {
	n := -1
	for m := q.first; m != nil; m = m.next {
		if m.class.band() == band {
			if n = m.bytes; f == QFirst {
				break
			}
		}
	}
	return n
}

// Flags returns the flags of the queue.
func (q *Queue) Flags() QueueFlags {
	f := q.flags &^ qClosing
	if q.base.full {
		f |= QFull
	}
	if q.base.want {
		f |= QWantW
	}
	if q.next == nil {
		f |= QEnd
	}
	return f
}
