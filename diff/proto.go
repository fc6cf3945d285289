package diff

import (
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
)

// maxValues bounds the parts of one payload that are compared one by one.
const maxValues = 1 << 17

// A tree that pb.Fields has cut has more values than that: it is too long to
// compare, not damaged.
const _ = uint(pb.MaxNodes - maxValues)

// errTooMany says that a payload has too many parts to compare one by one.
var errTooMany = errors.New("more than " + strconv.Itoa(maxValues) + " values")

// protoTree builds the value of a protobuf message from its nodes.
type protoTree struct {
	payload []byte
	count   int
}

// protoValue returns what a payload means, as a message of type md or without a
// schema if that is nil.
func protoValue(payload []byte, md protoreflect.MessageDescriptor, types inspect.Types) (*value, error) {
	t := protoTree{payload: payload}
	v := &value{form: keyed, raw: payload, at: inspect.Range{Len: len(payload)}}
	v.parts = t.fields(inspect.Fields(payload, md, types))
	v.seal()
	if t.count > maxValues {
		return nil, errTooMany
	}
	return v, nil
}

// group is the occurrences of one field in a message.
type group struct {
	key   string
	nodes []inspect.Node
}

// fields gathers the occurrences of each field, in the order of their first ones.
func (t *protoTree) fields(nodes []inspect.Node) []value {
	if t.count += len(nodes); t.count > maxValues {
		return nil
	}
	type id struct {
		number protoreflect.FieldNumber
		known  bool
		gap    bool
	}
	var groups []group
	index := map[id]int{}
	for _, n := range nodes {
		of := id{n.Number, n.Field != nil, false}
		if n.Kind == pb.GapNode {
			of = id{gap: true} // what its tag says of it may be as wrong as the rest
		}
		i, ok := index[of]
		if !ok {
			i = len(groups)
			index[of] = i
			key := strconv.Itoa(int(n.Number))
			if of.gap {
				key = "damaged"
			}
			groups = append(groups, group{key: key})
		}
		groups[i].nodes = append(groups[i].nodes, n)
	}
	parts := make([]value, len(groups))
	for i, g := range groups {
		v := t.group(g.nodes)
		v.key, v.step = g.key, g.key
		if fd := fieldOf(g.nodes[0]); fd != nil {
			v.step = string(fd.Name())
			if fd.IsExtension() {
				v.step = "[" + string(fd.FullName()) + "]"
			}
		}
		parts[i] = v
	}
	return parts
}

// group returns what the occurrences of a field mean together.
func (t *protoTree) group(nodes []inspect.Node) value {
	fd := fieldOf(nodes[0])
	switch {
	case fd != nil && fd.IsMap():
		return t.mapping(nodes)
	case fd != nil && fd.IsList():
		return t.list(nodes)
	case fd == nil && len(nodes) > 1:
		v := t.list(nodes)
		v.loose = true
		return v
	case len(nodes) > 1 && fd.Message() != nil:
		return t.merged(nodes)
	}
	v := t.single(nodes[len(nodes)-1])
	v.loose = fd == nil
	if len(nodes) > 1 {
		v.odd = joined(v.odd, fmt.Sprintf("given %d times: the last counts", len(nodes)))
		v.other = ranges(nodes[:len(nodes)-1])
	}
	v.zero = isDefault(fd, nodes[len(nodes)-1], v.raw)
	return v
}

// fieldOf returns what the schema says of a node; of a gap it says nothing.
func fieldOf(n inspect.Node) protoreflect.FieldDescriptor {
	if n.Kind == pb.GapNode {
		return nil
	}
	return n.Field
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

func ranges(nodes []inspect.Node) []inspect.Range {
	out := make([]inspect.Range, len(nodes))
	for i, n := range nodes {
		out[i] = n.Range
	}
	return out
}

// isDefault reports whether a field could as well be absent: it has no presence,
// and the value that an absent one has.
func isDefault(fd protoreflect.FieldDescriptor, n inspect.Node, raw []byte) bool {
	if fd == nil || fd.HasPresence() || fd.IsList() || fd.IsMap() {
		return false
	}
	var low byte = 0xff
	switch n.Wire {
	case pb.Bytes:
		return len(raw) == 0
	case pb.Varint:
		low = 0x7f // the upper bits only say that there are more
	}
	for _, c := range raw {
		if c&low != 0 {
			return false
		}
	}
	return true
}

// merged joins the occurrences of a singular message, as parsers do.
func (t *protoTree) merged(nodes []inspect.Node) value {
	last := len(nodes) - 1
	v := value{
		form: keyed, raw: t.bytes(nodes[last].Value), at: nodes[last].Range, other: ranges(nodes[:last]),
		odd: fmt.Sprintf("given %d times: parsers merge them", len(nodes)),
	}
	var all []inspect.Node
	for _, n := range nodes {
		all = append(all, n.Children...)
	}
	v.parts = t.fields(all)
	v.seal()
	return v
}

// oneByOne and the like say how the elements of a list are written.
const (
	oneByOne = "one by one"
	packed   = "packed"
)

func (t *protoTree) list(nodes []inspect.Node) value {
	v := value{form: ordered, at: nodes[len(nodes)-1].Range, other: ranges(nodes[:len(nodes)-1])}
	runs, singles := 0, 0
	for _, n := range nodes {
		if !isPacked(n) {
			singles++
			v.parts = append(v.parts, t.single(n))
			continue
		}
		runs++
		if t.count += len(n.Children); t.count > maxValues {
			return v
		}
		for _, e := range n.Children {
			v.parts = append(v.parts, t.single(e))
		}
	}
	switch {
	case runs == 0:
		v.how = oneByOne
	case singles > 0:
		v.how = packed + " and " + oneByOne
	case runs > 1:
		v.how = packed + " in " + counted(runs, "run")
	default:
		v.how = packed
	}
	v.zero = len(v.parts) == 0
	v.seal()
	return v
}

// isPacked reports whether a node is a run of packed elements.
func isPacked(n inspect.Node) bool {
	if n.Kind != pb.FieldNode || n.Field == nil || !n.Field.IsList() || n.Wire != pb.Bytes {
		return false
	}
	switch n.Field.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	}
	return true
}

