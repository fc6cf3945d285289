package pb

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Finding is one place where a payload is valid, or nearly, but not what a
// canonical encoder writes. Canonical are the shortest varints, fields by number
// or in the order of protobuf-go without generated code, lists as declared, and
// no defaults where presence is implicit; map entries have no order.
type Finding struct {
	Range Range  // the bytes in the payload; for what is missing, the message that lacks it
	Path  string // as in Link.Path: address.city, tags[2], labels["k"]; by number where no schema is: 3.1
	Rule  Rule
	Text  string // what, and what follows from it; no control characters
}

// Rule names what a Finding breaks.
type Rule uint8

// The rules of a canonical encoding.
const (
	// LongTag is a tag with more bytes than its varint needs.
	LongTag Rule = iota
	// LongLength is a length with more bytes than its varint needs.
	LongLength
	// LongValue is a value with more bytes than its varint needs.
	LongValue
	// NotPacked is a list one by one which the schema declares packed.
	NotPacked
	// NotExpanded is a packed list which the schema declares expanded.
	NotExpanded
	// SplitPacked is a packed list in several runs.
	SplitPacked
	// OutOfOrder is a field after one with a larger number.
	OutOfOrder
	// Repeated is a singular field that occurs again.
	Repeated
	// DefaultWritten is a default where presence is implicit, or an empty packed list.
	DefaultWritten
	// BadUTF8 is a string that is not UTF-8 where parsers ask for it.
	BadUTF8
	// DuplicateKey is a map key that occurs again.
	DuplicateKey
	// UnknownField is a field that the schema does not have.
	UnknownField
	// WrongWireType is a field whose wire type is not that of its type.
	WrongWireType
	// SeveralOfOneof is a member of a oneof after another one.
	SeveralOfOneof
	// UnknownEnum is an enum value that the schema does not have.
	UnknownEnum
	// TooWide is a varint with more bits than its type.
	TooWide
	// IncompleteEntry is a map entry without key or value.
	IncompleteEntry
	// MissingRequired is a message without a required field.
	MissingRequired
	// Damaged is a run of bytes that is no field.
	Damaged
	// NotChecked is what was left out because there was too much or it lay too deep.
	NotChecked
)

var ruleNames = [...]string{
	"over-long tag", "over-long length", "over-long value", "not packed", "packed", "packed in parts",
	"out of order", "repeated singular field", "default on the wire", "invalid UTF-8", "duplicate map key",
	"unknown field", "wrong wire type", "several oneof members", "unknown enum value", "too wide",
	"incomplete map entry", "missing required field", "damaged", "not checked",
}

// String returns the rule in lower case, as in "over-long tag".
func (r Rule) String() string {
	if int(r) < len(ruleNames) {
		return ruleNames[r]
	}
	return fmt.Sprintf("rule %d", uint8(r))
}

// maxFindings bounds what Canonical returns.
const maxFindings = 1000

// Canonical tells where payload, a message of type md, differs from what a
// canonical encoder writes, sorted by offset. Without md, or where the schema
// ends, it tells only what needs none; what it finds in bytes that merely look
// like a message says so. The contents of an Any are checked if types knows
// their type; types may be nil. Of more than 1000 findings the rest is left out,
// and the last finding, which is NotChecked, says how many.
func Canonical(payload []byte, md protoreflect.MessageDescriptor, types Types) []Finding {
	c := &checker{src: payload, types: types}
	c.message(Fields(payload, md, types), known(md), Range{0, len(payload)})
	slices.SortStableFunc(c.found, func(a, b Finding) int { return cmp.Compare(a.Range.Off, b.Range.Off) })
	if c.left > 0 {
		c.found = append(c.found, Finding{
			Range: Range{len(payload), 0}, Rule: NotChecked,
			Text: fmt.Sprintf("%d more findings are not listed", c.left),
		})
	}
	return c.found
}

// checker walks a tree of nodes and gathers findings.
type checker struct {
	src     []byte
	types   Types
	found   []Finding
	left    int // findings that are not kept
	path    []pathStep
	guessed int // how many of the enclosing messages only look like one
}

// pathStep is a step of a path, made to text only when there is a finding.
type pathStep struct {
	n     *Node
	index int // in a list, else -1
	key   string
}

