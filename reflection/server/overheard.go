package server

import (
	"strings"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	alphapb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// Overheard returns the files that servers sent in answer to reflection on a
// recorded connection: who captures the traffic of a client that asks has the
// schema of its calls. A file that came twice is in the list once.
func Overheard(rec *record.Recording, t inspect.Trace) []*descriptorpb.FileDescriptorProto {
	asked := map[uint32]bool{}
	for _, s := range t.Streams {
		if strings.HasPrefix(s.Path, "/grpc.reflection.v1") && strings.HasSuffix(s.Path, ".ServerReflection/ServerReflectionInfo") {
			asked[s.ID] = true
		}
	}
	if len(asked) == 0 {
		return nil
	}
	var files []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	size := 0
	for _, m := range t.Messages {
		if m.Dir != record.Received || !asked[m.Stream] {
			continue
		}
		payload, err := t.PayloadLimit(rec, m, maxMessage)
		if size += len(payload); err != nil || size > maxBytes {
			continue
		}
		for _, f := range answered(payload) {
			if !seen[f.GetName()] && len(files) < maxFiles {
				seen[f.GetName()] = true
				files = append(files, f)
			}
		}
	}
	return files
}

// answered returns the files in an answer; v1 and v1alpha look the same.
func answered(payload []byte) []*descriptorpb.FileDescriptorProto {
	var resp reflectpb.ServerReflectionResponse
	if err := proto.Unmarshal(payload, &resp); err != nil {
		return nil
	}
	var files []*descriptorpb.FileDescriptorProto
	for _, raw := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(raw, f); err == nil {
			files = append(files, f)
		}
	}
	return files
}

// Common returns the schema of services that most servers have besides their
// own: reflection and health.
func Common() *catalog.Catalog {
	var files []*descriptorpb.FileDescriptorProto
	for _, fd := range []protoreflect.FileDescriptor{
		reflectpb.File_grpc_reflection_v1_reflection_proto,
		alphapb.File_grpc_reflection_v1alpha_reflection_proto,
		healthpb.File_grpc_health_v1_health_proto,
	} {
		files = append(files, protodesc.ToFileDescriptorProto(fd))
	}
	return catalog.FromDescriptors(files)
}
