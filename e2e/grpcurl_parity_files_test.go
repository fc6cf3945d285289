//go:build e2e

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// fileCases list and describe the schemas of files, and write them.
func fileCases(t *testing.T) map[string]invocation {
	protos, sets := testdata.Dir(t, "proto"), testdata.Dir(t, "protosets")
	own := filepath.Join(protos, "grpcurl-testing", "internal", "testing")
	conformance := []string{"-import-path", filepath.Join(protos, "protobuf", "src"), "-proto", "google/protobuf/test_messages_proto3.proto"}
	proto2 := []string{"-import-path", filepath.Join(protos, "protobuf", "src"), "-proto", "google/protobuf/test_messages_proto2.proto"}
	apis := []string{"-import-path", filepath.Join(protos, "googleapis"), "-proto", "google/pubsub/v1/pubsub.proto"}
	set := func(name string, more ...string) []string {
		return append([]string{"-protoset", filepath.Join(sets, name+".protoset")}, more...)
	}
	with := func(args []string, more ...string) []string { return append(append([]string(nil), args...), more...) }
	const all2, all3 = "protobuf_test_messages.proto2.TestAllTypesProto2", "protobuf_test_messages.proto3.TestAllTypesProto3"
	cases := map[string]invocation{
		"set list":            {args: set("interop", "list")},
		"set list with host":  {args: set("interop", "127.0.0.1:1", "list")},
		"set describe":        {args: set("interop", "describe"), unordered: true},
		"set errors":          {args: set("errdetails", "describe", "google.rpc.BadRequest")},
		"sets":                {args: set("interop", "-protoset", filepath.Join(sets, "etcd.protoset"), "list")},
		"set etcd":            {args: set("etcd", "describe"), unordered: true},
		"set methods":         {args: set("test", "list", "testing.TestService")},
		"set example":         {args: set("example", "describe"), unordered: true},
		"set missing":         {args: []string{"-protoset", filepath.Join(sets, "none"), "list"}, code: 1},
		"set broken":          {args: []string{"-protoset", filepath.Join(own, "test.proto"), "list"}, code: 1},
		"set symbol missing":  {args: set("interop", "describe", "nope"), code: 1},
		"set written":         {args: set("test", "-protoset-out", os.DevNull, "list")},
		"proto list":          {args: []string{"-import-path", own, "-proto", "test.proto", "list"}},
		"proto describe":      {args: []string{"-import-path", own, "-proto", "test.proto", "describe"}, unordered: true},
		"proto by path":       {args: []string{"-import-path", own, "-proto", filepath.Join(own, "test.proto"), "list"}},
		"proto without path":  {args: []string{"-proto", filepath.Join(own, "test.proto"), "list"}, code: 1},
		"proto missing":       {args: []string{"-import-path", own, "-proto", "none.proto", "list"}, code: 1},
		"proto imports":       {args: []string{"-import-path", own, "-proto", "example.proto", "-proto", "example2.proto", "describe"}, unordered: true},
		"proto bank":          {args: []string{"-import-path", filepath.Join(own, "cmd", "bankdemo"), "-proto", "bank.proto", "-proto", "support.proto", "describe"}, unordered: true},
		"proto apis":          {args: with(apis, "list")},
		"proto apis describe": {args: with(apis, "describe"), unordered: true},
		"template proto3":     {args: with(conformance, "-msg-template", "describe", all3)},
		"template proto2":     {args: with(proto2, "-msg-template", "describe", all2)},
		"template text":       {args: with(conformance, "-msg-template", "-format", "text", "describe", all3)},
		"template text proto2": {
			args: with(proto2, "-msg-template", "-format", "text", "describe", all2),
		},
	}
	for _, symbol := range []string{
		"", ".optional_int32", ".oneof_field", ".NestedEnum", ".FOO", ".NestedMessage", ".MapInt32Int32Entry", ".MapInt32Int32Entry.key", ".map_int32_int32",
		".recursive_message", ".optional_struct",
	} {
		cases["proto3 describe all"+symbol] = invocation{args: with(conformance, "describe", all3+symbol)}
	}
	for _, symbol := range []string{"", ".Data", ".data", ".optional_int32", ".default_string", ".MessageSetCorrectExtension1.message_set_extension", ".MultiWordGroupField"} {
		cases["proto2 describe all"+symbol] = invocation{args: with(proto2, "describe", all2+symbol)}
	}
	cases["proto2 describe extension"] = invocation{args: with(proto2, "describe", "protobuf_test_messages.proto2.extension_int32")}
	cases["edition 2024"] = edition2024(t)
	for _, file := range []string{"unittest.proto", "unittest_custom_options.proto", "map_unittest.proto", "unittest_proto3_optional.proto"} {
		if _, err := os.Stat(filepath.Join(protos, "protobuf", "src", "google", "protobuf", file)); err == nil {
			args := []string{"-import-path", filepath.Join(protos, "protobuf", "src"), "-proto", "google/protobuf/" + file, "describe"}
			code := 0
			if file == "unittest_custom_options.proto" {
				code = 1
			}
			cases["proto "+file] = invocation{args: args, code: code, unordered: true}
		}
	}
	return cases
}

