package call

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

func protoName(s string) protoreflect.Name { return protoreflect.Name(s) }

// frames reads one direction of a complete recording with x/net's framer.
func frames(t *testing.T, rec *record.Recording, d record.Dir) (headers [][]hpack.HeaderField, data []byte, kinds []string) {
	t.Helper()
	b := rec.Append(nil, record.Span{Dir: d, Len: rec.Size(d)})
	b = bytes.TrimPrefix(b, []byte(http2.ClientPreface))
	fr := http2.NewFramer(nil, bytes.NewReader(b))
	dec := hpack.NewDecoder(4096, nil)
	for {
		f, err := fr.ReadFrame()
		if errors.Is(err, io.EOF) {
			return headers, data, kinds
		}
		must(t, err)
		kinds = append(kinds, f.Header().Type.String())
		switch f := f.(type) {
		case *http2.HeadersFrame:
			fields, err := dec.DecodeFull(f.HeaderBlockFragment())
			must(t, err)
			headers = append(headers, fields)
		case *http2.DataFrame:
			data = append(data, f.Data()...)
		}
	}
}

func values(fields []hpack.HeaderField, name string) (v []string) {
	for _, f := range fields {
		if f.Name == name {
			v = append(v, f.Value)
		}
	}
	return v
}

// finish receives to the end and returns how many messages came.
func finish(t *testing.T, s *Stream) (n int, err error) {
	t.Helper()
	for err = s.Recv(); err == nil; err = s.Recv() {
		n++
	}
	must(t, s.Close())
	if _, closed := s.Connection().Closed(); !closed {
		t.Error("the recording is not complete after Close")
	}
	return n, err
}

func TestFourPatterns(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	req := exchange.Request{Target: target(t, addr)}
	param := func(n int32) *testpb.ResponseParameters { return &testpb.ResponseParameters{Size: n} }
	tests := []struct {
		method string
		send   [][]byte
		want   int
	}{
		{"UnaryCall", [][]byte{encode(t, &testpb.SimpleRequest{ResponseSize: 10})}, 1},
		{"StreamingOutputCall", [][]byte{encode(t, &testpb.StreamingOutputCallRequest{ResponseParameters: []*testpb.ResponseParameters{param(1), param(70000), param(0)}})}, 3},
		{"StreamingInputCall", [][]byte{{}, {}, {}}, 1},
		{"FullDuplexCall", [][]byte{{}, {}}, 2},
	}
	for _, tt := range tests {
		s := open(t, tt.method, req)
		for _, m := range tt.send {
			must(t, s.Send(m))
		}
		must(t, s.CloseSend())
		n, err := finish(t, s)
		if n != tt.want || !errors.Is(err, io.EOF) {
			t.Errorf("%s: %d messages, %v; want %d, EOF", tt.method, n, err, tt.want)
		}
		if o := s.Outcome(); o.Code != 0 || o.Local || o.At <= 0 {
			t.Errorf("%s: outcome %+v", tt.method, o)
		}
		headers, data, _ := frames(t, s.Connection(), record.Sent)
		if got := values(headers[0], ":path"); len(got) != 1 || got[0] != "/grpc.testing.TestService/"+tt.method {
			t.Errorf("%s: path %q", tt.method, got)
		}
		want := 0
		for _, m := range tt.send {
			want += 5 + len(m)
		}
		if len(data) != want {
			t.Errorf("%s: sent %d bytes of DATA, want %d", tt.method, len(data), want)
		}
		headers, _, _ = frames(t, s.Connection(), record.Received)
		if got := values(headers[len(headers)-1], "grpc-status"); len(got) != 1 || got[0] != "0" {
			t.Errorf("%s: the recording's last headers have grpc-status %q", tt.method, got)
		}
	}
}

