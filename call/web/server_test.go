package web

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// logged is what net/http and x/net wrote to the standard logger, which in the
// program is nobody's.
var logged lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// quiet are tests that fail if anything was logged.
type quiet struct{ *testing.M }

func (q quiet) Run() int {
	log.SetOutput(&logged)
	code := q.M.Run()
	if logged.Len() > 0 {
		fmt.Fprintf(os.Stderr, "logged:\n%s", logged.String())
		code = max(code, 1)
	}
	return code
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(quiet{m}) }

const service = "/grpc.testing.TestService/"

// failure is the error that a handler gives if it is asked for a code.
func failure(asked *testpb.EchoStatus) error {
	if asked.GetCode() == 0 {
		return nil
	}
	err := connect.NewError(connect.Code(asked.GetCode()), errors.New(asked.GetMessage()))
	detail, e := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: "ASKED", Domain: "test"})
	if e != nil {
		return e
	}
	err.AddDetail(detail)
	err.Meta().Set("x-reason", "asked")
	return err
}

// unary echoes the payload, and the metadata x-echo as header and trailer.
func unary(_ context.Context, req *connect.Request[testpb.SimpleRequest]) (*connect.Response[testpb.SimpleResponse], error) {
	if err := failure(req.Msg.GetResponseStatus()); err != nil {
		return nil, err
	}
	res := connect.NewResponse(&testpb.SimpleResponse{Payload: req.Msg.GetPayload()})
	res.Header().Set("x-echo", req.Header().Get("x-echo"))
	res.Trailer().Set("x-after", req.Header().Get("x-echo-bin"))
	return res, nil
}

// output sends as many bytes as each parameter says, then fails if it was asked to.
func output(_ context.Context, req *connect.Request[testpb.StreamingOutputCallRequest], out *connect.ServerStream[testpb.StreamingOutputCallResponse]) error {
	for _, p := range req.Msg.GetResponseParameters() {
		if err := out.Send(answerTo(p)); err != nil {
			return err
		}
	}
	return failure(req.Msg.GetResponseStatus())
}

func answerTo(p *testpb.ResponseParameters) *testpb.StreamingOutputCallResponse {
	return &testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: bytes.Repeat([]byte{'r'}, int(p.GetSize()))}}
}

// input counts the bytes of what it gets.
func input(_ context.Context, in *connect.ClientStream[testpb.StreamingInputCallRequest]) (*connect.Response[testpb.StreamingInputCallResponse], error) {
	res := &testpb.StreamingInputCallResponse{}
	for in.Receive() {
		body := in.Msg().GetPayload().GetBody()
		if string(body) == "fail" {
			return nil, failure(&testpb.EchoStatus{Code: 9, Message: "early"})
		}
		res.AggregatedPayloadSize += int32(len(body))
	}
	return connect.NewResponse(res), in.Err()
}

// duplex answers each message at once.
func duplex(_ context.Context, both *connect.BidiStream[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
	for {
		msg, err := both.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, p := range msg.GetResponseParameters() {
			if err := both.Send(answerTo(p)); err != nil {
				return err
			}
		}
		if err := failure(msg.GetResponseStatus()); err != nil {
			return err
		}
	}
}

// wait answers when its caller has gone.
func wait(ctx context.Context, _ *connect.Request[testpb.SimpleRequest], out *connect.ServerStream[testpb.SimpleResponse]) error {
	if err := out.Send(&testpb.SimpleResponse{Username: "first"}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// handlers serves the methods over gRPC, gRPC-Web in both codings, and Connect.
func handlers() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(service+"UnaryCall", connect.NewUnaryHandler(service+"UnaryCall", unary))
	mux.Handle(service+"CacheableUnaryCall", connect.NewUnaryHandler(service+"CacheableUnaryCall", unary, connect.WithIdempotency(connect.IdempotencyNoSideEffects)))
	mux.Handle(service+"StreamingOutputCall", connect.NewServerStreamHandler(service+"StreamingOutputCall", output))
	mux.Handle(service+"StreamingInputCall", connect.NewClientStreamHandler(service+"StreamingInputCall", input))
	mux.Handle(service+"FullDuplexCall", connect.NewBidiStreamHandler(service+"FullDuplexCall", duplex))
	mux.Handle(service+"Wait", connect.NewServerStreamHandler(service+"Wait", wait))
	return inText(mux)
}

// inText serves gRPC-Web in base64 by a handler that speaks the binary one.
func inText(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		codec, ok := strings.CutPrefix(r.Header.Get("Content-Type"), "application/grpc-web-text")
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		r.Header.Set("Content-Type", "application/grpc-web"+codec)
		r.Body = io.NopCloser(bufio.NewReader(&groups{r: bufio.NewReader(r.Body)}))
		next.ServeHTTP(&textWriter{ResponseWriter: w, codec: codec}, r)
	})
}

