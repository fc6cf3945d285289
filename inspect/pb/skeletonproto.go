package pb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Proto returns the .proto file. Its message decodes every sample that was added
// without unknown fields, unless a comment says otherwise: a field that came with
// wire types that no one type has, damage, or more fields than are kept. It is
// proto3, or proto2 when there are groups, which proto3 does not have. Names are
// made of the numbers. A comment behind a field tells its other plausible types.
func (s *Skeleton) Proto() string {
	pkg, name := protoName(s.name)
	w := &protoWriter{proto2: s.root.hasGroup()}
	w.line(0, "// Inferred from %s without a schema. Names are made of the numbers; types are the", plural(s.samples, "message"))
	w.line(0, "// likeliest that fit every message.")
	if s.damaged > 0 {
		w.line(0, "// Not all bytes are fields in %s.", plural(s.damaged, "message"))
	}
	if s.dropped {
		w.line(0, "// There are more fields, or they nest deeper, than are listed here.")
	}
	syntax := "proto3"
	if w.proto2 {
		syntax = "proto2"
	}
	w.line(0, "syntax = %q;", syntax)
	w.line(0, "")
	if pkg != "" {
		w.line(0, "package %s;", pkg)
		w.line(0, "")
	}
	w.line(0, "message %s {", name)
	w.message(s.root, 1)
	w.line(0, "}")
	return w.out.String()
}

// protoName makes a package, which may be "", and a message name of a full name.
func protoName(full string) (pkg, name string) {
	parts := strings.Split(strings.Trim(full, "."), ".")
	for i, p := range parts {
		parts[i] = identifier(p)
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "."), parts[last]
}

func identifier(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return "Message" + s
	}
	return s
}

func (m *outlineMessage) hasGroup() bool {
	for _, f := range m.fields {
		t := f.decide()
		if t.wire == StartGroup || t.message != nil && t.message.hasGroup() {
			return true
		}
	}
	return false
}

type protoWriter struct {
	out    strings.Builder
	proto2 bool
}

func (w *protoWriter) line(indent int, format string, args ...any) {
	if format != "" {
		w.out.WriteString(strings.Repeat("  ", indent))
		fmt.Fprintf(&w.out, format, args...)
	}
	w.out.WriteByte('\n')
}

func (w *protoWriter) message(m *outlineMessage, indent int) {
	for _, num := range slices.Sorted(maps.Keys(m.fields)) {
		w.field(num, m.fields[num], indent)
	}
}

func (w *protoWriter) field(num protowire.Number, f *outlineField, indent int) {
	t := f.decide()
	if num >= protowire.FirstReservedNumber && num <= protowire.LastReservedNumber {
		w.line(indent, "// Field %d, %s: a number that may not be declared.", num, t.name)
		return
	}
	label := ""
	switch {
	case t.repeated:
		label = "repeated "
	case w.proto2:
		label = "optional "
	}
	if t.wire == StartGroup {
		w.line(indent, "%sgroup Group%d = %d {%s", label, num, num, t.comment())
		w.message(f.group, indent+1)
		w.line(indent, "}")
		return
	}
	name := t.name
	if t.message != nil {
		name = fmt.Sprintf("Message%d", num)
		w.line(indent, "message %s {", name)
		w.message(t.message, indent+1)
		w.line(indent, "}")
	}
	w.line(indent, "%s%s field_%d = %d%s;%s", label, name, num, num, w.packing(t), t.comment())
}

// packing returns the option without which the elements would be written in the
// other way than the samples have them.
func (w *protoWriter) packing(t decision) string {
	switch {
	case !t.repeated || !t.scalar || t.packed != w.proto2:
		return ""
	case t.packed:
		return " [packed = true]"
	}
	return " [packed = false]"
}
