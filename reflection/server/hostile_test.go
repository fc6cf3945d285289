package server

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/inspect/pb"
)

type answerer func(*reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse

// rogue answers as its function says; nil answers end the stream.
type rogue struct {
	reflectpb.UnimplementedServerReflectionServer
	answer answerer
	most   int // answers a stream; 0 for any number
}

func (r rogue) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	for n := 0; r.most == 0 || n < r.most; n++ {
		q, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the client has left
		}
		a := r.answer(q)
		if a == nil {
			<-stream.Context().Done()
			return nil
		}
		if stream.Send(a) != nil {
			return nil
		}
	}
	return nil
}

func ask(t *testing.T, r rogue, o Options) (*Answer, error) {
	t.Helper()
	return Ask(t.Context(), serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, r) }), o)
}

func listAnswer(names ...string) *reflectpb.ServerReflectionResponse {
	list := &reflectpb.ListServiceResponse{}
	for _, n := range names {
		list.Service = append(list.Service, &reflectpb.ServiceResponse{Name: n})
	}
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}}
}

func fileAnswer(tb testing.TB, files ...string) *reflectpb.ServerReflectionResponse {
	tb.Helper()
	var raw [][]byte
	for _, f := range files {
		raw = append(raw, encoded(tb, f))
	}
	return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: raw},
	}}
}

func problemsOf(c *catalog.Catalog) string {
	var all []string
	for _, p := range c.Problems {
		all = append(all, p.Where+": "+p.Text)
	}
	for _, s := range c.Services {
		if s.Problem != "" {
			all = append(all, s.Name+": "+s.Problem)
		}
	}
	return strings.Join(all, "\n")
}

// manyServices answers for n services in packages of ten files with one service each.
func manyServices(tb testing.TB, n int) answerer {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("p%d.S%d", i/10, i))
	}
	common := encoded(tb, `name: "common.proto" package: "common" syntax: "proto3" message_type { name: "M" field { name: "a" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }`)
	return func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if q.GetListServices() != "" {
			return listAnswer(names...)
		}
		if q.GetFileByFilename() == "common.proto" {
			a := fileAnswer(tb)
			a.GetFileDescriptorResponse().FileDescriptorProto = [][]byte{common}
			return a
		}
		pkg, name, _ := strings.Cut(q.GetFileContainingSymbol(), ".")
		f := &descriptorpb.FileDescriptorProto{
			Name: proto.String(pkg + "/" + name + ".proto"), Package: proto.String(pkg), Syntax: proto.String("proto3"),
			Dependency: []string{"common.proto"},
			Service:    []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(name)}},
		}
		for i := range 5 {
			f.Service[0].Method = append(f.Service[0].Method, &descriptorpb.MethodDescriptorProto{
				Name: proto.String(fmt.Sprintf("Do%d", i)), InputType: proto.String(".common.M"), OutputType: proto.String(".common.M"),
			})
		}
		b, _ := proto.Marshal(f) // made here, so it can be
		a := fileAnswer(tb)
		a.GetFileDescriptorResponse().FileDescriptorProto = [][]byte{b}
		return a
	}
}

// A server of 5,000 services is read whole, also if it ends the stream after every
// answer, or after a few.
func TestHugeServer(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 1, 7} {
		n := 5000
		if most > 0 {
			n = 500 // a stream each
		}
		a, err := ask(t, rogue{answer: manyServices(t, n), most: most}, Options{})
		if err != nil {
			t.Fatalf("%d answers a stream: %v", most, err)
		}
		if len(a.Catalog.Services) != n || len(a.Files) != n+1 || !a.Complete || problemsOf(a.Catalog) != "" {
			t.Errorf("%d answers a stream: %d services, %d files, problems %.500s", most, len(a.Catalog.Services), len(a.Files), problemsOf(a.Catalog))
		}
	}
}

// Services that share a file are not asked for one by one.
func TestSharedFileIsFetchedOnce(t *testing.T) {
	t.Parallel()
	text := `name: "all.proto" package: "a" syntax: "proto3"`
	var names []string
	for i := range 100 {
		text += fmt.Sprintf(` service { name: "S%d" }`, i)
		names = append(names, fmt.Sprintf("a.S%d", i))
	}
	asked := 0
	a, err := ask(t, rogue{answer: func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if q.GetListServices() != "" {
			return listAnswer(names...)
		}
		asked++
		return fileAnswer(t, text)
	}}, Options{})
	if err != nil || len(a.Catalog.Services) != 100 || asked != 1 {
		t.Errorf("%d services, %d questions, %v", len(a.Catalog.Services), asked, err)
	}
}

