package protofile

import (
	"strings"
	"testing"

	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A set of what was read is what was read, imports first.
func TestSetRoundTrip(t *testing.T) {
	t.Parallel()
	given := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_test_proto),
		protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_messages_proto),
		protodesc.ToFileDescriptorProto(testpb.File_grpc_testing_empty_proto),
	}}
	c, err := FromSet(given)
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c.Problems)
	}
	set := Set(c)
	if n := len(set.File); n != 3 || set.File[2].GetName() != "grpc/testing/test.proto" {
		t.Fatalf("%d files, the last %s", n, set.File[n-1].GetName())
	}
	again, err := FromSet(set)
	if err != nil || !proto.Equal(set, Set(again)) {
		t.Errorf("the set of the set differs: %v", err)
	}
	if _, ok := again.RPC("/grpc.testing.TestService/UnaryCall"); !ok {
		t.Error("a method was lost")
	}
}

func TestSetOfNothing(t *testing.T) {
	t.Parallel()
	if set := Set(nil); len(set.File) != 0 {
		t.Errorf("set %v", set)
	}
	if c, err := FromSet(nil); err != nil || len(c.Services) != 0 {
		t.Errorf("catalog %v, %v", c, err)
	}
}

func TestUnusableSet(t *testing.T) {
	t.Parallel()
	_, err := FromSet(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{Name: proto.String("a"), Syntax: proto.String("x")}}})
	if err == nil || !strings.Contains(err.Error(), `none of its 1 files can be used: "a": invalid syntax`) {
		t.Error(err)
	}
}
