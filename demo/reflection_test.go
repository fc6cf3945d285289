package demo

import (
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// reflector asks one reflection stream. The messages of v1alpha are those of v1
// under another name.
type reflector struct {
	t      *testing.T
	stream grpc.ClientStream
}

func newReflector(t *testing.T, conn *grpc.ClientConn, version string) reflector {
	t.Helper()
	both := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(t.Context(), both, "/grpc.reflection."+version+".ServerReflection/ServerReflectionInfo")
	if err != nil {
		t.Fatal(err)
	}
	return reflector{t, stream}
}

func (r reflector) ask(req *grpc_reflection_v1.ServerReflectionRequest) *grpc_reflection_v1.ServerReflectionResponse {
	r.t.Helper()
	var reply grpc_reflection_v1.ServerReflectionResponse
	if err := r.stream.SendMsg(req); err != nil {
		r.t.Fatal(err)
	}
	if err := r.stream.RecvMsg(&reply); err != nil {
		r.t.Fatal(err)
	}
	return &reply
}

func TestReflection(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		for _, version := range []string{"v1", "v1alpha"} {
			checkReflection(t, newReflector(t, conn, version))
		}
	})
}

func checkReflection(t *testing.T, r reflector) {
	t.Helper()
	var names []string
	list := r.ask(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}})
	for _, service := range list.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	want := []string{
		"demo.v1.ChatService", "demo.v1.FileService", "demo.v1.LoadService", "demo.v1.OrderService", "demo.v1.UserService",
		"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
	}
	if !slices.Equal(names, want) {
		t.Errorf("services %q, want %q", names, want)
	}
	for _, name := range want {
		found := r.ask(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
		}).GetFileDescriptorResponse().GetFileDescriptorProto()
		if len(found) == 0 {
			t.Errorf("no file has %s", name)
		} else if name == "demo.v1.UserService" {
			checkServedComment(t, found[0])
		}
	}
	if err := r.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}

// checkServedComment looks for a comment in a file of a reflection reply.
func checkServedComment(t *testing.T, file []byte) {
	t.Helper()
	var fd descriptorpb.FileDescriptorProto
	if err := proto.Unmarshal(file, &fd); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(fd.GetSourceCodeInfo().GetLocation(), func(l *descriptorpb.SourceCodeInfo_Location) bool {
		return strings.Contains(l.GetLeadingComments(), "GetUser returns one user.")
	}) {
		t.Error("reflection serves no comments")
	}
}

func TestEverythingHasAComment(t *testing.T) {
	t.Parallel()
	files, err := describedFiles()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	check := func(d protoreflect.Descriptor) {
		n++
		if comment(d) == "" {
			t.Errorf("%s has no comment", d.FullName())
		}
	}
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		for i := range fd.Services().Len() {
			check(fd.Services().Get(i))
			for j := range fd.Services().Get(i).Methods().Len() {
				check(fd.Services().Get(i).Methods().Get(j))
			}
		}
		for i := range fd.Messages().Len() {
			checkMessage(fd.Messages().Get(i), check)
		}
		checkEnums(fd.Enums(), check)
		return true
	})
	if n < 200 {
		t.Errorf("looked at %d declarations only", n)
	}
}

func checkMessage(md protoreflect.MessageDescriptor, check func(protoreflect.Descriptor)) {
	if md.IsMapEntry() {
		return
	}
	check(md)
	for i := range md.Fields().Len() {
		check(md.Fields().Get(i))
	}
	for i := range md.Oneofs().Len() {
		if !md.Oneofs().Get(i).IsSynthetic() {
			check(md.Oneofs().Get(i))
		}
	}
	for i := range md.Messages().Len() {
		checkMessage(md.Messages().Get(i), check)
	}
	checkEnums(md.Enums(), check)
}

func checkEnums(enums protoreflect.EnumDescriptors, check func(protoreflect.Descriptor)) {
	for i := range enums.Len() {
		check(enums.Get(i))
		for j := range enums.Get(i).Values().Len() {
			check(enums.Get(i).Values().Get(j))
		}
	}
}

// The descriptors with comments, the generated code and the sources must be of one age.
func TestGeneratedFilesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := describedFiles()
	if err != nil {
		t.Fatal(err)
	}
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		compiled, err := protoregistry.GlobalFiles.FindFileByPath(fd.Path())
		if err != nil {
			t.Fatal(err)
		}
		described := protodesc.ToFileDescriptorProto(fd)
		described.SourceCodeInfo = nil
		if !proto.Equal(described, protodesc.ToFileDescriptorProto(compiled)) {
			t.Errorf("%s: the descriptor set differs from the generated code; run go generate", fd.Path())
		}
		source, err := os.ReadFile("proto/" + fd.Path())
		if err != nil {
			t.Fatal(err)
		}
		for i := range fd.SourceLocations().Len() {
			for line := range strings.Lines(fd.SourceLocations().Get(i).LeadingComments) {
				if !strings.Contains(string(source), strings.TrimSpace(line)) {
					t.Errorf("%s: the source has no comment %q; run go generate", fd.Path(), line)
				}
			}
		}
		return true
	})
}
