package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// lines are the ways to a server.
var lines = []struct {
	name    string
	secure  bool
	version string
}{{"http1", false, "1.1"}, {"h2c", false, "2"}, {"https1", true, "1.1"}, {"h2", true, "2"}}

var protocols = []Protocol{GRPCWeb, GRPCWebText, Connect}

// eachLine runs a test over every line, protocol and codec, against handlers.
func eachLine(t *testing.T, test func(t *testing.T, o Options, rec *record.Recording)) {
	t.Helper()
	ends := map[bool]endpoint{false: newEndpoint(t, false, handlers()), true: newEndpoint(t, true, handlers())}
	for _, l := range lines {
		for _, p := range protocols {
			for _, codec := range []string{"proto", "json"} {
				t.Run(fmt.Sprintf("%s/%s/%s", l.name, p, codec), func(t *testing.T) {
					o, rec := ends[l.secure].options(l.version)
					o.Protocol, o.Codec = p, codec
					test(t, o, rec)
				})
			}
		}
	}
}

func payload(size int) *testpb.Payload { return &testpb.Payload{Body: bytes.Repeat([]byte{'p'}, size)} }

func parameters(sizes ...int32) (out []*testpb.ResponseParameters) {
	for _, s := range sizes {
		out = append(out, &testpb.ResponseParameters{Size: s})
	}
	return out
}

func TestUnary(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"", "gzip"} {
		eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
			o.Path, o.Kind, o.Compress, o.Timeout = service+"UnaryCall", Unary, coding, time.Minute
			o.Headers = []exchange.Header{{Name: "X-Echo", Value: "here"}, {Name: "x-echo-bin", Value: "_-8="}}
			s := open(t, o)
			req := &testpb.SimpleRequest{Payload: payload(300)}
			sent := encode(t, o.Codec, req)
			if err := s.Send(sent); err != nil {
				t.Fatal(err)
			}
			if err := s.Send(sent); !errors.Is(err, ErrOneMessage) {
				t.Errorf("a second message gives %v", err)
			}
			if err := s.CloseSend(); err != nil {
				t.Error(err)
			}
			if n := finish(t, s); n != 1 || s.Outcome().Code != 0 || s.Outcome().Local || s.Outcome().At <= 0 {
				t.Errorf("%d messages, %+v", n, s.Outcome())
			}
			tr, bodies := traced(t, rec)
			clean(t, tr)
			agree(t, s, tr)
			if len(bodies[record.Sent]) != 1 || !bytes.Equal(bodies[record.Sent][0], sent) {
				t.Errorf("sent %q", bodies[record.Sent])
			}
			if len(bodies[record.Received]) != 1 {
				t.Fatalf("received %q", bodies[record.Received])
			}
			same(t, o.Codec, bodies[record.Received][0], &testpb.SimpleResponse{Payload: req.Payload})
			st := tr.Streams[0]
			if st.Path != o.Path || !st.Timed || st.Timeout > time.Minute || st.Timeout < 50*time.Second || st.Encoding[record.Sent] != coding {
				t.Errorf("%+v", st)
			}
			header, _ := tr.Block(1)
			if v, _ := header.Get("x-echo"); v != "here" {
				t.Errorf("x-echo is %q in %+v", v, header.Fields)
			}
		})
	}
}

func TestErrorWithDetails(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		o.Path, o.Kind = service+"UnaryCall", Unary
		s := open(t, o)
		asked := &testpb.EchoStatus{Code: 5, Message: "nothing: ü % ✓"}
		if err := s.Send(encode(t, o.Codec, &testpb.SimpleRequest{ResponseStatus: asked})); err != nil {
			t.Fatal(err)
		}
		n := finish(t, s)
		if out := s.Outcome(); n != 0 || out.Code != 5 || out.Message != asked.Message || out.Local || out.Detail != "" {
			t.Errorf("%d messages, %+v", n, out)
		}
		wantAsked(t, s.Details(), 5, asked.GetMessage())
		tr, _ := traced(t, rec)
		clean(t, tr)
		agree(t, s, tr)
	})
}

func TestServerStream(t *testing.T) {
	t.Parallel()
	for _, code := range []int32{0, 8} {
		eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
			o.Path, o.Kind, o.Compress = service+"StreamingOutputCall", ServerStream, "gzip"
			s := open(t, o)
			params := parameters(0, 1, 1000, 100_000, 3)
			req := &testpb.StreamingOutputCallRequest{ResponseParameters: params, ResponseStatus: &testpb.EchoStatus{Code: code, Message: "at last"}}
			if err := s.Send(encode(t, o.Codec, req)); err != nil {
				t.Fatal(err)
			}
			if n := finish(t, s); n != len(params) || s.Outcome().Code != int(code) || s.Outcome().Local {
				t.Errorf("%d messages, %+v", n, s.Outcome())
			}
			if code != 0 {
				wantAsked(t, s.Details(), code, "at last")
			}
			tr, bodies := traced(t, rec)
			clean(t, tr)
			agree(t, s, tr)
			if len(bodies[record.Received]) != len(params) {
				t.Fatalf("received %d", len(bodies[record.Received]))
			}
			for i, b := range bodies[record.Received] {
				same(t, o.Codec, b, answerTo(params[i]))
			}
		})
	}
}

