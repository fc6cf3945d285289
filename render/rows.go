package render

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
)

// Row is one line of the bytes, fields and JSON view: a field, a packed element
// or bytes that are neither.
type Row struct {
	Wire   inspect.Range // all its bytes in the payload, children included
	Head   inspect.Range // the bytes to show on this row: all, or tag and length when children follow
	Value  inspect.Range // the value's bytes
	Depth  int           // 0 for a field of the message itself
	Parent int           // index of the row it belongs to; -1 at depth 0
	Folds  bool          // children follow

	Number string // "4", or "·" for a packed element; "" for a gap
	Name   string // field name; "?" when the schema does not have it; "[2]" of an element
	Type   string // "string", "Address", or the wire type when there is no schema
	JSON   string // the first line of its JSON, or the likeliest reading of the value; escaped
	Or     string // the other readings of a value whose type is not known; escaped
	Link   int    // index of its Link; -1 without one
	Note   string // a problem, or why it is unknown; escaped
}

// Body is a message body laid out: its rows, and the JSON they are linked to.
type Body struct {
	Payload []byte
	Rows    []Row
	JSON    []byte         // pretty-printed; nil when there is none
	Links   []inspect.Link // JSON range to wire range
	Err     error          // why there is no JSON: no schema is not an error
}

// Layout decodes one message body. Without a descriptor (nil) the rows show the
// likeliest readings and there is no JSON.
func Layout(payload []byte, md protoreflect.MessageDescriptor, types inspect.Types) Body {
	return NewSchema(md, types).Layout(payload)
}

// Schema is a message type made ready for laying out many messages of it.
type Schema struct {
	md    protoreflect.MessageDescriptor
	types inspect.Types
	plan  *inspect.Plan // nil without a descriptor
}

// NewSchema compiles a descriptor, which may be nil.
func NewSchema(md protoreflect.MessageDescriptor, types inspect.Types) *Schema {
	s := &Schema{md: md, types: types}
	if md != nil {
		s.plan = inspect.NewPlan(md, types, inspect.Options{})
	}
	return s
}

// Layout decodes one message body, as the function does. A payload with more
// fields than pb.MaxNodes has rows for those, and a last row for the rest; it has
// no JSON, whose links would take far more memory than the rows, but readings as
// there are without a schema.
func (s *Schema) Layout(payload []byte) Body {
	b := Body{Payload: payload}
	nodes := inspect.Fields(payload, s.md, s.types)
	if s.plan != nil && pb.LaidOut(nodes) {
		b.JSON, b.Links, b.Err = s.plan.JSONLinks(payload)
	}
	b.Rows = make([]Row, 0, countNodes(nodes))
	newLayout(&b).nodes(nodes, 0, -1)
	return b
}

func countNodes(nodes []inspect.Node) int {
	n := len(nodes)
	for i := range nodes {
		n += countNodes(nodes[i].Children)
	}
	return n
}

type layout struct {
	body  *Body
	order []int32      // links by wire range, those of one range outer before inner
	seen  map[int]bool // JSON offsets of members that have been opened
}

func newLayout(b *Body) *layout {
	l := &layout{body: b, order: make([]int32, len(b.Links))}
	for i := range l.order {
		l.order[i] = int32(i)
	}
	slices.SortStableFunc(l.order, func(i, j int32) int { return compareRanges(b.Links[i].Wire, b.Links[j].Wire) })
	return l
}

func compareRanges(a, b inspect.Range) int {
	if c := cmp.Compare(a.Off, b.Off); c != 0 {
		return c
	}
	return cmp.Compare(a.Len, b.Len)
}

// linksOf returns the links that a range of the wire made, outer before inner.
func (l *layout) linksOf(r inspect.Range) []int32 {
	from := sort.Search(len(l.order), func(i int) bool { return compareRanges(l.body.Links[l.order[i]].Wire, r) >= 0 })
	to := from
	for to < len(l.order) && l.body.Links[l.order[to]].Wire == r {
		to++
	}
	return l.order[from:to]
}

func (l *layout) nodes(nodes []inspect.Node, depth, parent int) {
	for i := range nodes {
		n := &nodes[i]
		row := Row{Wire: n.Range, Head: n.Range, Value: n.Value, Depth: depth, Parent: parent, Link: -1, Folds: len(n.Children) > 0}
		if row.Folds {
			row.Head.Len = n.Value.Off - n.Range.Off
		}
		if n.NotLaidOut() {
			row.Head.Len = min(row.Head.Len, wireBytes)
		}
		row.Number, row.Name, row.Type = describe(n, i)
		l.json(&row, n)
		if n.Field == nil && n.Kind == pb.FieldNode {
			row.Or = l.others(n)
		}
		row.Note = Escape(note(n))
		index := len(l.body.Rows)
		l.body.Rows = append(l.body.Rows, row)
		l.nodes(n.Children, depth+1, index)
	}
}

