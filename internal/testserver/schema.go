package testserver

import (
	"encoding/binary"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// source is the schema of every server: each method of the service is answered as
// the mode says.
const source = `
name: "test/v1/mischief.proto" package: "test.v1" syntax: "proto3"
message_type { name: "Request"
  field { name: "text" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "text" }
}
message_type { name: "Reply"
  field { name: "text" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "text" }
  field { name: "number" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "number" }
  field { name: "numbers" number: 3 label: LABEL_REPEATED type: TYPE_INT32 json_name: "numbers" }
  field { name: "nested" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".test.v1.Reply" json_name: "nested" }
  field { name: "counts" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".test.v1.Reply.CountsEntry" json_name: "counts" }
  nested_type { name: "CountsEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "key" }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "value" }
  }
}
service { name: "Mischief"
  method { name: "Do" input_type: ".test.v1.Request" output_type: ".test.v1.Reply" }
  method { name: "Fail" input_type: ".test.v1.Request" output_type: ".test.v1.Reply" }
  method { name: "Stream" input_type: ".test.v1.Request" output_type: ".test.v1.Reply" server_streaming: true }
  method { name: "Upload" input_type: ".test.v1.Request" output_type: ".test.v1.Reply" client_streaming: true }
  method { name: "Chat" input_type: ".test.v1.Request" output_type: ".test.v1.Reply" client_streaming: true server_streaming: true }
}`

// schema is how a mode answers reflection.
type schema struct {
	none   bool   // not at all
	broken bool   // with a service whose file is missing
	doc    string // comment on the service and its first method
}

func isReflection(path string) bool {
	return strings.HasPrefix(path, "/grpc.reflection.v1.ServerReflection/") || strings.HasPrefix(path, "/grpc.reflection.v1alpha.ServerReflection/")
}

// reflect answers the questions that have arrived on a stream, and ends it when
// the client has. It is called for each DATA frame, in order.
func (sc schema) reflect(s *stream, end bool) {
	if sc.none {
		s.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "12", "grpc-message", "unknown service")
		s.conn.forget(s.id)
		return
	}
	for len(s.body) >= 5 {
		n := 5 + int64(binary.BigEndian.Uint32(s.body[1:]))
		if int64(len(s.body)) < n {
			break
		}
		q := &reflectpb.ServerReflectionRequest{}
		_ = proto.Unmarshal(s.body[5:n], q) // garbage is an empty question
		s.body = slices.Delete(s.body, 0, int(n))
		sc.greet(s)
		resp, _ := proto.Marshal(sc.reply(q)) // made here, so it can be
		s.data(prefixed(false, resp), false)
	}
	if end {
		sc.greet(s)
		s.goodbye()
		s.conn.forget(s.id)
	}
}

// greet sends the response headers once.
func (schema) greet(s *stream) {
	if !s.greeted {
		s.greeted = true
		s.hello()
	}
}

func (sc schema) reply(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
	resp := &reflectpb.ServerReflectionResponse{ValidHost: q.GetHost(), OriginalRequest: q}
	symbol := q.GetFileContainingSymbol()
	switch {
	case q.GetListServices() != "":
		list := &reflectpb.ListServiceResponse{Service: []*reflectpb.ServiceResponse{{Name: "test.v1.Mischief"}}}
		if sc.broken {
			list.Service = append(list.Service, &reflectpb.ServiceResponse{Name: "test.v1.Broken"})
		}
		resp.MessageResponse = &reflectpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}
	case strings.HasPrefix(symbol, "test.v1.") && symbol != "test.v1.Broken", q.GetFileByFilename() == "test/v1/mischief.proto":
		resp.MessageResponse = &reflectpb.ServerReflectionResponse_FileDescriptorResponse{
			FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: [][]byte{sc.file()}},
		}
	default:
		resp.MessageResponse = &reflectpb.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: "file not found"},
		}
	}
	return resp
}

func (sc schema) file() []byte {
	f := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(source), f); err != nil {
		panic(err) // the constant above
	}
	if sc.doc != "" {
		f.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
			{Path: []int32{6, 0}, Span: []int32{1, 0, 1}, LeadingComments: proto.String(sc.doc)},
			{Path: []int32{6, 0, 2, 0}, Span: []int32{2, 0, 1}, LeadingComments: proto.String(sc.doc)},
		}}
	}
	b, _ := proto.Marshal(f) // made here, so it can be
	return b
}
