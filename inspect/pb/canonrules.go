package pb

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func (m *messageCheck) required(at Range) {
	if m.md == nil || m.cut() {
		return
	}
	for i := range m.md.RequiredNumbers().Len() {
		num := m.md.RequiredNumbers().Get(i)
		if m.counts[num] != nil {
			continue
		}
		fd := m.md.Fields().ByNumber(num)
		m.path = append(m.path, pathStep{n: &Node{Number: num, Field: fd}, index: -1})
		m.add(MissingRequired, at, "required field %s is missing: parsers that check reject the message", fd.Name())
		m.path = m.path[:len(m.path)-1]
	}
}

// rank is where encoders put a field: by its number, or as protobuf-go without
// generated code, which writes extensions first and members of oneofs last.
type rank struct{ class, num int }

func goRank(n *Node) rank {
	r := rank{1, int(n.Number)}
	if n.Field == nil {
		return r
	}
	if n.Field.IsExtension() {
		r.class = 0
	} else if od := n.Field.ContainingOneof(); od != nil && !od.IsSynthetic() {
		r.class = 2 + od.Index()
	}
	return r
}

func numberRank(n *Node) rank { return rank{0, int(n.Number)} }

// order finds the fields that come too late, by the order which fits better.
// Unknown fields may stand anywhere: encoders put them behind the others.
func (m *messageCheck) order() {
	bad := m.descents(numberRank)
	if len(bad) > 0 && m.md != nil {
		if other := m.descents(goRank); len(other) < len(bad) {
			bad = other
		}
	}
	for _, pair := range bad {
		m.path = append(m.path, pathStep{n: pair[1], index: -1})
		m.add(OutOfOrder, pair[1].Range, "field %d comes after field %d: parsers accept any order", pair[1].Number, pair[0].Number)
		m.path = m.path[:len(m.path)-1]
	}
}

// descents returns the pairs of neighbours whose second should be first.
func (m *messageCheck) descents(of func(*Node) rank) [][2]*Node {
	var last *Node
	var found [][2]*Node
	for i := range m.nodes {
		n := &m.nodes[i]
		if n.Kind != FieldNode || m.md != nil && n.Field == nil {
			continue
		}
		if last != nil {
			a, b := of(last), of(n)
			if cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.num, b.num)) > 0 {
				found = append(found, [2]*Node{last, n})
			}
		}
		last = n
	}
	return found
}

// hasField reports whether a field is among the nodes.
func hasField(nodes []Node, num protoreflect.FieldNumber) bool {
	for i := range nodes {
		if nodes[i].Number == num && nodes[i].Field != nil && nodes[i].Kind == FieldNode {
			return true
		}
	}
	return false
}

// node checks one node and what is inside.
func (m *messageCheck) node(n *Node) {
	m.varints(n)
	if n.cut {
		m.add(NotChecked, n.Value, "more than %d fields: these %s are not checked", MaxNodes, plural(n.Value.Len, "byte"))
	}
	if n.Kind == GapNode && n.cut {
		return
	}
	if n.Kind == GapNode {
		m.add(Damaged, n.Range, "%s", n.Problem)
		return
	}
	if n.Wire == StartGroup && n.Range.End() == n.Value.End() {
		m.add(Damaged, n.Range, "group %d has no end", n.Number)
	}
	if strings.Contains(n.Problem, tooDeep) {
		m.add(NotChecked, n.Range, "%s", tooDeep)
	}
	switch {
	case n.Kind == ElementNode:
		m.value(n)
	case isSetItem(n):
	case n.Unknown():
		m.unknown(n)
	case n.Field != nil && m.md != nil:
		m.field(n)
	}
	m.below(n)
}

// varints finds varints with more bytes than they need.
func (m *messageCheck) varints(n *Node) {
	if n.Kind == GapNode {
		return
	}
	pos := n.Range.Off
	if n.Kind == FieldNode {
		pos = m.varint(LongTag, "tag", pos)
	}
	switch n.Wire {
	case Varint:
		m.varint(LongValue, "value", pos)
	case Bytes:
		m.varint(LongLength, "length", pos)
	case StartGroup:
		if end := n.Value.End(); end < n.Range.End() {
			m.varint(LongTag, "end tag", end)
		}
	}
}

// varint checks the varint at pos and returns where it ends.
func (m *messageCheck) varint(rule Rule, what string, pos int) int {
	v, l := protowire.ConsumeVarint(m.src[pos:])
	if l < 0 {
		return pos
	}
	if least := protowire.SizeVarint(v); l > least {
		m.add(rule, Range{pos, l}, "%s takes %d bytes where %d would do: parsers accept it, the bytes of equal messages differ", what, l, least)
	}
	return pos + l
}

func (m *messageCheck) unknown(n *Node) {
	if fd := m.mismatch(n); fd != nil {
		m.add(WrongWireType, n.Range, "%s is a %s, not %s: parsers keep it as an unknown field", fd.Name(), fd.Kind(), n.Wire)
		return
	}
	if n.Number == 1 && n.Wire == StartGroup && isMessageSet(m.md) {
		m.add(UnknownField, n.Range, "extension %d of %s is not in the schema: is the sender newer?", setItemID(n.Children, m.src), m.md.Name())
		return
	}
	t := m.counts[n.Number]
	if t.first != n {
		return // told at the first
	}
	times := ""
	if t.nodes > 1 {
		times = " (" + plural(t.nodes, "time") + ")"
	}
	m.add(UnknownField, n.Range, "field %d is not in %s%s: is the sender newer?", n.Number, m.md.Name(), times)
}

