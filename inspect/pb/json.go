package pb

import (
	"errors"
	"math"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// machine is the scratch of one run of a plan.
type machine struct {
	c          *compiler
	src        []byte
	out        []byte
	entries    []entry   // a stack: each message in progress has a run of it
	items      []mapItem // a stack likewise, of the maps in progress
	groupEnds  map[int]span
	openGroups []openGroup
	segs       []seg   // a stack likewise, of the messages that are walked
	slots      []slot  // and of the maps that are walked
	copied     []byte  // members while they are arranged
	walks      bool    // messages are walked where they can be
	budget     int     // how many bytes may still be walked in vain
	rewrites   int     // how many messages a walk has left to their entries
	floor      level   // where in the nesting a walk has no room any more
	lk         *linker // nil: compact JSON without links
	linker     linker
}

// maxPayload is the largest payload a plan takes: entries keep 32-bit offsets.
const maxPayload = math.MaxInt32

// AppendJSON appends the compact JSON of payload to dst. What it writes is what
// protojson writes for the same options, without the random spaces; what
// protobuf-go rejects gives an *Error, and dst as it was. The spare capacity of
// dst is used as scratch: nothing of it is kept, even behind the result. With
// enough of it nothing is allocated.
func (p *Plan) AppendJSON(dst, payload []byte) ([]byte, error) {
	m := p.c.machine()
	defer p.c.release(m)
	m.out = dst
	if err := m.run(p.root, payload); err != nil {
		return dst, err
	}
	return m.out, nil
}

func (c *compiler) machine() *machine {
	if m, ok := c.pool.Get().(*machine); ok {
		return m
	}
	return &machine{c: c}
}

// maxKept bounds the scratch that is kept for the next run.
const maxKept = 1 << 16

func (c *compiler) release(m *machine) {
	m.src, m.out, m.lk = nil, nil, nil
	if len(m.groupEnds) > maxKept {
		m.groupEnds = nil
	}
	clear(m.groupEnds)
	if max(cap(m.linker.found), cap(m.linker.names)/32) > maxKept {
		m.linker = linker{}
	}
	if max(cap(m.entries), cap(m.items), cap(m.openGroups), cap(m.segs), cap(m.slots), cap(m.copied)/16) > maxKept {
		return
	}
	c.pool.Put(m)
}

func (m *machine) run(mp *messagePlan, payload []byte) error {
	if len(payload) > maxPayload {
		return fail(0, "the message has %d bytes, more than 2 GiB", len(payload))
	}
	m.src = payload
	if m.lk == nil && m.start(mp) {
		return nil
	}
	m.entries = append(m.entries[:0], entry{end: int32(len(payload)), next: int32(len(payload))})
	m.items = m.items[:0]
	return finish(m.message(mp, 0, 1, level{}.message()))
}

// errWalk says that the payload has to be written from its entries.
var errWalk = errors.New("the walk stopped")

// message writes the message whose fields are in the values of the entries lo
// to hi: several when a singular message occurs several times and is merged.
func (m *machine) message(mp *messagePlan, lo, hi int, l level) error {
	if !m.walks || hi-lo != 1 || l.groups > 0 {
		return m.assemble(mp, lo, hi, l)
	}
	e, floor := m.entries[lo], m.floor
	out, v := m.walk(m.out, mp, int(e.off), int(e.end), m.enter(l))
	m.out, m.floor = out, floor
	if v != done {
		return errWalk
	}
	return nil
}

// assemble writes a message from the entries that its fields make.
func (m *machine) assemble(mp *messagePlan, lo, hi int, l level) error {
	if err := l.check(m.offset(lo, hi)); err != nil {
		return err
	}
	if mp.special != ordinary {
		return m.wellKnown(mp, lo, hi, l)
	}
	m.open('{')
	if err := m.members(mp, lo, hi, l); err != nil {
		return err
	}
	m.close('}')
	return nil
}

// members writes the fields of a message that has no JSON form of its own.
func (m *machine) members(mp *messagePlan, lo, hi int, l level) error {
	base, err := m.index(mp, lo, hi, l)
	if err != nil {
		return err
	}
	top := len(m.entries)
	if len(mp.required) > 0 && !l.lax {
		if err := m.checkRequired(mp, base, lo, hi); err != nil {
			return err
		}
	}
	defaults := mp.defaults
	for i := base; i < top; {
		fp, j := m.entries[i].fp, i+1
		for j < top && m.entries[j].fp == fp {
			j++
		}
		for len(defaults) > 0 && defaults[0].ord < fp.ord {
			m.absent(defaults[0])
			defaults = defaults[1:]
		}
		asDefault := len(defaults) > 0 && defaults[0] == fp
		if asDefault {
			defaults = defaults[1:]
		}
		if err := m.field(fp, i, j, asDefault, l); err != nil {
			return within(err, "."+fp.name)
		}
		i = j
	}
	for _, fp := range defaults {
		m.absent(fp)
	}
	m.entries = m.entries[:base]
	return nil
}

func (m *machine) checkRequired(mp *messagePlan, base, lo, hi int) error {
	i := base
	for _, fp := range mp.required {
		for i < len(m.entries) && m.entries[i].fp.ord < fp.ord {
			i++
		}
		if i == len(m.entries) || m.entries[i].fp != fp {
			return fail(m.offset(lo, hi), "required field %s is missing", fp.fd.FullName())
		}
	}
	return nil
}

// field writes the member of field fp, which occurs as the entries i to j.
// always writes it even when protojson counts it as not set.
func (m *machine) field(fp *fieldPlan, i, j int, always bool, l level) error {
	switch fp.shape {
	case scalarShape:
		last := &m.entries[j-1]
		if !fp.presence && last.val&fp.mask == 0 && !always {
			return m.overwritten(i, j, l)
		}
		if err := m.overwritten(i, j, l); err != nil {
			return err
		}
		i = j - 1
	case listShape:
		if !always && m.emptyList(fp, i, j) {
			return nil
		}
	case messageShape, mapShape: // one that occurs is set
	}
	mark := m.member(fp, i, j)
	if err := m.value(fp, i, j, l); err != nil {
		return err
	}
	m.endMember(mark)
	return nil
}

// value writes the value of a field that occurs as the entries i to j.
func (m *machine) value(fp *fieldPlan, i, j int, l level) error {
	switch fp.shape {
	case scalarShape:
		return m.scalar(fp, m.entries[j-1])
	case messageShape:
		return m.message(fp.message(m.c), i, j, l.in(fp))
	case listShape:
		return m.list(fp, i, j, l)
	default:
		return m.mapField(fp, i, j, l)
	}
}

// overwritten checks the scalars that a later one replaces.
func (m *machine) overwritten(i, j int, l level) error {
	for ; i < j-1; i++ {
		if err := m.validate(m.entries[i], l); err != nil {
			return err
		}
	}
	return nil
}

// absent writes the default of a field that is not on the wire.
func (m *machine) absent(fp *fieldPlan) {
	mark := m.member(fp, 0, 0)
	switch fp.shape {
	case listShape:
		m.open('[')
		m.close(']')
	case mapShape:
		m.open('{')
		m.close('}')
	default:
		m.zero(fp)
	}
	m.endMember(mark)
}

// zero writes a scalar's default; it cannot fail, as no bytes are involved.
func (m *machine) zero(fp *fieldPlan) {
	_ = m.scalar(fp, entry{fp: fp, val: fp.zero})
}

// emptyList reports whether the entries hold no element: packed ones may not.
func (m *machine) emptyList(fp *fieldPlan, i, j int) bool {
	if !fp.packable {
		return false
	}
	for ; i < j; i++ {
		if e := m.entries[i]; e.end > e.off || !m.packed(e) {
			return false
		}
	}
	return true
}

func (m *machine) list(fp *fieldPlan, i, j int, l level) error {
	m.open('[')
	n := 0
	for ; i < j; i++ {
		e := m.entries[i]
		if fp.packable && m.packed(e) {
			var err error
			if n, err = m.packedElements(fp, e, n); err != nil {
				return err
			}
			continue
		}
		mark := m.element(&e, n)
		var err error
		if fp.isMessage {
			err = m.message(fp.message(m.c), i, i+1, l.in(fp))
		} else {
			err = m.scalar(fp, e)
		}
		if err != nil {
			return within(err, "["+strconv.Itoa(n)+"]")
		}
		m.endMember(mark)
		n++
	}
	m.close(']')
	return nil
}

// packedElements writes the elements of one packed value, the first being
// element n of the list, and returns the number of the next.
func (m *machine) packedElements(fp *fieldPlan, e entry, n int) (int, error) {
	for pos := e.off; pos < e.end; {
		v, size := consume(m.src[pos:e.end], fp.wire)
		if size < 0 {
			return n, within(fail(int(pos), "packed element is cut off or too long"), "["+strconv.Itoa(n)+"]")
		}
		next := pos + int32(size)
		elem := entry{fp: fp, start: pos, off: pos, end: next, next: next, val: v}
		mark := m.element(&elem, n)
		_ = m.scalar(fp, elem) // a number: cannot fail
		m.endMember(mark)
		pos = next
		n++
	}
	return n, nil
}

// scalar writes a value that is not a message.
func (m *machine) scalar(fp *fieldPlan, e entry) error {
	var ok bool
	if m.out, ok = fp.appendValue(m.out, m.src, e.val, int(e.off), int(e.end)); !ok {
		return fail(int(e.off), "not valid UTF-8")
	}
	return nil
}

// appendValue appends a value that is not a message: a number val as the wire
// has it, or the string or bytes in src[off:end]. It is not ok when a string is
// not valid UTF-8.
func (fp *fieldPlan) appendValue(dst, src []byte, val uint64, off, end int) (_ []byte, ok bool) {
	switch fp.kind {
	case protoreflect.StringKind:
		return appendString(dst, src[off:end])
	case protoreflect.BytesKind:
		return appendBase64(dst, src[off:end]), true
	case protoreflect.EnumKind:
		return fp.appendEnum(dst, protoreflect.EnumNumber(val)), true
	}
	return appendNumber(dst, fp.kind, val), true
}

func (fp *fieldPlan) appendEnum(dst []byte, num protoreflect.EnumNumber) []byte {
	if fp.nullEnum {
		return append(dst, "null"...)
	}
	name := ""
	if num >= 0 && int(num) < len(fp.lowEnum) {
		name = fp.lowEnum[num]
	} else {
		name = fp.enum[num]
	}
	if name != "" {
		return append(dst, name...)
	}
	return appendInt(dst, int64(num))
}
