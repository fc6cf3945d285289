package testserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/reflection/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, mode string, o Options) *Server {
	t.Helper()
	s, err := Start(mode, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func at(t *testing.T, addr string) exchange.Target {
	t.Helper()
	target, err := call.ParseTarget(addr)
	if err != nil {
		t.Fatal(err)
	}
	target.ConnectTimeout = 5 * time.Second
	return target
}

// load asks a server by reflection over a connection of its own.
func load(t *testing.T, target exchange.Target) (*catalog.Catalog, error) {
	t.Helper()
	c, err := call.Dial(t.Context(), target, call.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return server.Load(t.Context(), c)
}

// do makes one call and returns how many messages came, the end and the recording.
func do(t *testing.T, target exchange.Target, operation string, timeout time.Duration) (n int, o exchange.Outcome, rec *record.Recording) {
	t.Helper()
	c, err := load(t, target)
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.Find(operation)
	if err != nil {
		t.Fatal(err)
	}
	s, err := call.Open(t.Context(), op, exchange.Request{Target: target, Timeout: timeout}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(nil); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	_ = s.CloseSend() // Recv tells how the call went
	for s.Recv() == nil {
		n++
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return n, s.Outcome(), s.Connection()
}

func TestModes(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct {
		messages int
		code     codes.Code
		local    bool
		text     string // part of the message
	}{
		"ok":                 {1, codes.OK, false, ""},
		"trailers-only":      {0, codes.NotFound, false, `no user "42"`},
		"rst-after-header":   {0, codes.Internal, true, "RST_STREAM"},
		"rst-during-data":    {0, codes.Canceled, true, "RST_STREAM"},
		"rst-after-data":     {1, codes.ResourceExhausted, true, "RST_STREAM"},
		"goaway":             {1, codes.Unavailable, true, ""},
		"no-trailers":        {1, codes.Internal, true, "without sending trailers"},
		"half-frame":         {0, codes.Unavailable, true, ""},
		"half-message":       {0, codes.Internal, true, "EOF"},
		"huge-length":        {0, codes.Internal, true, "EOF"},
		"ping-flood":         {1, codes.OK, false, ""},
		"data-padding":       {1, codes.OK, false, ""},
		"compressed-garbage": {1, codes.OK, false, ""}, // inspect says what is wrong with it
		"bomb":               {1, codes.OK, false, ""},
		"escapes":            {1, codes.OK, false, ""},
		"broken-reflection":  {1, codes.OK, false, ""},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := serve(t, mode, Options{})
			n, o, rec := do(t, at(t, s.Addr), "test.v1.Mischief/Do", 10*time.Second)
			if n != want.messages || codes.Code(o.Code) != want.code || o.Local != want.local || !strings.Contains(o.Message, want.text) {
				t.Errorf("%d messages, %s, %+v; want %+v", n, codes.Code(o.Code), o, want)
			}
			if _, closed := rec.Closed(); !closed {
				t.Error("the recording has no end")
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	s := serve(t, "ok", Options{})
	for method, want := range map[string]int{"Stream": 3, "Upload": 1, "Chat": 3} {
		if n, o, _ := do(t, at(t, s.Addr), method, 0); n != want || o.Code != 0 {
			t.Errorf("%s: %d messages, %+v", method, n, o)
		}
	}
}

func TestMaxStreamsNeverStarts(t *testing.T) {
	t.Parallel()
	s := serve(t, "max-streams", Options{})
	if n, o, _ := do(t, at(t, s.Addr), "Do", 100*time.Millisecond); n != 0 || codes.Code(o.Code) != codes.DeadlineExceeded || !o.Local {
		t.Errorf("%d messages, %+v", n, o)
	}
}

func TestBrokenReflection(t *testing.T) {
	t.Parallel()
	c, err := load(t, at(t, serve(t, "broken-reflection", Options{}).Addr))
	if err != nil || len(c.Services) != 2 || c.Services[0].Problem != "NotFound: file not found" || c.Services[1].Problem != "" {
		t.Errorf("catalog %+v, %v", c, err)
	}
}

func TestNoReflection(t *testing.T) {
	t.Parallel()
	_, err := load(t, at(t, serve(t, "no-reflection", Options{}).Addr))
	var unsupported *server.UnsupportedError
	if !errors.As(err, &unsupported) {
		t.Errorf("err = %v", err)
	}
}

func TestEscapesAreEverywhere(t *testing.T) {
	t.Parallel()
	target := at(t, serve(t, "escapes", Options{}).Addr)
	c, err := load(t, target)
	if err != nil || c.Services[0].Doc != strings.TrimSpace(nasty) || c.Services[0].Operations[0].Doc == "" {
		t.Errorf("doc %q, %v", c.Services[0].Doc, err)
	}
	if _, o, _ := do(t, target, "Fail", 0); o.Code != 3 || o.Message != nasty {
		t.Errorf("outcome %+v", o)
	}
}

func TestServersThatCannotBeDialed(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]call.Step{"http1": call.Protocol, "plain-tcp-close": call.Protocol, "silent": call.Protocol, "tls": call.TLS} {
		target := at(t, serve(t, mode, Options{Dir: t.TempDir()}).Addr)
		if mode == "silent" {
			target.ConnectTimeout = 100 * time.Millisecond
		}
		_, err := call.Dial(t.Context(), target, call.Options{}, nil)
		var e *call.DialError
		if !errors.As(err, &e) || e.Step != want || e.Timeout != (mode == "silent") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestTLSModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"tls", "tls-mtls"} {
		dir := t.TempDir()
		target := at(t, "grpcs://"+serve(t, mode, Options{Dir: dir}).Addr)
		target.TLS.CACert = filepath.Join(dir, "ca.pem")
		if mode == "tls-mtls" {
			target.TLS.Cert, target.TLS.Key = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client-key.pem")
		}
		if n, o, _ := do(t, target, "Do", 0); n != 1 || o.Code != 0 {
			t.Errorf("%s: %d messages, %+v", mode, n, o)
		}
	}
}

// What the proxy saw is what was recorded, in plaintext and inside TLS.
func TestProxySawTheRecordedBytes(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		dir, proxyDir, log := t.TempDir(), t.TempDir(), t.TempDir()
		s := serve(t, "ok", Options{TLS: secure, Dir: dir})
		p, err := StartProxy(s.Addr, filepath.Join(dir, "ca.pem"), log, Options{TLS: secure, Dir: proxyDir})
		if err != nil {
			t.Fatal(err)
		}
		target := at(t, "grpc://"+p.Addr)
		if secure {
			target = at(t, "grpcs://"+p.Addr)
			target.TLS.CACert = filepath.Join(proxyDir, "ca.pem")
		}
		_, _, rec := do(t, target, "Stream", 0)
		traffic := p.Traffic()
		last := traffic[len(traffic)-1]
		<-last.Ended()
		for d, got := range map[record.Dir][]byte{record.Sent: last.Sent(), record.Received: last.Received()} {
			want := rec.Append(nil, record.Span{Dir: d, Len: rec.Size(d)})
			// The server may write on after the client has stopped reading.
			if d == record.Received && len(got) > len(want) {
				got = got[:len(want)]
			}
			if !bytes.Equal(got, want) || len(want) == 0 {
				t.Errorf("TLS %v, %v: the proxy saw %d bytes, %d were recorded", secure, d, len(got), len(want))
			}
		}
		p.Close()
		if b, err := os.ReadFile(filepath.Join(log, "1.sent")); err != nil || !bytes.Equal(b, last.Sent()) {
			t.Errorf("log: %d bytes, %v", len(b), err)
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "example.com:1", "nonsense"} {
		if s, err := Start("ok", Options{Listen: addr}); err == nil {
			s.Close()
			t.Errorf("listens on %q", addr)
		}
	}
	if _, err := Start("nonesuch", Options{}); err == nil || !strings.Contains(err.Error(), `no mode "nonesuch"; there are bomb, `) {
		t.Error(err)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "addr")
	stop, done := make(chan struct{}), make(chan error)
	out, in := io.Pipe()
	go func() { done <- run([]string{"-addr", file, "ok"}, in, stop) }()
	line := make([]byte, 64)
	n, err := out.Read(line)
	addr, ok := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "ready ")
	if err != nil || !ok {
		t.Fatalf("said %q, %v", line[:n], err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != addr {
		t.Errorf("file %q, %v", b, err)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	var list bytes.Buffer
	if err := run([]string{"modes"}, &list, nil); err != nil || strings.Count(list.String(), "\n") != len(modes) {
		t.Errorf("modes %q, %v", list.String(), err)
	}
	if err := run([]string{"a", "b"}, &list, nil); err == nil {
		t.Error("two modes are one too many")
	}
}
