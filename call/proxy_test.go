package call

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// join copies both ways until either side ends.
func join(a io.ReadWriter, b net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(b, a); _ = b.(*net.TCPConn).CloseWrite() })
	both.Go(func() {
		_, _ = io.Copy(a, b)
		if c, ok := a.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite()
		}
	})
	both.Wait()
}

// httpProxy opens tunnels for whoever shows credentials, which may be empty.
func httpProxy(t *testing.T, credentials string) string {
	t.Helper()
	return concurrent(t, func(c net.Conn) { tunnelHTTP(c, credentials) })
}

func tunnelHTTP(c net.Conn, credentials string) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	want := ""
	if credentials != "" {
		want = "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
	}
	if req.Header.Get("Proxy-Authorization") != want {
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 24\r\n\r\n\n<h1>Who are\x1b you?</h1>\n")
		return
	}
	up, err := net.Dial("tcp", req.Host)
	if err != nil {
		_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\nno way\n")
		return
	}
	defer up.Close()
	// The answer and the server's first bytes in one write: they are told apart.
	first := make([]byte, 0, 512)
	first = append(first, "HTTP/1.1 200 OK\r\nVia: test\r\n\r\n"...)
	_ = up.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // a TLS server says nothing yet
	n, _ := up.Read(first[len(first):cap(first)])
	_ = up.SetReadDeadline(time.Time{})
	_, _ = c.Write(first[:len(first)+n])
	if tc, ok := c.(*net.TCPConn); ok {
		join(tc, up)
		return
	}
	join(c, up)
}

// concurrent is answer with a goroutine for each connection.
func concurrent(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { f(c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

// recorder collects recordings.
type recorder struct {
	mu   sync.Mutex
	recs []*record.Recording
}

func (r *recorder) add(m record.Meta) *record.Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recs = append(r.recs, record.New(m))
	return r.recs[len(r.recs)-1]
}

func said(r *record.Recording, d record.Dir) string {
	return string(r.Append(nil, record.Span{Dir: d, Len: r.Size(d)}))
}

// through makes one call by a proxy and returns the recordings.
func through(t *testing.T, tg exchange.Target) []*record.Recording {
	t.Helper()
	var recs recorder
	s, err := Open(t.Context(), method("UnaryCall"), exchange.Request{Target: tg}, recs.add)
	must(t, err)
	must(t, s.Send(nil))
	if n, err := finish(t, s); n != 1 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d messages, %v", n, err)
	}
	if len(recs.recs) != 2 {
		t.Fatalf("%d recordings, want the proxy's and the call's", len(recs.recs))
	}
	if recs.recs[1] != s.Connection() {
		t.Error("the last recording is not that of the call")
	}
	return recs.recs
}

func TestHTTPProxy(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	proxy := httpProxy(t, "me:pass")
	tg := target(t, addr)
	tg.Proxy = "http://me:pass@" + proxy
	recs := through(t, tg)
	want := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: wiregloss\r\nProxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n"
	if got := said(recs[0], record.Sent); got != want {
		t.Errorf("sent to the proxy: %q", got)
	}
	if got := said(recs[0], record.Received); got != "HTTP/1.1 200 OK\r\nVia: test\r\n\r\n" {
		t.Errorf("received from the proxy: %q", got)
	}
	tr := inspect.Decode(recs[0])
	if tr.Protocol != inspect.HTTP1 || len(tr.Problems) != 0 || len(tr.Headers) != 2 {
		t.Errorf("the proxy's recording decodes to %+v", tr)
	}
	if m := recs[0].Meta(); m.Address != proxy || m.Network != "tcp" || m.Peer != proxy {
		t.Errorf("meta of the proxy: %+v", m)
	}
	if err, closed := recs[0].Closed(); !closed || err != nil {
		t.Errorf("the proxy's recording ended with %v, %v", err, closed)
	}
	if m := recs[1].Meta(); m.Address != addr || m.Peer != proxy {
		t.Errorf("meta of the call: %+v", m)
	}
	// frames fails unless the received bytes begin with the server's first frame.
	if _, _, kinds := frames(t, recs[1], record.Received); kinds[0] != "SETTINGS" {
		t.Errorf("received %v", kinds)
	}
}

func TestHTTPProxyWithTLSBehindAndBefore(t *testing.T) {
	t.Parallel()
	ca := issue(t, "ca", nil, nil)
	id := issue(t, "server", ca, nil)
	addr, _ := serve(t, secured(&tls.Config{Certificates: []tls.Certificate{id.pair}}))
	secure := answer(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.pair}, NextProtos: []string{"http/1.1"}})
		tunnelHTTP(s, "")
		_ = s.Close()
	})
	for _, proxy := range []string{"http://" + httpProxy(t, ""), "https://" + secure} {
		tg := target(t, "grpcs://"+addr)
		tg.TLS.CACert, tg.Proxy = ca.certFile, proxy
		recs := through(t, tg)
		if facts := recs[1].Meta().TLS; facts == nil || facts.ALPN != "h2" {
			t.Errorf("%s: TLS facts of the call: %+v", proxy, facts)
		}
		if facts := recs[0].Meta().TLS; (facts != nil) != strings.HasPrefix(proxy, "https:") {
			t.Errorf("%s: TLS facts of the proxy: %+v", proxy, facts)
		}
	}
}

