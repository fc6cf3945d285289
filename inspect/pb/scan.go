package pb

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// maxDepth is protobuf-go's recursion limit: messages within messages, a map
	// counting as one.
	maxDepth = protowire.DefaultRecursionLimit
	// maxGroups is how many groups protobuf-go reads within one another.
	maxGroups = protowire.DefaultRecursionLimit + 1
	// maxTotalDepth bounds what an Any within an Any adds, where protobuf-go
	// starts to count anew; past it the stack would not be safe.
	maxTotalDepth = 10 * maxDepth
)

// entry is one occurrence of a known field, with a wire type that fits.
type entry struct {
	fp    *fieldPlan
	start int32  // of the tag
	off   int32  // of the value
	end   int32  // of the value
	next  int32  // after the field: end, but for a group's end tag
	val   uint64 // a scalar's wire value, or a LEN value's length
}

// level is where in the nesting a message is.
type level struct {
	depth  int  // messages around it and itself, as protobuf-go counts
	groups int  // groups around it, up to the nearest LEN field
	total  int  // messages around it, through every Any
	lax    bool // within an Any: required fields are not checked
}

func (l level) message() level { return level{l.depth + 1, 0, l.total + 1, l.lax} }

// in is the level of a message in field fp.
func (l level) in(fp *fieldPlan) level {
	n := l.message()
	if fp.kind == protoreflect.GroupKind {
		n.groups = l.groups + 1
	}
	return n
}

func (l level) check(off int) error {
	if l.depth > maxDepth || l.total > maxTotalDepth {
		return fail(off, "messages are nested deeper than %d levels", maxDepth)
	}
	return nil
}

// index finds the fields of a message and puts them behind those already on
// m.entries, in output order; the message is spread over the values of the
// entries lo to hi. It returns where they begin.
func (m *machine) index(mp *messagePlan, lo, hi int, l level) (int, error) {
	base := len(m.entries)
	for i := lo; i < hi; i++ {
		var err error
		if off, end := int(m.entries[i].off), int(m.entries[i].end); mp.set {
			err = m.scanSet(mp, off, end, l)
		} else {
			err = m.scan(mp, off, end, l)
		}
		if err != nil {
			return base, err
		}
	}
	ordered, choices := m.survey(base)
	if choices > 1 {
		if err := m.resolveOneofs(mp, base, l); err != nil {
			return base, err
		}
	}
	if !ordered {
		slices.SortStableFunc(m.entries[base:], byOrder)
	}
	return base, nil
}

// survey reports whether the entries from base are in output order already, and
// how many are members of a oneof.
func (m *machine) survey(base int) (ordered bool, choices int) {
	ordered = true
	last := int32(-1)
	entries := m.entries[base:]
	for i := range entries {
		fp := entries[i].fp
		if fp.oneof >= 0 {
			choices++
		}
		// Extensions are sorted by name whenever there are several.
		ordered = ordered && (fp.ord > last || fp.ord == last && last != extOrd)
		last = fp.ord
	}
	return ordered, choices
}

func byOrder(a, b entry) int { return compareFields(a.fp, b.fp) }

// compareFields compares the places of two fields in the output.
func compareFields(a, b *fieldPlan) int {
	if a.ord == extOrd && b.ord == extOrd {
		return cmp.Compare(a.extName, b.extName)
	}
	return int(a.ord) - int(b.ord)
}

// offset is a place to blame for a whole message.
func (m *machine) offset(lo, hi int) int {
	if lo < hi {
		return int(m.entries[lo].off)
	}
	return len(m.src)
}

