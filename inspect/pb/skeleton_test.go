package pb

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jhump/protoreflect/desc/protoparse"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// body returns what stands between the braces of the message, with a slash for
// each new line.
func body(file string) string {
	_, s, _ := strings.Cut(file, " {\n")
	s = strings.TrimSuffix(strings.TrimSuffix(s, "}\n"), "\n")
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n  ", " / "), "  ", "")
}

func TestSkeleton(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, payloads, want string }{
		{"number", "\x08\x96\x01", "uint64 field_1 = 1; // or int64, sint64, uint32, sint32, int32, an enum"},
		{"negative", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "int64 field_1 = 1; // or int32, an enum, sint64, uint64"},
		{"wide", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "uint64 field_1 = 1; // or int64, sint64"},
		{"bool", "\x08\x01|\x08\x00|\x08\x01", "bool field_1 = 1; // or uint64, int64, sint64, uint32, sint32, int32, an enum"},
		{"text", "\x12\x03abc|\x12\x00", "string field_2 = 2; // or repeated uint64, bytes"},
		{"texts", "\x12\x03abc\x12\x01d", "repeated string field_2 = 2; // or repeated uint64, bytes"},
		{"bytes", "\x12\x02\xff\xff", "bytes field_2 = 2;"},
		{"empty", "\x12\x00", "string field_2 = 2; // or bytes, a message without fields"},
		{"message", "\x12\x02\x08\x07|\x12\x04\x12\x02hi", "message Message2 { / uint64 field_1 = 1; // or int64, sint64, uint32, sint32, int32, an enum / string field_2 = 2; // or a message, repeated uint64, bytes / } / Message2 field_2 = 2; // or repeated uint64, bytes, string"},
		{"a message that prints", "\x12\x22\x0a\x200123456789abcdef0123456789abcdef", "message Message2 { / string field_1 = 1; // or bytes, repeated uint64, repeated fixed64, repeated fixed32 / } / Message2 field_2 = 2; // or string, repeated uint64, bytes"},
		{"numbers", "\x08\x01\x08\x02", "repeated uint64 field_1 = 1 [packed = false]; // or int64, sint64, uint32, sint32, int32, an enum"},
		{"packed", "\x12\x05\x96\x01\xff\x7f\x02", "repeated uint64 field_2 = 2; // or bytes"},
		{"packed and not", "\x0a\x02\x07\x08|\x08\x01", "repeated uint64 field_1 = 1; // or int64, sint64, uint32, sint32, int32, an enum"},
		{"doubles", "\x12\x10\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x04\x40", "repeated double field_2 = 2; // or repeated float, bytes, repeated uint64"},
		{"float", "\x0d\x00\x00\xc0\x3f|\x0d\x00\x00\x00\x00", "float field_1 = 1; // or fixed32, sfixed32"},
		{"fixed", "\x0d\x01\x00\x00\x00|\x0d\x00\x00\xc0\x3f", "fixed32 field_1 = 1; // or sfixed32, float"},
		{"negative fixed", "\x09\xfe\xff\xff\xff\xff\xff\xff\xff", "sfixed64 field_1 = 1; // or fixed64, double"},
		{"group", "\x0b\x10\x01\x0c\x0b\x0c", "repeated group Group1 = 1 { / optional uint64 field_2 = 2; // or int64, sint64, uint32, sint32, int32, an enum, bool / }"},
		{"two wire types", "\x08\x01\x08\x01\x0d\x00\x00\x00\x00", "repeated uint64 field_1 = 1 [packed = false]; // or int64, sint64, uint32, sint32, int32, an enum, bool; unknown where it is I32, as in 1 place"},
		{"reserved", "\xc0\xa3\x09\x05", "// Field 19000, uint64: a number that may not be declared."},
		{"nothing", "", ""},
	} {
		s := NewSkeleton("x.Y")
		samples := strings.Split(tt.payloads, "|")
		for _, p := range samples {
			s.Add([]byte(p))
		}
		file := s.Proto()
		if got := body(file); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
		checkSkeleton(t, file, "x.Y", samples)
	}
}