// describe returns the three parts of the field column.
func describe(n *inspect.Node, index int) (number, name, kind string) {
	switch n.Kind {
	case pb.GapNode:
		return "", "", ""
	case pb.ElementNode:
		return "·", "[" + strconv.Itoa(index) + "]", TypeName(n.Field)
	default:
	}
	number = strconv.Itoa(int(n.Number))
	if n.Field == nil {
		return number, "?", strings.ToLower(n.Wire.String())
	}
	name = string(n.Field.Name())
	if n.Field.IsExtension() {
		name = "[" + string(n.Field.FullName()) + "]"
	}
	return number, name, TypeName(n.Field)
}

// TypeName returns a field's type as a .proto file would name it, without its
// package: "int32", "Address", "map<string, int32>", "repeated Kind".
func TypeName(fd protoreflect.FieldDescriptor) string {
	if fd == nil {
		return ""
	}
	if fd.IsMap() {
		return "map<" + fd.MapKey().Kind().String() + ", " + TypeName(fd.MapValue()) + ">"
	}
	switch fd.Kind() {
	case protoreflect.EnumKind:
		return string(fd.Enum().Name())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return string(fd.Message().Name())
	default:
		return fd.Kind().String()
	}
}

// json fills the JSON column. A repeated field or map has a link as a whole and
// one for each element, with the same bytes: the first element also opens the
// member.
func (l *layout) json(row *Row, n *inspect.Node) {
	found := l.linksOf(n.Range)
	if len(found) == 0 {
		row.JSON = l.reading(n)
		return
	}
	last := len(found) - 1
	row.Link = int(found[last])
	text := l.line(l.body.Links[row.Link].JSON)
	for k := last - 1; k >= 0; k-- {
		if from := l.body.Links[found[k]].JSON; !l.opened(from.Off) {
			text = strings.TrimRight(l.line(from), " ") + text
		}
	}
	row.JSON = Escape(text)
}

// opened reports whether a member has been opened before, and takes it for opened.
func (l *layout) opened(off int) bool {
	if l.seen[off] {
		return true
	}
	if l.seen == nil {
		l.seen = map[int]bool{}
	}
	l.seen[off] = true
	return false
}

// line returns the first line of a JSON range, with the comma after it.
func (l *layout) line(r inspect.Range) string {
	b := l.body.JSON[r.Off:r.End()]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return string(b[:i])
	}
	end := r.End()
	// The last element of a list closes it: no row of its own would.
	if rest := bytes.TrimLeft(l.body.JSON[end:], " \n"); len(rest) > 0 && rest[0] == ']' {
		end = len(l.body.JSON) - len(rest) + 1
		b = append(b[:len(b):len(b)], ']')
	}
	if end < len(l.body.JSON) && l.body.JSON[end] == ',' {
		return string(b) + ","
	}
	return string(b)
}

// reading is what stands in the JSON column of a field that JSON does not have.
func (l *layout) reading(n *inspect.Node) string {
	if n.Kind == pb.GapNode || len(n.Children) > 0 || n.NotLaidOut() {
		return ""
	}
	text := Escape(n.Text(l.body.Payload))
	if n.Unknown() {
		return "unknown: " + text
	}
	return text
}

// others words the readings after the likeliest.
func (l *layout) others(n *inspect.Node) string {
	readings := n.Readings(l.body.Payload)
	if len(n.Children) > 0 {
		readings = slices.DeleteFunc(readings, func(r pb.Reading) bool { return r.As == "message" }) // as it is shown
	} else if len(readings) > 0 {
		readings = readings[1:]
	}
	words := make([]string, 0, len(readings))
	for _, r := range readings {
		if r.As != "bytes" { // they stand in a column of their own
			words = append(words, r.As+" "+shortened(r.Text))
		}
	}
	return Escape(strings.Join(words, ", "))
}

// shortened cuts a reading that is one of several.
func shortened(s string) string {
	const most = 32
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

func note(n *inspect.Node) string {
	switch {
	case n.NotLaidOut():
		return n.Problem + whereTheRest
	case n.Problem != "":
		return n.Problem
	case n.Unknown():
		return fmt.Sprintf("field %d is not in your schema: is the server newer?", n.Number)
	}
	return ""
}

// whereTheRest follows how much of a payload is not laid out.
const whereTheRest = "; -o body prints them all"

// Hex returns bytes as lower-case hex with a space between, as many lines as
// are needed with at most perLine bytes each.
func Hex(b []byte, perLine int) []string {
	lines := make([]string, 0, len(b)/perLine+1)
	for len(b) > 0 {
		n := min(perLine, len(b))
		lines = append(lines, string(appendHex(make([]byte, 0, 3*n), b[:n])))
		b = b[n:]
	}
	return lines
}

// appendHex appends bytes as Hex writes those of one line.
func appendHex(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}
