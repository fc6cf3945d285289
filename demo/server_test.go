package demo

import (
	"bufio"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

func TestReadyNamesTheAddresses(t *testing.T) {
	t.Parallel()
	s := start(t)
	if !regexp.MustCompile(`^ready 127\.0\.0\.1:\d+ \(.*\) 127\.0\.0\.1:\d+ \(gRPC only\)$`).MatchString(s.Ready()) ||
		!strings.Contains(s.Ready(), s.Addr()) || !strings.Contains(s.Ready(), s.GRPCAddr()) {
		t.Errorf("ready line %q", s.Ready())
	}
	alone, err := Start(Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if alone.GRPCAddr() != "" || strings.Contains(alone.Ready(), "gRPC only") {
		t.Errorf("ready line %q without a second listener", alone.Ready())
	}
	if err := alone.Close(); err != nil {
		t.Error(err)
	}
}

func TestListenErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	taken := start(t)
	for _, test := range []struct {
		cfg  Config
		want []string
	}{
		{Config{Listen: taken.Addr()}, []string{taken.Addr(), "taken", "--listen"}},
		{Config{Listen: "127.0.0.1:0", GRPCListen: taken.Addr()}, []string{taken.Addr(), "taken", "--grpc-listen"}},
		{Config{Listen: "nonsense"}, []string{`"nonsense"`, "--listen"}},
		{Config{}, []string{`""`, "--listen"}},
	} {
		s, err := Start(test.cfg)
		if err == nil {
			_ = s.Close()
			t.Errorf("%+v: no error", test.cfg)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%+v: %q does not tell %q", test.cfg, err, part)
			}
		}
	}
}

// Close must end what would go on for ever, on either listener and in either style.
func TestCloseEndsCalls(t *testing.T) {
	t.Parallel()
	s, err := Start(Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	var streams []grpc.ServerStreamingClient[demov1.OrderEvent]
	for _, addr := range []string{s.Addr(), s.GRPCAddr()} {
		stream, err := demov1.NewOrderServiceClient(dial(t, addr)).WatchOrders(t.Context(), &demov1.WatchOrdersRequest{Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		streams = append(streams, stream)
	}
	res := newRESTClient(t, s, 1).send(t, "GET", "/events", "")
	defer func() { _ = res.Body.Close() }()
	if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	idle, err := net.Dial("tcp", s.Addr()) // a client that never says anything
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()

	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, stream := range streams {
		if _, err := stream.Recv(); err == nil {
			t.Error("a call goes on after Close")
		}
	}
	if conn, err := net.Dial("tcp", s.Addr()); err == nil {
		_ = conn.Close()
		t.Error("the port is still open")
	}
}

// grpc-go must see what claims to be gRPC over HTTP/2, and nothing else may reach it.
func TestContentTypeDecides(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		const grpcType = "Content-Type: application/grpc"
		if c.major == 1 {
			c.want(t, http.StatusUnsupportedMediaType, "POST", "/users", "", grpcType)
			return
		}
		res := c.send(t, "POST", "/no.Such/Method", "", grpcType, "TE: trailers")
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/grpc" {
			t.Errorf("%s %v", res.Status, res.Header)
		}
	})
}

// A client that sends without end must not fill the server's memory.
func TestEndlessCallIsCutOff(t *testing.T) {
	t.Parallel()
	stream, err := demov1.NewChatServiceClient(dial(t, start(t).Addr())).Chat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := &demov1.ChatMessage{Text: strings.Repeat("x", 4096)}
	sent := 0
	for ; sent <= 2*maxCallBytes; sent += len(said.GetText()) {
		if stream.Send(said) != nil {
			break // the status follows
		}
		if _, err = stream.Recv(); err != nil {
			break
		}
	}
	if sent < maxCallBytes-maxMessageBytes || sent > maxCallBytes {
		t.Errorf("cut off after %d bytes, want about %d", sent, maxCallBytes)
	}
}

func TestLargeErrorsStaySmall(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		_, err := demov1.NewUserServiceClient(conn).GetUser(t.Context(), &demov1.GetUserRequest{UserId: strings.Repeat("é", 100_000)})
		if st := wantCode(t, err, codes.NotFound); len(st.Message()) > 200 {
			t.Errorf("a message of %d bytes", len(st.Message()))
		}
	})
}