func TestProxyFailures(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	absent := gone(t)
	reply := func(text string) string {
		return answer(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, text)
		})
	}
	locked := httpProxy(t, "a:b")
	open := httpProxy(t, "")
	socks := socksProxy(t, "", nil)
	shy := concurrent(t, func(c net.Conn) { // says nothing to what it does not understand
		b := make([]byte, 3)
		if _, _ = io.ReadFull(c, b); string(b) == "\x05\x01\x00" {
			_, _ = io.WriteString(c, "\x05\x00")
		}
		_, _ = io.Copy(io.Discard, c)
	})
	asking := concurrent(t, func(c net.Conn) { // waits for a line, as HTTP servers do
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}
	})
	for _, tt := range []struct {
		proxy, to string
		words     []string
		detail    string
	}{
		{"http://" + absent, addr, []string{"the proxy cannot be reached: nothing listens on " + absent}, ""},
		{locked, addr, []string{"the proxy " + locked + " did not open a way to " + addr + `: it answered "HTTP/1.1 407 Proxy Authentication Required"`, "http://user:password@"}, `the page begins with "<h1>Who are\x1b you?</h1>"`},
		{"http://a:secret@" + locked, addr, []string{"407", "are user and password right?"}, "Who are"},
		{open, absent, []string{`"HTTP/1.1 502 Bad Gateway"`, "as seen from the proxy"}, `"no way"`},
		{reply("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), addr, []string{"403 Forbidden", "it may allow only some hosts and ports"}, ""},
		{reply("HTTP/1.1 nonsense\r\n\r\n"), addr, []string{"does not speak HTTP"}, ""},
		{reply("SSH-2.0-x\r\n"), addr, []string{`does not speak HTTP: it began with "SSH-2.0-x\r\n"`, "socks5://"}, ""},
		{reply("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxProxyHead+1)), addr, []string{"a header of more than"}, ""},
		{reply(""), addr, []string{"closed the connection without an answer"}, ""},
		{"https://" + open, addr, []string{"the TLS handshake with the proxy " + open + " failed", "http:// proxy"}, ""},
		{"socks5://" + asking, addr, []string{"the proxy " + asking + " speaks HTTP, and its URL says socks5://"}, ""},
		{"http://" + shy, addr, []string{"the proxy " + shy + " speaks SOCKS 5, and its URL says http://"}, ""},
		{"http://" + socks, addr, []string{"the proxy " + socks + " does not speak HTTP: it began with", "socks5://"}, ""},
	} {
		tg := target(t, tt.to)
		tg.Proxy = tt.proxy
		e := wantDialError(t, tg, Proxy, tt.words...)
		if e.Stage != StageProxy || !strings.Contains(e.Detail, tt.detail) {
			t.Errorf("%s: stage %s, detail %q", tt.proxy, e.Stage, e.Detail)
		}
		if strings.Contains(fmt.Sprintf("%+v", e), "secret") {
			t.Errorf("%s: the error shows the password", tt.proxy)
		}
	}
}

func TestProxyTimeout(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	silent := answer(t, func(net.Conn) { <-hold })
	t.Cleanup(func() { close(hold) })
	for _, kind := range []string{"http://", "https://", "socks5://"} {
		tg := target(t, "grpc://host.invalid:1")
		tg.Proxy, tg.ConnectTimeout = kind+silent, 300*time.Millisecond
		if e := wantDialError(t, tg, Proxy, "the proxy "+silent+" did not", "in time"); !e.Timeout {
			t.Errorf("%s: no time-out", kind)
		}
	}
}

// socksProxy is a SOCKS 5 server that notes the names it is asked for.
func socksProxy(t *testing.T, credentials string, asked chan<- string) string {
	t.Helper()
	return concurrent(t, func(c net.Conn) {
		b := make([]byte, 512)
		read := func(n int) []byte {
			if _, err := io.ReadFull(c, b[:n]); err != nil {
				return make([]byte, n)
			}
			return b[:n]
		}
		methods := read(2)[1]
		offered := string(read(int(methods)))
		switch {
		case credentials == "":
			_, _ = c.Write([]byte{5, 0})
		case !strings.Contains(offered, "\x02"):
			_, _ = c.Write([]byte{5, 0xff})
			return
		default:
			_, _ = c.Write([]byte{5, 2})
			user := string(read(int(read(2)[1])))
			if user+":"+string(read(int(read(1)[0]))) != credentials {
				_, _ = c.Write([]byte{1, 1})
				return
			}
			_, _ = c.Write([]byte{1, 0})
		}
		host := ""
		switch read(4)[3] {
		case 1:
			host = net.IP(read(4)).String()
		case 4:
			host = net.IP(read(16)).String()
		case 3:
			host = string(read(int(read(1)[0])))
		}
		port := read(2)
		address := net.JoinHostPort(host, fmt.Sprint(int(port[0])<<8|int(port[1])))
		if asked != nil {
			asked <- address
		}
		up, err := net.Dial("tcp", strings.Replace(address, "service.internal", "127.0.0.1", 1))
		if err != nil {
			_, _ = c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		defer up.Close()
		_, _ = c.Write(append([]byte{5, 0, 0, 3, 4}, "host\x00\x01"...))
		join(c.(*net.TCPConn), up)
	})
}

func TestSOCKSProxy(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	_, port, _ := net.SplitHostPort(addr)
	asked := make(chan string, 1)
	proxy := socksProxy(t, "me:hunter2", asked)
	for given, want := range map[string]string{
		"grpc://" + addr:                    addr,
		"grpc://service.internal:" + port:   "service.internal:" + port, // the proxy knows the name, we do not
		"grpc://[::ffff:127.0.0.1]:" + port: "127.0.0.1:" + port,
	} {
		tg := target(t, given)
		tg.Proxy = "socks5h://me:hunter2@" + proxy
		recs := through(t, tg)
		if got := <-asked; got != want {
			t.Errorf("%s: asked for %s", given, got)
		}
		holes := recs[0].Holes(record.Sent)
		if len(holes) != 1 || holes[0].Len != int64(len("hunter2")) {
			t.Errorf("%s: holes %+v", given, holes)
		}
	}
	tg := target(t, addr)
	tg.Proxy = "socks5://" + proxy
	wantDialError(t, tg, Proxy, "wants credentials", "socks5://user:password@")
	tg.Proxy = "socks5://me:wrong@" + proxy
	wantDialError(t, tg, Proxy, "refused user and password")
	tg = target(t, gone(t))
	tg.Proxy = "socks5://" + socksProxy(t, "", nil)
	wantDialError(t, tg, Proxy, "did not open a way to "+tg.Address+": connection refused", "is the server running?")
}

func TestSOCKSAnswers(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"HTTP/1.1 400":                  `does not speak SOCKS 5: it began with "HT"`,
		"\x05":                          "closed the connection without an answer",
		"\x05\x07":                      "method 7",
		"\x05\x00\x04\x00\x00\x01":      "does not speak SOCKS 5",
		"\x05\x00\x05\x63\x00\x01":      "reply 99",
		"\x05\x00\x05\x02\x00\x01":      "not allowed by its rules",
		"\x05\x00\x05\x00\x00\x09":      "does not speak SOCKS 5",
		"\x05\x00\x05\x00\x00\x03\x09x": "closed the connection without an answer",
	} {
		tg := target(t, "grpc://host.example:1")
		tg.Proxy = "socks5://" + answer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, said)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		})
		wantDialError(t, tg, Proxy, want)
	}
	if _, err := socksRequest(strings.Repeat("x", 256) + ":1"); err == nil {
		t.Error("a host name of 256 bytes is taken")
	}
}

