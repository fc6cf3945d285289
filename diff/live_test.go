package diff

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/demo"
	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// recorded makes one call over a tapped connection of its own.
func recorded(t *testing.T, addr, name string, call func(context.Context, demov1.UserServiceClient) error) Side {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	var rec *record.Recording
	dial := func(ctx context.Context, addr string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if rec != nil {
			return nil, errors.New("one connection is enough")
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		rec = record.New(record.Meta{Start: time.Now(), Network: "tcp", Address: addr, Peer: conn.RemoteAddr().String()})
		return record.Tap(conn, rec), nil
	}
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	if err := call(ctx, demov1.NewUserServiceClient(cc)); err != nil {
		t.Fatal(err)
	}
	if err := cc.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	method := demov1.File_demo_v1_users_proto.Services().ByName("UserService").Methods()
	of := func(md func(protoreflect.MethodDescriptor) protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
		return md(method.ByName("CreateUser"))
	}
	return Side{
		Name: name, Recording: rec, Trace: inspect.Decode(rec), Stream: 1, Types: envelope.Fallback(nil),
		Input: of(protoreflect.MethodDescriptor.Input), Output: of(protoreflect.MethodDescriptor.Output),
	}
}

// A client that works beside one that has another name, one more header and
// gzip: each difference is found, and nothing else.
func TestLiveCalls(t *testing.T) {
	t.Parallel()
	server, err := demo.Start(demo.Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	create := func(u *demov1.User, opts ...grpc.CallOption) func(context.Context, demov1.UserServiceClient) error {
		return func(ctx context.Context, c demov1.UserServiceClient) error {
			if u.GetEmail() != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "x-client", "two")
			}
			_, err := c.CreateUser(ctx, &demov1.CreateUserRequest{User: u}, opts...)
			return err
		}
	}
	a := recorded(t, server.GRPCAddr(), "good", create(&demov1.User{Id: "a", Name: "Ada", Age: 36}))
	b := recorded(t, server.GRPCAddr(), "bad", create(&demov1.User{Id: "b", Name: "Ada", Age: 36, Email: "a@b"}, grpc.UseCompressor("gzip")))
	r := Calls(a, b)
	headers := strings.Join(lines(section(t, r, "request headers")), "\n")
	for _, want := range []string{"only in B grpc-encoding:  | gzip", "only in B x-client:  | two"} {
		if !strings.Contains(headers, want) {
			t.Errorf("request headers lack %q:\n%s", want, headers)
		}
	}
	message := section(t, r, "request message 1")
	got := lines(message)
	if len(got) != 3 || !strings.HasPrefix(got[0], "encoded compression: none, ") {
		t.Fatalf("request message: %q", got)
	}
	if got[1] != `changed user.id: "a" | "b"` || got[2] != `only in B user.email:  | "a@b"` {
		t.Errorf("request message: %q", got)
	}
	// The server chose the time of the answer, and the metadata of the call.
	if s := section(t, r, "status"); !s.Same() {
		t.Errorf("status: %q", lines(s))
	}
	if s := section(t, r, "connection"); !s.Same() {
		t.Errorf("connection: %q", lines(s))
	}
	wantMirrored(t, a, b)
	wantSelfSame(t, a)
	wantSelfSame(t, b)
}
