package pb

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxSkeletonFields bounds the fields of a Skeleton, over all its messages.
const maxSkeletonFields = 4096

// maxSkeletonDepth bounds how deep its messages nest: compilers take 32 levels.
// What lies deeper is bytes.
const maxSkeletonDepth = 30

// Skeleton infers a .proto file from payloads of one message type whose schema
// is not known. It belongs to one goroutine.
type Skeleton struct {
	name    string
	root    *outlineMessage
	seen    int64 // message instances, to tell what repeats in one
	samples int
	damaged int // samples with bytes that are no field
	fields  int
	dropped bool // there were more fields
}

// outlineMessage is what is known of a message type.
type outlineMessage struct {
	fields map[protowire.Number]*outlineField
}

// outlineField is what all samples together say of a field.
type outlineField struct {
	last     int64 // the instance that it was last in
	repeated bool
	wires    [Fixed32 + 1]int // occurrences by wire type
	varints  varintFacts
	fixed    floatFacts
	len      lenFacts
	group    *outlineMessage
}

// varintFacts sum up varints: those of the field and those in packed values.
type varintFacts struct {
	count    int
	max      uint64 // of those that are not negative
	negative int    // as int64
	wide     bool   // a negative one does not fit in 32 bits
}

// floatFacts sum up fixed values.
type floatFacts struct {
	usual int  // those that make a usual float
	odd   bool // one does not
	high  bool // one is negative as an integer
}

// lenFacts sum up LEN values. Each of the flags is what one value alone rules out.
type lenFacts struct {
	full       int  // values that are not empty
	size       int  // of the first of them
	sizes      bool // they differ
	notText    bool // not valid UTF-8
	notPlain   bool // not printable
	odd        bool // not even mostly printable
	notVarints bool // not packed varints in their shortest form
	notFixed32 bool
	notFixed64 bool
	notMessage bool
	varints    varintFacts
	floats     floatFacts // as packed fixed32
	doubles    floatFacts // as packed fixed64
	message    *outlineMessage
}

// NewSkeleton returns a Skeleton for the message with the full name given: what
// stands before the last dot is the package. What cannot stand in a name is
// replaced.
func NewSkeleton(name string) *Skeleton {
	return &Skeleton{name: name, root: newOutline()}
}

func newOutline() *outlineMessage {
	return &outlineMessage{fields: map[protowire.Number]*outlineField{}}
}

// Add takes one payload into account. It keeps no reference to it. Time is
// linear in the payload.
func (s *Skeleton) Add(payload []byte) {
	s.samples++
	if !s.message(s.root, payload, 0) {
		s.damaged++
	}
}

// message notes the fields of one instance of m, and reports whether b holds
// nothing else.
func (s *Skeleton) message(m *outlineMessage, b []byte, depth int) bool {
	s.seen++
	instance, whole := s.seen, true
	n := eachField(b, func(num protowire.Number, wire Wire, value []byte) {
		f := s.field(m, num)
		if f == nil {
			return
		}
		f.repeated = f.repeated || f.last == instance
		f.last = instance
		f.wires[wire]++
		whole = s.value(f, wire, value, depth) && whole
	})
	return whole && n == len(b)
}

func (s *Skeleton) field(m *outlineMessage, num protowire.Number) *outlineField {
	f := m.fields[num]
	if f != nil {
		return f
	}
	if s.fields >= maxSkeletonFields {
		s.dropped = true
		return nil
	}
	s.fields++
	f = &outlineField{}
	m.fields[num] = f
	return f
}

// value notes one value. It is false when a group in it holds what is no field.
func (s *Skeleton) value(f *outlineField, wire Wire, b []byte, depth int) bool {
	switch wire {
	case Varint:
		v, _ := protowire.ConsumeVarint(b)
		f.varints.add(v)
	case Fixed32, Fixed64:
		v, _ := consume(b, wire)
		f.fixed.add(v, wire)
	case Bytes:
		s.bytes(&f.len, lenValue(b), depth)
	case StartGroup:
		if f.group == nil {
			f.group = newOutline()
		}
		if depth+1 >= maxSkeletonDepth {
			s.dropped = true
			return true
		}
		return s.message(f.group, b, depth+1)
	}
	return true
}

func (v *varintFacts) add(x uint64) {
	v.count++
	if int64(x) >= 0 {
		v.max = max(v.max, x)
		return
	}
	v.negative++
	v.wide = v.wide || int64(x) != int64(int32(x))
}

func (v *varintFacts) join(o varintFacts) {
	v.count += o.count
	v.max = max(v.max, o.max)
	v.negative += o.negative
	v.wide = v.wide || o.wide
}

func (f *floatFacts) add(v uint64, wire Wire) {
	switch x := floatOf(v, wire); {
	case x == 0 && v == 0:
	case usualFloat(x):
		f.usual++
	default:
		f.odd = true
	}
	f.high = f.high || wire == Fixed32 && int32(v) < 0 || wire == Fixed64 && int64(v) < 0
}

func (f *floatFacts) join(o floatFacts) {
	f.usual += o.usual
	f.odd = f.odd || o.odd
	f.high = f.high || o.high
}

// bytes notes one LEN value. An empty one can be anything.
func (s *Skeleton) bytes(l *lenFacts, b []byte, depth int) {
	if len(b) == 0 {
		return
	}
	if l.full++; l.full == 1 {
		l.size = len(b)
	}
	l.sizes = l.sizes || len(b) != l.size
	text := utf8.Valid(b)
	l.notText = l.notText || !text
	l.notPlain = l.notPlain || !printable(b) || guessShape(b, depth) == looksMessage
	l.odd = l.odd || !text || !mostlyText(b)
	l.packed(b)
	if l.notMessage {
		return
	}
	if _, ok := cleanMessage(b, 0, depth+1); !ok || depth+1 >= maxSkeletonDepth {
		l.notMessage, l.message = true, nil
		return
	}
	if l.message == nil {
		l.message = newOutline()
	}
	s.message(l.message, b, depth+1)
}

// packed notes the elements of a value as each packed type.
func (l *lenFacts) packed(b []byte) {
	if !l.notVarints && !eachPacked(b, Varint, l.varints.add) {
		l.notVarints = true
	}
	if !l.notFixed32 && !eachPacked(b, Fixed32, func(v uint64) { l.floats.add(v, Fixed32) }) {
		l.notFixed32 = true
	}
	if !l.notFixed64 && !eachPacked(b, Fixed64, func(v uint64) { l.doubles.add(v, Fixed64) }) {
		l.notFixed64 = true
	}
}

// eachPacked calls f with the elements of b. It is false when b is not a whole
// number of them, or has a varint that is longer than it need be.
func eachPacked(b []byte, wire Wire, f func(uint64)) bool {
	for len(b) > 0 {
		v, n := consume(b, wire)
		if n < 0 || wire == Varint && n != protowire.SizeVarint(v) {
			return false
		}
		f(v)
		b = b[n:]
	}
	return true
}
