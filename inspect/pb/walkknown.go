package pb

import (
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// walkSpecial appends a message that has a JSON form of its own.
func (m *machine) walkSpecial(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	switch mp.special {
	case timestampType, durationType:
		return m.walkTime(out, mp, pos, end)
	case wrapperType:
		return m.walkWrapper(out, mp, pos, end)
	case structType, listType:
		return m.walkOnly(out, mp, pos, end, room)
	case valueType:
		return m.walkValue(out, mp, pos, end, room)
	case anyType:
		return m.walkAny(out, mp, pos, end, room)
	case maskType:
		return m.walkMask(out, mp, pos, end)
	}
	return out, again
}

// unknowns returns the offset of the next field from pos on that the schema has,
// or end.
func (m *machine) unknowns(mp *messagePlan, pos, end int) (int, verdict) {
	for pos < end {
		tag, next := tagAt(m.src[:end], pos)
		if next < 0 {
			return pos, stop
		}
		if mp.fieldOf(tag) != nil {
			return pos, done
		}
		var v verdict
		if _, pos, v = m.strange(mp, tag, next, end, 0); v != done {
			return pos, v
		}
	}
	return pos, done
}

// only ends the walk of a message that may have no more fields.
func (m *machine) only(mp *messagePlan, pos, end int) verdict {
	if pos == end {
		return done
	}
	pos, v := m.unknowns(mp, pos, end)
	if v == done && pos != end {
		return again
	}
	return v
}

// expect returns the offset after the tag of field 1 with that wire type, which
// takes one byte. It returns end for a message that has no such field.
func (m *machine) expect(mp *messagePlan, wire Wire, pos, end int) (next int, v verdict) {
	tag := 1<<3 | byte(wire)
	if pos < end && m.src[pos] != tag {
		if pos, v = m.unknowns(mp, pos, end); v != done {
			return pos, v
		}
	}
	switch {
	case pos == end:
		return end, done
	case m.src[pos] != tag || pos+1 == end: // a tag of several bytes, or a field without a value
		return pos, again
	}
	return pos + 1, done
}

// walkTime appends a Timestamp or Duration.
func (m *machine) walkTime(out []byte, mp *messagePlan, pos, end int) ([]byte, verdict) {
	var secs, nanos uint64
	src := m.src[:end]
	for pos < end {
		into := &secs
		switch src[pos] {
		case 1 << 3:
		case 2 << 3:
			into = &nanos
		default:
			at, v := m.unknowns(mp, pos, end)
			if v == done && at == pos {
				v = again
			}
			if v != done {
				return out, v
			}
			pos = at
			continue
		}
		v, next := varintAt(src, pos+1)
		if next < 0 {
			return out, stop
		}
		*into, pos = v, next
	}
	at := moment{int64(secs), int64(int32(nanos))}
	if mp.special == durationType {
		if at.durationProblem() != "" {
			return out, stop
		}
		return at.appendDuration(out), done
	}
	if at.timestampProblem() != "" {
		return out, stop
	}
	return at.appendTimestamp(out), done
}

// walkWrapper appends the value of the only field, which may be absent.
func (m *machine) walkWrapper(out []byte, mp *messagePlan, pos, end int) ([]byte, verdict) {
	fp := mp.only
	pos, v := m.expect(mp, fp.wire, pos, end)
	if v != done {
		return out, v
	}
	val, off, next := fp.zero, pos, pos
	if pos < end {
		if val, off, next = m.read(fp.wire, pos, end); next < 0 {
			return out, stop
		}
	}
	out, ok := fp.appendValue(out, m.src, val, off, next)
	if !ok {
		return out, stop
	}
	return out, m.only(mp, next, end)
}

// walkOnly appends the map of a Struct or the list of a ListValue.
func (m *machine) walkOnly(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	fp, start := mp.only, len(out)
	pos, v := m.expect(mp, Bytes, pos, end)
	if v != done {
		return out, v
	}
	const tag = 1<<3 | uint64(Bytes)
	switch {
	case pos == end && fp.shape == mapShape:
		return append(out, '{', '}'), done
	case pos == end:
		return append(out, '[', ']'), done
	case fp.shape == mapShape:
		out, pos, v = m.walkMap(out, fp, tag, pos, end, room)
	default:
		out, pos, v = m.walkList(out, fp, tag, pos, end, room)
		out = m.bracket(out, start, v)
	}
	if v != done {
		return out, v
	}
	return out, m.only(mp, pos, end)
}

// walkMask appends a FieldMask.
func (m *machine) walkMask(out []byte, mp *messagePlan, pos, end int) ([]byte, verdict) {
	out = append(out, '"')
	before := len(out)
	for pos < end {
		next, v := m.expect(mp, Bytes, pos, end)
		if v != done {
			return out, v
		}
		if next == end {
			break
		}
		_, off, next := m.read(Bytes, next, end)
		if next < 0 {
			return out, stop
		}
		if len(out) > before {
			out = append(out, ',')
		}
		ok := validPath(m.src[off:next])
		if ok {
			out, ok = appendCamel(out, m.src[off:next])
		}
		if !ok {
			return out, stop
		}
		pos = next
	}
	return append(out, '"'), done
}

// walkValue appends a Value that has exactly one field.
func (m *machine) walkValue(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	pos, v := m.unknowns(mp, pos, end)
	if v != done || pos == end {
		return out, stop // a Value must have a field
	}
	tag, pos := tagAt(m.src[:end], pos)
	fp := mp.fieldOf(tag)
	if fp.shape == messageShape {
		if out, pos, v = m.walkMessage(out, fp, pos, end, room); v != done {
			return out, v
		}
		return out, m.only(mp, pos, end)
	}
	val, off, next := m.read(fp.wire, pos, end)
	switch {
	case next < 0:
		return out, stop
	case fp.kind == protoreflect.DoubleKind && !finite(math.Float64frombits(val)):
		return out, stop
	}
	out, ok := fp.appendValue(out, m.src, val, off, next)
	if !ok {
		return out, stop
	}
	return out, m.only(mp, next, end)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// walkAny appends an Any whose type URL comes before its value.
func (m *machine) walkAny(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	pos, v := m.expect(mp, Bytes, pos, end)
	switch {
	case v != done:
		return out, v
	case pos == end:
		return append(out, '{', '}'), done
	}
	size, url, next := m.read(Bytes, pos, end)
	if next < 0 {
		return out, stop
	}
	target, err := m.c.byURL(m.src[url:next])
	if size == 0 || err != nil {
		return out, again
	}
	start := len(out)
	out, ok := appendString(append(out, `,"@type":`...), m.src[url:next])
	if !ok {
		return out, stop
	}
	from, to := len(m.src), len(m.src)
	if next < end && m.src[next] == 2<<3|byte(Bytes) {
		if _, from, to = m.read(Bytes, next+1, end); to < 0 {
			return out, stop
		}
		next = to
	}
	if v = m.only(mp, next, end); v != done {
		return out, v
	}
	out, v = m.walkContent(out, target, from, to, room)
	if v == done {
		out = closed(out, start, '{', '}')
	}
	return out, v
}

// walkContent appends what an Any holds, as members of the Any. Parsing starts
// anew in it: nesting counts from one, and required fields are not asked for.
func (m *machine) walkContent(out []byte, target *messagePlan, pos, end, room int) ([]byte, verdict) {
	floor := m.floor
	m.floor = level{depth: room, total: floor.total, lax: true} // depth 1 at room-1
	v := again
	if target.special != ordinary {
		out, v = m.walk(append(out, `,"value":`...), target, pos, end, room-1)
	} else if room > 1 && target.walkable {
		out, _, v = m.walkFields(out, target, pos, end, 0, room-1)
	}
	m.floor = floor
	return out, v
}