// mapping pairs entries by their keys, of which the last counts.
func (t *protoTree) mapping(nodes []inspect.Node) value {
	v := value{form: keyed, at: nodes[len(nodes)-1].Range, other: ranges(nodes[:len(nodes)-1])}
	index := map[string]int{}
	for _, n := range nodes {
		e := t.mapEntry(n)
		i, ok := index[e.key]
		if !ok {
			index[e.key] = len(v.parts)
			v.parts = append(v.parts, e)
			continue
		}
		e.odd = joined(e.odd, "the key is there more than once: the last counts")
		e.other = append(v.parts[i].other, v.parts[i].at)
		v.parts[i] = e
	}
	v.seal()
	return v
}

// mapEntry returns the value of an entry, with its key. Either may be absent.
func (t *protoTree) mapEntry(n inspect.Node) value {
	t.count += len(n.Children)
	key, val := t.absent(n.Field.MapKey()), t.absent(n.Field.MapValue())
	for _, c := range n.Children {
		switch {
		case c.Field == nil:
		case c.Number == 1:
			key = t.single(c)
		case c.Number == 2:
			val = t.single(c)
		}
	}
	val.key = key.id
	val.step = "[" + key.text(0) + "]"
	val.odd = joined(key.odd, joined(val.odd, n.Problem))
	val.at = n.Range
	return val
}

// absent returns the value that a field has which is not on the wire.
func (t *protoTree) absent(fd protoreflect.FieldDescriptor) value {
	v := value{id: "0"}
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		v = value{form: keyed}
	case protoreflect.StringKind:
		v = value{words: quoted}
	case protoreflect.BytesKind:
		v = value{words: hexed}
	case protoreflect.BoolKind:
		v.id = "false"
	case protoreflect.EnumKind:
		if ev := fd.Enum().Values().ByNumber(0); ev != nil {
			v.id = string(ev.Name())
		}
	}
	v.seal()
	return v
}

// single returns the value of one node.
func (t *protoTree) single(n inspect.Node) value {
	v := value{raw: t.bytes(n.Value), at: n.Range, odd: n.Problem}
	switch {
	case n.Kind == pb.GapNode:
		v.raw = t.bytes(n.Range)
		v.id, v.words = string(v.raw), hexed
	case len(n.Children) > 0 || n.Value.Len == 0 && (n.Message != nil || n.Wire == pb.StartGroup):
		v.form = keyed
		v.parts = t.fields(n.Children)
	case n.Wire == pb.Bytes || n.Wire == pb.StartGroup:
		v.id, v.words = string(v.raw), hexed
		if isText(n, v.raw) {
			v.words = quoted
		}
	case n.Field == nil && n.Wire != pb.Varint:
		// As a float and as an integer it could read the same as another value.
		v.id = fmt.Sprintf("%s (0x%x)", n.Text(t.payload), v.raw)
	default:
		v.id = n.Text(t.payload)
	}
	v.seal()
	return v
}

// isText reports whether a value is shown as text: it is a string, or could be.
func isText(n inspect.Node, raw []byte) bool {
	if n.Field != nil {
		return n.Field.Kind() == protoreflect.StringKind
	}
	if !utf8.Valid(raw) || n.Wire != pb.Bytes {
		return false
	}
	for _, r := range string(raw) {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			return false
		}
	}
	return true
}

func (t *protoTree) bytes(r inspect.Range) []byte {
	if r.Off < 0 || r.Len < 0 || r.End() > len(t.payload) {
		return nil
	}
	return t.payload[r.Off:r.End()]
}
