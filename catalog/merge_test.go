package catalog

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// oneFile is a catalog of one file with a message and a service.
func oneFile(path, pkg, field string) *Catalog {
	c := FromDescriptors([]*descriptorpb.FileDescriptorProto{{
		Name: proto.String(path), Package: proto.String(pkg), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String(field), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
		}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("R"), InputType: proto.String("." + pkg + ".M"), OutputType: proto.String("." + pkg + ".M"),
		}}}},
	}})
	c.Origin = path + " " + field
	return c
}

// The first definition counts: of files, services and types.
func TestMerge(t *testing.T) {
	t.Parallel()
	c := Merge(nil, oneFile("a.proto", "a", "one"), oneFile("b.proto", "b", "x"), oneFile("a.proto", "a", "two"), oneFile("a.proto", "a", "one"), oneFile("other.proto", "b", "y"))
	if len(c.Services) != 2 || c.Files.NumFiles() != 2 {
		t.Fatalf("%d services, %d files", len(c.Services), c.Files.NumFiles())
	}
	for _, name := range []string{"a.M.one", "b.M.x"} {
		if _, err := c.Symbol(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"a.M.two", "b.M.y"} {
		if d, err := c.Symbol(name); err == nil {
			t.Errorf("%v is there", d)
		}
	}
	m, err := c.Types.FindMessageByURL("x/a.M")
	if err != nil || m.Descriptor().Fields().ByName("one") == nil {
		t.Errorf("the type is not the first: %v", err)
	}
	want := []Problem{
		{"a.proto", "a second file of this name differs from the first, which is used (not that of a.proto two)"},
		{"other.proto", `left out, the first definition is used (not that of other.proto y): file "other.proto" has a name conflict over b.S`},
	}
	if len(c.Problems) != len(want) {
		t.Fatalf("problems %v", c.Problems)
	}
	for i, p := range c.Problems {
		if p != want[i] {
			t.Errorf("problem %q, want %q", p, want[i])
		}
	}
	if c.Origin != "a.proto one, b.proto x, a.proto two, other.proto y" {
		t.Errorf("origin %s", c.Origin)
	}
}

// A server that lists a service and cannot say what it is, and a file that can.
func TestMergeFillsIn(t *testing.T) {
	t.Parallel()
	server := &Catalog{Source: ReflectionV1, Services: []Service{{Name: "a.S", Problem: "not found"}}}
	c := Merge(server, oneFile("a.proto", "a", "one"))
	if _, ok := c.RPC("/a.S/R"); !ok || len(c.Services) != 1 || c.Services[0].Problem != "" || c.Source != ReflectionV1 {
		t.Errorf("%+v", c.Services)
	}
	again := Merge(c, nil)
	if _, err := again.Types.FindMessageByName("a.M"); err != nil {
		t.Error(err)
	}
	if empty := Merge(); len(empty.Services) != 0 || empty.Files == nil || empty.Types == nil {
		t.Errorf("%+v", empty)
	}
}
