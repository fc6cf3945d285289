// Package pb decodes one protobuf message without generated code: Fields gives
// a tree of nodes whose byte ranges tile the payload exactly, with or without a
// schema; a Plan turns the same bytes into the JSON of the ProtoJSON
// specification and can link each JSON range to the node it came from. Bytes
// that cannot be explained become nodes with a Problem; nothing fails.
package pb

import (
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
