package pb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jhump/protoreflect/desc"
	"github.com/jhump/protoreflect/desc/protoparse"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/dynamicpb"
)

// schema is a set of files with their types.
type schema struct {
	files *protoregistry.Files
	types *dynamicpb.Types
}

func (s *schema) message(t testing.TB, name protoreflect.FullName) protoreflect.MessageDescriptor {
	t.Helper()
	d, err := s.files.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor)
}

// compile parses files into protobuf-go's own descriptors.
func compile(t testing.TB, dirs []string, names ...string) *schema {
	t.Helper()
	p := protoparse.Parser{ImportPaths: dirs, AllowExperimentalEditions: true}
	fds, err := p.ParseFiles(names...)
	if err != nil {
		t.Fatal(err)
	}
	set := &protoregistry.Files{}
	for _, fd := range fds {
		build(t, set, fd)
	}
	return &schema{set, dynamicpb.NewTypes(set)}
}

// build adds a file and what it imports to set. It builds as generated code
// does, since protodesc refuses a file that has a MessageSet.
func build(t testing.TB, set *protoregistry.Files, fd *desc.FileDescriptor) {
	t.Helper()
	if _, err := set.FindFileByPath(fd.GetName()); err == nil {
		return
	}
	for _, dep := range fd.GetDependencies() {
		build(t, set, dep)
	}
	raw, err := proto.Marshal(fd.AsFileDescriptorProto())
	if err != nil {
		t.Fatal(err)
	}
	protoimpl.DescBuilder{RawDescriptor: raw, FileRegistry: set}.Build()
}

var richOnce = sync.OnceValue(func() *schema {
	return compile(fatal{}, []string{"testdata/proto"}, "rich3.proto", "rich2.proto", "rich2023.proto")
})

// fatal stands for a test where several share a schema.
type fatal struct{ testing.TB }

func (fatal) Helper()        {}
func (fatal) Fatal(a ...any) { panic(fmt.Sprint(a...)) }

func rich() (*schema, protoreflect.MessageDescriptor) {
	s := richOnce()
	return s, s.message(fatal{}, "rich.Rich")
}

// errPanics says that protobuf-go has no verdict: v1.36.12 panics on a map entry
// whose key comes a second time with another wire type.
var errPanics = errors.New("protobuf-go panics")

// oracle gives what protobuf-go makes of a payload, without its random spaces.
func oracle(s *schema, md protoreflect.MessageDescriptor, payload []byte, o Options) (_ string, err error) {
	defer func() {
		if recover() != nil {
			err = errPanics
		}
	}()
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{Resolver: s.types}).Unmarshal(payload, m); err != nil {
		return "", err
	}
	b, err := protojson.MarshalOptions{
		Resolver: s.types, UseProtoNames: o.ProtoNames, EmitDefaultValues: o.Defaults, UseEnumNumbers: o.EnumNumbers,
	}.Marshal(m)
	if err != nil {
		return "", err
	}
	var c bytes.Buffer
	if err := json.Compact(&c, b); err != nil {
		return "", err
	}
	return c.String(), nil
}
