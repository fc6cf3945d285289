package reflection

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/cache"
	"github.com/wiregloss/wiregloss/reflection/protofile"
)

// serve starts a server of two services and returns how to connect to it.
func serve(t *testing.T) (dial func(context.Context) (grpc.ClientConnInterface, error), stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	testpb.RegisterTestServiceServer(s, struct {
		testpb.UnimplementedTestServiceServer
	}{})
	healthpb.RegisterHealthServer(s, health.NewServer())
	reflectpb.RegisterServerReflectionServer(s, reflection.NewServerV1(reflection.ServerOptions{Services: s, DescriptorResolver: withHidden(t)}))
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	stop = func() { s.Stop(); <-done }
	t.Cleanup(stop)
	return func(context.Context) (grpc.ClientConnInterface, error) {
		return grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	}, stop
}

// withHidden resolves what is linked in, and a message that no file imports.
func withHidden(t *testing.T) protodesc.Resolver {
	t.Helper()
	c := catalog.FromDescriptors([]*descriptorpb.FileDescriptorProto{{
		Name: proto.String("hidden.proto"), Package: proto.String("hidden"), MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Gift")}},
	}})
	return either{c.Files}
}

type either struct{ own *protoregistry.Files }

func (e either) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if fd, err := e.own.FindFileByPath(path); err == nil {
		return fd, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

func (e either) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d, err := e.own.FindDescriptorByName(name); err == nil {
		return d, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}

func conn(c grpc.ClientConnInterface) func(context.Context) (grpc.ClientConnInterface, error) {
	return func(context.Context) (grpc.ClientConnInterface, error) { return c, nil }
}

var errRefused = errors.New("connect: connection refused")

func unreachable(context.Context) (grpc.ClientConnInterface, error) { return nil, errRefused }

func protoFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const shop = "syntax = \"proto3\"; package shop; message M {} service Shop { rpc Buy(M) returns (M); }"

// When a server is asked is decided here and nowhere else.
func TestReflectModes(t *testing.T) {
	t.Parallel()
	dial, _ := serve(t)
	path := protoFile(t, "shop.proto", shop)
	for _, tt := range []struct {
		name   string
		mode   Mode
		files  []string
		asked  bool
		has    []string // operations
		hasNot []string
		fails  bool
	}{
		{"auto", Auto, nil, true, []string{"/grpc.health.v1.Health/Check"}, nil, false},
		{"auto with files", Auto, []string{path}, false, []string{"/shop.Shop/Buy"}, []string{"/grpc.health.v1.Health/Check"}, false},
		{"on", On, nil, true, []string{"/grpc.health.v1.Health/Check"}, nil, false},
		{"on with files", On, []string{path}, true, []string{"/shop.Shop/Buy", "/grpc.health.v1.Health/Check"}, nil, false},
		{"off", Off, nil, false, nil, nil, true},
		{"off with files", Off, []string{path}, false, []string{"/shop.Shop/Buy"}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := false
			s, err := Resolve(t.Context(), Options{Reflect: tt.mode, Files: tt.files, Origin: "here:1", Dial: func(ctx context.Context) (grpc.ClientConnInterface, error) {
				asked = true
				return dial(ctx)
			}})
			var none *NotCachedError
			if (err != nil) != tt.fails || (tt.fails && !errors.As(err, &none)) {
				t.Fatalf("err = %v", err)
			}
			if asked != tt.asked {
				t.Errorf("the server was asked: %v", asked)
			}
			if err != nil {
				return
			}
			defer s.Close()
			for _, path := range tt.has {
				if _, ok := s.Catalog.RPC(path); !ok {
					t.Errorf("%s is missing", path)
				}
			}
			for _, path := range tt.hasNot {
				if _, ok := s.Catalog.RPC(path); ok {
					t.Errorf("there is %s", path)
				}
			}
		})
	}
	if _, err := ParseMode("maybe"); err == nil {
		t.Error("--reflect=maybe is a mode")
	}
}

// The sources count in the order in which they are given, stdin at its place.
func TestFilesMergeInOrder(t *testing.T) {
	t.Parallel()
	c, err := protofile.FromBytes("shop.proto", []byte(strings.Replace(shop, "Buy", "Sell", 1)))
	if err != nil {
		t.Fatal(err)
	}
	set, err := proto.Marshal(protofile.Set(c))
	if err != nil {
		t.Fatal(err)
	}
	path := protoFile(t, "shop.proto", shop)
	for _, tt := range []struct {
		files []string
		want  string
	}{{[]string{path, "-"}, "/shop.Shop/Buy"}, {[]string{"-", path}, "/shop.Shop/Sell"}, {[]string{"-"}, "/shop.Shop/Sell"}} {
		got, err := Load(t.Context(), Options{Files: tt.files, Stdin: strings.NewReader(string(set))})
		if err != nil {
			t.Errorf("%q: %v", tt.files, err)
			continue
		}
		if _, ok := got.RPC(tt.want); !ok {
			t.Errorf("%q: no %s", tt.files, tt.want)
		}
	}
	if _, err := Load(t.Context(), Options{Files: []string{"-", "-"}, Stdin: strings.NewReader(string(set))}); err == nil {
		t.Error("stdin was read twice")
	}
	if _, err := Load(t.Context(), Options{Files: []string{"-"}, Stdin: strings.NewReader("\x00nothing")}); err == nil || !strings.Contains(err.Error(), "stdin") {
		t.Errorf("of no schema: %v", err)
	}
}