// groups decodes base64 group by group, so that padding may stand anywhere.
type groups struct {
	r    io.Reader
	left []byte
}

func (g *groups) Read(b []byte) (int, error) {
	if len(g.left) == 0 {
		var four [4]byte
		if _, err := io.ReadFull(g.r, four[:]); err != nil {
			return 0, err
		}
		var err error
		if g.left, err = base64.StdEncoding.DecodeString(string(four[:])); err != nil {
			return 0, err
		}
	}
	n := copy(b, g.left)
	g.left = g.left[n:]
	return n, nil
}

// textWriter encodes in pieces of odd length, each with its padding.
type textWriter struct {
	http.ResponseWriter
	codec string
}

func (w *textWriter) WriteHeader(code int) {
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/grpc-web") {
		w.Header().Set("Content-Type", "application/grpc-web-text"+w.codec)
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *textWriter) Write(b []byte) (int, error) {
	if w.Header().Get("Content-Type") == "application/grpc-web"+w.codec {
		w.Header().Set("Content-Type", "application/grpc-web-text"+w.codec)
	}
	for rest := b; len(rest) > 0; {
		n := min(len(rest), 1000)
		if _, err := io.WriteString(w.ResponseWriter, base64.StdEncoding.EncodeToString(rest[:n])); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

func (w *textWriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// endpoint is a server and how it is reached.
type endpoint struct {
	*httptest.Server
	tls bool
}

func newEndpoint(t *testing.T, secure bool, h http.Handler) endpoint {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP1(true)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return endpoint{s, secure}
}

// options returns what a call to the endpoint over a version of HTTP needs, and
// the recording that its connection will have.
func (e endpoint) options(version string) (Options, *record.Recording) {
	rec := record.New(record.Meta{Start: time.Now()})
	o := Options{Version: version, Scheme: "http", Authority: e.Listener.Addr().String()}
	if e.tls {
		o.Scheme = "https"
	}
	o.Dial = func(ctx context.Context) (net.Conn, string, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Authority)
		if err != nil || !e.tls {
			return record.Tap(c, rec), "", err
		}
		offer := []string{"h2", "http/1.1"}
		switch version {
		case "1.1":
			offer = offer[1:]
		case "2":
			offer = offer[:1]
		}
		secured := tls.Client(c, &tls.Config{RootCAs: e.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com", NextProtos: offer})
		if err := secured.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, "", err
		}
		return record.Tap(secured, rec), secured.ConnectionState().NegotiatedProtocol, nil
	}
	return o, rec
}

// encode writes a message in a codec.
func encode(t *testing.T, codec string, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if codec == "json" {
		b, err = protojson.Marshal(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same fails the test if a payload is not a message.
func same(t *testing.T, codec string, payload []byte, want proto.Message) {
	t.Helper()
	got := want.ProtoReflect().New().Interface()
	err := proto.Unmarshal(payload, got)
	if codec == "json" {
		err = protojson.Unmarshal(payload, got)
	}
	if err != nil {
		t.Errorf("%q is no message: %v", payload, err)
		return
	}
	if !proto.Equal(want, got) { // cmp takes its time over long bytes that are equal
		t.Errorf("the message differs (-want +got):\n%s", cmp.Diff(want, got, protocmp.Transform()))
	}
}

// open opens a call; its stream is closed with the test.
func open(t *testing.T, o Options) *Stream {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// finish receives to the end and closes the stream; it returns how many messages came.
func finish(t *testing.T, s *Stream) int {
	t.Helper()
	n := 0
	err := s.Recv()
	for ; err == nil; err = s.Recv() {
		n++
	}
	var status *StatusError
	if !errors.Is(err, io.EOF) && !errors.As(err, &status) {
		t.Errorf("Recv gives %v", err)
	}
	if status != nil && (status.Outcome != s.Outcome() || !strings.HasPrefix(status.Error(), envelope.CodeName(s.Outcome().Code)+": ")) {
		t.Errorf("the error is %v, and the outcome %+v", status, s.Outcome())
	}
	if (s.Outcome().Code == 0) != errors.Is(err, io.EOF) {
		t.Errorf("Recv gives %v, and the outcome is %+v", err, s.Outcome())
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close gives %v", err)
	}
	return n
}

// traced decodes a recording. The messages of each direction are those that hold
// one: the trailers are left out.
func traced(t *testing.T, rec *record.Recording) (tr inspect.Trace, payloads [2][][]byte) {
	t.Helper()
	if _, ok := rec.Closed(); !ok {
		t.Error("the recording is not complete")
	}
	tr = inspect.Decode(rec)
	for _, m := range tr.Messages {
		if m.Final() {
			continue
		}
		b, err := tr.Payload(rec, m)
		if err != nil {
			t.Errorf("message %d: %v", m.Seq, err)
		}
		payloads[m.Dir] = append(payloads[m.Dir], bytes.Clone(b))
	}
	return tr, payloads
}

// agree fails the test if the trace says another protocol or end than the stream.
func agree(t *testing.T, s *Stream, tr inspect.Trace) {
	t.Helper()
	if len(tr.Streams) != 1 {
		t.Fatalf("%d streams", len(tr.Streams))
	}
	st := tr.Streams[0]
	want := inspect.RPCWeb
	if s.o.Protocol == Connect {
		want = inspect.RPCConnect
	}
	if st.RPC != want {
		t.Errorf("the trace says %v, want %v", st.RPC, want)
	}
	out := s.Outcome()
	switch {
	case out.Local && st.Status != nil && st.Status.Code == out.Code && !s.gaveUp():
		t.Errorf("decided here: %+v; and on the wire is %+v", out, st.Status)
	case out.Local:
	case st.Status == nil:
		// Connect says OK by HTTP alone.
		if s.o.Protocol != Connect || s.o.Kind != Unary || out.Code != 0 || st.HTTP != 200 {
			t.Errorf("the trace has no status, and the outcome is %+v", out)
		}
	case st.Status.Code != out.Code || st.Status.Message != out.Message || !bytes.Equal(st.Status.Details, s.Details()):
		t.Errorf("the trace says %+v, and the outcome is %+v %q", st.Status, out, s.Details())
	}
}

// gaveUp reports whether this side ended the call, which can cross the server's status.
func (s *Stream) gaveUp() bool {
	return s.Outcome().Code == codeCanceled || s.Outcome().Code == codeDeadlineExceeded
}

// clean fails the test if the trace names problems.
func clean(t *testing.T, tr inspect.Trace) {
	t.Helper()
	for _, p := range tr.Problems {
		t.Errorf("problem at %+v: %s: %s", p.Span, p.Rule, p.Text)
	}
}

// wantAsked fails the test if the details are not those that failure gives.
func wantAsked(t *testing.T, details []byte, code int32, message string) {
	t.Helper()
	var st status.Status
	if err := proto.Unmarshal(details, &st); err != nil {
		t.Error(err)
	}
	if st.GetCode() != code || st.GetMessage() != message || len(st.GetDetails()) != 1 {
		t.Errorf("details %v", &st)
		return
	}
	m, err := st.GetDetails()[0].UnmarshalNew()
	if info, ok := m.(*errdetails.ErrorInfo); !ok || info.GetReason() != "ASKED" {
		t.Errorf("detail %v, %v", m, err)
	}
}
