package pb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// slot is an entry of a map that is walked.
type slot struct {
	order    uint64 // sorts as the keys do; of strings, their first eight bytes do
	keyVal   uint64
	val      uint64
	key      span32 // a string key's content
	value    span32 // no bytes when the entry has no value
	hasValue bool
}

// span32 is a range of the payload.
type span32 struct{ off, end int32 }

// walkMap appends the entries of a map from the one at pos, in the order of the
// keys, up to a field that is not of the map.
func (m *machine) walkMap(out []byte, fp *fieldPlan, tag uint64, pos, end, room int) ([]byte, int, verdict) {
	base := len(m.slots)
	ordered := true
	for {
		_, off, next := m.read(Bytes, pos, end)
		if next < 0 {
			return out, pos, stop
		}
		var s slot
		if v := m.readSlot(&s, fp, off, next); v != done {
			return out, pos, v
		}
		if ordered && len(m.slots) > base {
			ordered = m.compareSlots(fp, &m.slots[len(m.slots)-1], &s) < 0
		}
		m.slots = append(m.slots, s)
		pos = next
		if pos >= end {
			break
		}
		t, after := tagAt(m.src[:end], pos)
		if after < 0 || t != tag {
			break
		}
		pos = after
	}
	if !ordered && !m.sortSlots(fp, base) {
		return out, pos, again
	}
	out, v := m.writeSlots(out, fp, base, room)
	m.slots = m.slots[:base]
	return out, pos, v
}

// readSlot reads a map entry that has at most a key and a value after it.
func (m *machine) readSlot(s *slot, fp *fieldPlan, pos, end int) verdict {
	key, value := fp.mapKey, fp.mapValue
	if pos < end && m.src[pos] == 1<<3|byte(key.wire) {
		val, off, next := m.read(key.wire, pos+1, end)
		if next < 0 {
			return stop
		}
		s.keyVal, s.key, pos = val, span32{int32(off), int32(next)}, next
	}
	if key.kind == protoreflect.StringKind {
		s.order = prefix(m.src[s.key.off:s.key.end])
	} else {
		s.order = keyOrder(key.kind, s.keyVal)
	}
	if pos < end && m.src[pos] == 2<<3|byte(value.wire) {
		val, off, next := m.read(value.wire, pos+1, end)
		if next < 0 {
			return stop
		}
		s.val, s.value, s.hasValue, pos = val, span32{int32(off), int32(next)}, true, next
	}
	if pos != end {
		return again
	}
	return done
}

// prefix gives the first eight bytes of s as a number that sorts as they do.
func prefix(s []byte) (v uint64) {
	if len(s) >= 8 {
		return binary.BigEndian.Uint64(s)
	}
	for i, c := range s {
		v |= uint64(c) << (56 - 8*i)
	}
	return v
}

func (m *machine) compareSlots(fp *fieldPlan, a, b *slot) int {
	if n := cmp.Compare(a.order, b.order); n != 0 || fp.mapKey.kind != protoreflect.StringKind {
		return n
	}
	return bytes.Compare(m.src[a.key.off:a.key.end], m.src[b.key.off:b.key.end])
}

// sortSlots sorts the slots from base; it is false when two have the same key.
func (m *machine) sortSlots(fp *fieldPlan, base int) bool {
	slots := m.slots[base:]
	slices.SortFunc(slots, func(a, b slot) int { return m.compareSlots(fp, &a, &b) })
	for i := range slots[1:] {
		if m.compareSlots(fp, &slots[i], &slots[i+1]) == 0 {
			return false
		}
	}
	return true
}

// writeSlots appends the object that the slots from base make.
func (m *machine) writeSlots(out []byte, fp *fieldPlan, base, room int) ([]byte, verdict) {
	start, top := len(out), len(m.slots)
	for i := base; i < top; i++ {
		s := &m.slots[i]
		out = append(out, ',')
		ok := true
		if fp.mapKey.kind == protoreflect.StringKind {
			out, ok = appendString(out, m.src[s.key.off:s.key.end])
		} else {
			out = append(out, '"')
			out = append(appendPlainKey(out, fp.mapKey.kind, s.keyVal), '"')
		}
		if !ok {
			return out, stop
		}
		out = append(out, ':')
		var v verdict
		if out, v = m.slotValue(out, fp.mapValue, *s, room); v != done {
			return out, v
		}
	}
	return closed(out, start, '{', '}'), done
}

// slotValue appends a map entry's value. The map is in a message with that much
// room, and each of its entries counts as a message.
func (m *machine) slotValue(out []byte, fp *fieldPlan, s slot, room int) ([]byte, verdict) {
	switch {
	case fp.shape == messageShape && !s.hasValue:
		return m.walk(out, fp.message(m.c), len(m.src), len(m.src), room-2)
	case fp.shape == messageShape:
		return m.walk(out, fp.message(m.c), int(s.value.off), int(s.value.end), room-2)
	case !s.hasValue:
		s.val = fp.zero
	}
	out, ok := fp.appendValue(out, m.src, s.val, int(s.value.off), int(s.value.end))
	if !ok {
		return out, stop
	}
	return out, done
}
