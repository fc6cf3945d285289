package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	alphapb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server and returns a connection to it.
func serve(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	register(s)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	cc, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close(); s.Stop(); <-done })
	return cc
}

type testService struct {
	testpb.UnimplementedTestServiceServer
}

func names(c *catalog.Catalog) (all []string) {
	for _, s := range c.Services {
		all = append(all, s.Name)
	}
	return all
}

func TestLoad(t *testing.T) {
	t.Parallel()
	for want, register := range map[catalog.Source]func(reflection.GRPCServer){
		catalog.ReflectionV1: reflection.Register,
		catalog.ReflectionV1Alpha: func(s reflection.GRPCServer) {
			alphapb.RegisterServerReflectionServer(s, reflection.NewServer(reflection.ServerOptions{Services: s}))
		},
	} {
		cc := serve(t, func(s *grpc.Server) {
			testpb.RegisterTestServiceServer(s, testService{})
			healthpb.RegisterHealthServer(s, health.NewServer())
			register(s)
		})
		c, err := Load(t.Context(), cc)
		if err != nil {
			t.Fatal(err)
		}
		if c.Source != want || !strings.HasPrefix(c.Origin, "127.0.0.1:") || len(c.Problems) > 0 {
			t.Errorf("%s: source %q, origin %q, problems %v", want, c.Source, c.Origin, c.Problems)
		}
		if got := names(c); !slices.IsSorted(got) || !slices.Contains(got, "grpc.testing.TestService") || !slices.Contains(got, "grpc.health.v1.Health") {
			t.Errorf("%s: services %v", want, got)
		}
		rpc, ok := c.RPC("/grpc.testing.TestService/UnaryCall")
		if !ok || rpc.Method.Input().FullName() != "grpc.testing.SimpleRequest" || rpc.Method.Input().Fields().Len() == 0 {
			t.Errorf("%s: UnaryCall = %v, %v", want, rpc, ok)
		}
	}
}

func TestLoadFor(t *testing.T) {
	t.Parallel()
	cc := serve(t, func(s *grpc.Server) {
		testpb.RegisterTestServiceServer(s, testService{})
		healthpb.RegisterHealthServer(s, health.NewServer())
		reflection.Register(s)
	})
	for operation, want := range map[string]int{
		"grpc.health.v1.Health/Check": 1, "/grpc.health.v1.Health/Check": 1, "Health.Check": 1,
		"Check": 4, "helth.Check": 4,
	} {
		c, err := LoadFor(t.Context(), cc, operation)
		if err != nil || len(c.Services) != want {
			t.Errorf("%s: services %v, %v; want %d", operation, names(c), err, want)
		}
	}
}

// A type that only another service's file has may stand in an Any of this one.
func TestLoadForKnowsTheTypesOfAny(t *testing.T) {
	t.Parallel()
	holder := `name: "holder.proto" package: "a" syntax: "proto3" dependency: "google/protobuf/any.proto"
message_type { name: "Box" field { name: "in" number: 1 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL } }
service { name: "Holder" method { name: "Do" input_type: ".a.Box" output_type: ".a.Box" } }`
	other := `name: "other.proto" package: "b" syntax: "proto3" message_type { name: "Gift" }
service { name: "Other" method { name: "Do" input_type: ".b.Gift" output_type: ".b.Gift" } }`
	s := &scripted{
		services: []string{"a.Good", "a.Holder", "b.Other", "c.Gone"},
		symbols:  map[string][]string{"a.Good": {good}, "a.Holder": {holder}, "b.Other": {other}},
		byName:   map[string][]string{"in.proto": {in}},
	}
	cc := serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, s) })
	c, err := LoadFor(t.Context(), cc, "Holder/Do")
	if err != nil || len(c.Services) != 1 {
		t.Fatalf("services %v, %v", names(c), err)
	}
	if _, err := c.Types.FindMessageByURL("type.googleapis.com/b.Gift"); err != nil {
		t.Errorf("the type of an Any is not known: %v", err)
	}
	s.asked = nil
	if _, err := LoadFor(t.Context(), cc, "Good/Do"); err != nil || slices.Contains(s.asked, "b.Other") {
		t.Errorf("asked for %v, %v; without an Any other services are not needed", s.asked, err)
	}
}