func TestSkeletonHead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, full string }{
		{"demo.v1.Reply", "demo.v1.Reply"},
		{"Reply", "Reply"},
		{"", "Message"},
		{".a..b-c.9", "a.Message.b_c.Message9"},
		{"message", "message"},
		{"option.syntax.repeated", "option.syntax.repeated"},
		{"Message3", "Message3"},
	} {
		s := NewSkeleton(tt.name)
		s.Add([]byte("\x1a\x04\x1a\x02\x08\x01"))
		s.Add([]byte("\x08"))
		file := s.Proto()
		if !strings.Contains(file, "// Not all bytes are fields in 1 message.") {
			t.Errorf("nothing of the damage in\n%s", file)
		}
		compiled(t, file, protoreflect.FullName(tt.full))
	}
}

func TestSkeletonIsBounded(t *testing.T) {
	t.Parallel()
	var b []byte
	for num := range 10_000 {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(num+20_000), protowire.VarintType), 1)
	}
	for _, b := range [][]byte{b, nested(10_000, false), nested(10_000, true), []byte(strings.Repeat("\x0b", 200_000))} {
		s := NewSkeleton("x.Y")
		s.Add(b)
		file := s.Proto()
		compiled(t, file, "x.Y")
		if s.fields > maxSkeletonFields || len(file) > 2<<20 {
			t.Errorf("%d fields, %d bytes", s.fields, len(file))
		}
	}
}

func compiled(t *testing.T, file string, name protoreflect.FullName) protoreflect.MessageDescriptor {
	t.Helper()
	p := protoparse.Parser{Accessor: protoparse.FileContentsFromMap(map[string]string{"x.proto": file})}
	fds, err := p.ParseFiles("x.proto")
	if err != nil {
		t.Fatalf("%v in\n%.2000s", err, file)
	}
	md := fds[0].FindMessage(string(name))
	if md == nil {
		t.Fatalf("no message %s in\n%s", name, file)
	}
	return md.UnwrapMessage()
}

// checkSkeleton fails the test unless the file compiles and decodes the samples
// without unknown fields. It is false when the file says that it cannot.
func checkSkeleton(t *testing.T, file string, name protoreflect.FullName, samples []string) bool {
	t.Helper()
	md := compiled(t, file, name)
	for _, excuse := range []string{"unknown where", "may not be declared", "There are more fields", "Not all bytes"} {
		if strings.Contains(file, excuse) {
			return false
		}
	}
	for _, b := range samples {
		m := dynamicpb.NewMessage(md)
		if err := proto.Unmarshal([]byte(b), m); err != nil {
			t.Fatalf("%x: %v\n%s", b, err, file)
		}
		checkKnown(t, m, file)
	}
	return true
}

func checkKnown(t *testing.T, m protoreflect.Message, file string) {
	t.Helper()
	if u := m.GetUnknown(); len(u) > 0 {
		t.Fatalf("%s has unknown fields %x\n%s", m.Descriptor().FullName(), u, file)
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				checkKnown(t, v.List().Get(i).Message(), file)
			}
		default:
			checkKnown(t, v.Message(), file)
		}
		return true
	})
}

func TestSkeletonOfGenerated(t *testing.T) {
	t.Parallel()
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(4, 2)), s: s, fields: 8}
	checked := 0
	for range 300 {
		sk := NewSkeleton("x.Y")
		var samples []string
		for range 1 + g.IntN(4) {
			b := g.message(md, 3)
			samples = append(samples, string(b))
			sk.Add(b)
		}
		if checkSkeleton(t, sk.Proto(), "x.Y", samples) {
			checked++
		}
	}
	if checked < 50 {
		t.Errorf("only %d of 300 skeletons decode their samples", checked)
	}
}

func FuzzSkeleton(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewSkeleton("x.Y")
		samples := []string{string(b), string(b[:len(b)/2])}
		s.Add(b)
		if len(b)%2 == 0 {
			s.Add(b[:len(b)/2])
		} else {
			samples = samples[:1]
		}
		checkSkeleton(t, s.Proto(), "x.Y", samples)
	})
}
