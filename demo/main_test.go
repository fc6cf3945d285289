package demo

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server with both listeners until the test ends.
func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dial connects to an address until the test ends.
func dial(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// overBoth runs a test against the shared port and against the plain listener.
func overBoth(t *testing.T, test func(t *testing.T, conn *grpc.ClientConn)) {
	t.Helper()
	t.Parallel()
	t.Run("shared port", func(t *testing.T) { test(t, dial(t, start(t).Addr())) })
	t.Run("plain listener", func(t *testing.T) { test(t, dial(t, start(t).GRPCAddr())) })
}

// wantCode fails unless err is a status with a code, which it returns.
func wantCode(t *testing.T, err error, want codes.Code) *status.Status {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || st.Code() != want {
		t.Fatalf("got %v, want status %v", err, want)
	}
	return st
}

// detail returns the only detail of type T.
func detail[T any](t *testing.T, st *status.Status) T {
	t.Helper()
	var found []T
	for _, d := range st.Details() {
		if d, ok := d.(T); ok {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d details of type %T in %v, want 1", len(found), *new(T), st.Details())
	}
	return found[0]
}

// newTestData returns the data of a new server without the server.
func newTestData(t *testing.T) *data {
	t.Helper()
	d, err := newData(func() time.Time { return seedTime })
	if err != nil {
		t.Fatal(err)
	}
	return d
}