func TestClientStream(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		o.Path, o.Kind = service+"StreamingInputCall", ClientStream
		s := open(t, o)
		sizes := []int{1, 0, 70_000, 5}
		total := 0
		for _, size := range sizes {
			total += size
			if err := s.Send(encode(t, o.Codec, &testpb.StreamingInputCallRequest{Payload: payload(size)})); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if n := finish(t, s); n != 1 || s.Outcome().Code != 0 {
			t.Errorf("%d messages, %+v", n, s.Outcome())
		}
		tr, bodies := traced(t, rec)
		clean(t, tr)
		agree(t, s, tr)
		if len(bodies[record.Sent]) != len(sizes) {
			t.Fatalf("sent %d", len(bodies[record.Sent]))
		}
		for i, b := range bodies[record.Sent] {
			same(t, o.Codec, b, &testpb.StreamingInputCallRequest{Payload: payload(sizes[i])})
		}
		same(t, o.Codec, bodies[record.Received][0], &testpb.StreamingInputCallResponse{AggregatedPayloadSize: int32(total)})
	})
}

// A server that ends the call early stops the sender.
func TestEarlyEnd(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		o.Path, o.Kind = service+"StreamingInputCall", ClientStream
		s := open(t, o)
		stopped := make(chan error, 1)
		go func() {
			msg := encode(t, o.Codec, &testpb.StreamingInputCallRequest{Payload: &testpb.Payload{Body: []byte("fail")}})
			for {
				if err := s.Send(msg); err != nil {
					stopped <- err
					return
				}
			}
		}()
		for s.Recv() == nil {
			t.Error("a message came")
		}
		if err := <-stopped; !errors.Is(err, io.EOF) {
			t.Errorf("Send gives %v", err)
		}
		finish(t, s)
		if out := s.Outcome(); out.Code != 9 || out.Message != "early" || out.Local {
			t.Errorf("%+v", out)
		}
		tr, _ := traced(t, rec)
		agree(t, s, tr)
	})
}

