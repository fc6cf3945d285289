//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	headers "google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wiregloss/wiregloss/demo"
	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/internal/testserver"
)

// scenario is traffic between a client and a server of its own.
type scenario struct {
	name  string
	serve func(*testing.T) (addr string)
	drive func(t *testing.T, addr string)
	http1 bool
	least facts // what has to be in the comparison for it to mean something
}

// facts counts what was compared.
type facts map[string]int

// rpcScenarios speak HTTP/2 and gRPC.
var rpcScenarios = []scenario{
	{
		name: "wiregloss unary to grpc-go", serve: nativeDemo, drive: callUnary,
		least: facts{"frames": 60, "fields": 60, "dynamic": 1, "messages": 20, "protobuf": 200, "values": 100, "absolute": 20, "packed": 5},
	},
	{
		name: "wiregloss unary to net/http", serve: sharedDemo, drive: callUnary,
		least: facts{"frames": 60, "fields": 60, "dynamic": 1, "messages": 20, "protobuf": 200, "values": 100, "absolute": 20, "packed": 5},
	},
	{
		name: "wiregloss streams", serve: nativeDemo, drive: callStreams,
		least: facts{"DATA": 350, "messages": 350, "protobuf": 3000, "values": 3000, "gzip": 2},
	},
	{
		name: "wiregloss 200 KB", serve: nativeDemo, drive: callLarge,
		least: facts{"DATA": 26, "joined": 2, "WINDOW_UPDATE": 2},
	},
	{
		name: "wiregloss 200 KB to net/http", serve: sharedDemo, drive: callLarge,
		least: facts{"DATA": 26, "joined": 2, "WINDOW_UPDATE": 2},
	},
	{name: "wiregloss deadline", serve: nativeDemo, drive: callDeadline, least: facts{"RST_STREAM": 1}},
	{
		name: "grpc-go many calls on a connection", serve: nativeDemo, drive: manyCalls,
		least: facts{"connections": 1, "HEADERS": 180, "dynamic": 800, "messages": 120, "values": 60},
	},
	{
		name: "grpc-go streams with gzip", serve: nativeDemo, drive: goStreams,
		least: facts{"gzip": 20, "messages": 30, "values": 200, "connections": 1},
	},
	{name: "grpc-go cancels", serve: nativeDemo, drive: cancelStream, least: facts{"RST_STREAM": 1, "messages": 4}},
	serverStops(),
	oddBytes(),
	ownFraming(),
	{
		name: "headers of 40 KB", serve: nativeDemo, drive: largeHeaders,
		least: facts{"CONTINUATION": 4, "fields": 18, "messages": 2},
	},
	{name: "connections side by side", serve: nativeDemo, drive: sideBySideConnections, least: facts{"connections": 4, "messages": 80}},
	mischief("rst-after-header", facts{"RST_STREAM": 1}),
	mischief("rst-during-data", facts{"RST_STREAM": 1}),
	mischief("rst-after-data", facts{"RST_STREAM": 1, "messages": 1}),
	mischief("goaway", facts{"GOAWAY": 1, "messages": 1}),
	mischief("data-padding", facts{"DATA": 10, "PADDED": 10, "joined": 1}),
	mischief("trailers-only", facts{"HEADERS": 2}),
	mischief("half-message", facts{"DATA": 2}),
	mischief("no-trailers", facts{"messages": 2}),
}

