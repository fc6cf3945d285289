package call

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/reflection"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/internal/testserver"
)

// walk diagnoses and returns the stages as "TCP ok, TLS failed", and the last.
func walk(t *testing.T, tg exchange.Target) (string, Check) {
	t.Helper()
	var names []string
	var last Check
	for c := range Diagnose(t.Context(), tg, Options{}, nil) {
		word := "failed"
		if c.OK {
			word = "ok"
		}
		if c.OK != (c.Err == nil) || c.Took < 0 || c.Detail == "" {
			t.Errorf("check %+v", c)
		}
		names = append(names, string(c.Name)+" "+word)
		last = c
	}
	return strings.Join(names, ", "), last
}

func TestDiagnoseTestservers(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct{ stages, detail, hint string }{
		"ok":              {"TCP ok, HTTP/2 ok, first answer ok", "gRPC, with server reflection (v1)", ""},
		"no-reflection":   {"TCP ok, HTTP/2 ok, first answer ok", `gRPC: Unimplemented to reflection (v1): "unknown service"`, "--proto"},
		"tls":             {"TCP ok, TLS ok, ALPN ok, HTTP/2 ok, first answer ok", "gRPC, with", ""},
		"tls-mtls":        {"TCP ok, TLS ok, ALPN ok, TLS failed", "asks for a client certificate", "--cert"},
		"http1":           {"TCP ok, HTTP/2 failed", "answered HTTP/1.1, not HTTP/2", "gRPC needs HTTP/2"},
		"plain-tcp-close": {"TCP ok, HTTP/2 failed", "closed the connection without sending anything", "port"},
		"silent":          {"TCP ok, HTTP/2 failed", "sent no HTTP/2 SETTINGS in time", "port"},
		"max-streams":     {"TCP ok, HTTP/2 ok, first answer ok", "gRPC, with", ""},
	} {
		dir := t.TempDir()
		s, err := testserver.Start(mode, testserver.Options{Dir: dir})
		must(t, err)
		t.Cleanup(s.Close)
		tg := target(t, s.Addr)
		tg.ConnectTimeout = 5 * time.Second
		if mode == "silent" {
			tg.ConnectTimeout = 300 * time.Millisecond
		}
		if strings.HasPrefix(mode, "tls") {
			tg.TLS = exchange.TLS{On: true, CACert: filepath.Join(dir, "ca.pem")}
		}
		got, last := walk(t, tg)
		if got != want.stages || !strings.Contains(last.Detail, want.detail) || !strings.Contains(last.Hint, want.hint) {
			t.Errorf("%s: %s; %+v", mode, got, last)
		}
	}
}

func TestDiagnoseDetails(t *testing.T) {
	t.Parallel()
	ca := issue(t, "test authority", nil, nil)
	id := issue(t, "server", ca, nil)
	s := grpc.NewServer(secured(&tls.Config{Certificates: []tls.Certificate{id.pair}}), grpc.MaxConcurrentStreams(7))
	reflection.Register(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	tg := target(t, "grpcs://localhost:"+port)
	tg.TLS.CACert = ca.certFile
	details := map[Stage]string{}
	for c := range Diagnose(t.Context(), tg, Options{}, nil) {
		details[c.Name] += c.Detail
	}
	for stage, want := range map[Stage]string{
		StageDNS:    "localhost:" + port + " is ",
		StageTCP:    "connected to " + l.Addr().String(),
		StageTLS:    `certificate of "CN=server", issued by "CN=test authority", valid from `,
		StageALPN:   "h2",
		StageHTTP2:  "MAX_CONCURRENT_STREAMS 7",
		StageAnswer: "gRPC, with server reflection (v1)",
	} {
		if !strings.Contains(details[stage], want) {
			t.Errorf("%s: %q lacks %q", stage, details[stage], want)
		}
	}
	tg = target(t, "grpcs://localhost:"+port)
	got, last := walk(t, tg)
	if !strings.HasSuffix(got, "TCP ok, TLS failed") || !strings.Contains(last.Detail, `issued by "CN=test authority"`) || !strings.Contains(last.Hint, "--cacert") {
		t.Errorf("%s: %+v", got, last)
	}
}

func TestDiagnoseWays(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	tg := target(t, addr)
	tg.Proxy = httpProxy(t, "")
	got, _ := walk(t, tg)
	if want := "TCP ok, proxy ok, HTTP/2 ok, first answer ok"; got != want {
		t.Errorf("by a proxy: %s", got)
	}
	tg.Proxy = gone(t)
	if got, last := walk(t, tg); got != "proxy failed" || !strings.Contains(last.Detail, "the proxy cannot be reached") {
		t.Errorf("by no proxy: %s, %+v", got, last)
	}
	path := filepath.Join(t.TempDir(), "s")
	if got, last := walk(t, target(t, "unix://"+path)); got != "unix socket failed" || last.Hint != "is the server running?" {
		t.Errorf("no socket: %s, %+v", got, last)
	}
	l, err := net.Listen("unix", path)
	must(t, err)
	serveOn(t, l)
	if got, _ := walk(t, target(t, "unix://"+path)); got != "unix socket ok, HTTP/2 ok, first answer ok" {
		t.Errorf("unix: %s", got)
	}
	if got, _ := walk(t, target(t, gone(t))); got != "TCP failed" {
		t.Errorf("refused: %s", got)
	}
	if got, _ := walk(t, target(t, "grpc://host.invalid:1")); got != "DNS failed" {
		t.Errorf("no such host: %s", got)
	}
	if got, last := walk(t, exchange.Target{Network: "tcp", Address: addr, Proxy: "ftp://x"}); got != "options failed" || !strings.Contains(last.Detail, `"ftp" is no kind of proxy`) {
		t.Errorf("bad proxy: %s, %+v", got, last)
	}
}

func TestDiagnoseErrorPage(t *testing.T) {
	t.Parallel()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	web := &http.Server{Protocols: &protocols, Handler: http.NotFoundHandler()}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	got, last := walk(t, target(t, l.Addr().String()))
	if got != "TCP ok, HTTP/2 ok, first answer failed" || last.Detail != `the answer is no gRPC but HTTP 404 with content-type "text/plain; charset=utf-8"; the page begins with "404 page not found"` {
		t.Errorf("%s: %+v", got, last)
	}
}

func TestDiagnoseServerThatNeverAnswers(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		<-s.Context().Done()
		return nil
	}))
	tg := target(t, addr)
	tg.ConnectTimeout = 400 * time.Millisecond
	got, last := walk(t, tg)
	if got != "TCP ok, HTTP/2 ok, first answer failed" || last.Detail != "no status in 400ms: no answer had arrived" {
		t.Errorf("%s: %+v", got, last)
	}
}

// Whoever looks at the first stage only, leaves nothing behind (goleak sees to it).
func TestDiagnoseGivenUp(t *testing.T) {
	t.Parallel()
	addr := concurrent(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	n := 0
	for range Diagnose(t.Context(), target(t, addr), Options{}, nil) {
		n++
		break
	}
	if n != 1 {
		t.Error(n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for c := range Diagnose(ctx, target(t, addr), Options{}, nil) {
		if c.OK || !errors.Is(c.Err, context.Canceled) {
			t.Errorf("%+v", c)
		}
	}
}