// Messages go both ways in turn, so none is held back.
func TestBidi(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		o.Path, o.Kind = service+"FullDuplexCall", Bidi
		if o.Version == "1.1" {
			var refused *OptionError
			if _, err := Open(t.Context(), o); !errors.As(err, &refused) || !bytes.Contains([]byte(err.Error()), []byte("--http 2")) {
				t.Errorf("over HTTP/1.1: %v", err)
			}
			return
		}
		s := open(t, o)
		const turns = 5
		for i := range turns {
			msg := &testpb.StreamingOutputCallRequest{ResponseParameters: parameters(int32(i), 2000)}
			if err := s.Send(encode(t, o.Codec, msg)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Recv(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if n := finish(t, s); n != 0 || s.Outcome().Code != 0 {
			t.Errorf("%d more messages, %+v", n, s.Outcome())
		}
		tr, bodies := traced(t, rec)
		clean(t, tr)
		agree(t, s, tr)
		if len(bodies[record.Sent]) != turns || len(bodies[record.Received]) != 2*turns {
			t.Errorf("%d and %d messages", len(bodies[record.Sent]), len(bodies[record.Received]))
		}
	})
}

// Connect "Unary-Get-Request".
func TestGET(t *testing.T) {
	t.Parallel()
	end := newEndpoint(t, false, handlers())
	for _, version := range []string{"1.1", "2"} {
		for _, codec := range []string{"proto", "json"} {
			for _, coding := range []string{"", "gzip"} {
				o, rec := end.options(version)
				o.Protocol, o.Codec, o.Compress, o.GET, o.Path = Connect, codec, coding, true, service+"CacheableUnaryCall"
				s := open(t, o)
				req := &testpb.SimpleRequest{Payload: &testpb.Payload{Body: []byte("a+b & \x00ü=%")}}
				if err := s.Send(encode(t, codec, req)); err != nil {
					t.Fatal(err)
				}
				if n := finish(t, s); n != 1 || s.Outcome().Code != 0 {
					t.Errorf("%d messages, %+v", n, s.Outcome())
				}
				tr, bodies := traced(t, rec)
				clean(t, tr)
				agree(t, s, tr)
				same(t, codec, bodies[record.Received][0], &testpb.SimpleResponse{Payload: req.Payload})
				if tr.Streams[0].Method != "GET" || len(bodies[record.Sent]) != 0 {
					t.Errorf("%+v", tr.Streams[0])
				}
			}
		}
	}
	// Not marked as free of side effects.
	o, _ := end.options("1.1")
	o.Protocol, o.GET, o.Path = Connect, true, service+"UnaryCall"
	s := open(t, o)
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	finish(t, s)
	if out := s.Outcome(); out.Code != codeUnknown || !out.Local || out.Message != "HTTP status 405 Method Not Allowed" || s.Hint().Text == "" {
		t.Errorf("%+v, %+v", out, s.Hint())
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		o.Path, o.Kind = service+"Wait", ServerStream
		s := open(t, o)
		if err := s.Send(encode(t, o.Codec, &testpb.SimpleRequest{})); err != nil {
			t.Fatal(err)
		}
		if err := s.Recv(); err != nil {
			t.Fatal(err)
		}
		s.Cancel()
		finish(t, s)
		if out := s.Outcome(); out.Code != codeCanceled || !out.Local || out.Detail != "1 message had come" {
			t.Errorf("%+v", out)
		}
		if err := s.Send(nil); err == nil {
			t.Error("Send after the end gives no error")
		}
		tr, bodies := traced(t, rec)
		agree(t, s, tr)
		if len(bodies[record.Received]) != 1 {
			t.Errorf("received %d", len(bodies[record.Received]))
		}
		if o.Version == "2" && tr.Streams[0].ResetBy != record.Sent {
			t.Errorf("the stream was not reset: %+v", tr.Streams[0])
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		c, alpn, err := o.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o.Dial = func(context.Context) (net.Conn, string, error) { return c, alpn, nil }
		o.Path, o.Kind, o.Timeout = service+"Wait", ServerStream, 30*time.Millisecond
		s := open(t, o)
		if err := s.Send(encode(t, o.Codec, &testpb.SimpleRequest{})); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		finish(t, s)
		// The server may say so first.
		if out := s.Outcome(); out.Code != codeDeadlineExceeded {
			t.Errorf("%+v", out)
		}
		tr, _ := traced(t, rec)
		if len(tr.Streams) == 1 {
			agree(t, s, tr)
		}
	})
}

// Messages larger than every window and buffer, and a limit that they go over.
func TestBigMessages(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		if o.Codec == "json" {
			t.Skip("the codec makes no difference")
		}
		o.Path = service + "UnaryCall"
		s := open(t, o)
		msg := &testpb.SimpleRequest{Payload: payload(size)}
		if err := s.Send(encode(t, o.Codec, msg)); err != nil {
			t.Fatal(err)
		}
		if n := finish(t, s); n != 1 || s.Outcome().Code != 0 {
			t.Errorf("%d messages, %+v", n, s.Outcome())
		}
		_, bodies := traced(t, rec)
		if len(bodies[record.Received]) != 1 || len(bodies[record.Received][0]) < size || len(bodies[record.Sent][0]) < size {
			t.Error("not all of it is there")
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, _ *record.Recording) {
		o.Path, o.MaxMessage, o.MaxSend = service+"StreamingOutputCall", 1000, 100
		o.Kind = ServerStream
		o.Headers = []exchange.Header{{Name: "grpc-accept-encoding", Value: "identity"}, {Name: "connect-accept-encoding", Value: "identity"}}
		s := open(t, o)
		if err := s.Send(make([]byte, 101)); err == nil || err.Error() != "the message has 101 bytes, over the limit of 100 for sent messages" {
			t.Errorf("Send gives %v", err)
		}
		if err := s.Send(encode(t, o.Codec, &testpb.StreamingOutputCallRequest{ResponseParameters: parameters(10, 2000)})); err != nil {
			t.Fatal(err)
		}
		if n := finish(t, s); n != 1 || s.Outcome().Code != codeResourceExhausted || !s.Outcome().Local {
			t.Errorf("%d messages, %+v", n, s.Outcome())
		}
	})
}

// What is sent in zstd is in zstd.
func TestZstd(t *testing.T) {
	t.Parallel()
	for _, p := range protocols {
		o := Options{Protocol: p, Codec: "proto", Kind: ClientStream, Compress: "zstd"}
		b, err := o.encode(nil, bytes.Repeat([]byte("x"), 1000))
		if err != nil || len(b) > 100 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		raw, err := o.compress([]byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := expand("zstd", raw); err != nil || string(back) != "message" {
			t.Errorf("%q, %v", back, err)
		}
	}
}

// A unary message of no bytes is one.
func TestEmpty(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, o Options, rec *record.Recording) {
		if o.Codec == "json" {
			t.Skip("JSON has no empty message")
		}
		o.Path = service + "UnaryCall"
		s := open(t, o)
		if err := s.Send(nil); err != nil {
			t.Fatal(err)
		}
		if n := finish(t, s); n != 1 || s.Outcome().Code != 0 {
			t.Errorf("%d messages, %+v", n, s.Outcome())
		}
		tr, _ := traced(t, rec)
		clean(t, tr)
		agree(t, s, tr)
	})
}