func TestRepliesArriveWhileStillSending(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "FullDuplexCall", exchange.Request{Target: target(t, addr)})
	for range 3 {
		must(t, s.Send([]byte{}))
		must(t, s.Recv())
	}
	must(t, s.CloseSend())
	if err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestHeadersOnTheWire(t *testing.T) {
	t.Parallel()
	addr, svc := serve(t)
	req := exchange.Request{Target: target(t, addr), Timeout: time.Minute, Headers: []exchange.Header{
		{Name: "X-Twice", Value: "a"},
		{Name: "x-twice", Value: "b"},
		{Name: "key-bin", Value: "/-8"},
		{Name: "key-bin", Value: "AAE=,_w"},
		{Name: "User-Agent", Value: "probe/1"},
	}}
	req.Headers[2].Value = "__8" // the URL alphabet, unpadded
	req.Target.Authority = "api.example:1"
	s := open(t, "UnaryCall", req)
	must(t, s.Send(nil))
	if _, err := finish(t, s); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	md := <-svc.seen
	if got := strings.Join(md["x-twice"], ","); got != "a,b" {
		t.Errorf("x-twice = %q", got)
	}
	if got := md["key-bin"]; len(got) != 3 || got[0] != "\xff\xff" || got[1] != "\x00\x01" || got[2] != "\xff" {
		t.Errorf("key-bin = %q", got)
	}
	headers, _, _ := frames(t, s.Connection(), record.Sent)
	h := headers[0]
	if v := values(h, ":authority"); v[0] != "api.example:1" {
		t.Errorf(":authority = %q", v)
	}
	if v := values(h, "grpc-timeout"); len(v) != 1 {
		t.Errorf("grpc-timeout = %q", v)
	}
	if v := values(h, "content-type"); v[0] != "application/grpc" {
		t.Errorf("content-type = %q", v)
	}
	if v := values(h, "grpc-accept-encoding"); len(v) != 1 || !strings.Contains(v[0], "gzip") {
		t.Errorf("grpc-accept-encoding = %q", v)
	}
	if v := values(h, "user-agent"); !strings.HasPrefix(v[0], "probe/1 grpc-go/") {
		t.Errorf("user-agent = %q", v)
	}
}

func TestBadHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, value, want string }{
		{"a b", "", `header "a b": the name holds ' '`},
		{"", "x", `header "": a header needs a name`},
		{"x", "a\nb", `header "x": byte 1 of the value is 0x0a`},
		{"x", "é", `header "x": byte 0 of the value is 0xc3; gRPC allows printable ASCII only: name it x-bin and give base64`},
		{"x-bin", "!", `header "x-bin": the value of a -bin header is base64, and "!" is not`},
		{"Content-Type", "x", `header "Content-Type": cannot be set: gRPC sets it itself`},
		{"grpc-timeout", "1S", `use --timeout`},
		{"Host", "x", `use --authority`},
		{"Connection", "x", `HTTP/2 does not allow it`},
	} {
		_, err := WithHeaders(t.Context(), []exchange.Header{{Name: tt.name, Value: tt.value}})
		var h *HeaderError
		if !errors.As(err, &h) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want %s", tt.name, err, tt.want)
		}
	}
}

func TestBinaryHeaderSpellings(t *testing.T) {
	t.Parallel()
	for _, v := range []string{base64.StdEncoding.EncodeToString([]byte("\xfb\xff\x01\x02")), "+/8BAg", "-_8BAg==", " -_8BAg "} {
		got, err := decodeBinary(exchange.Header{Name: "x-bin", Value: v})
		if err != nil || len(got) != 1 || got[0] != "\xfb\xff\x01\x02" {
			t.Errorf("decodeBinary(%q) = %q, %v", v, got, err)
		}
	}
}

func TestStatusFromTheServerIsNotLocal(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(encode(t, &testpb.SimpleRequest{ResponseStatus: &testpb.EchoStatus{Code: 4, Message: "too \x1b late"}})))
	_, err := finish(t, s)
	var st *StatusError
	if !errors.As(err, &st) || st.Outcome.Code != 4 || st.Outcome.Local || st.Outcome.Message != "too \x1b late" {
		t.Fatalf("err = %+v", err)
	}
	if st.Error() != `DeadlineExceeded: "too \x1b late"` {
		t.Errorf("Error() = %s", st.Error())
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "EmptyCall", exchange.Request{Target: target(t, addr), Timeout: 100 * time.Millisecond})
	must(t, s.Send(nil))
	_, err := finish(t, s)
	if o := s.Outcome(); err == nil || codes.Code(o.Code) != codes.DeadlineExceeded {
		t.Errorf("err %v, outcome %+v", err, o)
	}
}

