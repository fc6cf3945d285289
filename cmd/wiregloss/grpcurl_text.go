package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// This file writes messages in the protobuf text format as grpcurl does. It has two
// styles: one for messages of a schema, and the older one of Go's generated code for
// well-known types, which is on one line where such a message is inside another.

// textIndent indents lines of a message.
func textIndent(lines []string) []string {
	for i, l := range lines {
		lines[i] = "  " + l
	}
	return lines
}

// textMessage returns the lines of a message of a schema.
func textMessage(m protoreflect.Message) []string {
	var lines []string
	fields := byNumber(m.Descriptor())
	fields = slices.DeleteFunc(fields, func(fd protoreflect.FieldDescriptor) bool { return !m.Has(fd) })
	for _, fd := range withExtensions(m, fields) {
		name := textName(fd)
		switch {
		case fd.IsMap():
			entries := m.Get(fd).Map()
			for _, k := range sortedKeys(entries) {
				lines = append(lines, name+": <")
				lines = append(lines, textIndent(slices.Concat(
					textField("key", fd.MapKey(), k.Value()), textField("value", fd.MapValue(), entries.Get(k))))...)
				lines = append(lines, ">")
			}
		case fd.IsList():
			for i := range m.Get(fd).List().Len() {
				lines = append(lines, textField(name, fd, m.Get(fd).List().Get(i))...)
			}
		default:
			lines = append(lines, textField(name, fd, m.Get(fd))...)
		}
	}
	return append(lines, textUnknown(m.GetUnknown())...)
}

// textName is the name of a field in text. A group goes by the name of its message.
func textName(fd protoreflect.FieldDescriptor) string {
	name := string(fd.Name())
	group := fd.Kind() == protoreflect.GroupKind
	switch {
	case group && fd.IsExtension():
		return "[" + string(fd.Message().FullName()) + "]"
	case group:
		return string(fd.Message().Name())
	case fd.IsExtension():
		return "[" + string(fd.FullName()) + "]"
	}
	return name
}

func textField(name string, fd protoreflect.FieldDescriptor, v protoreflect.Value) []string {
	if fd.Message() == nil {
		return []string{name + ": " + textScalar(fd, v, strconv.FormatFloat)}
	}
	m := v.Message()
	if fd.Kind() == protoreflect.GroupKind {
		return slices.Concat([]string{name + "{"}, emptyLine(textIndent(textMessage(m))), []string{"}"})
	}
	inner := textMessage(m)
	if knownJSON[m.Descriptor().FullName()] != nil {
		inner = []string{""}
		if lines := oldText(m, nil); len(lines) > 0 {
			inner[0] = strings.Join(lines, " ") + " "
		}
	}
	return slices.Concat([]string{name + ": <"}, emptyLine(textIndent(inner)), []string{">"})
}

// emptyLine is what stands between the brackets of an empty message.
func emptyLine(lines []string) []string {
	if len(lines) == 0 {
		return []string{"  "}
	}
	return lines
}

// textScalar writes a value that is not a message.
func textScalar(fd protoreflect.FieldDescriptor, v protoreflect.Value, float func(float64, byte, int, int) string) string {
	switch x := v.Interface().(type) {
	case string:
		return textQuote(x)
	case []byte:
		return textQuote(string(x))
	case protoreflect.EnumNumber:
		if vd := fd.Enum().Values().ByNumber(x); vd != nil {
			return string(vd.Name())
		}
		return strconv.Itoa(int(x))
	case float32:
		return textFloat(float64(x), 32, float)
	case float64:
		return textFloat(x, 64, float)
	}
	return fmt.Sprint(v.Interface())
}

func textFloat(f float64, bits int, format func(float64, byte, int, int) string) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return format(f, 'g', -1, bits)
}

// textQuote writes a string with every byte that is not printable ASCII in octal.
func textQuote(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c <= '~':
			b = append(b, c)
		default:
			b = fmt.Appendf(b, `\%03o`, c)
		}
	}
	return string(append(b, '"'))
}

// unknownField is one field that a schema does not have.
type unknownField struct {
	number protowire.Number
	kind   protowire.Type
	value  []byte
}

// unknownFields cuts bytes that a message has kept into fields.
func unknownFields(b []byte) []unknownField {
	var fields []unknownField
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(number, kind, b[n:])
		if size < 0 {
			break
		}
		fields = append(fields, unknownField{number, kind, b[n : n+size]})
		b = b[n+size:]
	}
	return fields
}