func TestLoadWithoutReflection(t *testing.T) {
	t.Parallel()
	cc := serve(t, func(*grpc.Server) {})
	_, err := Load(t.Context(), cc)
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), "the server at 127.0.0.1:") ||
		!strings.HasSuffix(err.Error(), "does not offer reflection (v1 or v1alpha): without it there is no schema; enable it in the server") {
		t.Errorf("err = %v", err)
	}
}

// scripted is a reflection server that answers as it is told.
type scripted struct {
	reflectpb.UnimplementedServerReflectionServer
	services []string
	symbols  map[string][]string // symbol -> files in text form
	byName   map[string][]string
	fail     error

	extensions map[string][]string // "message number" -> files
	once       bool                // ends the stream after each answer

	mu    sync.Mutex
	asked []string
}

func (s *scripted) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	for {
		q, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.fail != nil {
			return s.fail
		}
		if err := stream.Send(s.answer(q)); err != nil || s.once {
			return err
		}
	}
}

func (s *scripted) answer(q *reflectpb.ServerReflectionRequest) *reflectpb.ServerReflectionResponse {
	resp := &reflectpb.ServerReflectionResponse{OriginalRequest: q}
	var files []string
	switch m := q.GetMessageRequest().(type) {
	case *reflectpb.ServerReflectionRequest_ListServices:
		list := &reflectpb.ListServiceResponse{}
		for _, n := range s.services {
			list.Service = append(list.Service, &reflectpb.ServiceResponse{Name: n})
		}
		resp.MessageResponse = &reflectpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}
		return resp
	case *reflectpb.ServerReflectionRequest_FileContainingSymbol:
		s.note(m.FileContainingSymbol)
		files = s.symbols[m.FileContainingSymbol]
	case *reflectpb.ServerReflectionRequest_FileByFilename:
		s.note(m.FileByFilename)
		files = s.byName[m.FileByFilename]
	case *reflectpb.ServerReflectionRequest_FileContainingExtension:
		key := fmt.Sprint(m.FileContainingExtension.GetContainingType(), " ", m.FileContainingExtension.GetExtensionNumber())
		s.note(key)
		files = s.extensions[key]
	}
	if files == nil {
		resp.MessageResponse = &reflectpb.ServerReflectionResponse_ErrorResponse{ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: "no such thing"}}
		return resp
	}
	var raw [][]byte
	for _, f := range files {
		fdp := &descriptorpb.FileDescriptorProto{}
		if err := prototext.Unmarshal([]byte(f), fdp); err != nil {
			raw = append(raw, []byte(f)) // not a file on purpose
			continue
		}
		b, _ := proto.Marshal(fdp)
		raw = append(raw, b)
	}
	resp.MessageResponse = &reflectpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: raw}}
	return resp
}

func (s *scripted) note(q string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q)
}

// questions returns what was asked for, in order.
func (s *scripted) questions() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, " ")
}

func (s *scripted) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = nil
}

func (s *scripted) load(t *testing.T) (*catalog.Catalog, error) {
	t.Helper()
	return Load(t.Context(), serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, s) }))
}

const (
	good = `name: "good.proto" package: "a" syntax: "proto3" dependency: "in.proto" dependency: "google/protobuf/timestamp.proto"
service { name: "Good" method { name: "Do" input_type: ".a.In" output_type: ".google.protobuf.Timestamp" } }
service { name: "Unlisted" }`
	in = `name: "in.proto" package: "a" syntax: "proto3" message_type { name: "In" }`
)

