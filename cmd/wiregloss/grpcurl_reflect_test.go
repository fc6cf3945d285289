package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// oddReflection answers every question by one function; nil hangs up.
type oddReflection struct {
	reflectpb.UnimplementedServerReflectionServer
	answer func(*reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse
	once   bool // hang up after each answer
}

func (r oddReflection) ServerReflectionInfo(stream reflectpb.ServerReflection_ServerReflectionInfoServer) error {
	for {
		q, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the client has gone
		}
		a := r.answer(q)
		if a == nil {
			return status.Error(codes.Unavailable, "not now")
		}
		if err := stream.Send(a); err != nil || r.once {
			return err
		}
	}
}

// sendFiles is an answer with files.
func sendFiles(files ...*descriptorpb.FileDescriptorProto) *reflectpb.ServerReflectionResponse {
	list := &reflectpb.FileDescriptorResponse{}
	for _, f := range files {
		b, _ := proto.Marshal(f) // made here, so it can be
		list.FileDescriptorProto = append(list.FileDescriptorProto, b)
	}
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: list}}
}

func refuse(code codes.Code) *reflectpb.ServerReflectionResponse {
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_ErrorResponse{
		ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: int32(code), ErrorMessage: "no"},
	}}
}

// oneMessage is a file with the message p.M, whose field is of type or none.
func oneMessage(path, field string, imports ...string) *descriptorpb.FileDescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String("M")}
	if field != "" {
		m.Field = []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("f"), Number: proto.Int32(1), TypeName: proto.String(field),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
		}}
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String(path), Package: proto.String("p"), Syntax: proto.String("proto3"), Dependency: imports,
		MessageType: []*descriptorpb.DescriptorProto{m},
	}
}

// curlServerOf asks a server that answers oddly, by v1 or only by v1alpha, whose
// messages are the same.
func curlServerOf(t *testing.T, r oddReflection, alphaOnly bool) *curlServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	desc := reflectpb.ServerReflection_ServiceDesc
	if alphaOnly {
		desc.ServiceName = "grpc.reflection.v1alpha.ServerReflection"
	}
	s.RegisterService(&desc, r)
	go func() { _ = s.Serve(l) }() // until Stop
	t.Cleanup(s.Stop)
	cc, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	asks := newCurlServer(ctx, cc)
	t.Cleanup(asks.close)
	return asks
}

// endless answers each question with a file that imports another.
func endless() func(*reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
	var n atomic.Int64
	return func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		next := fmt.Sprint(n.Add(1))
		if path := q.GetFileByFilename(); path != "" {
			return sendFiles(&descriptorpb.FileDescriptorProto{Name: proto.String(path), Dependency: []string{next}})
		}
		return sendFiles(oneMessage("a", "", next))
	}
}

// TestGrpcurlReflection asks servers that do what they should not for p.M.
func TestGrpcurlReflection(t *testing.T) {
	t.Parallel()
	type question = *reflectpb.ServerReflectionRequest
	type reply = *reflectpb.ServerReflectionResponse
	for name, c := range map[string]struct {
		answer func(question) reply
		once   bool
		alpha  bool
		want   string // in the error; empty for none
	}{
		"good":          {answer: func(question) reply { return sendFiles(oneMessage("a", "")) }},
		"v1alpha alone": {answer: func(question) reply { return sendFiles(oneMessage("a", "")) }, alpha: true},
		"cyclic imports": {answer: func(q question) reply {
			if q.GetFileByFilename() == "b" {
				return sendFiles(&descriptorpb.FileDescriptorProto{Name: proto.String("b"), Dependency: []string{"a"}})
			}
			return sendFiles(oneMessage("a", "", "b"))
		}},
		"imports itself": {want: "the cycle is cut here", answer: func(question) reply { return sendFiles(oneMessage("a", "", "a")) }},
		"one answer a stream": {once: true, answer: func(q question) reply {
			if q.GetFileByFilename() == "b" {
				return sendFiles(&descriptorpb.FileDescriptorProto{Name: proto.String("b")})
			}
			return sendFiles(oneMessage("a", "", "b"))
		}},
		"import missing and not needed": {answer: func(q question) reply {
			if q.GetFileByFilename() != "" {
				return refuse(codes.NotFound)
			}
			return sendFiles(oneMessage("a", "", "b"))
		}},
		"import missing and needed": {want: "caused by: Symbol not found: p.Other", answer: func(q question) reply {
			if q.GetFileByFilename() != "" {
				return refuse(codes.NotFound)
			}
			return sendFiles(oneMessage("a", ".p.Other", "b"))
		}},
		"well-known import not served": {answer: func(q question) reply {
			if q.GetFileByFilename() != "" {
				return refuse(codes.NotFound)
			}
			return sendFiles(oneMessage("a", ".google.protobuf.Any", "google/protobuf/any.proto"))
		}},
		"another file":   {want: "Symbol not found: p.M", answer: func(question) reply { return sendFiles(&descriptorpb.FileDescriptorProto{Name: proto.String("z")}) }},
		"no file":        {want: "Symbol not found: p.M", answer: func(question) reply { return sendFiles() }},
		"another answer": {want: "another question", answer: func(question) reply { return &reflectpb.ServerReflectionResponse{} }},
		"not there":      {want: "Symbol not found: p.M", answer: func(question) reply { return refuse(codes.NotFound) }},
		"not allowed":    {want: "PermissionDenied", answer: func(question) reply { return refuse(codes.PermissionDenied) }},
		"not supported":  {want: errNoReflection.Error(), answer: func(question) reply { return refuse(codes.Unimplemented) }},
		"hangs up":       {want: errNoReflection.Error(), answer: func(question) reply { return nil }},
		"not a descriptor": {want: "cannot be read", answer: func(question) reply {
			return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_FileDescriptorResponse{
				FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: [][]byte{[]byte("garbage")}},
			}}
		}},
		"imports without end": {want: "more than", answer: endless()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := curlServerOf(t, oddReflection{answer: c.answer, once: c.once}, c.alpha)
			d, err := s.symbol("p.M")
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("got %v, want an error with %q", err, c.want)
			case c.want == "" && d.FullName() != protoreflect.FullName("p.M"):
				t.Fatalf("got %s", d.FullName())
			}
		})
	}
}
