package call

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// The name for TLS and the name for HTTP are told apart.
func TestServerName(t *testing.T) {
	t.Parallel()
	ca := issue(t, "ca", nil, nil)
	id := issue(t, "server", ca, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"inner.example"}, nil })
	asked := make(chan string, 1)
	addr, _ := serve(t, secured(&tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		asked <- h.ServerName
		return &id.pair, nil
	}}))
	tg := target(t, "grpcs://"+addr)
	tg.TLS.CACert, tg.TLS.ServerName, tg.Authority = ca.certFile, "inner.example", "outer.example:443"
	s := open(t, "UnaryCall", exchange.Request{Target: tg})
	must(t, s.Send(nil))
	if n, err := finish(t, s); n != 1 {
		t.Fatal(err)
	}
	if got := <-asked; got != "inner.example" {
		t.Errorf("SNI %q", got)
	}
	headers, _, _ := frames(t, s.Connection(), record.Sent)
	if v := values(headers[0], ":authority"); v[0] != "outer.example:443" {
		t.Errorf(":authority %q", v)
	}
	if f := s.Connection().Meta().TLS; f.ServerName != "inner.example" || f.ALPN != "h2" {
		t.Errorf("facts %+v", f)
	}
}

func TestRefusedCertificatesAreDescribed(t *testing.T) {
	t.Parallel()
	ca := issue(t, "test authority", nil, nil)
	from, to := time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC), time.Date(2021, 1, 2, 3, 4, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		ca     *identity
		change func(*x509.Certificate)
		text   string
		detail string
	}{
		"expired": {
			ca, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to },
			"is valid from 2020-01-02 03:04 UTC to 2021-01-02 03:04 UTC, and now is not between",
			`certificate of "CN=expired", issued by "CN=test authority", valid from 2020-01-02 03:04 UTC to 2021-01-02 03:04 UTC, for "localhost", 127.0.0.1`,
		},
		"future": {ca, func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Hour)
			c.NotAfter = time.Now().Add(2 * time.Hour)
		}, "now is not between", `"CN=future"`},
		"wrong host": {
			ca, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"a\x1b.example"}, nil },
			`is not for "127.0.0.1" but for "a\x1b.example"`, `certificate of "CN=wrong host", issued by "CN=test authority"`,
		},
		"unknown authority": {nil, nil, "signed by an unknown authority", `certificate of "CN=unknown authority", signed by itself, valid from `},
		"wrong use":         {ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "is not accepted", `"CN=wrong use"`},
	} {
		id := issue(t, name, tt.ca, tt.change)
		addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{id.pair}}))
		tg := target(t, "grpcs://"+addr)
		tg.TLS.CACert = ca.certFile
		e := wantDialError(t, tg, TLS, tt.text)
		if !strings.Contains(e.Detail, tt.detail) || e.Stage != StageTLS {
			t.Errorf("%s: stage %s, detail %s", name, e.Stage, e.Detail)
		}
	}
}

func TestKeyLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	must(t, os.WriteFile(file, []byte("# kept\n"), 0o600))
	t.Setenv("SSLKEYLOGFILE", file)
	id := issue(t, "server", nil, nil)
	addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{id.pair}}))
	tg := target(t, "grpcs://"+addr)
	tg.TLS.Insecure = true
	c, err := Dial(t.Context(), tg, Options{}, nil)
	must(t, err)
	must(t, c.Close())
	b, err := os.ReadFile(file)
	must(t, err)
	if !strings.HasPrefix(string(b), "# kept\n") {
		t.Error("the file was not appended to")
	}
	for _, label := range []string{"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_TRAFFIC_SECRET_0 "} {
		if !strings.Contains(string(b), label) {
			t.Errorf("no %s in %s", label, b)
		}
	}
	fresh := filepath.Join(t.TempDir(), "new")
	t.Setenv("SSLKEYLOGFILE", fresh)
	c, err = Dial(t.Context(), tg, Options{}, nil)
	must(t, err)
	must(t, c.Close())
	if i, err := os.Stat(fresh); err != nil || runtime.GOOS != "windows" && i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i, err)
	}
	t.Setenv("SSLKEYLOGFILE", filepath.Join(fresh, "no", "folder"))
	wantDialError(t, tg, TLS, "write the TLS keys to SSLKEYLOGFILE: open ")
}

// A TLS server for HTTP/1.1 only, with and without the alert of RFC 7301 §3.2.
func TestHTTP1OnlyOverTLS(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	id := issue(t, "server", nil, nil)
	silent := concurrent(t, func(c net.Conn) { // knows no ALPN
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.pair}})
		_, _ = io.Copy(io.Discard, s)
	})
	for addr, detail := range map[string]string{secure.Listener.Addr().String(): "it chooses http/1.1 where that is offered", silent: ""} {
		tg := target(t, "grpcs://"+addr)
		tg.TLS.Insecure = true
		e := wantDialError(t, tg, Protocol, "did not choose HTTP/2 in the TLS handshake")
		if e.Stage != StageALPN || e.Detail != detail {
			t.Errorf("stage %s, detail %q", e.Stage, e.Detail)
		}
	}
}

// Servers that wait for what they understand are asked for it, long before the
// connect timeout: none of these is a time-out.
func TestMismatchWithASilentServer(t *testing.T) {
	t.Parallel()
	plain := concurrent(t, func(c net.Conn) {
		b := make([]byte, 3)
		if _, _ = io.ReadFull(c, b); string(b) == "PRI" {
			_, _ = io.WriteString(c, "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		}
		_, _ = io.Copy(io.Discard, c)
	})
	if e := wantDialError(t, target(t, "grpcs://"+plain), TLS, "the server speaks plaintext", "--plaintext"); e.Timeout {
		t.Error("a time-out")
	}
	id := issue(t, "server", nil, nil)
	secure := concurrent(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if b, _ := r.Peek(1); len(b) == 1 && b[0] == 0x16 { // a handshake record
			_ = tls.Server(&peeked{c, r}, &tls.Config{Certificates: []tls.Certificate{id.pair}, NextProtos: []string{"h2"}}).Handshake()
		}
		_, _ = io.Copy(io.Discard, r)
	})
	if e := wantDialError(t, target(t, secure), TLS, "speaks TLS, and plaintext was sent", "--tls"); e.Timeout {
		t.Error("a time-out")
	}
}

type peeked struct {
	net.Conn
	r io.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// By a proxy, the questions of a diagnosis go by the proxy too.
func TestMismatchBehindAProxy(t *testing.T) {
	t.Parallel()
	id := issue(t, "server", nil, nil)
	addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{id.pair}}))
	plain, _ := serve(t, grpc.MaxConcurrentStreams(1))
	for _, text := range []string{"grpc://" + addr, "grpcs://" + plain} {
		tg := target(t, text)
		tg.Proxy = httpProxy(t, "")
		wantDialError(t, tg, TLS, "speak")
	}
}

func TestOldTLS(t *testing.T) {
	t.Parallel()
	id := issue(t, "server", nil, nil)
	old := concurrent(t, func(c net.Conn) {
		//nolint:gosec // the old version is what is tested
		_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.pair}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
	})
	e := wantDialError(t, target(t, "grpcs://"+old), TLS, "")
	var none *tls.CertificateVerificationError
	if errors.As(&e, &none) || !strings.Contains(e.Text, "TLS") {
		t.Errorf("%v", &e)
	}
}