// add keeps a finding about the bytes in r. What follows the message that it is
// in may be told by name.
func (c *checker) add(rule Rule, r Range, format string, args ...any) {
	if len(c.found) == maxFindings {
		c.left++
		return
	}
	text := fmt.Sprintf(format, args...)
	if c.guessed > 0 {
		text = "if these bytes are a message: " + text
	}
	c.found = append(c.found, Finding{Range: r, Path: c.pathText(), Rule: rule, Text: text})
}

func (c *checker) pathText() string {
	var s strings.Builder
	for i := range c.path {
		c.stepText(&s, i)
	}
	return s.String()
}

// stepText appends step i. The key and value of a map entry, the elements of a
// packed list and what is in a MessageSet item have the path of what holds them.
func (c *checker) stepText(s *strings.Builder, i int) {
	p := &c.path[i]
	if i > 0 {
		switch in := c.path[i-1].n; {
		case isMapEntry(in) && p.n.Field != nil, isPackedRun(in), isSetItem(in):
			return
		}
	}
	if p.n.Number == 0 {
		return // bytes without a field
	}
	if s.Len() > 0 {
		s.WriteByte('.')
	}
	fd := p.n.Field
	if fd == nil {
		s.WriteString(strconv.Itoa(int(p.n.Number)))
		return
	}
	s.WriteString(fd.JSONName())
	switch {
	case isMapEntry(p.n):
		if p.key == "" {
			p.key = "[" + mapKeyText(p.n, c.src) + "]"
		}
		s.WriteString(p.key)
	case isPackedRun(p.n) && i+1 < len(c.path):
		s.WriteString("[" + strconv.Itoa(c.path[i+1].index) + "]")
	case !isPackedRun(p.n) && p.index >= 0:
		s.WriteString("[" + strconv.Itoa(p.index) + "]")
	}
}

func isMapEntry(n *Node) bool { return n.Field != nil && n.Field.IsMap() && n.Kind == FieldNode }

// isPackedRun reports whether the node's children are the elements of a list.
func isPackedRun(n *Node) bool {
	return n.Field != nil && n.Kind == FieldNode && n.Wire == Bytes && packable(n.Field)
}

// isSetItem reports whether the node is an item of a MessageSet: a group, while
// its field, the extension, is an ordinary message.
func isSetItem(n *Node) bool {
	return n.Wire == StartGroup && n.Field != nil && n.Field.Kind() == protoreflect.MessageKind
}

// mapKeyText gives the key of a map entry in quotes, as JSON has it.
func mapKeyText(entry *Node, src []byte) string {
	key := entry.Field.MapKey()
	text := defaultKey(key.Kind())
	for i := range entry.Children {
		n := &entry.Children[i]
		if n.Field == nil || n.Number != 1 || n.Kind != FieldNode {
			continue
		}
		if key.Kind() == protoreflect.StringKind {
			return shortQuote(n.bytes(src))
		}
		text = scalarText(key, n.raw(n.bytes(src)))
	}
	return strconv.Quote(text)
}

func defaultKey(kind protoreflect.Kind) string {
	switch kind {
	case protoreflect.StringKind:
		return ""
	case protoreflect.BoolKind:
		return "false"
	}
	return "0"
}

// message checks the fields of one message; at is where they are.
func (c *checker) message(nodes []Node, md protoreflect.MessageDescriptor, at Range) {
	m := &messageCheck{checker: c, md: md, nodes: nodes}
	m.survey()
	m.required(at)
	m.order()
	for i := range nodes {
		c.path = append(c.path, pathStep{n: &nodes[i], index: m.index(i)})
		m.node(&nodes[i])
		c.path = c.path[:len(c.path)-1]
	}
}

// below checks what is inside a node.
func (c *checker) below(n *Node) {
	if len(n.Children) == 0 && n.Message == nil {
		return
	}
	if n.Wire == Bytes && n.Message == nil && !isPackedRun(n) && (n.Field == nil || n.Field.Message() == nil) {
		c.guessed++
		defer func() { c.guessed-- }()
	}
	c.message(n.Children, n.Message, n.Value)
}

// plural gives a count with its noun, as in "1 byte" or "3 bytes".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
