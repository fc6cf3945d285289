package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// wantDialError dials and checks the step and words of the failure.
func wantDialError(t *testing.T, tg exchange.Target, step Step, words ...string) DialError {
	t.Helper()
	c, err := Dial(t.Context(), tg, Options{}, nil)
	var e *DialError
	if !errors.As(err, &e) {
		if c != nil {
			_ = c.Close()
		}
		t.Fatalf("Dial %s: %v; want a *DialError", tg.Text, err)
	}
	if e.Step != step {
		t.Errorf("step %s, want %s: %v", e.Step, step, e)
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q lacks %q", e, w)
		}
	}
	return *e
}

func TestDialRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	wantDialError(t, target(t, addr), Connect, "nothing listens on "+addr, "is the server running?")
	wantDialError(t, target(t, "unix:///nowhere/at/all"), Connect, "there is no socket /nowhere/at/all")
}

// The .invalid domain never resolves (RFC 6761 §6.4); without a resolver the
// look-up fails in another way, and is still one of DNS.
func TestDialUnknownHost(t *testing.T) {
	t.Parallel()
	tg := target(t, "grpc://host.invalid:1")
	tg.ConnectTimeout = 5 * time.Second
	wantDialError(t, tg, DNS, "host.invalid")
}

func TestDialTLSToPlaintext(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	wantDialError(t, target(t, "grpcs://"+addr), TLS, "does not speak TLS", "speaks plaintext", "--plaintext", "grpc://")
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	wantDialError(t, target(t, "grpcs://"+web.Listener.Addr().String()), TLS, "speaks plaintext HTTP/1.1", "--plaintext")
}

// A server that hangs up on bytes it does not understand is asked once in plaintext.
func TestDialTLSToPlaintextThatHangsUp(t *testing.T) {
	t.Parallel()
	addr := answer(t, func(c net.Conn) {
		b := make([]byte, 24)
		if _, err := io.ReadFull(c, b); err == nil && strings.HasPrefix(string(b), "PRI * HTTP/2.0") {
			_, _ = io.WriteString(c, "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		}
	})
	wantDialError(t, target(t, "grpcs://"+addr), TLS, "the server speaks plaintext", "--plaintext")
}

func TestDialPlaintextToTLS(t *testing.T) {
	t.Parallel()
	id := issue(t, "server", nil, nil)
	addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{id.pair}}))
	wantDialError(t, target(t, addr), TLS, "speaks TLS, and plaintext was sent", "--tls", "grpcs://")
	alerting := answer(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 24))
		_, _ = io.WriteString(c, "\x15\x03\x01\x00\x02\x02\x46")
	})
	wantDialError(t, target(t, alerting), TLS, "speaks TLS, and plaintext was sent", "--tls")
	nginx := answer(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 24))
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port")
	})
	wantDialError(t, target(t, nginx), TLS, "speaks TLS", `"HTTP/1.1 400 Bad Request"`)
}

func TestDialHTTP1(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	wantDialError(t, target(t, web.Listener.Addr().String()), Protocol, "answered HTTP/1.1, not HTTP/2", `"HTTP/1.1 `)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	tg := target(t, "grpcs://"+secure.Listener.Addr().String())
	tg.TLS.Insecure = true
	wantDialError(t, tg, Protocol, "did not choose HTTP/2", "ALPN")
}

func TestDialNotHTTPAtAll(t *testing.T) {
	t.Parallel()
	ssh := answer(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-\x1b]52;c;x\x07\r\n") })
	wantDialError(t, target(t, ssh), Protocol, `does not speak HTTP/2: it began with "SSH-2.0-\x1b]52`)
	mute := answer(t, func(net.Conn) {})
	wantDialError(t, target(t, mute), Protocol, "closed the connection without sending anything")
	wantDialError(t, target(t, "grpcs://"+mute), TLS, "closed the connection during the TLS handshake")
}

