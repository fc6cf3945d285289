//go:build e2e

package e2e

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/internal/testdata"
	"github.com/wiregloss/wiregloss/reflection/protofile"
)

// wireCodec passes messages as bytes.
type wireCodec struct{}

func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (wireCodec) Name() string { return "proto" }

// anyMessage encodes a message with an Any and a Status as fields 1 and 2.
func anyMessage(t *testing.T, a *anypb.Any, st *spb.Status) []byte {
	t.Helper()
	var b []byte
	for i, m := range []proto.Message{a, st} {
		inner, err := proto.Marshal(m)
		if err != nil {
			t.Error(err)
		}
		b = append(b, byte(i+1)<<3|2)
		b = append(b, lengthOf(inner)...)
		b = append(b, inner...)
	}
	return b
}

func lengthOf(b []byte) []byte {
	n := len(b)
	if n < 128 {
		return []byte{byte(n)}
	}
	return []byte{byte(n) | 128, byte(n >> 7)}
}

// vector is one input of the protobuf conformance suite.
type vector struct {
	Type   string `json:"message_type"`
	Wire   string `json:"wire"`
	Parses bool   `json:"go_parses"`
	JSON   string `json:"go_json"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	f, err := os.Open(testdata.Dir(t, "wire/protobuf-conformance/binary.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []vector
	for sc := bufio.NewScanner(f); sc.Scan(); {
		all = append(all, decode[vector](t, sc.Text()))
	}
	return all
}

// TestGrpcurlParityValues streams every valid conformance vector of a type through
// both programs, as JSON and as text, and sends back what protojson makes of them.
func TestGrpcurlParityValues(t *testing.T) {
	t.Parallel()
	grpcurl, src := peer(t, "grpcurl"), filepath.Join(testdata.Dir(t, "proto/protobuf"), "src")
	all := vectors(t)
	schema, err := protofile.Load([]string{
		filepath.Join(src, "google/protobuf/test_messages_proto2.proto"), filepath.Join(src, "google/protobuf/test_messages_proto3.proto"),
	}, protofile.Options{ImportPaths: []string{src}})
	if err != nil {
		t.Fatal(err)
	}
	types := schema.Types
	for _, syntax := range []string{"proto3", "proto2"} {
		name := "protobuf_test_messages." + syntax + ".TestAllTypes" + strings.ToUpper(syntax[:1]) + syntax[1:]
		dir := t.TempDir()
		source := fmt.Sprintf(`syntax = "proto3"; package v; import "google/protobuf/test_messages_%s.proto";
service V { rpc All(%[2]s) returns (stream %[2]s); rpc Echo(stream %[2]s) returns (stream %[2]s); }`, syntax, name)
		if err := os.WriteFile(filepath.Join(dir, "v.proto"), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		var wires [][]byte
		var bodies []string
		for _, v := range all {
			// grpcurl's library reads no message sets.
			if v.Type == name && v.Parses && !strings.Contains(v.JSON, "messageSetCorrect") {
				wires = append(wires, canonical(t, types, name, v.Wire))
				if json.Valid([]byte(v.JSON)) {
					bodies = append(bodies, v.JSON)
				}
			}
		}
		if len(wires) < 50 {
			t.Fatalf("only %d vectors of %s", len(wires), name)
		}
		addr := rawServer(t, func(stream grpc.ServerStream) error { return serveVectors(stream, wires) })
		base := []string{"-plaintext", "-import-path", dir, "-import-path", src, "-proto", "v.proto"}
		for _, c := range []struct {
			name, method, stdin string
			flags               []string
		}{
			{"JSON", "All", "", nil},
			{"defaults", "All", "", []string{"-emit-defaults"}},
			{"text", "All", "", []string{"-format", "text"}},
			{"verbose", "All", "", []string{"-vv"}},
			{"sent back", "Echo", strings.Join(bodies, "\n"), []string{"-d", "@"}},
		} {
			t.Run(syntax+" "+c.name, func(t *testing.T) {
				t.Parallel()
				args := append(append(append([]string(nil), base...), c.flags...), addr, "v.V/"+c.method)
				theirs := feed(t, c.stdin, grpcurl, args...)
				ours := feed(t, c.stdin, wiregloss, append([]string{"grpcurl"}, args...)...)
				if d := compareRuns(theirs, ours).String(); d != "" {
					t.Errorf("they differ in %s:\n%s\ngrpcurl: %d %s\nwiregloss: %d %s", d, firstDifference(theirs.stdout, ours.stdout), theirs.code, theirs.stderr, ours.code, ours.stderr)
				}
			})
		}
	}
}

// canonical encodes a vector anew. grpcurl's library refuses some encodings that
// protobuf allows, such as numbers with more bits than their field has.
func canonical(t *testing.T, types catalog.Types, name, wire string) []byte {
	t.Helper()
	mt, err := types.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(wire)
	if err != nil {
		t.Fatal(err)
	}
	m := mt.New().Interface()
	if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
	if b, err = (proto.MarshalOptions{Deterministic: true}).Marshal(m); err != nil {
		t.Fatal(err)
	}
	return b
}

// serveVectors sends all wires, or what it gets.
func serveVectors(stream grpc.ServerStream, wires [][]byte) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var in []byte
	for method == "/v.V/Echo" {
		if err := stream.RecvMsg(&in); err != nil {
			return nil //nolint:nilerr // the client has no more
		}
		if err := stream.SendMsg(in); err != nil {
			return err
		}
	}
	if err := stream.RecvMsg(&in); err != nil {
		return err
	}
	for _, wire := range wires {
		if err := stream.SendMsg(wire); err != nil {
			return err
		}
	}
	return nil
}

// firstDifference returns the lines around the first that differs.
func firstDifference(theirs, ours string) string {
	a, b := strings.Split(theirs, "\n"), strings.Split(ours, "\n")
	i := 0
	for i < len(a) && i < len(b) && plainTimes(a[i]) == plainTimes(b[i]) {
		i++
	}
	around := func(lines []string) string {
		return strings.Join(lines[min(max(i-6, 0), len(lines)):min(i+6, len(lines))], "\n")
	}
	return fmt.Sprintf("line %d\ngrpcurl:\n%s\nwiregloss:\n%s", i+1, around(a), around(b))
}