func startDemoServer(t *testing.T) *demo.Server {
	t.Helper()
	s, err := demo.Start(demo.Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // it serves until the test ends
	return s
}

func nativeDemo(t *testing.T) string { t.Helper(); return startDemoServer(t).GRPCAddr() }
func sharedDemo(t *testing.T) string { t.Helper(); return startDemoServer(t).Addr() }

// anyFailure is the exit code of calls whose end is not the subject.
const anyFailure = -1

// call lets wiregloss make a call, which has to end with an exit code.
func call(t *testing.T, exit int, data, addr, operation string, flags ...string) {
	t.Helper()
	args := append([]string{"call", "-d", "@-", addr, operation}, flags...)
	if r := feed(t, data, wiregloss, args...); r.code != exit && (exit != anyFailure || r.code == 0) {
		t.Errorf("%s: exit code %d, want %d\n%s", operation, r.code, exit, r.stderr)
	}
}

func callUnary(t *testing.T, addr string) {
	t.Helper()
	call(t, 0, `{"order_id":"1001"}`, addr, "demo.v1.OrderService/GetOrder", "-H", "x-token-bin: q6ur")
	call(t, 0, `{"order_id":"1002"}`, addr, "demo.v1.OrderService/GetOrder")
	call(t, 0, `{"page_size":50}`, addr, "demo.v1.OrderService/ListOrders")
	call(t, 64+5, `{"user_id":"none"}`, addr, "demo.v1.UserService/GetUser")
}

func callStreams(t *testing.T, addr string) {
	t.Helper()
	call(t, 0, `{"page_size":20}`, addr, "demo.v1.UserService/ListUsers", "--compress", "gzip")
	call(t, 0, strings.Repeat(`{"text":"hello","mood":"PUZZLED"} `, 20), addr, "demo.v1.ChatService/Chat")
	call(t, 0, `{"info":{"name":"a.txt"}} {"chunk":{"data":"aGVsbG8="}}`, addr, "demo.v1.FileService/Upload")
	// tshark dissects no more than about 250 frames of one segment.
	call(t, 0, `{"count":300,"size":500}`, addr, "demo.v1.LoadService/Flood")
}

func callLarge(t *testing.T, addr string) {
	t.Helper()
	chunk := base64.StdEncoding.EncodeToString(make([]byte, 200_000))
	call(t, 0, `{"count":1,"size":200000}`, addr, "demo.v1.LoadService/Flood")
	call(t, 0, `{"info":{"name":"zeros"}} {"chunk":{"data":"`+chunk+`"}}`, addr, "demo.v1.FileService/Upload")
}

func callDeadline(t *testing.T, addr string) {
	t.Helper()
	call(t, anyFailure, `{}`, addr, "demo.v1.LoadService/Stall", "--timeout", "400ms")
}

// dial makes a connection of grpc-go's.
func dial(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() }) // it may be closed already
	return cc
}

// manyCalls uses one connection until its dynamic tables have turned over.
func manyCalls(t *testing.T, addr string) {
	t.Helper()
	cc := dial(t, addr)
	defer cc.Close()
	for i := range 60 {
		ctx := headers.AppendToOutgoingContext(t.Context(),
			"x-same", "as ever", "x-turn", strings.Repeat("v", i*5), "x-token-bin", string([]byte{0, byte(i), 0xff}), "authorization", "Bearer of a secret")
		if _, err := demov1.NewUserServiceClient(cc).GetUser(ctx, &demov1.GetUserRequest{UserId: "1"}); err != nil {
			t.Fatal(err)
		}
	}
}

func goStreams(t *testing.T, addr string) {
	t.Helper()
	cc := dial(t, addr)
	defer cc.Close()
	flood, err := demov1.NewLoadServiceClient(cc).Flood(t.Context(), &demov1.FloodRequest{Count: 12, Size: 5000}, grpc.UseCompressor(gzip.Name))
	receiveAll(t, flood, err, 12)
	chat, err := demov1.NewChatServiceClient(cc).Chat(t.Context(), grpc.UseCompressor(gzip.Name))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := chat.Send(&demov1.ChatMessage{From: "e2e", Text: strings.Repeat("to and fro ", 20), Mood: demov1.ChatMessage_FRIENDLY}); err != nil {
			t.Fatal(err)
		}
	}
	err = chat.CloseSend()
	receiveAll(t, chat, err, 10)
}

// receiveAll receives at least so many messages, to the end.
func receiveAll[M any](t *testing.T, stream interface{ Recv() (M, error) }, err error, least int) {
	t.Helper()
	n := 0
	for ; err == nil; n++ {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) || n-1 < least {
		t.Fatalf("the stream ended after %d messages: %v", n-1, err)
	}
}

