package call

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// zstdReceiver undoes zstd at a server.
type zstdReceiver struct{}

func (zstdReceiver) Do(r io.Reader) ([]byte, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return io.ReadAll(d)
}

func (zstdReceiver) Type() string { return "zstd" }

func TestZstdRequestAndReply(t *testing.T) {
	t.Parallel()
	//nolint:staticcheck // as in zstdSender
	addr, _ := serve(t, grpc.RPCDecompressor(zstdReceiver{}), grpc.RPCCompressor(zstdSender{}))
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr), Compress: "zstd"})
	must(t, s.Send(encode(t, &testpb.SimpleRequest{ResponseSize: 100000})))
	if n, err := finish(t, s); n != 1 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d messages, %v", n, err)
	}
	for _, d := range []record.Dir{record.Sent, record.Received} {
		headers, data, _ := frames(t, s.Connection(), d)
		if v := values(headers[0], "grpc-encoding"); len(v) != 1 || v[0] != "zstd" {
			t.Errorf("%v: grpc-encoding %q", d, v)
		}
		if data[0] != 1 || string(data[5:9]) != "\x28\xb5\x2f\xfd" || len(data) > 5000 {
			t.Errorf("%v: %d bytes with flag %d", d, len(data), data[0])
		}
		if v := values(headers[0], "grpc-accept-encoding"); d == record.Sent && (len(v) != 1 || v[0] != "gzip,zstd") {
			t.Errorf("grpc-accept-encoding %q", v)
		}
	}
	// Nothing is offered by calls that do not ask for it.
	plain := open(t, "UnaryCall", exchange.Request{Target: target(t, addr)})
	must(t, plain.Send(nil))
	_, _ = finish(t, plain)
	headers, _, _ := frames(t, plain.Connection(), record.Sent)
	if v := values(headers[0], "grpc-accept-encoding"); len(v) != 1 || v[0] != "gzip" {
		t.Errorf("grpc-accept-encoding %q", v)
	}
	_, err := Open(t.Context(), method("UnaryCall"), exchange.Request{Target: target(t, addr), Compress: "lzma"}, nil)
	var e *OptionError
	if !errors.As(err, &e) || err.Error() != `compress: "lzma" is not supported; use gzip or zstd` {
		t.Error(err)
	}
}

// A reply in an encoding that nobody here knows is received: inspect says what it is.
func TestUnknownEncodingIsReceived(t *testing.T) {
	t.Parallel()
	//nolint:staticcheck // as in zstdSender
	addr, _ := serve(t, grpc.RPCCompressor(oddCompressor{}))
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	if n, err := finish(t, s); n != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("%d messages, %v", n, err)
	}
}

type oddCompressor struct{}

func (oddCompressor) Do(w io.Writer, _ []byte) error { _, err := io.WriteString(w, "?"); return err }
func (oddCompressor) Type() string                   { return "odd" }

