package pb

// walkField appends the member of a field whose value is at pos, and returns the
// offset after it. A list and a map take what follows of them, too.
func (m *machine) walkField(out []byte, fp *fieldPlan, tag uint64, pos, end, room int) ([]byte, int, verdict) {
	switch fp.shape {
	case scalarShape:
		return m.walkScalar(out, fp, pos, end)
	case messageShape:
		out = appendKey(out, fp)
		return m.walkMessage(out, fp, pos, end, room)
	case listShape:
		before := len(out)
		out = appendKey(out, fp)
		mark := len(out)
		out, pos, v := m.walkList(out, fp, tag, pos, end, room)
		if v == done && len(out) == mark {
			out = out[:before]
			if fp.always {
				out = append(out, fp.absent...)
			}
			return out, pos, v
		}
		return m.bracket(out, mark, v), pos, v
	default:
		out = appendKey(out, fp)
		return m.walkMap(out, fp, tag, pos, end, room)
	}
}

// bracket makes an array of the elements that were written from start on.
func (m *machine) bracket(out []byte, start int, v verdict) []byte {
	if v != done {
		return out
	}
	return closed(out, start, '[', ']')
}

// appendKey appends `,"name":`. It may write into the spare capacity behind: a
// copy of fixed size is the quickest.
func appendKey(out []byte, fp *fieldPlan) []byte {
	n := len(out)
	if rest := out[n:cap(out)]; len(rest) >= len(fp.keyBlock) && fp.keyLen != 0 {
		*(*[keyBlock]byte)(rest) = fp.keyBlock
		return out[:n+int(fp.keyLen)]
	}
	return append(out, fp.key...)
}

// walkScalar appends the member of a field that is not a message, unless it is
// zero and has no presence.
func (m *machine) walkScalar(out []byte, fp *fieldPlan, pos, end int) ([]byte, int, verdict) {
	val, off, next := m.read(fp.wire, pos, end)
	if next < 0 {
		return out, pos, stop
	}
	if val&fp.mask == 0 && !fp.presence && !fp.always {
		return out, next, done
	}
	out, ok := fp.appendValue(appendKey(out, fp), m.src, val, off, next)
	if !ok {
		return out, next, stop
	}
	return out, next, done
}

// walkMessage appends the message at pos, a group or one with a length, which is
// in a message with that much room.
func (m *machine) walkMessage(out []byte, fp *fieldPlan, pos, end, room int) ([]byte, int, verdict) {
	mp := fp.message(m.c)
	if fp.wire == StartGroup {
		if room <= 1 || !mp.walkable || mp.special != ordinary {
			return out, pos, again
		}
		return m.walkObject(out, mp, pos, end, uint64(fp.num), room-1)
	}
	_, off, next := m.read(Bytes, pos, end)
	if next < 0 {
		return out, pos, stop
	}
	out, v := m.walk(out, mp, off, next, room-1)
	return out, next, v
}

// walkList appends the elements of a list from the one whose value is at pos,
// each after a comma, up to a field that is not of the list.
func (m *machine) walkList(out []byte, fp *fieldPlan, tag uint64, pos, end, room int) (_ []byte, next int, v verdict) {
	for {
		switch wire := Wire(tag & 7); {
		case wire == Bytes && fp.packable:
			out, pos, v = m.walkPacked(out, fp, pos, end)
		case fp.isMessage:
			out, pos, v = m.walkMessage(append(out, ','), fp, pos, end, room)
		default:
			val, off, next := m.read(wire, pos, end)
			if next < 0 {
				return out, pos, stop
			}
			ok := false
			if out, ok = fp.appendValue(append(out, ','), m.src, val, off, next); !ok {
				return out, pos, stop
			}
			pos = next
		}
		if v != done || pos >= end {
			return out, pos, v
		}
		t, next := tagAt(m.src[:end], pos)
		if next < 0 || t>>3 != uint64(fp.num) || fp.fits>>(t&7)&1 == 0 {
			return out, pos, done
		}
		tag, pos = t, next
	}
}

// walkPacked appends packed elements.
func (m *machine) walkPacked(out []byte, fp *fieldPlan, pos, end int) ([]byte, int, verdict) {
	_, off, last := m.read(Bytes, pos, end)
	if last < 0 {
		return out, pos, stop
	}
	for off < last {
		val, _, next := m.read(fp.wire, off, last)
		if next < 0 {
			return out, pos, stop
		}
		out, _ = fp.appendValue(append(out, ','), m.src, val, off, next) // a number: cannot fail
		off = next
	}
	return out, last, done
}