// A server that stops answering gives what it said so far, named as a part.
func TestServerFallsSilent(t *testing.T) {
	t.Parallel()
	answer := manyServices(t, 30)
	n := 0
	a, err := ask(t, rogue{answer: func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if n++; n > 3 {
			return nil
		}
		return answer(q)
	}}, Options{Silence: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	got := problemsOf(a.Catalog)
	if len(a.Catalog.Services) != 30 || a.Complete || !strings.Contains(got, "reflection: the server did not answer reflection for 50ms: 2 files were read") ||
		!strings.Contains(got, "p2.S29: not read: the server did not answer reflection for 50ms") {
		t.Errorf("complete %v, problems %s", a.Complete, got)
	}
	_, err = ask(t, rogue{answer: func(*reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse { return nil }}, Options{Silence: 20 * time.Millisecond})
	var slow *SlowError
	if !errors.As(err, &slow) || slow.Silent != 20*time.Millisecond {
		t.Errorf("of a server that never answers: %v", err)
	}
}

// A server that drips, with an answer now and then, ends by the total.
func TestServerDrips(t *testing.T) {
	t.Parallel()
	n := 0
	a, err := ask(t, rogue{answer: func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if q.GetListServices() != "" {
			return listAnswer("a.S")
		}
		n++
		return fileAnswer(t, fmt.Sprintf(`name: "f%d" dependency: "f%d"`, n, n+1)) // never the one that was asked for last
	}}, Options{Total: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if got := problemsOf(a.Catalog); !strings.Contains(got, "the server's reflection took longer than 200ms") && !strings.Contains(got, "sends more than 20000 files") {
		t.Errorf("problems %.300s", got)
	}
}

// Lies lose only what they are about.
func TestServerLies(t *testing.T) {
	t.Parallel()
	const main = `name: "a.proto" package: "a" syntax: "proto3" dependency: "x/in.proto"
service { name: "S" method { name: "Do" input_type: ".a.In" output_type: ".a.In" } }`
	for _, tt := range []struct {
		name    string
		answer  answerer
		problem string // as a part
		works   bool   // a.S/Do has its messages
	}{
		{"another path", func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			if q.GetFileByFilename() != "" {
				return fileAnswer(t, `name: "in.proto" package: "a" syntax: "proto3" message_type { name: "In" }`)
			}
			return fileAnswer(t, main)
		}, "x/in.proto: asked for it, the server sent in.proto, which is taken for it", true},
		{"another file", func(*reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			return fileAnswer(t, main)
		}, "x/in.proto: asked for it, the server sent a.proto", false},
		{"no file", func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			if q.GetFileByFilename() != "" {
				return fileAnswer(t)
			}
			return fileAnswer(t, main)
		}, "x/in.proto: a.proto is without it (the answer holds no file): fields of its types are shown by number, the rest works", false},
		{"two of one name", func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			in := `name: "x/in.proto" package: "a" syntax: "proto3" message_type { name: "In" }`
			return fileAnswer(t, main, in, strings.Replace(in, "In", "Out", 1))
		}, "x/in.proto: the server sent two different files of this name; the first is used", true},
		{"another question", func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			if q.GetFileByFilename() != "" {
				return listAnswer("b.S")
			}
			return fileAnswer(t, main)
		}, "the server answered another question", false},
		{"a cycle", func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			if q.GetFileByFilename() != "" {
				return fileAnswer(t, `name: "x/in.proto" package: "a" syntax: "proto3" dependency: "a.proto" message_type { name: "In" }`)
			}
			return fileAnswer(t, main)
		}, "the cycle is cut here", true},
		{"an unavailable import", func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
			if q.GetFileByFilename() != "" {
				return &reflectpb.ServerReflectionResponse{MessageResponse: &reflectpb.ServerReflectionResponse_ErrorResponse{
					ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: int32(codes.Unavailable), ErrorMessage: "later"},
				}}
			}
			return fileAnswer(t, main)
		}, "a.proto is without it (Unavailable: later)", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, err := ask(t, rogue{answer: func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
				if q.GetListServices() != "" {
					return listAnswer("a.S")
				}
				return tt.answer(q)
			}}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := problemsOf(a.Catalog); !strings.Contains(got, tt.problem) {
				t.Errorf("problems %s\nlack %s", got, tt.problem)
			}
			rpc, ok := a.Catalog.RPC("/a.S/Do")
			if !ok || rpc.Method.Input().IsPlaceholder() == tt.works {
				t.Errorf("a.S/Do is there: %v, and has its messages: %v", ok, ok && !rpc.Method.Input().IsPlaceholder())
			}
		})
	}
}

