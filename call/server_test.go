package call

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
)

// The environment must not lead the tests elsewhere.
func TestMain(m *testing.M) {
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "SSLKEYLOGFILE"} {
		_ = os.Unsetenv(name) // the name is well formed
	}
	goleak.VerifyTestMain(m)
}

// service answers the four patterns.
type service struct {
	testpb.UnimplementedTestServiceServer
	seen chan metadata.MD // what UnaryCall was sent
}

func (s *service) UnaryCall(ctx context.Context, in *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	select {
	case s.seen <- md:
	default:
	}
	if st := in.GetResponseStatus(); st.GetCode() != 0 {
		return nil, status.Error(codes.Code(st.GetCode()), st.GetMessage())
	}
	return &testpb.SimpleResponse{Payload: &testpb.Payload{Body: make([]byte, in.GetResponseSize())}}, nil
}

func (s *service) StreamingOutputCall(in *testpb.StreamingOutputCallRequest, out testpb.TestService_StreamingOutputCallServer) error {
	for _, p := range in.GetResponseParameters() {
		if err := out.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, p.GetSize())}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) StreamingInputCall(in testpb.TestService_StreamingInputCallServer) error {
	total := 0
	for {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return in.SendAndClose(&testpb.StreamingInputCallResponse{AggregatedPayloadSize: int32(total)})
		}
		if err != nil {
			return err
		}
		total += len(m.GetPayload().GetBody())
	}
}

func (s *service) FullDuplexCall(both testpb.TestService_FullDuplexCallServer) error {
	for {
		m, err := both.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := both.Send(&testpb.StreamingOutputCallResponse{Payload: m.GetPayload()}); err != nil {
			return err
		}
	}
}

// EmptyCall never answers.
func (s *service) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// serve starts a gRPC server and returns its address.
func serve(t testing.TB, opts ...grpc.ServerOption) (string, *service) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr().String(), serveOn(t, l, opts...)
}

func serveOn(t testing.TB, l net.Listener, opts ...grpc.ServerOption) *service {
	t.Helper()
	svc := &service{seen: make(chan metadata.MD, 1)}
	s := grpc.NewServer(opts...)
	testpb.RegisterTestServiceServer(s, svc)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return svc
}

// answer accepts connections and hands each to f.
func answer(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// method returns the operation of one of the test service's methods.
func method(name string) catalog.Operation {
	md := testpb.File_grpc_testing_test_proto.Services().ByName("TestService").Methods().ByName(protoName(name))
	return catalog.Operation{ID: "grpc.testing.TestService/" + name, Name: name, Call: catalog.RPC{Method: md}}
}

func target(t *testing.T, text string) exchange.Target {
	t.Helper()
	tg, err := ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return tg
}

func open(t *testing.T, name string, req exchange.Request) *Stream {
	t.Helper()
	s, err := Open(t.Context(), method(name), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func encode(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// identity is a certificate with its key, and the files that hold them.
type identity struct {
	pair              tls.Certificate
	cert              *x509.Certificate
	certFile, keyFile string
}

// issue signs a certificate with ca, or with itself if ca is nil.
func issue(t *testing.T, name string, ca *identity, change func(*x509.Certificate)) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: ca == nil, BasicConstraintsValid: true,
	}
	if change != nil {
		change(tmpl)
	}
	parent, signer := tmpl, any(key)
	if ca != nil {
		parent, signer = ca.cert, ca.pair.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	id := &identity{pair: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, cert: cert}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	id.certFile = writePEM(t, name+".crt", "CERTIFICATE", der)
	id.keyFile = writePEM(t, name+".key", "PRIVATE KEY", keyDER)
	return id
}

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func secured(config *tls.Config) grpc.ServerOption { return grpc.Creds(credentials.NewTLS(config)) }

// quiet is where the logs of servers go that are spoken to wrongly on purpose.
var quiet = log.New(io.Discard, "", 0)