func TestDialTimeout(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	silent := answer(t, func(net.Conn) { <-hold })
	t.Cleanup(func() { close(hold) })
	for _, scheme := range []string{"grpc://", "grpcs://"} {
		tg := target(t, scheme+silent)
		tg.ConnectTimeout = 50 * time.Millisecond
		step := Protocol
		if tg.TLS.On {
			step = TLS
		}
		if e := wantDialError(t, tg, step, "in time"); !e.Timeout || !errors.Is(&e, context.DeadlineExceeded) {
			t.Errorf("%+v is no time-out", e)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := Dial(ctx, target(t, silent), Options{}, nil)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("cancelled: %v", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := issue(t, "ca", nil, nil)
	server := issue(t, "server", ca, nil)
	client := issue(t, "client", ca, nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{server.pair}}))
	mutual, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{server.pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}))

	tg := target(t, "grpcs://"+addr)
	wantDialError(t, tg, TLS, "signed by an unknown authority", "--cacert", "--insecure")
	tg.TLS.CACert = ca.certFile
	s := open(t, "UnaryCall", exchange.Request{Target: tg})
	must(t, s.Send(nil))
	if _, err := finish(t, s); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	facts := s.Connection().Meta().TLS
	if facts == nil || facts.Version != "TLS 1.3" || facts.ALPN != "h2" || !facts.Verified || facts.ServerName != "127.0.0.1" ||
		len(facts.Chain) != 1 || string(facts.Chain[0]) != string(server.cert.Raw) || !strings.HasPrefix(facts.CipherSuite, "TLS_") {
		t.Errorf("TLS facts %+v", facts)
	}
	headers, _, _ := frames(t, s.Connection(), record.Sent)
	if v := values(headers[0], ":scheme"); v[0] != "https" {
		t.Errorf(":scheme = %q", v)
	}

	other := tg
	other.Authority = "other.example"
	wantDialError(t, other, TLS, `not for "other.example" but for "localhost", 127.0.0.1`, "--authority")
	loose := target(t, "grpcs://"+addr)
	loose.TLS.Insecure = true
	c, err := Dial(t.Context(), loose, Options{}, nil)
	must(t, err)
	if c.Recording().Meta().TLS.Verified {
		t.Error("an unverified connection says it was verified")
	}
	must(t, c.Close())

	tg = target(t, "grpcs://"+mutual)
	tg.TLS.CACert = ca.certFile
	wantDialError(t, tg, TLS, "asks for a client certificate", "--cert")
	tg.TLS.Cert, tg.TLS.Key = client.certFile, client.keyFile
	c, err = Dial(t.Context(), tg, Options{}, nil)
	must(t, err)
	must(t, c.Close())
	stranger := issue(t, "stranger", nil, nil)
	tg.TLS.Cert, tg.TLS.Key = stranger.certFile, stranger.keyFile
	wantDialError(t, tg, TLS, "client certificate")
}

func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	ca := issue(t, "ca", nil, nil)
	old := issue(t, "old", ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{old.pair}}))
	tg := target(t, "grpcs://"+addr)
	tg.TLS.CACert = ca.certFile
	wantDialError(t, tg, TLS, "is valid from", "renew it")
}

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	id := issue(t, "x", nil, nil)
	for want, change := range map[string]func(*exchange.TLS){
		"read the CA certificate: open /nowhere":                           func(o *exchange.TLS) { o.CACert = "/nowhere" },
		"no PEM certificate in":                                            func(o *exchange.TLS) { o.CACert = id.keyFile },
		"read the client certificate: --cert and --key go together":        func(o *exchange.TLS) { o.Cert = id.certFile },
		"read the client certificate: tls: failed to find any PEM data in": func(o *exchange.TLS) { o.Cert, o.Key = "/dev/null", id.keyFile },
	} {
		tg := target(t, "grpcs://127.0.0.1:1")
		change(&tg.TLS)
		wantDialError(t, tg, TLS, want)
	}
}