// What a server said once is there when it does not say it again, and marked.
func TestCacheStandsIn(t *testing.T) {
	t.Parallel()
	dial, _ := serve(t)
	store := cache.New(t.TempDir(), cache.Options{})
	o := Options{Dial: dial, Origin: "here:1", Cache: store, Key: cache.Key{Network: "tcp", Address: "here:1"}}
	s, err := Resolve(t.Context(), o)
	if err != nil || s.Cached != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := errors.Join(s.Remember(), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		stands bool
		why    error
	}{
		{"not asked", func(o *Options) { o.Reflect = Off }, true, nil},
		{"unreachable", func(o *Options) { o.Dial, o.Unreachable = unreachable, true }, true, errRefused},
		{"unreachable, and that is not forgiven", func(o *Options) { o.Dial = unreachable }, false, errRefused},
		{"without reflection", func(o *Options) { o.Dial = conn(refusing{}) }, true, nil},
		{"breaks off", func(o *Options) { o.Dial = conn(failing{}) }, true, nil},
		{"wants credentials", func(o *Options) { o.Dial = conn(denying{}) }, false, nil},
		{"another target", func(o *Options) { o.Dial = conn(refusing{}); o.Key.Authority = "x" }, false, nil},
		{"no cache", func(o *Options) { o.Reflect = Off; o.Cache = nil }, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := o
			tt.change(&o)
			s, err := Resolve(t.Context(), o)
			if !tt.stands {
				if err == nil || (tt.why != nil && !errors.Is(err, tt.why)) {
					t.Errorf("err = %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := s.Catalog.RPC("/grpc.testing.TestService/UnaryCall"); !ok || s.Cached == nil || s.Cached.At.IsZero() || len(s.Catalog.Problems) > 0 {
				t.Errorf("cached %+v, problems %v", s.Cached, s.Catalog.Problems)
			}
			if (tt.why != nil && !errors.Is(s.Cached.Why, tt.why)) || (o.Reflect != Off) != (s.Cached.Why != nil) {
				t.Errorf("why = %v", s.Cached.Why)
			}
			if err := errors.Join(s.Remember(), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server that answers is believed, whatever the cache has.
func TestStaleCacheIsNotUsed(t *testing.T) {
	t.Parallel()
	dial, _ := serve(t)
	store := cache.New(t.TempDir(), cache.Options{})
	o := Options{Dial: dial, Origin: "here:1", Operation: "Health/Check", Cache: store, Key: cache.Key{Address: "here:1"}}
	err := store.Put(o.Key, cache.Snapshot{
		Source: catalog.ReflectionV1Alpha, Listed: []string{"old.Health"}, Complete: true,
		Files: []*descriptorpb.FileDescriptorProto{{Name: proto.String("old.proto"), Package: proto.String("old"), Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Health")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if op, err := s.Catalog.Find("Health/Check"); err != nil || op.ID != "grpc.health.v1.Health/Check" || s.Cached != nil || s.Catalog.Source != catalog.ReflectionV1 {
		t.Errorf("%v, %v, by %s", op.ID, err, s.Catalog.Source)
	}
	if err := errors.Join(s.Remember(), s.Close()); err != nil {
		t.Fatal(err)
	}
	e, err := store.Entry(o.Key)
	if err != nil || e.Complete {
		t.Fatalf("%+v, %v", e, err)
	}
	for _, svc := range e.Services {
		if svc.Name == "old.Health" || (svc.Name == "grpc.health.v1.Health") != (len(svc.Methods) > 0) {
			t.Errorf("%+v", svc)
		}
	}
	// Of what was not called, the names alone are known without the server.
	o.Reflect = Off
	if s, err = Resolve(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, svc := range s.Catalog.Services {
		if (svc.Name == "grpc.health.v1.Health") != (svc.Problem == "") {
			t.Errorf("%s: problem %q", svc.Name, svc.Problem)
		}
	}
}

// Types that nothing imports are asked for when they are met, and remembered.
func TestTypesOnDemand(t *testing.T) {
	t.Parallel()
	dial, _ := serve(t)
	store := cache.New(t.TempDir(), cache.Options{})
	o := Options{Dial: dial, Operation: "grpc.health.v1.Health/Check", OnDemand: true, Cache: store}
	s, err := Resolve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Catalog.Files.NumFiles()
	if _, err := s.Catalog.Types.FindMessageByURL("type.googleapis.com/hidden.Gift"); err != nil {
		t.Errorf("the server was not asked: %v", err)
	}
	if s.Missing() != "" {
		t.Errorf("missing: %s", s.Missing())
	}
	if n := s.Known().Files.NumFiles(); n <= before || len(s.Known().Services) != 1 {
		t.Errorf("%d files before, %d after; services %v", before, n, s.Known().Services)
	}
	if err := errors.Join(s.Remember(), s.Close()); err != nil {
		t.Fatal(err)
	}
	o.Reflect = Off
	if s, err = Resolve(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Catalog.Symbol("hidden.Gift"); err != nil {
		t.Errorf("not remembered: %v", err)
	}
}

// denying is a connection to a server that wants to know who asks.
type denying struct{ grpc.ClientConnInterface }

func (denying) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unauthenticated, "who are you?")
}