// cancelStream cancels a stream that would go on. The call after it makes sure
// that the reset was sent.
func cancelStream(t *testing.T, addr string) {
	t.Helper()
	cc := dial(t, addr)
	defer cc.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	flood, err := demov1.NewLoadServiceClient(cc).Flood(ctx, &demov1.FloodRequest{Count: 1000, Size: 10, Interval: durationpb.New(limit)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flood.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := demov1.NewUserServiceClient(cc).GetUser(t.Context(), &demov1.GetUserRequest{UserId: "2"}); err != nil {
		t.Fatal(err)
	}
}

// bytesCodec passes messages through as they are.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// echoServer answers every call with the messages it gets.
func echoServer(t *testing.T) (*grpc.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(bytesCodec{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		for {
			var msg []byte
			if err := stream.RecvMsg(&msg); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			if err := stream.SendMsg(&msg); err != nil {
				return err
			}
		}
	}))
	go func() { _ = s.Serve(l) }() // it ends when it is stopped
	t.Cleanup(s.Stop)
	return s, l.Addr().String()
}

// serverStops is a server that stops while a call is open: it says GOAWAY, waits
// for the call and says it again.
func serverStops() scenario {
	var server *grpc.Server
	return scenario{
		name: "grpc-go server stops", least: facts{"GOAWAY": 1, "messages": 4},
		serve: func(t *testing.T) (addr string) {
			t.Helper()
			server, addr = echoServer(t)
			return addr
		},
		drive: func(t *testing.T, addr string) {
			t.Helper()
			stream := echoStream(t, dial(t, addr))
			exchange(t, stream, []byte("\x08\x01"))
			stopped := make(chan struct{})
			go func() { defer close(stopped); server.GracefulStop() }()
			exchange(t, stream, []byte("\x08\x02"))
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			<-stopped
		},
	}
}

// echoStream opens wire.v1.Echo/Chat.
func echoStream(t *testing.T, cc *grpc.ClientConn) grpc.ClientStream {
	t.Helper()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := cc.NewStream(t.Context(), desc, "/wire.v1.Echo/Chat", grpc.ForceCodecV2(bytesCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// exchange sends a message and receives its echo.
func exchange(t *testing.T, stream grpc.ClientStream, msg []byte) {
	t.Helper()
	var echo []byte
	if err := errors.Join(stream.SendMsg(&msg), stream.RecvMsg(&echo)); err != nil {
		t.Fatal(err)
	}
}

func largeHeaders(t *testing.T, addr string) {
	t.Helper()
	cc := dial(t, addr)
	defer cc.Close()
	ctx := headers.AppendToOutgoingContext(t.Context(), "x-large", strings.Repeat("0123456789~{}", 40_000/13), "x-small", "1")
	if _, err := demov1.NewUserServiceClient(cc).GetUser(ctx, &demov1.GetUserRequest{UserId: "2"}); err != nil {
		t.Fatal(err)
	}
}

func sideBySideConnections(t *testing.T, addr string) {
	t.Helper()
	var calls sync.WaitGroup
	for range 4 {
		cc := dial(t, addr)
		calls.Go(func() {
			defer cc.Close()
			for range 10 {
				if _, err := demov1.NewOrderServiceClient(cc).GetOrder(t.Context(), &demov1.GetOrderRequest{OrderId: "1003"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
}

// mischief is a call to a server that misbehaves. How it ends is not the subject.
func mischief(mode string, least facts) scenario {
	return scenario{
		name: mode, least: least,
		serve: func(t *testing.T) string {
			t.Helper()
			s, err := testserver.Start(mode, testserver.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return s.Addr
		},
		drive: func(t *testing.T, addr string) {
			t.Helper()
			run(t, wiregloss, "call", "-d", `{"text":"hello"}`, addr, "test.v1.Mischief/Do")
		},
	}
}
