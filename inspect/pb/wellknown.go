package pb

import (
	"math"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// special is a message type with a JSON form of its own.
type special uint8

const (
	ordinary special = iota
	anyType
	timestampType
	durationType
	wrapperType
	structType
	listType
	valueType
	maskType
)

// specialOf returns the special form of a google.protobuf type. A type of that
// name which is not made as the real one is has none.
func specialOf(mp *messagePlan) special {
	name, ok := strings.CutPrefix(string(mp.md.FullName()), "google.protobuf.")
	if !ok {
		return ordinary
	}
	fields := mp.md.Fields().Len()
	is := func(num uint64, shape shape, kind protoreflect.Kind) bool {
		fp := mp.field(num)
		return fp != nil && fp.shape == shape && fp.kind == kind && fields <= 2 && !mp.hasExts
	}
	const msg = protoreflect.MessageKind
	switch {
	case name == "Any" && is(1, scalarShape, protoreflect.StringKind) && is(2, scalarShape, protoreflect.BytesKind):
		return anyType
	case name == "Timestamp" && is(1, scalarShape, protoreflect.Int64Kind) && is(2, scalarShape, protoreflect.Int32Kind):
		return timestampType
	case name == "Duration" && is(1, scalarShape, protoreflect.Int64Kind) && is(2, scalarShape, protoreflect.Int32Kind):
		return durationType
	case name == "Struct" && is(1, mapShape, msg):
		return structType
	case name == "ListValue" && is(1, listShape, msg):
		return listType
	case name == "Value" && fields == 6 && mp.oneofs == 1 && mp.md.Oneofs().Get(0).Fields().Len() == 6 && !mp.hasExts:
		return valueType
	case name == "FieldMask" && is(1, listShape, protoreflect.StringKind):
		return maskType
	case wrapperKind(name) != 0 && is(1, scalarShape, wrapperKind(name)):
		return wrapperType
	}
	return ordinary
}

// wrapperKind returns the kind that a wrapper type holds, or 0.
func wrapperKind(name string) protoreflect.Kind {
	switch name {
	case "BoolValue":
		return protoreflect.BoolKind
	case "Int32Value":
		return protoreflect.Int32Kind
	case "Int64Value":
		return protoreflect.Int64Kind
	case "UInt32Value":
		return protoreflect.Uint32Kind
	case "UInt64Value":
		return protoreflect.Uint64Kind
	case "FloatValue":
		return protoreflect.FloatKind
	case "DoubleValue":
		return protoreflect.DoubleKind
	case "StringValue":
		return protoreflect.StringKind
	case "BytesValue":
		return protoreflect.BytesKind
	}
	return 0
}

// wellKnown writes a message that has a JSON form of its own.
func (m *machine) wellKnown(mp *messagePlan, lo, hi int, l level) error {
	base, err := m.index(mp, lo, hi, l)
	if err != nil {
		return err
	}
	switch at := m.offset(lo, hi); mp.special {
	case anyType:
		err = m.any(mp, base, l)
	case timestampType:
		err = m.timestamp(base, at)
	case durationType:
		err = m.duration(base, at)
	case valueType:
		err = m.jsonValue(base, at, l)
	case maskType:
		err = m.fieldMask(base)
	default:
		err = m.wrapped(mp.field(1), base, l)
	}
	m.entries = m.entries[:base]
	return err
}

// wrapped writes the value of the only field: a wrapper, Struct or ListValue.
func (m *machine) wrapped(fp *fieldPlan, base int, l level) error {
	top := len(m.entries)
	switch {
	case fp.shape != scalarShape:
		return m.value(fp, base, top, l)
	case base == top:
		m.zero(fp)
		return nil
	}
	if err := m.overwritten(base, top, l); err != nil {
		return err
	}
	return m.scalar(fp, m.entries[top-1])
}

// secondsAndNanos reads the fields of a Timestamp or Duration.
func (m *machine) secondsAndNanos(base int) (secs int64, nanos int64) {
	for _, e := range m.entries[base:] {
		switch e.fp.num {
		case 1:
			secs = int64(e.val)
		case 2:
			nanos = int64(int32(e.val))
		}
	}
	return secs, nanos
}

func (m *machine) timestamp(base, at int) error {
	var t moment
	t.secs, t.nanos = m.secondsAndNanos(base)
	if problem := t.timestampProblem(); problem != "" {
		return fail(at, "google.protobuf.Timestamp: %s", problem)
	}
	m.out = t.appendTimestamp(m.out)
	return nil
}

func (m *machine) duration(base, at int) error {
	var t moment
	t.secs, t.nanos = m.secondsAndNanos(base)
	if problem := t.durationProblem(); problem != "" {
		return fail(at, "google.protobuf.Duration: %s", problem)
	}
	m.out = t.appendDuration(m.out)
	return nil
}

func (m *machine) jsonValue(base, at int, l level) error {
	top := len(m.entries)
	if base == top {
		return fail(at, "google.protobuf.Value: none of its fields is set")
	}
	fp, last := m.entries[base].fp, m.entries[top-1]
	if fp.kind == protoreflect.DoubleKind {
		if f := math.Float64frombits(last.val); math.IsNaN(f) || math.IsInf(f, 0) {
			return fail(int(last.off), "google.protobuf.Value: %v is not a JSON number", f)
		}
	}
	if fp.shape == scalarShape {
		if err := m.overwritten(base, top, l); err != nil {
			return err
		}
	}
	return m.value(fp, base, top, l)
}

func (m *machine) fieldMask(base int) error {
	m.out = append(m.out, '"')
	for i, e := range m.entries[base:] {
		path := m.src[e.off:e.end]
		if !validPath(path) {
			return fail(int(e.off), "google.protobuf.FieldMask: invalid path %q", path)
		}
		if i > 0 {
			m.out = append(m.out, ',')
		}
		var ok bool
		if m.out, ok = appendCamel(m.out, path); !ok {
			return fail(int(e.off), "google.protobuf.FieldMask: path %q cannot be written in camelCase and read back", path)
		}
	}
	m.out = append(m.out, '"')
	return nil
}

// validPath says whether a FieldMask's path is identifiers with dots between.
func validPath(path []byte) bool {
	first := true
	for _, c := range path {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		switch {
		case letter, !first && '0' <= c && c <= '9':
			first = false
		case !first && c == '.':
			first = true
		default:
			return false
		}
	}
	return !first
}

// appendCamel turns a_b into aB. It is not ok when that loses something: an
// upper-case letter, or an underscore that no lower-case letter follows.
func appendCamel(dst, s []byte) (_ []byte, ok bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			return dst, false
		}
		if c == '_' {
			i++
			if i == len(s) || s[i] < 'a' || s[i] > 'z' {
				return dst, false
			}
			c = s[i] - 'a' + 'A'
		}
		dst = append(dst, c)
	}
	return dst, true
}
