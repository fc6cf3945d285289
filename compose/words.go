package compose

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// known holds the well-known types that have JSON forms of their own: what to
// say when a value does not fit, and what to put into a template.
var known = map[protoreflect.FullName]struct{ wants, template string }{
	"google.protobuf.Any":         {`an object with "@type"`, `{"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}}`},
	"google.protobuf.Timestamp":   {`a time like "2026-01-31T15:04:05.123Z"`, `"1970-01-01T00:00:00Z"`},
	"google.protobuf.Duration":    {`a duration in seconds like "1.5s"`, `"0s"`},
	"google.protobuf.FieldMask":   {`field names joined by commas like "name,address.city", in lowerCamelCase`, `""`},
	"google.protobuf.Empty":       {"{}", `{}`},
	"google.protobuf.Struct":      {"an object", `{}`},
	"google.protobuf.ListValue":   {"an array", `[]`},
	"google.protobuf.Value":       {"any JSON value", `null`},
	"google.protobuf.BoolValue":   {"", `false`},
	"google.protobuf.StringValue": {"", `""`},
	"google.protobuf.BytesValue":  {"", `""`},
	"google.protobuf.Int32Value":  {"", `0`},
	"google.protobuf.UInt32Value": {"", `0`},
	"google.protobuf.Int64Value":  {"", `"0"`},
	"google.protobuf.UInt64Value": {"", `"0"`},
	"google.protobuf.FloatValue":  {"", `0`},
	"google.protobuf.DoubleValue": {"", `0`},
}

func isWellKnown(name protoreflect.FullName) bool {
	_, ok := known[name]
	return ok
}

// wantsKnown says what the JSON of a well-known type looks like; a wrapper's is
// that of the scalar it wraps.
func wantsKnown(md protoreflect.MessageDescriptor) string {
	if w := known[md.FullName()].wants; w != "" {
		return w + " (" + string(md.FullName()) + ")"
	}
	if fd := md.Fields().ByNumber(1); fd != nil {
		return wants(fd)
	}
	return string(md.FullName())
}

// wants says what the JSON of a scalar looks like.
func wants(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.StringKind:
		return "a string"
	case protoreflect.BytesKind:
		return "a base64 string (bytes)"
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return fmt.Sprintf("a number, \"NaN\" or \"Infinity\" (%s)", fd.Kind())
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return fmt.Sprintf("a whole number from 0 to 4294967295 (%s)", fd.Kind())
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return fmt.Sprintf("a whole number from 0 to 18446744073709551615 (%s)", fd.Kind())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return fmt.Sprintf("a whole number from -2147483648 to 2147483647 (%s)", fd.Kind())
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return fmt.Sprintf("a whole number of 64 bits (%s)", fd.Kind())
	}
	return typeName(fd)
}

// typeName is the type as a .proto file writes it.
func typeName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Message() != nil:
		return string(fd.Message().FullName())
	case fd.Enum() != nil:
		return string(fd.Enum().FullName())
	}
	return fd.Kind().String()
}

// scalarOK asks protojson whether raw is a value of kind k, by way of the wrapper
// type that holds one. Kinds that differ only on the wire share a wrapper.
func scalarOK(k protoreflect.Kind, raw []byte) bool {
	// The space: protojson takes "1e" for a number unless it is the last thing.
	padded := append(bytes.Clone(raw), ' ')
	return protojson.Unmarshal(padded, wrapper(k)) == nil
}

func wrapper(k protoreflect.Kind) proto.Message {
	switch k {
	case protoreflect.BoolKind:
		return &wrapperspb.BoolValue{}
	case protoreflect.StringKind:
		return &wrapperspb.StringValue{}
	case protoreflect.BytesKind:
		return &wrapperspb.BytesValue{}
	case protoreflect.FloatKind:
		return &wrapperspb.FloatValue{}
	case protoreflect.DoubleKind:
		return &wrapperspb.DoubleValue{}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return &wrapperspb.UInt32Value{}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return &wrapperspb.UInt64Value{}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return &wrapperspb.Int32Value{}
	}
	return &wrapperspb.Int64Value{}
}

// show describes the value that was found, short and with nothing that a
// terminal could act on.
func (w *walker) show(v value) string {
	switch v.kind {
	case object:
		return "an object"
	case array:
		return "an array"
	case text:
		return strconv.Quote(cut(v.str))
	case null, boolean, number, special: // as they are written
	}
	return cut(string(w.raw(v)))
}

// cut shortens s for a message.
func cut(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
