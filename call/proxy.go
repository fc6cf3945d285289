package call

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// noProxy is the value of Target.Proxy that asks for the direct way.
const noProxy = "none"

// proxy is one on the way to a server.
type proxy struct {
	kind    string // "http", "https" or "socks5"
	address string // host:port
	user    *url.Userinfo
	from    string // what named it: an environment variable, or --proxy
}

// CheckProxy says whether a value can be a Target.Proxy. Its error is an
// *OptionError which shows no password.
func CheckProxy(value string) error {
	if value == "" || value == noProxy {
		return nil
	}
	_, err := parseProxy(value, "--proxy")
	return err
}

// parseProxy reads the URL of a proxy; a bare host:port is an HTTP proxy's. A
// SOCKS proxy is always given the name, not an address, so socks5h:// says the same.
func parseProxy(value, from string) (*proxy, error) {
	bad := func(text string) error {
		return &OptionError{from, text + "; use http://host:port, https:// or socks5://"}
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil {
		return nil, bad("the value is not the URL of a proxy") // its error would show a password
	}
	p := &proxy{kind: strings.ToLower(u.Scheme), user: u.User, from: from}
	port := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[p.kind]
	switch {
	case port == "":
		return nil, bad(fmt.Sprintf("%q is no kind of proxy", u.Scheme))
	case u.Hostname() == "":
		return nil, bad("the URL of the proxy has no host")
	case p.kind == "socks5h":
		p.kind = "socks5"
	}
	p.address = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	if _, _, err := net.SplitHostPort(p.address); err != nil {
		return nil, bad(fmt.Sprintf("%q is no host and port", u.Host)) // what url.Parse lets through: "]"
	}
	return p, nil
}

// proxyFor returns the proxy on the way to t; nil if there is none.
func proxyFor(t exchange.Target) (*proxy, error) {
	switch {
	case t.Network == "unix" || t.Proxy == noProxy:
		return nil, nil
	case t.Proxy != "":
		return parseProxy(t.Proxy, "--proxy")
	}
	value, from := proxyVariable(t.TLS.On)
	if value == "" {
		return nil, nil
	}
	// The rules of NO_PROXY, and that loopback is reached directly, are those of net/http.
	rules := httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: cmp.Or(os.Getenv("no_proxy"), os.Getenv("NO_PROXY"))}
	if used, err := rules.ProxyFunc()(&url.URL{Scheme: "https", Host: t.Address}); err != nil || used == nil {
		return nil, nil //nolint:nilerr // an address it cannot read is no proxy's: dialing says more
	}
	return parseProxy(value, from)
}

// proxyVariable returns the environment variable that names the proxy. gRPC uses
// HTTPS_PROXY with and without TLS, for it tunnels both by CONNECT; HTTP_PROXY is
// asked next for plaintext, and ALL_PROXY last, as curl does. A CGI program gets
// HTTP_PROXY from its client's header Proxy, and so may not use it.
func proxyVariable(secure bool) (value, name string) {
	names := []string{"https_proxy", "HTTPS_PROXY"}
	if !secure {
		names = append(names, "http_proxy")
		if os.Getenv("REQUEST_METHOD") == "" {
			names = append(names, "HTTP_PROXY")
		}
	}
	for _, name := range append(names, "all_proxy", "ALL_PROXY") {
		if value := os.Getenv(name); value != "" {
			return value, name
		}
	}
	return "", ""
}

// tunnel is the conversation with a proxy about the way to a server. It is
// recorded apart from what the tunnel carries later.
type tunnel struct {
	net.Conn
	dialer *dialer
	proxy  *proxy
	rec    *record.Recording
	rest   []byte // what arrived after the proxy's answer
}

// throughProxy asks the proxy at c for the way to the target. It closes c on error.
func (d *dialer) throughProxy(ctx context.Context, p *proxy, c net.Conn, meta record.Meta, newRec func(record.Meta) *record.Recording) (_ net.Conn, err error) {
	meta.Network, meta.Address = "tcp", p.address
	if p.kind == "https" {
		secured, err := d.secureProxy(ctx, p, c)
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		state := secured.ConnectionState()
		meta.TLS, c = tlsFacts(state, proxyTLS(d.target, p)), secured
		meta.Dial.TLS = time.Since(meta.Start) - meta.Dial.DNS - meta.Dial.Connect
	}
	t := &tunnel{Conn: c, dialer: d, proxy: p, rec: newRec(meta)}
	limited, mismatch := d.whileSilent(ctx, func(ctx context.Context) bool { return d.probeProxy(ctx, p) })
	stop := until(limited, c)
	if p.kind == "socks5" {
		err = t.socks(d.target.Address)
	} else {
		err = t.connect(d.target.Address)
	}
	stop()
	wrongKind := mismatch()
	t.rec.Close(errors.Unwrap(err))
	if err == nil && ctx.Err() == nil {
		return t, nil
	}
	_ = c.Close()
	if wrongKind {
		speaks := "SOCKS 5"
		if p.kind == "socks5" {
			speaks = "HTTP"
		}
		return nil, t.fail(err, "", "speaks %s, and its URL says %s://", speaks, p.kind)
	}
	if timeout := d.ranOut(ctx, Proxy, err, "was not reached: the proxy "+p.address+" did not answer"); timeout != nil {
		return nil, timeout
	}
	return nil, err
}

