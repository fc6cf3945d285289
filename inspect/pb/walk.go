package pb

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A walk writes a message's JSON while it reads the bytes for the first and only
// time. It can do so as long as no field asks for another to be looked at again:
// fields may come in any order, but what has to be merged or is replaced by a
// later one may not come. A message in which that happens is written from its
// entries, which takes three passes. The same is done for the whole payload at
// the first sign of damage, for a walk knows no error: of the two ways there is
// only one that says what is wrong, and it decides.

// verdict says how a walk ended.
type verdict uint8

const (
	done  verdict = iota
	again         // the message has to be written from its entries
	stop          // the payload has to be: it is damaged, or walking it costs too much
)

// maxRoom is how many messages within one another a walk enters before it leaves
// the next to be written from entries, where the limits of nesting are checked.
const maxRoom = 64

// minBudget is how many bytes of a small payload may be walked in vain.
const minBudget = 4096

// seg is a member that a walk has written.
type seg struct {
	fp       *fieldPlan
	off, end int  // in the output; end is set when the members are arranged
	absent   bool // a default that Options.Defaults added
}

// start walks the whole payload. It reports false when the payload has to be
// written from its entries; the output is as before then.
func (m *machine) start(mp *messagePlan) bool {
	m.walks = true
	m.budget, m.rewrites = len(m.src)+minBudget, 0
	before := len(m.out)
	m.segs, m.slots = m.segs[:0], m.slots[:0]
	room := m.enter(level{}.message())
	out, v := m.walk(m.out, mp, 0, len(m.src), room)
	m.walks = false
	if v != done {
		m.out = out[:before]
		return false
	}
	m.out = out
	return true
}

// enter sets the level of a message that is walked next and returns its room.
func (m *machine) enter(l level) int {
	room := min(maxRoom, maxDepth-l.depth, maxTotalDepth-l.total)
	m.floor = level{depth: l.depth + room, total: l.total + room, lax: l.lax}
	return room
}

// levelAt returns the level of a message that is walked with that much room.
func (m *machine) levelAt(room int) level {
	return level{depth: m.floor.depth - room, total: m.floor.total - room, lax: m.floor.lax}
}

// walk appends the JSON of the message in src[pos:end].
func (m *machine) walk(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	start, segs, slots := len(out), len(m.segs), len(m.slots)
	v := again
	switch {
	case room <= 0 || !mp.walkable:
	case mp.special == ordinary:
		out, _, v = m.walkObject(out, mp, pos, end, 0, room)
	default:
		out, v = m.walkSpecial(out, mp, pos, end, room)
	}
	if v == again {
		m.segs, m.slots = m.segs[:segs], m.slots[:slots]
		return m.rewrite(out[:start], mp, pos, end, room)
	}
	return out, v
}

// rewrite appends the JSON of the message in src[pos:end] from its entries. What
// was walked in vain is taken from a budget, for messages nested in one another
// could all end in a field that undoes the walk.
func (m *machine) rewrite(out []byte, mp *messagePlan, pos, end, room int) ([]byte, verdict) {
	if m.budget -= end - pos; m.budget < 0 {
		return out, stop
	}
	m.rewrites++
	floor, self := m.floor, len(m.entries)
	m.entries = append(m.entries, entry{off: int32(pos), end: int32(end), next: int32(end)})
	m.out = out
	err := m.assemble(mp, self, self+1, m.levelAt(room))
	m.floor, m.entries = floor, m.entries[:self]
	if err != nil {
		return m.out, stop
	}
	return m.out, done
}

// walkObject appends a message as an object of its fields. It ends at end or,
// when group is not 0, after the end tag of that group; it returns where.
func (m *machine) walkObject(out []byte, mp *messagePlan, pos, end int, group uint64, room int) ([]byte, int, verdict) {
	start := len(out)
	out, pos, v := m.walkFields(out, mp, pos, end, group, room)
	if v != done {
		return out, pos, v
	}
	return closed(out, start, '{', '}'), pos, done
}

// closed ends an object or array whose members were written from start on, each
// after a comma: the first comma becomes the bracket.
func closed(out []byte, start int, first, last byte) []byte {
	if len(out) == start {
		return append(out, first, last)
	}
	out[start] = first
	return append(out, last)
}