func TestCheckProxy(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"", "none", "host:3128", "http://h", "https://h:1", "socks5://u:p@[::1]:1080", "SOCKS5H://h"} {
		if err := CheckProxy(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for value, want := range map[string]string{
		"ftp://h":           `--proxy: "ftp" is no kind of proxy`,
		"http://":           "no host",
		"http://u:pw%zz@h/": "not the URL of a proxy",
	} {
		err := CheckProxy(value)
		var e *OptionError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	for _, tt := range []struct {
		env, target, given, want string
	}{
		{"", "grpc://a.example:1", "", ""},
		{"HTTPS_PROXY=p:1", "grpcs://a.example:1", "", "http p:1 HTTPS_PROXY"},
		{"HTTPS_PROXY=p:1", "grpc://a.example:1", "", "http p:1 HTTPS_PROXY"},
		{"HTTPS_PROXY=p:1 https_proxy=q:2", "grpc://a.example:1", "", "http q:2 https_proxy"},
		{"HTTP_PROXY=p:1", "grpc://a.example:1", "", "http p:1 HTTP_PROXY"},
		{"HTTP_PROXY=p:1", "grpcs://a.example:1", "", ""},
		{"HTTP_PROXY=p:1 REQUEST_METHOD=GET", "grpc://a.example:1", "", ""},
		{"ALL_PROXY=socks5://p", "grpcs://a.example:1", "", "socks5 p:1080 ALL_PROXY"},
		{"HTTPS_PROXY=p:1 NO_PROXY=.example", "grpcs://a.example:1", "", ""},
		{"HTTPS_PROXY=p:1 NO_PROXY=a.example:2", "grpcs://a.example:1", "", "http p:1 HTTPS_PROXY"},
		{"HTTPS_PROXY=p:1 NO_PROXY=10.0.0.0/8", "grpc://10.1.2.3:1", "", ""},
		{"HTTPS_PROXY=p:1 NO_PROXY=*", "grpc://a.example:1", "q:2", "http q:2 --proxy"},
		{"HTTPS_PROXY=p:1", "localhost:1", "", ""},
		{"HTTPS_PROXY=p:1", "127.0.0.1:1", "", ""},
		{"HTTPS_PROXY=p:1", "unix:///s", "", ""},
		{"HTTPS_PROXY=p:1", "grpc://a.example:1", "none", ""},
		{"HTTPS_PROXY=p:1", "127.0.0.1:1", "q:2", "http q:2 --proxy"},
	} {
		for pair := range strings.FieldsSeq(tt.env) {
			name, value, _ := strings.Cut(pair, "=")
			t.Setenv(name, value)
		}
		tg := target(t, tt.target)
		tg.Proxy = tt.given
		p, err := proxyFor(tg)
		got := ""
		if p != nil {
			got = p.kind + " " + p.address + " " + p.from
		}
		if err != nil || got != tt.want {
			t.Errorf("%s, %s, %q: %q, %v; want %q", tt.env, tt.target, tt.given, got, err, tt.want)
		}
		for pair := range strings.FieldsSeq(tt.env) {
			name, _, _ := strings.Cut(pair, "=")
			t.Setenv(name, "")
		}
	}
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	tg := target(t, "grpc://a.example:1")
	wantDialError(t, tg, Proxy, "nothing listens on 127.0.0.1:1", "it is named by HTTPS_PROXY, and --proxy none goes directly")
}