// field checks a field that the schema has.
func (m *messageCheck) field(n *Node) {
	fd := n.Field
	switch {
	case fd.IsMap():
		m.entry(n)
	case fd.IsList():
		m.list(n)
	default:
		m.singular(n)
	}
	m.value(n)
	if !fd.HasPresence() && !fd.IsList() && !fd.IsMap() && !m.md.IsMapEntry() && isZero(n, n.bytes(m.src)) {
		m.add(DefaultWritten, n.Range, "%s has its default: encoders leave it out, and so its presence is lost", fd.Name())
	}
}

// entry checks a map entry.
func (m *messageCheck) entry(n *Node) {
	r := m.keys[m.entryKey(n)]
	last := r.Off + r.Len
	switch n.Range.Off {
	case r.Off:
	case last:
		m.add(DuplicateKey, n.Range, "the key was at byte %d before: this entry replaces it", r.Off)
	default:
		m.add(DuplicateKey, n.Range, "the key was at byte %d before: the entry at byte %d replaces both", r.Off, last)
	}
	for num, what := range []string{"", "key", "value"} {
		if num > 0 && LaidOut(n.Children) && !n.cut && !hasField(n.Children, protoreflect.FieldNumber(num)) {
			m.add(IncompleteEntry, n.Range, "map entry has no %s: parsers take the default", what)
		}
	}
}

// list checks how the elements of a repeated field are written.
func (m *messageCheck) list(n *Node) {
	fd, t := n.Field, m.counts[n.Number]
	run := isPackedRun(n)
	switch {
	case run && !fd.IsPacked():
		m.add(NotExpanded, n.Range, "%s is packed, though declared expanded: parsers accept both", fd.Name())
	case run && t.runs > 1 && t.last == n:
		m.add(SplitPacked, n.Range, "%s is packed in %d runs: parsers join them", fd.Name(), t.runs)
	case !run && fd.IsPacked() && t.firstLoose == n:
		m.add(NotPacked, n.Range, "%s of %s not packed, though declared so: their tags take %s", plural(t.loose, "element"), fd.Name(), plural(t.looseTags, "byte"))
	}
	if run && n.Value.Len == 0 {
		m.add(DefaultWritten, n.Range, "%s is packed without elements: encoders leave it out", fd.Name())
	}
}

// singular finds a field or oneof that was set before.
func (m *messageCheck) singular(n *Node) {
	fd, t := n.Field, m.counts[n.Number]
	if od := fd.ContainingOneof(); od != nil && !od.IsSynthetic() {
		if m.oneofs == nil {
			m.oneofs = map[int]*Node{}
		}
		before := m.oneofs[od.Index()]
		m.oneofs[od.Index()] = n
		if before != nil && before.Number != n.Number {
			m.add(SeveralOfOneof, n.Range, "%s of oneof %s comes after %s at byte %d: the last member wins", fd.Name(), od.Name(), before.Field.Name(), before.Range.Off)
			return
		}
		if before == nil {
			return
		}
	}
	switch {
	case t.first == n:
	case fd.Message() != nil:
		m.add(Repeated, n.Range, "%s was at byte %d before: parsers merge the %d messages", fd.Name(), t.first.Range.Off, t.nodes)
	case t.last == n:
		m.add(Repeated, n.Range, "%s was at byte %d before: this one wins", fd.Name(), t.first.Range.Off)
	default:
		m.add(Repeated, n.Range, "%s was at byte %d before: the one at byte %d wins", fd.Name(), t.first.Range.Off, t.last.Range.Off)
	}
}

// value checks a scalar: an element, or the value of a field that is not packed.
func (m *messageCheck) value(n *Node) {
	fd := n.Field
	if fd.Kind() == protoreflect.StringKind && enforcesUTF8(fd) && !utf8.Valid(n.bytes(m.src)) {
		m.add(BadUTF8, n.Value, "%s is not valid UTF-8: parsers reject the message", fd.Name())
	}
	if n.Wire != Varint {
		return
	}
	v := n.raw(n.bytes(m.src))
	if text := tooWide(fd.Kind(), v); text != "" {
		m.add(TooWide, n.Value, "%s", text)
	}
	if fd.Kind() != protoreflect.EnumKind || fd.Enum().IsPlaceholder() {
		return
	}
	num := protoreflect.EnumNumber(v)
	switch {
	case fd.Enum().Values().ByNumber(num) != nil:
	case fd.Enum().IsClosed():
		m.add(UnknownEnum, n.Value, "%d is not in the closed enum %s: most parsers keep it as an unknown field", num, fd.Enum().Name())
	default:
		m.add(UnknownEnum, n.Value, "%d is not in enum %s: parsers keep the number", num, fd.Enum().Name())
	}
}

// isZero reports whether a value is the zero of its type, as parsers see it.
func isZero(n *Node, b []byte) bool {
	switch {
	case n.Field.Message() != nil:
		return false
	case n.Wire == Bytes:
		return len(b) == 0
	case n.Field.Kind() == protoreflect.BoolKind:
		return n.raw(b) == 0
	}
	return n.raw(b)&bitsOf(n.Field.Kind()) == 0
}
