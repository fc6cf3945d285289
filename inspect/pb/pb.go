// Package pb decodes one protobuf message without generated code. Fields gives
// a tree of nodes whose byte ranges tile the payload exactly, with or without a
// schema. A Plan turns the same bytes into the JSON of the ProtoJSON
// specification and can link each JSON range to the bytes it came from. Fields
// never fails: bytes that cannot be explained become nodes with a Problem.
//
//	nodes := pb.Fields(payload, md, types)
//	json, links, err := pb.NewPlan(md, types, pb.Options{}).JSONLinks(payload)
//
// Nodes and links use offsets in the same payload, so a node and a link with
// the same wire range are the same field. The package does no I/O and keeps no
// reference to a payload after a call returns.
package pb

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Range is a range of bytes in a payload or in a JSON text.
type Range struct{ Off, Len int }

// End returns the offset of the first byte after the range.
func (r Range) End() int { return r.Off + r.Len }

// Contains reports whether o lies wholly in r.
func (r Range) Contains(o Range) bool { return o.Off >= r.Off && o.End() <= r.End() }

// Types resolves the types that a payload names itself.
type Types interface {
	FindMessageByURL(url string) (protoreflect.MessageType, error)
	FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error)
}

// NodeKind says what the bytes of a Node are.
type NodeKind uint8

// The kinds of Node.
const (
	// FieldNode is a field: a tag and a value.
	FieldNode NodeKind = iota
	// ElementNode is one element of a packed repeated field; it has no tag.
	ElementNode
	// GapNode is a run of bytes that is not a field; Problem says why.
	GapNode
)

// String returns the kind in lower case.
func (k NodeKind) String() string {
	switch k {
	case FieldNode:
		return "field"
	case ElementNode:
		return "element"
	case GapNode:
		return "gap"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Node is one field, packed element or gap of a payload. All ranges are offsets
// in the payload that was given to Fields, at every depth.
type Node struct {
	Range    Range // the tag, the length and the value
	Value    Range // the value alone: a LEN field's content, a group's fields between its tags
	Number   protoreflect.FieldNumber
	Wire     Wire
	Kind     NodeKind
	Field    protoreflect.FieldDescriptor   // nil when the schema does not have the field
	Message  protoreflect.MessageDescriptor // what Children were decoded with: a message field's type or the type an Any names; else nil
	Children []Node                         // a message's fields, a map entry's key and value, packed elements
	Problem  string                         // why the bytes are damaged or notable; "" when they are neither
	schema   bool                           // the containing message has a descriptor
	broken   bool                           // a gap, or a group that holds one or has no end
	cut      bool                           // not decoded, as there are too many nodes
}

// Unknown reports whether the node is a field that its message's schema does not have.
func (n Node) Unknown() bool { return n.schema && n.Kind == FieldNode && n.Field == nil }
