package pb

import "google.golang.org/protobuf/reflect/protoreflect"

// messageCheck checks one message. Without a descriptor it has no tallies.
type messageCheck struct {
	*checker
	md     protoreflect.MessageDescriptor
	nodes  []Node
	counts map[protoreflect.FieldNumber]*tally
	keys   map[entryKey]*Range // Off is where the key is first, Len how much further it is last
	oneofs map[int]*Node       // the member of each oneof that came last so far
}

// tally is what a message has of one field.
type tally struct {
	first, last *Node
	nodes       int   // occurrences
	loose       int   // of those, elements outside of packed runs
	firstLoose  *Node // the first of them
	looseTags   int   // bytes of their tags
	runs        int   // and packed runs
	seen        int   // elements or occurrences that were visited
}

// cut reports whether part of the message was not decoded: a field that is not
// there may be in it.
func (m *messageCheck) cut() bool { return len(m.nodes) > 0 && m.nodes[len(m.nodes)-1].cut }

type entryKey struct {
	field protoreflect.FieldNumber
	key   string
}

// survey counts before anything is said, since what wins stands last.
func (m *messageCheck) survey() {
	if m.md == nil {
		return
	}
	m.counts = map[protoreflect.FieldNumber]*tally{}
	for i := range m.nodes {
		n := &m.nodes[i]
		if n.Kind != FieldNode || isSetItem(n) || n.Field == nil && m.mismatch(n) != nil {
			continue
		}
		t := m.counts[n.Number]
		if t == nil {
			t = &tally{first: n}
			m.counts[n.Number] = t
		}
		t.last = n
		t.nodes++
		switch {
		case n.Field == nil:
		case n.Field.IsMap():
			m.surveyKey(n)
		case isPackedRun(n):
			t.runs++
		default:
			if t.loose++; t.loose == 1 {
				t.firstLoose = n
			}
			t.looseTags += n.Value.Off - n.Range.Off
		}
	}
}

// mismatch returns the field that an unknown node has the number of: its wire
// type does not fit.
func (m *messageCheck) mismatch(n *Node) protoreflect.FieldDescriptor {
	if isMessageSet(m.md) {
		return nil
	}
	return lookupField(m.md, n.Number, m.types)
}

func (m *messageCheck) surveyKey(n *Node) {
	if m.keys == nil {
		m.keys = map[entryKey]*Range{}
	}
	k := m.entryKey(n)
	if r := m.keys[k]; r != nil {
		r.Len = n.Range.Off - r.Off
		return
	}
	m.keys[k] = &Range{Off: n.Range.Off}
}

// entryKey identifies a map key as parsers compare it.
func (m *messageCheck) entryKey(entry *Node) entryKey {
	key := entry.Field.MapKey()
	k := entryKey{entry.Number, defaultKey(key.Kind())}
	for i := range entry.Children {
		n := &entry.Children[i]
		if n.Field == nil || n.Number != 1 || n.Kind != FieldNode {
			continue
		}
		if key.Kind() == protoreflect.StringKind {
			k.key = string(n.bytes(m.src))
		} else {
			k.key = scalarText(key, n.raw(n.bytes(m.src)))
		}
	}
	return k
}

// index returns the place of node i in its list, or -1. Of a packed run it is
// that of the first element.
func (m *messageCheck) index(i int) int {
	n := &m.nodes[i]
	if len(m.path) > 0 && isPackedRun(m.path[len(m.path)-1].n) {
		return m.path[len(m.path)-1].index + i
	}
	if n.Kind != FieldNode || m.md == nil || n.Field == nil || !n.Field.IsList() {
		return -1
	}
	t := m.counts[n.Number]
	at := t.seen
	if isPackedRun(n) {
		t.seen += len(n.Children)
	} else {
		t.seen++
	}
	return at
}
