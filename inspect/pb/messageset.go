package pb

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A MessageSet is the encoding of proto1 for a message of extensions:
//
//	repeated group Item = 1 { required int32 type_id = 2; required bytes message = 3; }
//
// protobuf-go reads it when built with the tag protolegacy; a Plan always does.

// scanSet appends the known extensions in a MessageSet to m.entries.
func (m *machine) scanSet(mp *messagePlan, pos, end int, l level) error {
	for pos < end {
		num, wire, n := protowire.ConsumeTag(m.src[pos:end])
		if n < 0 {
			return fail(pos, "field tag cannot be read")
		}
		start := pos
		pos += n
		if num != 1 || wire != protowire.StartGroupType {
			var err error
			if pos, err = m.skip(num, Wire(wire), span{pos, end}, l); err != nil {
				return err
			}
			continue
		}
		stop, next, err := m.endOfGroup(num, span{pos, end}, l, true)
		if err != nil {
			return err
		}
		if err := m.setItem(mp, entry{start: int32(start), next: int32(next)}, span{pos, stop}, l); err != nil {
			return err
		}
		pos = next
	}
	return nil
}

// setItem appends the extension in one item. Its id can come after its content,
// and content that comes twice is merged.
func (m *machine) setItem(mp *messagePlan, item entry, at span, l level) error {
	base, id := len(m.entries), protoreflect.FieldNumber(0)
	for pos := at.off; pos < at.end; {
		num, wire, n := protowire.ConsumeTag(m.src[pos:at.end])
		if n < 0 {
			return fail(pos, "field tag cannot be read")
		}
		value := pos + n
		next, err := m.skip(num, Wire(wire), span{value, at.end}, l)
		if err != nil {
			return err
		}
		switch {
		case num == 2 && wire == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(m.src[value:next])
			if v < 1 || v > math.MaxInt32 {
				return fail(value, "MessageSet type_id %d is not allowed", v)
			}
			id = protoreflect.FieldNumber(v)
		case num == 3 && wire == protowire.BytesType:
			_, size := protowire.ConsumeVarint(m.src[value:next])
			e := item
			e.off, e.end, e.val = int32(value+size), int32(next), uint64(next-value-size)
			m.entries = append(m.entries, e)
		}
		pos = next
	}
	return m.identify(mp, base, id, item, at)
}

// identify gives the entries from base to extension id, or drops them when it is
// unknown. An item without content is an empty message.
func (m *machine) identify(mp *messagePlan, base int, id protoreflect.FieldNumber, item entry, at span) error {
	var fp *fieldPlan
	if id != 0 {
		var err error
		if fp, err = mp.extension(id); err != nil {
			return fail(at.off, "%v", err)
		}
	}
	if fp == nil || fp.shape != messageShape {
		m.entries = m.entries[:base]
		return nil
	}
	if base == len(m.entries) {
		item.off, item.end = int32(at.off), int32(at.off)
		m.entries = append(m.entries, item)
	}
	for i := base; i < len(m.entries); i++ {
		m.entries[i].fp = fp
	}
	return nil
}