// Answers out of order go to the question that they repeat.
func TestAnswersOutOfOrder(t *testing.T) {
	t.Parallel()
	cc := serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, swapping{}) })
	a, err := Ask(t.Context(), cc, Options{Operation: "a.S/Do"})
	if err != nil || len(a.Listed) != 1 || len(a.Catalog.Services) != 1 || a.Catalog.Services[0].Problem != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

// swapping answers the second of two questions first.
type swapping struct {
	reflectpb.UnimplementedServerReflectionServer
}

func (swapping) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	second, err := stream.Recv()
	if err != nil {
		return err
	}
	b, _ := proto.Marshal(&descriptorpb.FileDescriptorProto{
		Name: proto.String("a.proto"), Package: proto.String("a"), Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S")}},
	})
	answer := &reflectpb.ServerReflectionResponse{OriginalRequest: second, MessageResponse: &reflectpb.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: [][]byte{b}},
	}}
	list := listAnswer("a.S")
	list.OriginalRequest = first
	if err := errors.Join(stream.Send(answer), stream.Send(list)); err != nil {
		return err
	}
	_, err = stream.Recv()
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// Names as long as a server likes are listed, but not repeated to it.
func TestLongNames(t *testing.T) {
	t.Parallel()
	long := "a." + strings.Repeat("x", 100_000)
	a, err := ask(t, rogue{answer: func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if q.GetListServices() != "" {
			return listAnswer(long, "a.S")
		}
		return fileAnswer(t, `name: "a.proto" package: "a" syntax: "proto3" service { name: "S" }`)
	}}, Options{})
	if err != nil || len(a.Catalog.Services) != 2 || !strings.Contains(problemsOf(a.Catalog), "its name is longer than 1024 bytes") {
		t.Errorf("%v", err)
	}
}

// A stream that dies of one question loses that one.
func TestQuestionThatBreaksTheStream(t *testing.T) {
	t.Parallel()
	cc := serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, fragile{t}) })
	a, err := Ask(t.Context(), cc, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := problemsOf(a.Catalog); got != "b.Bad: Internal: it broke" {
		t.Errorf("problems %q", got)
	}
}

// fragile breaks when it is asked for b.Bad.
type fragile struct{ tb testing.TB }

func (f fragile) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	for {
		q, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the client has left
		}
		a := listAnswer("a.S", "b.Bad", "c.S", "c.T")
		if symbol := q.GetFileContainingSymbol(); symbol == "b.Bad" {
			return status.Error(codes.Internal, "it broke")
		} else if pkg, name, ok := strings.Cut(symbol, "."); ok {
			a = fileAnswer(f.tb, fmt.Sprintf(`name: "%s/%s.proto" package: %q service { name: %q }`, pkg, name, pkg, name))
		}
		if stream.Send(a) != nil {
			return nil
		}
	}
}

// Fields of a type that is missing are still there, by their numbers and bytes.
func TestPlaceholdersAreShownAsTheyCame(t *testing.T) {
	t.Parallel()
	a, err := ask(t, rogue{answer: func(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
		if q.GetListServices() != "" {
			return listAnswer("a.S")
		}
		return fileAnswer(t, `name: "a.proto" package: "a" syntax: "proto3" dependency: "gone.proto"
message_type { name: "M" field { name: "gone" number: 1 type: TYPE_MESSAGE type_name: ".b.Gone" label: LABEL_OPTIONAL json_name: "gone" } field { name: "id" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "id" } }
service { name: "S" method { name: "Do" input_type: ".a.M" output_type: ".b.Gone" } }`)
	}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rpc, _ := a.Catalog.RPC("/a.S/Do")
	payload := []byte{0x0a, 3, 0x0a, 1, 'x', 0x12, 1, 'y'} // gone: {1: "x"}, id: "y"
	nodes := pb.Fields(payload, rpc.Method.Input(), a.Catalog.Types)
	if len(nodes) != 2 || string(payload[nodes[1].Value.Off:nodes[1].Value.End()]) != "y" || nodes[0].Field.Name() != "gone" {
		t.Fatalf("nodes %+v", nodes)
	}
	if inner := pb.Fields(payload[2:5], nodes[0].Field.Message(), a.Catalog.Types); len(inner) != 1 || inner[0].Number != 1 {
		t.Errorf("what is in the field: %+v", inner)
	}
	if all := pb.Fields(payload, rpc.Method.Output(), a.Catalog.Types); len(all) != 2 || all[0].Number != 1 || all[1].Number != 2 {
		t.Errorf("a message of a missing type: %+v", all)
	}
}
