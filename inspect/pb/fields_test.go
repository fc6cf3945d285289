package pb

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// checkTiles fails the test unless nodes cover at exactly, at every depth.
func checkTiles(t *testing.T, nodes []Node, at Range) {
	t.Helper()
	pos := at.Off
	for i := range nodes {
		n := &nodes[i]
		if n.Range.Off != pos || n.Range.Len <= 0 {
			t.Fatalf("node %d (field %d) is at %v, want it at %d", i, n.Number, n.Range, pos)
		}
		if !n.Range.Contains(n.Value) {
			t.Fatalf("node %d: value %v outside of %v", i, n.Value, n.Range)
		}
		if len(n.Children) > 0 {
			checkTiles(t, n.Children, n.Value)
		}
		pos = n.Range.End()
	}
	if pos != at.End() {
		t.Fatalf("nodes end at %d, want %d", pos, at.End())
	}
}

// outline writes nodes as number, wire type, text and problem, children in
// braces.
func outline(nodes []Node, payload []byte) string {
	var parts []string
	for _, n := range nodes {
		s := n.Kind.String()
		if n.Kind == FieldNode {
			s = n.Wire.String()
		}
		if n.Field != nil {
			s = string(n.Field.Name())
		}
		if t := n.Text(payload); t != "" {
			s += "=" + t
		}
		if len(n.Children) > 0 {
			s += "{" + outline(n.Children, payload) + "}"
		}
		if n.Problem != "" {
			s += " (" + n.Problem + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func TestFields(t *testing.T) {
	t.Parallel()
	s, md := rich()
	for _, tt := range []struct{ name, payload, with, without string }{
		{"scalars", "\x08\x96\x01\x30\x03\x80\x01\x02", "an_int32=150, a_sint32=-2, color=COLOR_GREEN", "VARINT=150, VARINT=3, VARINT=2"},
		{"string", "\x12\x03abc", `name="abc"`, `LEN="abc"`},
		{"control characters", "\x12\x05a\x1b[0m", `name="a\x1b[0m"`, `LEN="a\x1b[0m"`},
		{"message", "\x8a\x01\x02\x08\x01", "child{an_int32=1}", "LEN{VARINT=1}"},
		{"map", "\xf2\x01\x06\x0a\x01k\x12\x01v", `labels{key="k", value="v"}`, `LEN{LEN="k", LEN="v"}`},
		{"packed", "\xa2\x01\x03\x01\x96\x01", "ints{ints=1, ints=150}", "LEN=[1, 150]"},
		{"packed where the schema says not", "\xaa\x01\x02\x05\x07", "deltas{deltas=-3, deltas=-4}", "LEN=[5, 7]"},
		{"packed and cut off", "\xa2\x01\x02\x01\x96", "ints{ints=1, ints=96 (value: varint is cut off)}", "LEN=0196"},
		{"group", "\x82\x05\x04\x33\x08\x01\x34", "old{inner{x=1}}", "LEN{SGROUP{VARINT=1}}"},
		{"unknown field", "\xb8\x3e\x05", "VARINT=5", "VARINT=5"},
		{"other wire type", "\x0d\x01\x00\x00\x00", "I32=1 (an_int32 is a int32: wire type I32 does not fit)", "I32=1"},
		{"length past the end", "\x12\x05ab", `name=6162 (declares 5 bytes, 2 remain)`, "gap=6162 (declares 5 bytes, 2 remain)"},
		{"tag cut off", "\x08\x01\x80", "an_int32=1, gap=80 (field tag: varint is cut off)", "VARINT=1, gap=80 (field tag: varint is cut off)"},
		{"varint of 11 bytes", "\x08" + strings.Repeat("\x80", 10) + "\x01", "an_int32=8080808080808080808001 (value: varint does not fit in 64 bits or is longer than 10 bytes)", "gap=8080808080808080808001 (value: varint does not fit in 64 bits or is longer than 10 bytes)"},
		{"long varint", "\x08\x81\x00", "an_int32=1 (value takes 2 bytes where 1 would do)", "VARINT=1 (value takes 2 bytes where 1 would do)"},
		{"field number 0", "\x00\x01", "gap=0001 (field number 0 is not allowed)", "gap=0001 (field number 0 is not allowed)"},
		{"field number too large", "\x80\x80\x80\x80\x10\x01", "gap=808080801001 (field number 536870912 is above the largest, 536870911)", "gap=808080801001 (field number 536870912 is above the largest, 536870911)"},
		{"wire type 6", "\x0e", "gap=0e (field 1 has wire type 6, which does not exist)", "gap=0e (field 1 has wire type 6, which does not exist)"},
		{"end without start", "\x0c\x08\x01", "gap (end of group 1 without its start), an_int32=1", "gap (end of group 1 without its start), VARINT=1"},
		{"other end", "\x93\x01\x9c\x01\x94\x01", "SGROUP{gap (end of group 19 inside group 18)} (maybe_int is a int32: wire type SGROUP does not fit)", "SGROUP{gap (end of group 19 inside group 18)}"},
		{"group without end", "\xbb\x3e\x08\x01", "SGROUP{VARINT=1} (group 999 has no end)", "SGROUP{VARINT=1} (group 999 has no end)"},
		{"invalid UTF-8", "\x12\x01\xff", `name="\xff" (not valid UTF-8)`, "LEN=ff"},
	} {
		payload := []byte(tt.payload)
		if got := outline(Fields(payload, md, s.types), payload); got != tt.with {
			t.Errorf("%s: got  %s\nwant %s", tt.name, got, tt.with)
		}
		if got := outline(Fields(payload, nil, nil), payload); got != tt.without {
			t.Errorf("%s, no schema: got  %s\nwant %s", tt.name, got, tt.without)
		}
	}
}

func TestFieldsOfAny(t *testing.T) {
	t.Parallel()
	s, md := rich()
	content := protowire.AppendString([]byte{0x0a}, "x/rich.edition.Modern")
	payload := protowire.AppendBytes([]byte{0xa2, 0x03}, append([]byte("\x12\x02\x48\x07"), content...))
	want := `any{value{must=7}, type_url="x/rich.edition.Modern"}`
	if got := outline(Fields(payload, md, s.types), payload); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `any{value{VARINT=7} (type "x/rich.edition.Modern" is not in the schema), type_url="x/rich.edition.Modern"}`
	if got := outline(Fields(payload, md, nil), payload); got != want {
		t.Errorf("no types: got  %s\nwant %s", got, want)
	}
}

// nested gives n messages or groups within one another, as field 17.
func nested(n int, groups bool) []byte {
	var b []byte
	for range n {
		if groups {
			b = slices.Concat([]byte{0x8b, 0x01}, b, []byte{0x8c, 0x01})
		} else {
			b = protowire.AppendBytes([]byte{0x8a, 0x01}, b)
		}
	}
	return b
}

func TestFieldsNestedDeep(t *testing.T) {
	t.Parallel()
	_, md := rich()
	for name, payload := range map[string][]byte{
		"messages":    nested(10_000, false),
		"groups":      nested(10_000, true),
		"open groups": []byte(strings.Repeat("\x0b", 200_000)),
	} {
		for _, md := range []protoreflect.MessageDescriptor{nil, md} {
			nodes := Fields(payload, md, nil)
			checkTiles(t, nodes, Range{0, len(payload)})
			levels, problem := 0, ""
			for len(nodes) > 0 {
				levels++
				problem += nodes[0].Problem
				nodes = nodes[0].Children
			}
			if levels != maxShownDepth || !strings.Contains(problem, "nested deeper than 100 levels") {
				t.Errorf("%s: %d levels, problem %.200q", name, levels, problem)
			}
		}
	}
}

// A field whose type is in a missing file is decoded without a schema.
func TestFieldsOfPlaceholder(t *testing.T) {
	t.Parallel()
	file := &descriptorpb.FileDescriptorProto{
		Name:       new("lost.proto"),
		Dependency: []string{"missing.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("M"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: new("lost"), Number: new(int32(1)), TypeName: new(".missing.T"),
			Type:  descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}}}},
	}
	fd, err := protodesc.FileOptions{AllowUnresolvable: true}.New(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	md, payload := fd.Messages().Get(0), []byte("\x0a\x02\x08\x05")
	if got, want := outline(Fields(payload, md, nil), payload), "lost{VARINT=5}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got, err := NewPlan(md, nil, Options{}).AppendJSON(nil, payload)
	if want := `{"lost":{}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestProtoscopeSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testdata.Dir(t, "wire/protoscope"), "*.pb"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		nodes := Fields(payload, nil, nil)
		checkTiles(t, nodes, Range{0, len(payload)})
		for _, n := range nodes {
			// groups.pb holds unmatched group tags on purpose.
			if n.Problem != "" && filepath.Base(file) != "groups.pb" {
				t.Errorf("%s: field %d: %s %s", filepath.Base(file), n.Number, n.Kind, n.Problem)
			}
		}
	}
}
