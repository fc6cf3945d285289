package demo

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// registerReflection offers reflection v1 and v1alpha. Unlike
// reflection.Register it serves the comments of the .proto files, which the
// descriptors in generated code do not have.
func registerReflection(s *grpc.Server) error {
	own, err := describedFiles()
	if err != nil {
		return err
	}
	opts := reflection.ServerOptions{
		Services:           s,
		DescriptorResolver: layered{own, protoregistry.GlobalFiles},
	}
	grpc_reflection_v1.RegisterServerReflectionServer(s, reflection.NewServerV1(opts))
	grpc_reflection_v1alpha.RegisterServerReflectionServer(s, reflection.NewServer(opts))
	return nil
}

// describedFiles builds the demo's file descriptors with their comments.
func describedFiles() (*protoregistry.Files, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal([]byte(demov1.Descriptors), &set); err != nil {
		return nil, fmt.Errorf("read the demo's own descriptors: %w", err)
	}
	files := new(protoregistry.Files)
	for _, fd := range set.File {
		fd.SourceCodeInfo.Location = slices.DeleteFunc(fd.SourceCodeInfo.GetLocation(), silent)
		file, err := protodesc.NewFile(fd, layered{files, protoregistry.GlobalFiles})
		if err == nil {
			err = files.RegisterFile(file)
		}
		if err != nil {
			return nil, fmt.Errorf("build the demo's own descriptors: %s: %w", fd.GetName(), err)
		}
	}
	return files, nil
}

// silent reports whether a place in a file has no comment. Leaving those out
// makes a reflection reply a third of the size.
func silent(l *descriptorpb.SourceCodeInfo_Location) bool {
	return l.LeadingComments == nil && l.TrailingComments == nil && len(l.LeadingDetachedComments) == 0
}

// layered looks a descriptor up in one registry after the other.
type layered []*protoregistry.Files

// FindFileByPath implements protodesc.Resolver.
func (l layered) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	for _, files := range l {
		if fd, err := files.FindFileByPath(path); !errors.Is(err, protoregistry.NotFound) {
			return fd, err
		}
	}
	return nil, protoregistry.NotFound
}

// FindDescriptorByName implements protodesc.Resolver.
func (l layered) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	for _, files := range l {
		if d, err := files.FindDescriptorByName(name); !errors.Is(err, protoregistry.NotFound) {
			return d, err
		}
	}
	return nil, protoregistry.NotFound
}
