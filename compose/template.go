package compose

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	_ "google.golang.org/protobuf/types/known/emptypb" // the template of an Any holds one
)

// largest bounds a template: schemas that nest widely multiply at every level.
const largest = 64 << 10

// Template returns a JSON body to fill in: every field of md in the order of the
// schema, at its default or a sensible value; of a oneof the first field. A
// message inside itself, and whatever no longer fits into 64 KiB, is null or
// empty. Encode accepts the result.
func Template(md protoreflect.MessageDescriptor) []byte {
	t := &templater{}
	t.message(md)
	return t.out.Bytes()
}

type templater struct {
	out   bytes.Buffer
	open  []protoreflect.FullName // messages that are being written, outermost first
	level int
}

func (t *templater) line() {
	t.out.WriteByte('\n')
	t.out.WriteString(strings.Repeat("  ", t.level))
}

// bracket writes an opening and closing bracket around inner lines.
func (t *templater) bracket(open, end byte, inner func()) {
	t.out.WriteByte(open)
	t.level++
	inner()
	t.level--
	t.line()
	t.out.WriteByte(end)
}

func (t *templater) message(md protoreflect.MessageDescriptor) {
	if k, ok := known[md.FullName()]; ok {
		t.out.WriteString(k.template)
		return
	}
	fields := templateFields(md)
	if len(fields) == 0 {
		t.out.WriteString("{}")
		return
	}
	t.open = append(t.open, md.FullName())
	t.bracket('{', '}', func() {
		for i, fd := range fields {
			if i > 0 {
				t.out.WriteByte(',')
			}
			t.line()
			t.string(fd.JSONName())
			t.out.WriteString(": ")
			t.field(fd)
		}
	})
	t.open = t.open[:len(t.open)-1]
}

// templateFields leaves out all but the first field of each oneof. A synthetic
// oneof (proto3 optional) has only one.
func templateFields(md protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var fields []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if od := fd.ContainingOneof(); od == nil || od.Fields().Get(0) == fd {
			fields = append(fields, fd)
		}
	}
	return fields
}

func (t *templater) field(fd protoreflect.FieldDescriptor) {
	switch {
	case fd.IsMap():
		if t.cut(fd.MapValue()) {
			t.out.WriteString("{}")
			return
		}
		t.bracket('{', '}', func() {
			t.line()
			t.string(mapKeyExample(fd.MapKey().Kind()))
			t.out.WriteString(": ")
			t.single(fd.MapValue())
		})
	case fd.IsList():
		if t.cut(fd) {
			t.out.WriteString("[]")
			return
		}
		t.bracket('[', ']', func() {
			t.line()
			t.single(fd)
		})
	case t.cut(fd):
		t.out.WriteString("null")
	default:
		t.single(fd)
	}
}

// cut reports whether the message of fd is not to be written out.
func (t *templater) cut(fd protoreflect.FieldDescriptor) bool {
	md := fd.Message()
	if md == nil || isWellKnown(md.FullName()) {
		return false
	}
	return t.out.Len() > largest || md.IsPlaceholder() || slices.Contains(t.open, md.FullName())
}

func mapKeyExample(k protoreflect.Kind) string {
	switch k {
	case protoreflect.StringKind:
		return "key"
	case protoreflect.BoolKind:
		return "true"
	}
	return "0"
}

func (t *templater) single(fd protoreflect.FieldDescriptor) {
	if fd.Message() != nil {
		t.message(fd.Message())
		return
	}
	if isNullValue(fd) {
		t.out.WriteString("null")
		return
	}
	if fd.Enum() != nil {
		t.enum(fd)
		return
	}
	t.scalar(fd)
}

func (t *templater) enum(fd protoreflect.FieldDescriptor) {
	switch {
	case fd.HasDefault() && fd.DefaultEnumValue() != nil:
		t.string(string(fd.DefaultEnumValue().Name()))
	case fd.Enum().Values().Len() > 0:
		t.string(string(fd.Enum().Values().Get(0).Name()))
	default: // the enum's file could not be read
		t.out.WriteByte('0')
	}
}

// scalar writes the default of the schema, or the zero value as protojson would:
// 64-bit integers in quotes, because many JSON readers would round them.
func (t *templater) scalar(fd protoreflect.FieldDescriptor) {
	zero := wrapper(fd.Kind()).ProtoReflect()
	if value := zero.Descriptor().Fields().ByNumber(1); fd.HasDefault() {
		zero.Set(value, fd.Default()) // kinds that share a wrapper share a Go type
	}
	b, err := protojson.Marshal(zero.Interface())
	if err != nil { // a default that is not UTF-8
		b = []byte(`""`)
	}
	t.out.Write(b)
}

func (t *templater) string(s string) {
	b, _ := json.Marshal(s) // of a string it cannot fail
	t.out.Write(b)
}