// until makes reads and writes of c fail once ctx is done. stop takes that back.
func until(ctx context.Context, c net.Conn) (stop func()) {
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline) // TCP has deadlines
	interrupted := make(chan struct{})
	free := context.AfterFunc(ctx, func() {
		_ = c.SetDeadline(time.Unix(1, 0)) // long ago
		close(interrupted)
	})
	return func() {
		if !free() {
			<-interrupted
		}
		_ = c.SetDeadline(time.Time{})
	}
}

// proxyTLS verifies an https:// proxy by the system's authorities and --cacert.
func proxyTLS(t exchange.Target, p *proxy) *tls.Config {
	host, _, _ := net.SplitHostPort(p.address)
	config := &tls.Config{ServerName: host, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.TLS.Insecure}
	if t.TLS.CACert == "" {
		return config
	}
	if pem, err := os.ReadFile(t.TLS.CACert); err == nil { // else the handshake with the server tells
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	return config
}

func (d *dialer) secureProxy(ctx context.Context, p *proxy, c net.Conn) (*tls.Conn, error) {
	secured := tls.Client(c, proxyTLS(d.target, p))
	err := secured.HandshakeContext(ctx)
	if err == nil {
		return secured, nil
	}
	if e := d.ranOut(ctx, Proxy, err, "was not reached: the proxy "+p.address+" did not finish the TLS handshake"); e != nil {
		return nil, e
	}
	e := d.fail(Proxy, err, p.hint("is it an http:// proxy?"), "the TLS handshake with the proxy %s failed: %s", p.address, cause(err))
	e.Detail = certificateOf(err)
	return nil, e
}

// hint says what to do about a proxy, and where it came from.
func (p *proxy) hint(first string) string {
	if p.from == "--proxy" {
		return first
	}
	if first != "" {
		first += "; "
	}
	return first + "it is named by " + p.from + ", and --proxy none goes directly"
}

// probeProxy asks a proxy that says nothing, on a connection of its own, whether
// it is of the other kind. It ends with ctx.
func (d *dialer) probeProxy(ctx context.Context, p *proxy) bool {
	r, err := connect(ctx, "tcp", p.address, exchange.Keepalive{})
	if err != nil {
		return false
	}
	defer r.Close() //nolint:errcheck // nothing was to be kept
	defer until(ctx, r.Conn)()
	question, want := string([]byte{socksVersion, 1, socksNoAuth}), string([]byte{socksVersion})
	if p.kind == "socks5" {
		question, want = "OPTIONS * HTTP/1.1\r\nHost: "+p.address+"\r\n\r\n", "HTTP/"
	}
	if _, err := io.WriteString(r, question); err != nil {
		return false
	}
	b := make([]byte, len(want))
	_, err = io.ReadFull(r, b)
	return err == nil && string(b) == want
}

// send writes and records b. secret is how many bytes of it, from its end, are
// credentials: the recording has a hole in their place.
func (t *tunnel) send(b []byte, secret int) error {
	at := time.Since(t.rec.Meta().Start)
	t.rec.Add(record.Sent, at, b[:len(b)-secret])
	t.rec.Skip(record.Sent, at, int64(secret))
	if _, err := t.Write(b); err != nil {
		return t.broken(err)
	}
	return nil
}

// received records what the proxy said.
func (t *tunnel) received(b []byte) { t.rec.Add(record.Received, time.Since(t.rec.Meta().Start), b) }

// Read returns first what arrived together with the proxy's answer.
func (t *tunnel) Read(b []byte) (int, error) {
	if len(t.rest) > 0 {
		n := copy(b, t.rest)
		t.rest = t.rest[n:]
		return n, nil
	}
	return t.Conn.Read(b)
}

func (t *tunnel) fail(err error, hint, format string, args ...any) *DialError {
	return t.dialer.fail(Proxy, err, t.proxy.hint(hint), "the proxy %s %s", t.proxy.address, fmt.Sprintf(format, args...))
}

// broken words a connection to the proxy that ended before its answer.
func (t *tunnel) broken(err error) error {
	if closedByPeer(err) {
		return t.fail(err, "is it the kind of proxy that its URL says?", "closed the connection without an answer")
	}
	return t.fail(err, "is it the kind of proxy that its URL says?", "did not answer: %s", cause(err))
}
