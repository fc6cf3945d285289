package inspect

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
)

// The words of package pb that callers of this package need.
type (
	// Range is a range of bytes in a payload or in a JSON text.
	Range = pb.Range
	// Node is one field of a message, at its bytes.
	Node = pb.Node
	// Types resolves the messages and extensions that a payload names itself.
	Types = pb.Types
	// Options choose between the forms that ProtoJSON allows.
	Options = pb.Options
	// Plan turns payloads of one message type into JSON.
	Plan = pb.Plan
	// Link joins a range of JSON to the bytes that produced it.
	Link = pb.Link
)

// Fields decodes one message body; see pb.Fields.
func Fields(payload []byte, md protoreflect.MessageDescriptor, types Types) []Node {
	return pb.Fields(payload, md, types)
}

// NewPlan compiles a message descriptor for JSON; see pb.NewPlan.
func NewPlan(md protoreflect.MessageDescriptor, types Types, o Options) *Plan {
	return pb.NewPlan(md, types, o)
}

// within maps a range of the joined bytes of spans to the parts of the spans
// that hold it.
func within(spans []record.Span, off, n int64) []record.Span {
	var out []record.Span
	for _, s := range spans {
		if n <= 0 {
			break
		}
		if off >= s.Len {
			off -= s.Len
			continue
		}
		part := min(s.Len-off, n)
		out = append(out, record.Span{Dir: s.Dir, Off: s.Off + off, Len: part})
		off, n = 0, n-part
	}
	return out
}