// One service that cannot be resolved does not spoil the others; each file is
// asked for once, and the well-known types not at all.
func TestLoadIsLenient(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		s := &scripted{
			once:     once,
			services: []string{"a.Good", "a.Gone", "a.Bad", "a.Good", "a.Elsewhere", "a.Garbage"},
			symbols: map[string][]string{
				"a.Good":      {good},
				"a.Bad":       {`name: "bad.proto" package: "a" syntax: "proto7" service { name: "Bad" }`},
				"a.Elsewhere": {in},
				"a.Garbage":   {"\xff\xff"},
			},
			byName: map[string][]string{"in.proto": {in}},
		}
		c, err := s.load(t)
		if err != nil {
			t.Fatal(err)
		}
		problems := map[string]string{}
		for _, svc := range c.Services {
			problems[svc.Name] = svc.Problem
		}
		want := map[string]string{
			"a.Good":      "",
			"a.Gone":      "NotFound: no such thing",
			"a.Bad":       `bad.proto: invalid syntax: "proto7"`,
			"a.Elsewhere": "the server's file for it does not define it",
			"a.Garbage":   "the server's file for it does not define it",
		}
		if fmt.Sprint(problems) != fmt.Sprint(want) {
			t.Errorf("once=%v: problems %v\nwant %v", once, problems, want)
		}
		op, err := c.Find("a.Good/Do")
		if err != nil {
			t.Fatal(err)
		}
		if m := op.Call.(catalog.RPC).Method; m.Input().IsPlaceholder() || m.Output().IsPlaceholder() {
			t.Error("messages were not resolved")
		}
		slices.Sort(s.asked) // several are asked at once
		if got := strings.Join(s.asked, " "); got != "a.Bad a.Elsewhere a.Garbage a.Gone a.Good" {
			t.Errorf("once=%v: asked %q", once, got)
		}
	}
}

func TestLoadAsksForImports(t *testing.T) {
	t.Parallel()
	s := &scripted{services: []string{"a.Good"}, symbols: map[string][]string{"a.Good": {good}}, byName: map[string][]string{"in.proto": {in}}}
	c, err := s.load(t)
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c)
	}
	if got := strings.Join(s.asked, " "); got != "a.Good in.proto" {
		t.Errorf("asked %q", got)
	}
	if len(c.Services) != 1 {
		t.Errorf("services %v: one that is not listed is offered", names(c))
	}
}

func TestLoadMissingImport(t *testing.T) {
	t.Parallel()
	s := &scripted{services: []string{"a.Good"}, symbols: map[string][]string{"a.Good": {good}}}
	c, err := s.load(t)
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.Find("a.Good/Do")
	if err != nil || !op.Call.(catalog.RPC).Method.Input().IsPlaceholder() {
		t.Errorf("op %v, %v", op, err)
	}
	if len(c.Problems) != 3 { // the refusal, the import, the method
		t.Errorf("problems %v", c.Problems)
	}
}

func TestLoadRefused(t *testing.T) {
	t.Parallel()
	s := &scripted{fail: status.Error(codes.PermissionDenied, "not you")}
	_, err := s.load(t)
	if status.Code(err) != codes.PermissionDenied || !strings.HasPrefix(err.Error(), "list services by reflection v1: ") {
		t.Errorf("err = %v", err)
	}
}

// A server that invents a new import in every file is cut off.
func TestLoadEndlessImports(t *testing.T) {
	t.Parallel()
	s := &endless{}
	c, err := Load(t.Context(), serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, s) }))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range c.Problems {
		found = found || strings.Contains(p.Text, "sends more than 20000 files")
	}
	if !found || c.Files.NumFiles() > maxFiles {
		t.Errorf("%d files; no problem says that the rest is left out", c.Files.NumFiles())
	}
}

type endless struct {
	reflectpb.UnimplementedServerReflectionServer
}

// ServerReflectionInfo answers every question with a hundred new files.
func (endless) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	n := 0
	for {
		q, err := stream.Recv()
		if err != nil {
			return nil
		}
		resp := &reflectpb.ServerReflectionResponse{OriginalRequest: q}
		if q.GetListServices() != "" {
			resp.MessageResponse = &reflectpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: &reflectpb.ListServiceResponse{Service: []*reflectpb.ServiceResponse{{Name: "a.S"}}}}
		} else {
			var files [][]byte
			for range 100 {
				n++
				b, _ := proto.Marshal(&descriptorpb.FileDescriptorProto{Name: proto.String(fmt.Sprint(n)), Dependency: []string{fmt.Sprint(n + 1)}})
				files = append(files, b)
			}
			resp.MessageResponse = &reflectpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: files}}
		}
		if stream.Send(resp) != nil {
			return nil
		}
	}
}

func TestLoadIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Load(ctx, serve(t, func(s *grpc.Server) { reflection.Register(s) }))
	if status.Code(err) != codes.Canceled {
		t.Errorf("err = %v", err)
	}
}

// encoded returns a file that is given as text.
func encoded(tb testing.TB, text string) []byte {
	tb.Helper()
	f := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(text), f); err != nil {
		tb.Error(err)
	}
	b, err := proto.Marshal(f)
	if err != nil {
		tb.Error(err)
	}
	return b
}
