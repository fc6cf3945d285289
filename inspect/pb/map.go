package pb

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// mapItem is one entry of a map field.
type mapItem struct {
	order   uint64 // a number's or bool's place among keys of its kind
	key     entry  // fp is nil when the entry has no key and the default stands
	lo, hi  int    // the entries of the value
	wire    int    // the entry of the whole
	replace bool   // a later item has the same key
}

func (m *machine) mapField(fp *fieldPlan, i, j int, l level) error {
	base, keep := len(m.items), len(m.entries)
	for ; i < j; i++ {
		if err := m.mapItem(fp, i, l); err != nil {
			return err
		}
	}
	m.sortItems(fp, base)
	m.open('{')
	for k := base; k < len(m.items); k++ {
		if err := m.writeItem(fp, k, l); err != nil {
			return err
		}
	}
	m.close('}')
	m.items, m.entries = m.items[:base], m.entries[:keep]
	return nil
}

// mapItem reads the map entry at entry i.
func (m *machine) mapItem(fp *fieldPlan, i int, l level) error {
	l = l.message()
	if err := l.check(int(m.entries[i].off)); err != nil {
		return err
	}
	base, err := m.index(fp.message(m.c), i, i+1, l)
	if err != nil {
		return err
	}
	it := mapItem{wire: i, lo: base, hi: len(m.entries)}
	for it.lo < it.hi && m.entries[it.lo].fp.num == 1 {
		it.lo++
	}
	if it.lo > base {
		if err := m.overwritten(base, it.lo, l); err != nil {
			return err
		}
		it.key = m.entries[it.lo-1]
	}
	it.order = keyOrder(fp.mapKey.kind, it.key.val)
	m.items = append(m.items, it)
	return nil
}

// keyOrder maps a key's wire value to a number that sorts as the keys do: false
// before true, and numbers by value.
func keyOrder(kind protoreflect.Kind, v uint64) uint64 {
	switch kind {
	case protoreflect.BoolKind:
		return min(v, 1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return uint64(uint32(v))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return v
	}
	return uint64(signed(kind, v)) ^ 1<<63
}

func (m *machine) keyBytes(it *mapItem) []byte { return m.src[it.key.off:it.key.end] }

// sortItems puts the items from base in key order and marks those that a later
// item with the same key replaces.
func (m *machine) sortItems(fp *fieldPlan, base int) {
	items := m.items[base:]
	compare := func(a, b mapItem) int { return cmp.Compare(a.order, b.order) }
	if fp.mapKey.kind == protoreflect.StringKind {
		compare = func(a, b mapItem) int { return bytes.Compare(m.keyBytes(&a), m.keyBytes(&b)) }
	}
	slices.SortStableFunc(items, compare)
	for i := 1; i < len(items); i++ {
		items[i-1].replace = compare(items[i-1], items[i]) == 0
	}
}

func (m *machine) writeItem(fp *fieldPlan, k int, l level) error {
	it := m.items[k]
	if it.replace {
		return m.replaced(it, l)
	}
	mark, err := m.key(fp.mapKey, it)
	if err != nil {
		return within(err, "{key}")
	}
	if err := m.itemValue(fp.mapValue, it, l.message()); err != nil {
		return within(err, "["+string(appendKeyText(nil, m.src, fp.mapKey, it))+"]")
	}
	m.endMember(mark)
	return nil
}

// itemValue writes a map entry's value, its default when it has none.
func (m *machine) itemValue(fp *fieldPlan, it mapItem, l level) error {
	if fp.shape == messageShape {
		return m.message(fp.message(m.c), it.lo, it.hi, l.in(fp))
	}
	if it.lo == it.hi {
		m.zero(fp)
		return nil
	}
	if err := m.overwritten(it.lo, it.hi, l); err != nil {
		return err
	}
	return m.scalar(fp, m.entries[it.hi-1])
}

// replaced checks the value of an entry that another with its key replaces.
func (m *machine) replaced(it mapItem, l level) error {
	l = l.message()
	e := it.key
	if e.fp != nil {
		if err := m.validate(e, l); err != nil {
			return err
		}
	}
	for i := it.lo; i < it.hi; i++ {
		if err := m.validate(m.entries[i], l); err != nil {
			return err
		}
	}
	return nil
}

// appendKey appends a map key as a JSON string; it is not ok when that is not
// valid UTF-8.
func (m *machine) appendKey(fp *fieldPlan, it mapItem) bool {
	if fp.kind == protoreflect.StringKind {
		var ok bool
		m.out, ok = appendString(m.out, m.keyBytes(&it))
		return ok
	}
	m.out = append(m.out, '"')
	m.out = appendPlainKey(m.out, fp.kind, it.key.val)
	m.out = append(m.out, '"')
	return true
}

func appendPlainKey(dst []byte, kind protoreflect.Kind, v uint64) []byte {
	switch kind {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v != 0)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return appendUint(dst, uint64(uint32(v)))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return appendUint(dst, v)
	}
	return appendInt(dst, signed(kind, v))
}

// appendKeyText appends a map key as a path shows it, quoted by Go's rules.
func appendKeyText(dst, src []byte, fp *fieldPlan, it mapItem) []byte {
	if fp.kind == protoreflect.StringKind {
		return strconv.AppendQuote(dst, string(src[it.key.off:it.key.end]))
	}
	return append(appendPlainKey(append(dst, '"'), fp.kind, it.key.val), '"')
}