// walkFields appends the fields in src[pos:end], each after a comma.
func (m *machine) walkFields(out []byte, mp *messagePlan, pos, end int, group uint64, room int) ([]byte, int, verdict) {
	src := m.src[:end]
	at := members{base: len(m.segs), first: len(out), last: -1, defaults: mp.defaults}
	for pos < len(src) {
		tag, next := tagAt(src, pos)
		if next < 0 {
			return out, pos, stop
		}
		fp := mp.fieldOf(tag)
		if fp == nil {
			if tag == group<<3|uint64(EndGroup) && group != 0 {
				out, v := m.finish(out, mp, &at)
				return out, next, v
			}
			var v verdict
			if fp, pos, v = m.strange(mp, tag, next, end, group); v != done {
				return out, pos, v
			}
			if fp == nil {
				continue
			}
		}
		if fp.ord > at.last {
			at.last = fp.ord
		} else if at.shuffled = true; fp.ord == at.last && fp.ord != extOrd {
			return out, pos, again
		}
		if at.seen&fp.once != 0 {
			return out, pos, again
		}
		at.seen |= fp.once
		if len(at.defaults) > 0 {
			out = m.absentBefore(out, fp, &at)
		}
		m.segs = append(m.segs, seg{fp: fp, off: len(out)})
		var v verdict
		if out, pos, v = m.walkField(out, fp, tag, next, end, room); v != done {
			return out, pos, v
		}
	}
	if group != 0 {
		return out, pos, stop
	}
	out, v := m.finish(out, mp, &at)
	return out, pos, v
}

// members is what a walk knows of the message it is in.
type members struct {
	base     int    // of its segs
	first    int    // its first member's place in the output
	seen     uint64 // bits of the oneofs and required fields that have come
	last     int32  // the highest ord so far
	shuffled bool   // the members are not in the order of the output
	defaults []*fieldPlan
}

// fieldOf returns the plan of the field that a tag belongs to, nil if it has none
// or another wire type.
func (mp *messagePlan) fieldOf(tag uint64) *fieldPlan {
	var fp *fieldPlan
	if num := tag >> 3; num < uint64(len(mp.dense)) {
		fp = mp.dense[num]
	} else {
		fp = mp.sparse[protoreflect.FieldNumber(num)]
	}
	if fp == nil || fp.fits>>(tag&7)&1 == 0 {
		return nil
	}
	return fp
}

// strange returns the plan of an extension, or the offset after a field that the
// schema does not have.
func (m *machine) strange(mp *messagePlan, tag uint64, pos, end int, group uint64) (*fieldPlan, int, verdict) {
	num, wire := tag>>3, Wire(tag&7)
	if num-1 >= uint64(protowire.MaxValidNumber) {
		return nil, pos, stop
	}
	if mp.hasExts && mp.field(num) == nil {
		fp, err := mp.extension(protoreflect.FieldNumber(num))
		if err != nil {
			return nil, pos, stop
		}
		if fp != nil && fp.fits>>wire&1 != 0 {
			return fp, pos, done
		}
	}
	var l level
	if group != 0 {
		l.groups = maxRoom // at most: if that is too many for what follows, the entries decide
	}
	pos, err := m.skip(protowire.Number(num), wire, span{pos, end}, l)
	if err != nil {
		return nil, pos, stop
	}
	return nil, pos, done
}

// absentBefore appends the defaults of the fields that come before fp.
func (m *machine) absentBefore(out []byte, fp *fieldPlan, at *members) []byte {
	for len(at.defaults) > 0 && at.defaults[0].ord < fp.ord {
		out = m.absentMember(out, at.defaults[0])
		at.defaults = at.defaults[1:]
	}
	if len(at.defaults) > 0 && at.defaults[0] == fp {
		at.defaults = at.defaults[1:]
	}
	return out
}

func (m *machine) absentMember(out []byte, fp *fieldPlan) []byte {
	m.segs = append(m.segs, seg{fp: fp, off: len(out), absent: true})
	return append(out, fp.absent...)
}

// finish ends the members of a message.
func (m *machine) finish(out []byte, mp *messagePlan, at *members) ([]byte, verdict) {
	if at.seen&mp.need != mp.need && !m.floor.lax {
		return out, stop
	}
	for _, fp := range at.defaults {
		out = m.absentMember(out, fp)
	}
	if at.shuffled {
		ok := false
		if out, ok = m.arrange(out, at); !ok {
			return out, again
		}
	}
	m.segs = m.segs[:at.base]
	return out, done
}