// scan appends the known fields in src[pos:end] to m.entries, in wire order.
func (m *machine) scan(mp *messagePlan, pos, end int, l level) error {
	src := m.src[:end]
	for pos < end {
		start := pos
		tag := uint64(src[pos])
		pos++
		if tag >= 0x80 {
			var n int
			if tag, n = protowire.ConsumeVarint(src[start:]); n < 0 {
				return fail(start, "field tag: %s", varintProblem(n))
			}
			pos = start + n
		}
		num, wire := tag>>3, Wire(tag&7)
		if num-1 >= uint64(protowire.MaxValidNumber) {
			return fail(start, "field number %d is not allowed", num)
		}
		fp := mp.field(num)
		if fp == nil && mp.hasExts {
			var err error
			if fp, err = mp.extension(protoreflect.FieldNumber(num)); err != nil {
				return fail(start, "%v", err)
			}
		}
		var err error
		if fp == nil || wire != fp.wire && (wire != Bytes || !fp.packable) {
			if fp != nil && fp.shape == mapShape && l.depth >= maxDepth {
				return l.message().check(start)
			}
			pos, err = m.skip(protowire.Number(num), wire, span{pos, end}, l)
		} else {
			pos, err = m.known(fp, wire, start, span{pos, end}, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// known reads the value of a known field and returns the offset after it.
func (m *machine) known(fp *fieldPlan, wire Wire, start int, at span, l level) (int, error) {
	e := entry{fp: fp, start: int32(start), off: int32(at.off)}
	pos := at.off
	src := m.src[:at.end]
	switch wire {
	case Varint, Bytes:
		var n int
		if pos < len(src) && src[pos] < 0x80 {
			e.val, n = uint64(src[pos]), 1
		} else if e.val, n = protowire.ConsumeVarint(src[pos:]); n < 0 {
			return 0, within(fail(pos, "%s", varintProblem(n)), "."+fp.name)
		}
		pos += n
		if wire == Bytes {
			if e.val > uint64(at.end-pos) {
				return 0, within(fail(pos, "declares %d bytes, %d remain", e.val, at.end-pos), "."+fp.name)
			}
			e.off = int32(pos)
			pos += int(e.val)
		}
	case Fixed32:
		if at.end-pos < 4 {
			return 0, within(fail(pos, "needs 4 bytes, %d remain", at.end-pos), "."+fp.name)
		}
		e.val = uint64(binary.LittleEndian.Uint32(src[pos:]))
		pos += 4
	case Fixed64:
		if at.end-pos < 8 {
			return 0, within(fail(pos, "needs 8 bytes, %d remain", at.end-pos), "."+fp.name)
		}
		e.val = binary.LittleEndian.Uint64(src[pos:])
		pos += 8
	default:
		end, next, err := m.endOfGroup(fp.num, at, l, true)
		if err != nil {
			return 0, within(err, "."+fp.name)
		}
		e.end, e.next = int32(end), int32(next)
		m.entries = append(m.entries, e)
		return next, nil
	}
	e.end, e.next = int32(pos), int32(pos)
	m.entries = append(m.entries, e)
	return pos, nil
}

// skip returns the offset after the value of an unknown field.
func (m *machine) skip(num protowire.Number, wire Wire, at span, l level) (int, error) {
	switch wire {
	case StartGroup:
		_, next, err := m.endOfGroup(num, at, l, false)
		return next, err
	case EndGroup:
		return 0, fail(at.off, "end of group %d without its start", num)
	case 6, 7:
		return 0, fail(at.off, "field %d has wire type %d, which does not exist", num, wire)
	}
	n := protowire.ConsumeFieldValue(num, protowire.Type(wire), m.src[at.off:at.end])
	if n < 0 {
		return 0, fail(at.off, "field %d: %s value is cut off or too long", num, wire)
	}
	return at.off + n, nil
}

// openGroup is a group whose end is being looked for.
type openGroup struct {
	num protowire.Number
	off int
}

// endOfGroup returns the offset of the end tag of group num, whose content
// starts at.off, and the offset after it. With keep, when the content will be
// scanned, it remembers the ends of the groups within, so that groups nested n
// deep cost n, not n².
func (m *machine) endOfGroup(num protowire.Number, at span, l level, keep bool) (end, next int, err error) {
	if known, ok := m.groupEnds[at.off]; ok {
		return known.off, known.end, nil
	}
	open := append(m.openGroups[:0], openGroup{num, at.off})
	defer func() { m.openGroups = open[:0] }()
	for pos := at.off; pos < at.end; {
		num, typ, n := protowire.ConsumeTag(m.src[pos:at.end])
		if n < 0 {
			return 0, 0, fail(pos, "field tag in group %d cannot be read", open[len(open)-1].num)
		}
		start := pos
		pos += n
		switch typ {
		case protowire.StartGroupType:
			open = append(open, openGroup{num, pos})
			if l.groups+len(open) > maxGroups {
				return 0, 0, fail(start, "groups are nested deeper than %d levels", maxGroups)
			}
		case protowire.EndGroupType:
			g := open[len(open)-1]
			if g.num != num {
				return 0, 0, fail(start, "end of group %d inside group %d", num, g.num)
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return start, pos, nil
			}
			if keep {
				m.keepGroup(g.off, span{start, pos})
			}
		default:
			if pos, err = m.skip(num, Wire(typ), span{pos, at.end}, l); err != nil {
				return 0, 0, err
			}
		}
	}
	return 0, 0, fail(at.off, "group %d has no end", num)
}

func (m *machine) keepGroup(off int, end span) {
	if m.groupEnds == nil {
		m.groupEnds = map[int]span{}
	}
	m.groupEnds[off] = end
}

// oneofState is what is known of a oneof from its last member back.
type oneofState struct {
	winner *fieldPlan
	closed bool // another member came after: what is before counts no more
}

// resolveOneofs drops the entries from base that a later member of the same
// oneof replaces. The entries are in wire order.
func (m *machine) resolveOneofs(mp *messagePlan, base int, l level) error {
	var few [8]oneofState // of a size that needs no allocation
	oneofs := few[:]
	if mp.oneofs > len(few) {
		oneofs = make([]oneofState, mp.oneofs)
	}
	top := len(m.entries)
	for i := top - 1; i >= base; i-- {
		e := m.entries[i]
		if e.fp.oneof < 0 {
			continue
		}
		s := &oneofs[e.fp.oneof]
		if s.winner == nil {
			s.winner = e.fp
		}
		if s.closed = s.closed || s.winner != e.fp; !s.closed {
			continue
		}
		if err := m.validate(e, l); err != nil {
			return err
		}
		m.entries[i].fp = nil
	}
	live := slices.DeleteFunc(m.entries[base:top], func(e entry) bool { return e.fp == nil })
	m.entries = m.entries[:base+len(live)]
	return nil
}

// validate checks a field that is not written, as protobuf-go does before it
// forgets the value. l is the level of the message that holds it.
func (m *machine) validate(e entry, l level) error {
	switch {
	case e.fp.utf8 && !utf8.Valid(m.src[e.off:e.end]):
		return within(fail(int(e.off), "not valid UTF-8"), "."+e.fp.name)
	case e.fp.packable && m.packed(e):
		return m.validatePacked(e)
	case e.fp.fd.Message() == nil:
		return nil
	}
	l = l.in(e.fp)
	if err := l.check(int(e.off)); err != nil {
		return err
	}
	self := len(m.entries)
	m.entries = append(m.entries, e)
	base, err := m.index(e.fp.message(m.c), self, self+1, l)
	for i := base; i < len(m.entries) && err == nil; i++ {
		err = m.validate(m.entries[i], l)
	}
	m.entries = m.entries[:self]
	if err != nil {
		return within(err, "."+e.fp.name)
	}
	return nil
}

// packed reports whether an entry of a packable field holds packed elements.
func (m *machine) packed(e entry) bool { return Wire(m.src[e.start]&7) == Bytes }

func (m *machine) validatePacked(e entry) error {
	for pos := int(e.off); pos < int(e.end); {
		_, n := consume(m.src[pos:e.end], e.fp.wire)
		if n < 0 {
			return within(fail(pos, "packed element is cut off or too long"), "."+e.fp.name)
		}
		pos += n
	}
	return nil
}