func TestManyCallsOverOneConnection(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	var recs recorder
	req := exchange.Request{Target: target(t, addr)}
	c, err := DialFor(t.Context(), req, recs.add)
	must(t, err)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 10 {
				code := (worker + i) % 5 // 0 is OK
				s, err := c.Open(context.Background(), method("UnaryCall"), req)
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Send(encode(t, &testpb.SimpleRequest{ResponseStatus: &testpb.EchoStatus{Code: int32(code)}}))
				for s.Recv() == nil {
				}
				if o := s.Outcome(); o.Code != code || o.Local {
					t.Errorf("code %d: %+v", code, o)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	must(t, c.Close())
	if len(recs.recs) != 1 {
		t.Errorf("%d connections", len(recs.recs))
	}
	if headers, _, _ := frames(t, c.Recording(), record.Sent); len(headers) != 80 {
		t.Errorf("%d requests in the recording", len(headers))
	}
	_, err = c.Open(t.Context(), method("UnaryCall"), exchange.Request{Compress: "gzip"})
	if err == nil || !strings.Contains(err.Error(), `"gzip" is asked for`) {
		t.Error(err)
	}
	stubs, err := Dial(t.Context(), req.Target, Options{}, nil)
	must(t, err)
	defer stubs.Close()
	if _, err := stubs.Open(t.Context(), method("UnaryCall"), req); err == nil {
		t.Error("a connection for stubs opens a call of bytes")
	}
}

func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	addr, _ := serve(t, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		if asked.Add(1) < 3 {
			return nil, status.Error(codes.Unavailable, "not yet")
		}
		return h(ctx, req)
	}))
	const config = `{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.001s","maxBackoff":"0.002s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]}`
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr), ServiceConfig: config})
	must(t, s.Send(nil))
	if n, err := finish(t, s); n != 1 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d messages, %v", n, err)
	}
	headers, _, _ := frames(t, s.Connection(), record.Sent)
	if len(headers) != 3 || values(headers[2], "grpc-previous-rpc-attempts")[0] != "2" {
		t.Errorf("%d requests", len(headers))
	}
	asked.Store(0)
	s = open(t, "UnaryCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	if _, err := finish(t, s); s.Outcome().Message != "not yet" || s.Outcome().Local {
		t.Errorf("without a policy: %v", err)
	}
	for _, bad := range []string{"{", `{"methodConfig":[{"name":[{}],"timeout":"soon"}]}`} {
		_, err := Open(t.Context(), method("UnaryCall"), exchange.Request{Target: target(t, gone(t)), ServiceConfig: bad}, nil)
		var e *OptionError
		if !errors.As(err, &e) || e.Option != "service config" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	for _, tt := range []struct {
		headers []exchange.Header
		want    string
	}{{nil, "set/2 grpc-go/"}, {[]exchange.Header{{Name: "User-Agent", Value: "typed/3"}}, "typed/3 grpc-go/"}} {
		s := open(t, "UnaryCall", exchange.Request{Target: target(t, addr), UserAgent: "set/2", Headers: tt.headers})
		must(t, s.Send(nil))
		_, _ = finish(t, s)
		headers, _, _ := frames(t, s.Connection(), record.Sent)
		if v := values(headers[0], "user-agent"); !strings.HasPrefix(v[0], tt.want) {
			t.Errorf("user-agent %q", v)
		}
	}
}

func TestSendLimit(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "FullDuplexCall", exchange.Request{Target: target(t, addr), MaxSend: 100})
	must(t, s.Send(make([]byte, 100)))
	err := s.Send(make([]byte, 101))
	var e *OptionError
	if !errors.As(err, &e) || e.Text != "a message to send is over the limit of 100 bytes: it has 101" {
		t.Error(err)
	}
}

// ends returns the kinds and last flags of what was sent for the call.
func ends(t *testing.T, s *Stream) (endStream, reset bool) {
	t.Helper()
	b := s.Connection().Append(nil, record.Span{Dir: record.Sent, Len: s.Connection().Size(record.Sent)})
	fr := http2.NewFramer(nil, strings.NewReader(strings.TrimPrefix(string(b), http2.ClientPreface)))
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return endStream, reset
		}
		switch f := f.(type) {
		case *http2.DataFrame:
			endStream = endStream || f.StreamEnded()
		case *http2.RSTStreamFrame:
			reset = true
		}
	}
}

func TestHalfCloseIsNotCancel(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	s := open(t, "FullDuplexCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	if s.HalfClosed() {
		t.Error("half-closed before CloseSend")
	}
	must(t, s.CloseSend())
	if n, err := finish(t, s); n != 1 || !errors.Is(err, io.EOF) || !s.HalfClosed() {
		t.Errorf("%d messages, %v", n, err)
	}
	if end, reset := ends(t, s); !end || reset {
		t.Errorf("half-close: END_STREAM %v, RST_STREAM %v", end, reset)
	}
	s = open(t, "FullDuplexCall", exchange.Request{Target: target(t, addr)})
	must(t, s.Send(nil))
	must(t, s.Recv())
	s.Cancel()
	_, _ = finish(t, s)
	if end, reset := ends(t, s); end || !reset || s.HalfClosed() {
		t.Errorf("cancel: END_STREAM %v, RST_STREAM %v", end, reset)
	}
	if o := s.Outcome(); o.Detail != "1 message had arrived; after 1 sent message this side was still open to send more" {
		t.Errorf("outcome %+v", o)
	}
}