// edition2024 is a schema of the newest edition.
func edition2024(t *testing.T) invocation {
	t.Helper()
	dir := t.TempDir()
	const source = `edition = "2024"; package e; message M { string name = 1; } service S { rpc Do(M) returns (M); }`
	if err := os.WriteFile(filepath.Join(dir, "e.proto"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return invocation{args: []string{"-import-path", dir, "-proto", "e.proto", "describe"}, code: 1}
}

// statusCases are statuses with details, which the server's schema has or has not.
func statusCases(t *testing.T) map[string]invocation {
	addr := statusServer(t)
	root := testdata.Dir(t, "proto/googleapis")
	schema := t.TempDir()
	const source = `syntax = "proto3"; package s; import "google/protobuf/any.proto"; import "google/rpc/status.proto";
message M { google.protobuf.Any any = 1; google.rpc.Status status = 2; }
service S { rpc Fail(M) returns (M); rpc Any(M) returns (M); }`
	if err := os.WriteFile(filepath.Join(schema, "s.proto"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"-plaintext", "-import-path", schema, "-import-path", root, "-proto", "s.proto"}
	known := slices.Concat(base, []string{"-proto", "google/rpc/error_details.proto"})
	cases := map[string]invocation{}
	for name, flags := range map[string][]string{"unknown": base, "known": known} {
		for _, f := range [][]string{nil, {"-format-error"}, {"-v"}, {"-format", "text"}, {"-format", "text", "-format-error"}} {
			args := slices.Concat(flags, f)
			label := name
			for _, word := range f {
				label += " " + word
			}
			cases["details "+label] = invocation{args: slices.Concat(args, []string{addr, "s.S/Fail"}), code: 64 + 3}
			cases["any "+label] = invocation{args: slices.Concat(args, []string{addr, "s.S/Any"})}
		}
	}
	return cases
}

// statusServer answers Fail with a status with details, and anything else with a
// message that has some of them in Any fields.
func statusServer(t *testing.T) string {
	t.Helper()
	details := []protoadapt.MessageV1{
		protoadapt.MessageV1Of(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a.b", Description: "too <long>"}}}),
		protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(1500000000)}),
		protoadapt.MessageV1Of(wrapperspb.String("a wrapper")),
	}
	st, err := status.New(codes.InvalidArgument, "no\nsuch \"thing\"").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	proto := st.Proto()
	proto.Details = append(proto.Details, &anypb.Any{TypeUrl: "type.example.com/no.Such", Value: []byte{8, 1}})
	return rawServer(t, func(stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var in []byte
		if err := stream.RecvMsg(&in); err != nil {
			return err
		}
		if method == "/s.S/Fail" {
			return status.FromProto(proto).Err()
		}
		for _, d := range proto.GetDetails()[1:2] {
			if err := stream.SendMsg(anyMessage(t, d, proto)); err != nil {
				return err
			}
		}
		return nil
	})
}

// rawServer serves every method by one handler that sees bytes.
func rawServer(t *testing.T, handle func(grpc.ServerStream) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(wireCodec{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return handle(stream) }))
	go func() { _ = s.Serve(l) }() // until Stop
	t.Cleanup(s.Stop)
	return l.Addr().String()
}
