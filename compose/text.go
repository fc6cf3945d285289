package compose

import (
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// textSeparator stands between messages of the text format, as in grpcurl.
const textSeparator = 0x1e

// readText fills m from the protobuf text format. Its errors are *BodyError.
func (o Options) readText(m *dynamicpb.Message, body []byte) error {
	err := prototext.UnmarshalOptions{Resolver: o.types(), DiscardUnknown: o.AllowUnknown}.Unmarshal(body, m)
	if err == nil {
		return nil
	}
	e := lastResort(body, err)
	if !position.MatchString(plain(err)) {
		return e // of the message as a whole
	}
	e.Text = strings.TrimPrefix(e.Text, "syntax error ")
	place := placeInText(m.Descriptor(), o.types(), body, int(e.Offset))
	e.Path = place.path
	place.explain(e)
	return e
}

// textPlace is where in a message a place of a text is: the path, the message that
// is open there, and the field whose value begins there, if one does.
type textPlace struct {
	path  string
	in    protoreflect.MessageDescriptor // nil if it is not known
	field protoreflect.FieldDescriptor   // nil if it is not known
	word  string                         // what stands there
	name  bool                           // it is the name of a field
}

// explain adds to the library's words what was meant or wanted.
func (p textPlace) explain(e *BodyError) {
	switch {
	case p.in == nil:
	case p.name && strings.HasPrefix(e.Text, "unknown field"):
		e.Text = "no such field in " + string(p.in.FullName())
		e.Suggestion, _ = catalog.Nearest(p.word, fieldNames(p.in, true))
		if e.Suggestion == "" {
			e.Text += fieldList(p.in)
		}
	case p.field != nil && strings.HasPrefix(e.Text, "invalid value for"):
		e.Text = "want " + wantsText(p.field) + ", got " + p.word
		if ed := p.field.Enum(); ed != nil {
			e.Suggestion, _ = catalog.Nearest(p.word, enumNames(ed))
		}
	}
}

// wantsText says what the text form of a scalar looks like.
func wantsText(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.BytesKind:
		return "a string in quotes (bytes)"
	case protoreflect.StringKind:
		return "a string in quotes"
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "a number, inf or nan (" + fd.Kind().String() + ")"
	case protoreflect.EnumKind:
		names := enumNames(fd.Enum())
		return "a name or number of enum " + string(fd.Enum().FullName()) + ", which has " + enumerate(names)
	}
	return wants(fd)
}

func enumNames(ed protoreflect.EnumDescriptor) []string {
	names := make([]string, ed.Values().Len())
	for i := range names {
		names[i] = string(ed.Values().Get(i).Name())
	}
	return names
}