// textUnknown writes fields that the schema does not have, by number.
func textUnknown(b []byte) []string {
	fields := unknownFields(b)
	slices.SortStableFunc(fields, func(a, b unknownField) int { return int(a.number) - int(b.number) })
	var lines []string
	for _, f := range fields {
		lines = append(lines, f.lines()...)
	}
	return lines
}

func (f unknownField) lines() []string {
	switch f.kind {
	case protowire.StartGroupType:
		inner, _ := protowire.ConsumeGroup(f.number, f.value)
		lines := []string{}
		for _, sub := range unknownFields(inner) {
			lines = append(lines, sub.lines()...)
		}
		return slices.Concat([]string{fmt.Sprintf("%d{", f.number)}, emptyLine(textIndent(lines)), []string{"}"})
	case protowire.BytesType:
		v, _ := protowire.ConsumeBytes(f.value)
		return []string{fmt.Sprintf("%d: %s", f.number, textQuote(string(v)))}
	case protowire.Fixed32Type:
		v, _ := protowire.ConsumeFixed32(f.value)
		return []string{fmt.Sprintf("%d: %d", f.number, v)}
	case protowire.Fixed64Type:
		v, _ := protowire.ConsumeFixed64(f.value)
		return []string{fmt.Sprintf("%d: %d", f.number, v)}
	}
	v, _ := protowire.ConsumeVarint(f.value)
	return []string{fmt.Sprintf("%d: %d", f.number, v)}
}

// oldText returns the fields of a well-known type, or of what an Any of grpcurl's
// holds. With types, an Any is shown as what it holds and messages take several
// lines; without, each field is one.
func oldText(m protoreflect.Message, types *curlTypes) []string {
	if types != nil && m.Descriptor().FullName() == "google.protobuf.Any" {
		if lines := oldAny(m, types); lines != nil {
			return lines
		}
	}
	var lines []string
	fields := declared(m.Descriptor())
	for _, fd := range fields {
		if !m.Has(fd) {
			continue
		}
		switch v := m.Get(fd); {
		case fd.IsMap():
			for _, k := range sortedKeys(v.Map()) {
				entry := slices.Concat(oldField(fd.MapKey(), k.Value(), types), oldField(fd.MapValue(), v.Map().Get(k), types))
				lines = append(lines, oldBracket(string(fd.Name()), entry, types)...)
			}
		case fd.IsList():
			for i := range v.List().Len() {
				lines = append(lines, oldField(fd, v.List().Get(i), types)...)
			}
		default:
			lines = append(lines, oldField(fd, v, types)...)
		}
	}
	return lines
}

func oldField(fd protoreflect.FieldDescriptor, v protoreflect.Value, types *curlTypes) []string {
	if fd.Message() != nil {
		return oldBracket(string(fd.Name()), oldText(v.Message(), types), types)
	}
	sep := ":"
	if types != nil {
		sep = ": "
	}
	return []string{string(fd.Name()) + sep + textScalar(fd, v, func(f float64, _ byte, _, bits int) string {
		if bits == 32 {
			return fmt.Sprint(float32(f))
		}
		return fmt.Sprint(f)
	})}
}

func oldBracket(name string, inner []string, types *curlTypes) []string {
	if types == nil {
		text := ""
		if len(inner) > 0 {
			text = strings.Join(inner, " ") + " "
		}
		return []string{name + ":<" + text + ">"}
	}
	return slices.Concat([]string{name + ": <"}, textIndent(inner), []string{">"})
}

// oldAny shows what an Any holds; nil if its type is not known.
func oldAny(m protoreflect.Message, types *curlTypes) []string {
	fields := m.Descriptor().Fields()
	url := m.Get(fields.ByNumber(1)).String()
	mt, err := types.FindMessageByURL(url)
	if err != nil {
		return nil
	}
	inner := mt.New()
	if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(m.Get(fields.ByNumber(2)).Bytes(), inner.Interface()); err != nil {
		return nil
	}
	name := url
	if strings.ContainsFunc(url, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '/' && r != '_'
	}) {
		name = textQuote(url)
	}
	return slices.Concat([]string{"[" + name + "]: <"}, textIndent(oldText(inner, types)), []string{">"})
}

// textTop returns a whole message.
func textTop(m protoreflect.Message, types *curlTypes) string {
	name := m.Descriptor().FullName()
	if knownJSON[name] != nil || name == "google.rpc.Status" {
		return strings.Join(oldText(m, types), "\n")
	}
	return strings.Join(textMessage(m), "\n")
}
