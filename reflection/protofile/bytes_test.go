package protofile

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/catalog"
)

type (
	descriptorMessage = protoreflect.MessageDescriptor
	fieldKind         = protoreflect.FieldDescriptor
)

// optionText prints options with the extensions that the catalog knows.
func optionText(t *testing.T, c *catalog.Catalog, opts proto.Message) string {
	t.Helper()
	raw, err := proto.Marshal(opts)
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(opts.ProtoReflect().Descriptor())
	if err := (proto.UnmarshalOptions{Resolver: c.Types}).Unmarshal(raw, m); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(m.String()), " ")
}

func interopSet() *descriptorpb.FileDescriptorSet {
	return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_test_proto),
		protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_messages_proto),
		protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_empty_proto),
	}}
}

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func zipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// One schema in all its forms is one schema; what it is called does not matter.
func TestFromBytes(t *testing.T) {
	t.Parallel()
	set := marshal(t, interopSet())
	asJSON, err := protojson.Marshal(interopSet())
	if err != nil {
		t.Fatal(err)
	}
	// A buf image is a set whose files have a field more.
	image := interopSet()
	for _, f := range image.File {
		f.ProtoReflect().SetUnknown([]byte{0xd2, 0xf6, 0x03, 0x02, 0x08, 0x00}) // field 8042
	}
	for name, data := range map[string][]byte{
		"set": set, "gzip": zipped(t, set), "JSON": asJSON, "gzip of JSON": zipped(t, asJSON), "buf image": marshal(t, image),
	} {
		c, err := FromReader("stdin", bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, ok := c.RPC("/grpc.testing.TestService/UnaryCall"); !ok || c.Origin != "stdin" || c.Source != catalog.DescriptorSet {
			t.Errorf("%s: origin %s, source %s, problems %v", name, c.Origin, c.Source, c.Problems)
		}
	}
	c, err := FromBytes("one", marshal(t, interopSet().File[2]))
	if err != nil || c.Files.NumFiles() != 1 {
		t.Errorf("one descriptor: %v", err)
	}
	c, err = FromBytes("stdin", []byte("syntax = \"proto3\"; import \"google/protobuf/empty.proto\";\nservice S { rpc R(google.protobuf.Empty) returns (google.protobuf.Empty); }"))
	if err != nil || len(operations(c)) != 1 || len(c.Problems) != 0 || c.Source != catalog.ProtoFiles {
		t.Errorf("source: %v %v", c, err)
	}
}

func TestFromBytesErrors(t *testing.T) {
	t.Parallel()
	for want, data := range map[string][]byte{
		"read schema x: it is empty":                        nil,
		"read schema x: it is JSON, but no descriptor set":  []byte(`{"openapi":"3.1.0"}`),
		"read schema x: descriptor set as JSON: ":           []byte(`{"file":3}`),
		"read schema x: it is neither a descriptor set nor": {0, 1, 2, 3, 0xff},
		"read schema x: gzip: unexpected EOF":               zipped(t, []byte("x"))[:12],
		"read schema: x:1:1: invalid character":             []byte("# no proto"),
	} {
		if _, err := FromBytes("x", data); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// No bytes break it, and what it makes can be made a set of again.
func FuzzFromBytes(f *testing.F) {
	f.Add(marshal(f, interopSet()))
	f.Add(zipped(f, marshal(f, interopSet())))
	f.Add([]byte(`{"file":[{"name":"a.proto","service":[{"name":"S"}]}]}`))
	for _, src := range []string{
		greeter,
		"syntax=\"proto2\"; import \"google/protobuf/descriptor.proto\"; extend google.protobuf.FieldOptions { optional M o = 5000; } message M { optional M m = 1 [(o).m.m = {m{}}]; }",
		"edition=\"2024\"; message A { local enum E { X=0; } E e = 1 [default = X, (a.b).c = 1, features.(x).y = Z]; extend A { B b = 1; } }",
		"edition=\"2099\"; service S { rpc R(stream .a.b) returns (stream S); }",
		"syntax=\"proto2\"; message M { repeated group G=1{ oneof o { string s=2; } extensions 1 to max; reserved 9; map<string,M.G> x=3; } }",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := FromBytes("fuzz", data)
		if err != nil {
			return
		}
		for _, p := range c.Problems {
			if p.Text == "" || strings.Contains(p.Text, "the parser failed") {
				t.Errorf("problem %q", p)
			}
		}
		if set := Set(c); len(set.GetFile()) < c.Files.NumFiles() {
			t.Errorf("%d files, %d in the set", c.Files.NumFiles(), len(set.GetFile()))
		}
	})
}