func TestCancelSendsRST(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "FullDuplexCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	must(t, s.Recv())
	s.Cancel()
	_, _ = finish(t, s)
	if o := s.Outcome(); codes.Code(o.Code) != codes.Canceled || !o.Local {
		t.Errorf("outcome %+v", o)
	}
	_, _, kinds := frames(t, s.Connection(), record.Sent)
	if !strings.Contains(strings.Join(kinds, " "), "RST_STREAM") {
		t.Errorf("sent frames %v have no RST_STREAM", kinds)
	}
}

// Close while another goroutine receives ends both.
func TestCloseWhileReceiving(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "EmptyCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	got := make(chan error)
	go func() { got <- s.Recv() }()
	must(t, s.Close())
	if err := <-got; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("Recv = %v", err)
	}
}

func TestMessageLimit(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr), MaxMessage: 1000})
	must(t, s.Send(encode(t, &testpb.SimpleRequest{ResponseSize: 5000})))
	_, err := finish(t, s)
	o := s.Outcome()
	if err == nil || !o.Local || !strings.HasPrefix(o.Message, "a reply message is over the limit of 1000 bytes: it declares 50") {
		t.Errorf("outcome %+v", o)
	}
	big := open(t, "UnaryCall", exchange.Request{Target: target(t, addr)})
	must(t, big.Send(encode(t, &testpb.SimpleRequest{ResponseSize: 5 << 20}))) // above grpc-go's own 4 MiB
	if n, err := finish(t, big); n != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("5 MiB: %d messages, %v", n, err)
	}
}

func TestCompressedRequestAndReply(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t) // grpc-go answers in the encoding of the request
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr), Compress: "gzip"})
	must(t, s.Send(encode(t, &testpb.SimpleRequest{ResponseSize: 100000})))
	if n, err := finish(t, s); n != 1 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d messages, %v", n, err)
	}
	for _, d := range []record.Dir{record.Sent, record.Received} {
		headers, data, _ := frames(t, s.Connection(), d)
		if v := values(headers[0], "grpc-encoding"); len(v) != 1 || v[0] != "gzip" {
			t.Errorf("%v: grpc-encoding %q", d, v)
		}
		if data[0] != 1 || len(data) > 5000 {
			t.Errorf("%v: %d bytes with flag %d", d, len(data), data[0])
		}
	}
}

func TestOneMessageOnly(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	if err := s.Send(nil); !errors.Is(err, ErrOneMessage) {
		t.Errorf("second Send: %v", err)
	}
}

func TestNotAGRPCMethod(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), catalog.Operation{ID: "GET /x", Call: catalog.REST{}}, exchange.Request{}, nil)
	if err == nil || err.Error() != "GET /x is not a gRPC method" {
		t.Error(err)
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	must(t, err)
	serveOn(t, l)
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, "unix://"+path)})
	must(t, s.Send(nil))
	if _, err := finish(t, s); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if m := s.Connection().Meta(); m.Network != "unix" || m.Address != path {
		t.Errorf("meta %+v", m)
	}
}

// A connection made for one call is never followed by another unasked.
func TestOneConnectionPerCall(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, grpc.MaxConcurrentStreams(1))
	made := 0
	s, err := Open(t.Context(), method("UnaryCall"), exchange.Request{Target: target(t, addr)}, func(m record.Meta) *record.Recording {
		made++
		return record.New(m)
	})
	must(t, err)
	must(t, s.Send(nil))
	if _, err := finish(t, s); !errors.Is(err, io.EOF) || made != 1 {
		t.Errorf("%v after %d connections", err, made)
	}
}

func TestDialServesStubs(t *testing.T) {
	t.Parallel()
	addr, svc := serve(t)
	c, err := Dial(t.Context(), target(t, addr), Options{UserAgent: "stub"}, nil)
	must(t, err)
	ctx, err := WithHeaders(context.Background(), []exchange.Header{{Name: "authorization", Value: "Bearer x"}})
	must(t, err)
	_, err = testpb.NewTestServiceClient(c).UnaryCall(ctx, &testpb.SimpleRequest{})
	must(t, err)
	if md := <-svc.seen; md["authorization"][0] != "Bearer x" {
		t.Errorf("metadata %v", md)
	}
	must(t, c.Close())
	if _, closed := c.Recording().Closed(); !closed {
		t.Error("the recording is not complete after Close")
	}
}