func TestTimeoutSaysWhatWasSeen(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	for name, want := range map[string]string{"EmptyCall": "no answer had arrived", "FullDuplexCall": "1 message had arrived; after 1 sent message"} {
		s := open(t, name, exchange.Request{Target: target(t, addr), Timeout: 600 * time.Millisecond})
		must(t, s.Send(nil))
		_, err := finish(t, s)
		// The server sees the deadline too, and may be the first to say so.
		if o := s.Outcome(); codes.Code(o.Code) != codes.DeadlineExceeded || o.Local && !strings.HasPrefix(o.Detail, want) {
			t.Errorf("%s: %+v", name, o)
		} else if o.Local && !strings.HasSuffix(err.Error(), o.Detail) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// script serves HTTP/2 connections by hand: it reads the preface and the client's
// first frame, and then does as f says.
func script(t *testing.T, f func(*http2.Framer)) (addr string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	addr = concurrent(t, func(c net.Conn) {
		connections.Add(1)
		if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		fr := http2.NewFramer(c, c)
		if _, err := fr.ReadFrame(); err != nil {
			return
		}
		f(fr)
		_, _ = io.Copy(io.Discard, c) // until the client leaves
	})
	return addr, connections
}

func TestNoStreamsAllowed(t *testing.T) {
	t.Parallel()
	addr, _ := script(t, func(fr *http2.Framer) {
		_ = fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
	})
	tg := target(t, addr)
	tg.ConnectTimeout = 400 * time.Millisecond
	s := open(t, "UnaryCall", exchange.Request{Target: tg})
	_, err := finish(t, s)
	if o := s.Outcome(); err == nil || codes.Code(o.Code) != codes.Unavailable || !o.Local || !strings.Contains(o.Message, "MAX_CONCURRENT_STREAMS is 0") {
		t.Errorf("outcome %+v", o)
	}
	tg.ConnectTimeout = time.Minute
	s = open(t, "UnaryCall", exchange.Request{Target: tg, Timeout: 400 * time.Millisecond})
	_, _ = finish(t, s)
	if o := s.Outcome(); codes.Code(o.Code) != codes.DeadlineExceeded || !strings.Contains(o.Detail, "MAX_CONCURRENT_STREAMS is 0") {
		t.Errorf("outcome %+v", o)
	}
}

// Where every connection is sent away, dialing comes to an end.
func TestGoAwayAtOnce(t *testing.T) {
	t.Parallel()
	addr, connections := script(t, func(fr *http2.Framer) {
		_ = fr.WriteSettings()
		_ = fr.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("busy\x1b"))
	})
	for range 5 { // grpc-go may or may not see the connection ready first
		s, err := Open(t.Context(), method("UnaryCall"), exchange.Request{Target: target(t, addr)}, nil)
		if err == nil {
			_ = s.Send(nil)
			_, _ = finish(t, s)
			o := s.Outcome()
			err = errors.New(o.Message + "; " + o.Detail)
			if codes.Code(o.Code) != codes.Unavailable || !o.Local {
				t.Errorf("outcome %+v", o)
			}
		}
		var e *DialError
		if errors.As(err, &e) && (e.Step != Protocol || e.Stage != StageHTTP2 || !strings.Contains(e.Text, "sends every connection away at once")) {
			t.Errorf("step %s, stage %s: %v", e.Step, e.Stage, e)
		}
		if want := `GOAWAY ENHANCE_YOUR_CALM "busy\x1b"`; !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if n := connections.Load(); n > 5*(maxSentAway+1) {
		t.Errorf("%d connections", n)
	}
}

func TestErrorPage(t *testing.T) {
	t.Parallel()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	web := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "\n<html>\x1b upstream is down\nmore")
	})}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	s := open(t, "UnaryCall", exchange.Request{Target: target(t, l.Addr().String())})
	_ = s.Send(nil)
	_, _ = finish(t, s)
	o := s.Outcome()
	if want := `the answer is no gRPC but HTTP 502 with content-type "text/html"; the page begins with "<html>\x1b upstream is down"`; o.Detail != want || !o.Local {
		t.Errorf("outcome %+v", o)
	}
}
