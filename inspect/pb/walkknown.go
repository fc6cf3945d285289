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
		return m.walkWrapper(out, mp.only, pos, end)
	case structType, listType:
		return m.walkOnly(out, mp.only, pos, end, room)
	case valueType:
		return m.walkValue(out, mp, pos, end, room)
	case anyType:
		return m.walkAny(out, mp, pos, end, room)
	}
	return out, again
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
			return out, again
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
func (m *machine) walkWrapper(out []byte, fp *fieldPlan, pos, end int) ([]byte, verdict) {
	val, off, next := fp.zero, pos, pos
	if pos < end {
		if m.src[pos] != 1<<3|byte(fp.wire) {
			return out, again
		}
		if val, off, next = m.read(fp.wire, pos+1, end); next < 0 {
			return out, stop
		}
	}
	if next != end {
		return out, again
	}
	out, ok := fp.appendValue(out, m.src, val, off, next)
	if !ok {
		return out, stop
	}
	return out, done
}

// walkOnly appends the map of a Struct or the list of a ListValue.
func (m *machine) walkOnly(out []byte, fp *fieldPlan, pos, end, room int) ([]byte, verdict) {
	start := len(out)
	if pos == end {
		if fp.shape == mapShape {
			return append(out, '{', '}'), done
		}
		return append(out, '[', ']'), done
	}
	const tag = 1<<3 | uint64(Bytes)
	if uint64(m.src[pos]) != tag {
		return out, again
	}
	var v verdict
	if fp.shape == mapShape {
		out, pos, v = m.walkMap(out, fp, tag, pos+1, end, room)
	} else {
		out, pos, v = m.walkList(out, fp, tag, pos+1, end, room)
		out = m.bracket(out, start, v)
	}
	if v == done && pos != end {
		v = again
	}
	return out, v
}

// walkValue appends a Value that has exactly one field.
func (m *machine) walkValue(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	if pos == end {
		return out, stop
	}
	tag, pos := tagAt(m.src[:end], pos)
	if pos < 0 {
		return out, stop
	}
	fp := mp.fieldOf(tag)
	switch {
	case fp == nil:
		return out, again
	case fp.shape == messageShape:
		out, next, v := m.walkMessage(out, fp, pos, end, room)
		if v == done && next != end {
			v = again
		}
		return out, v
	}
	val, off, next := m.read(fp.wire, pos, end)
	switch {
	case next < 0:
		return out, stop
	case next != end:
		return out, again
	case fp.kind == protoreflect.DoubleKind && !finite(math.Float64frombits(val)):
		return out, stop
	}
	out, ok := fp.appendValue(out, m.src, val, off, next)
	if !ok {
		return out, stop
	}
	return out, done
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// walkAny appends an Any whose type URL comes before its value.
func (m *machine) walkAny(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	const urlTag, valueTag = 1<<3 | byte(Bytes), 2<<3 | byte(Bytes)
	if pos == end || m.src[pos] != urlTag {
		return out, again
	}
	size, url, next := m.read(Bytes, pos+1, end)
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
	if next < end {
		if m.src[next] != valueTag {
			return out, again
		}
		if _, from, to = m.read(Bytes, next+1, end); to < 0 {
			return out, stop
		}
		if to != end {
			return out, again
		}
	}
	out, v := m.walkContent(out, target, from, to, room)
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
