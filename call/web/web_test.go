package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect/envelope"
)

func header(name, value string) exchange.Header { return exchange.Header{Name: name, Value: value} }

func pipeDial(c net.Conn) func(context.Context) (net.Conn, string, error) {
	return func(context.Context) (net.Conn, string, error) { return c, "", nil }
}

// serveRaw reads one request, says what it is given, and closes the connection
// when its peer has nothing more to say to that.
func serveRaw(c net.Conn, version, says string) {
	defer c.Close()
	r := bufio.NewReader(c)
	if version == "1.1" {
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		_, _ = io.WriteString(c, says)
		return
	}
	// The preface, SETTINGS, WINDOW_UPDATE, HEADERS: until the DATA has come.
	if _, err := r.Discard(24); err != nil {
		return
	}
	for kind := byte(0xff); kind != 0; {
		var h [9]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return
		}
		if _, err := r.Discard(int(h[0])<<16 | int(h[1])<<8 | int(h[2])); err != nil {
			return
		}
		kind = h[3]
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // acknowledgements; a pipe has no buffer
	_, _ = io.WriteString(c, says)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	dialed := errors.New("dialed")
	good := Options{
		Dial:   func(context.Context) (net.Conn, string, error) { return nil, "", dialed },
		Scheme: "http", Authority: "a:1", Path: "/a.B/C", Protocol: Connect,
	}
	if _, err := Open(t.Context(), good); !errors.Is(err, dialed) {
		t.Errorf("good options give %v", err)
	}
	for want, change := range map[string]func(o *Options){
		`protocol: "grpc" is not spoken here`:     func(o *Options) { o.Protocol = GRPC },
		`protocol: "" is not`:                     func(o *Options) { o.Protocol = NoProtocol },
		`codec: "xml"`:                            func(o *Options) { o.Codec = "xml" },
		`scheme: "ftp"`:                           func(o *Options) { o.Scheme = "ftp" },
		`HTTP version: "3"`:                       func(o *Options) { o.Version = "3" },
		`path: "a.B/C" does not begin with /`:     func(o *Options) { o.Path = "a.B/C" },
		`path: "/%zz" cannot be sent`:             func(o *Options) { o.Path = "/%zz" },
		`compression: "br"`:                       func(o *Options) { o.Compress = "br" },
		`GET: only a unary call over Connect`:     func(o *Options) { o.GET, o.Protocol = true, GRPCWeb },
		`use --http 2`:                            func(o *Options) { o.Kind, o.Version = Bidi, "1.1" },
		`header "Content-Type": cannot be set`:    func(o *Options) { o.Headers = []exchange.Header{header("Content-Type", "x")} },
		`header "": a header needs a name`:        func(o *Options) { o.Headers = []exchange.Header{header("", "x")} },
		`header "a b": the name holds ' '`:        func(o *Options) { o.Headers = []exchange.Header{header("a b", "x")} },
		`byte 1 of the value is 0x0a`:             func(o *Options) { o.Headers = []exchange.Header{header("a", "x\n")} },
		`a -bin header is base64, and "?" is not`: func(o *Options) { o.Headers = []exchange.Header{header("a-bin", "?")} },
	} {
		o := good
		change(&o)
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, alpn string
		kind          Kind
		want          string // "" is an error
	}{
		{"", "", Unary, "1.1"},
		{"", "", Bidi, "2"},
		{"", "h2", Unary, "2"},
		{"", "http/1.1", ClientStream, "1.1"},
		{"", "http/1.1", Bidi, ""},
		{"2", "", Unary, "2"},
		{"2", "h2", Unary, "2"},
		{"2", "http/1.1", Unary, ""},
		{"1.1", "h2", Unary, ""},
		{"1.1", "", Unary, "1.1"},
	} {
		o := Options{Version: c.version, Kind: c.kind}
		got, err := o.version(c.alpn)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v gives %q, %v", c, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, p := range []Protocol{GRPC, GRPCWeb, GRPCWebText, Connect} {
		if got, ok := ParseProtocol(p.String()); !ok || got != p || p.title() == "" {
			t.Errorf("%v reads as %v, %v", p, got, ok)
		}
	}
	for _, name := range []string{"", "GRPC", "rest"} {
		if got, ok := ParseProtocol(name); ok {
			t.Errorf("%q reads as %v", name, got)
		}
	}
	for k, want := range map[[2]bool]Kind{{false, false}: Unary, {true, false}: ClientStream, {false, true}: ServerStream, {true, true}: Bidi} {
		if got := KindOf(k[0], k[1]); got != want {
			t.Errorf("KindOf(%v) = %v", k, got)
		}
	}
}

// gRPC-HTTP2 "Timeout": eight digits at most, and never less than is left.
func TestGRPCTimeout(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1: "1n", 0: "1n", 1: "1n", 99_999_999: "99999999n", 100_000_000: "100000u", 100_000_001: "100001u",
		time.Minute: "60000000u", 2 * time.Minute: "120000m", 30 * time.Hour: "108000S", 1<<63 - 1: "2562048H",
	} {
		got := grpcTimeout(d)
		if got != want {
			t.Errorf("grpcTimeout(%d) = %q, want %q", d, got, want)
		}
		if back, ok := envelope.ParseTimeout(got); !ok || back < d {
			t.Errorf("%q reads as %v, %v", got, back, ok)
		}
	}
}

// Connect "Timeout": ten digits at most.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	o := Options{Protocol: Connect}
	name := "connect-timeout-ms" // in lower case, as it is sent
	for d, want := range map[time.Duration]string{-5: "1", time.Microsecond: "1", 1500 * time.Millisecond: "1500", 9_999_999_999 * time.Millisecond: "9999999999", 10_000_000_000 * time.Millisecond: ""} {
		h := http.Header{}
		o.addTimeout(h, d)
		if got := strings.Join(h[name], ","); got != want {
			t.Errorf("%v gives %q, want %q", d, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	o := Options{Protocol: GRPCWeb, Codec: "proto", Headers: []exchange.Header{
		header("User-Agent", "mine"), header("X-A", "1"), header("x-a", "2"), header("B-Bin", "YQ==,_-8"), header("Accept", "*/*"),
	}}
	h, err := o.header(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"User-Agent": "mine", "x-a": "1 2", "b-bin": "YQ /+8", "accept": "*/*", "content-type": "application/grpc-web+proto", "x-grpc-web": "1",
	} {
		if got := strings.Join(h[name], " "); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// What base64 stands for is the same however it is read, wherever padding is.
func TestTextReader(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789 wire"), 2000)
	var text strings.Builder
	for rest, n := want, 1; len(rest) > 0; n++ {
		n := min(n, len(rest))
		text.WriteString(base64.StdEncoding.EncodeToString(rest[:n]))
		rest = rest[n:]
	}
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text.String()), "bytes": iotest.OneByteReader(strings.NewReader(text.String())), "error with data": iotest.DataErrReader(strings.NewReader(text.String())),
	} {
		got, err := io.ReadAll(&textReader{src: r})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := io.ReadAll(&textReader{src: iotest.TimeoutReader(strings.NewReader(text.String()))}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a reader that fails gives %v", err)
	}
}

// FuzzTextReader: any characters are read without end or panic, and what is proper
// base64 as encoding/base64 does.
func FuzzTextReader(f *testing.F) {
	f.Add([]byte("AAAAAAJhYg==gAAA"))
	f.Add([]byte("=A==B="))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := io.ReadAll(&textReader{src: bytes.NewReader(b)})
		if err != nil && !errors.Is(err, errNoBase64) {
			t.Fatal(err)
		}
		if len(got) > len(b) {
			t.Fatalf("%d bytes of %d characters", len(got), len(b))
		}
		if want, e := base64.StdEncoding.DecodeString(string(b)); e == nil && !bytes.Equal(got, want) {
			t.Fatalf("%q gives %q, want %q", b, got, want)
		}
	})
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		asked   Protocol
		answer  Answer
		want    Protocol
		version string
		text    string // part of it; "" is none at all
	}{
		{"its own", GRPCWeb, Answer{Code: 200, ContentType: "application/grpc-web+proto"}, NoProtocol, "", ""},
		{"a page", GRPCWeb, Answer{Code: 200, ContentType: "text/html"}, NoProtocol, "", ""},
		{"gRPC-Web for gRPC", GRPC, Answer{Version: "2", Code: 200, ContentType: "application/grpc-web+proto"}, GRPCWeb, "", "--protocol grpc-web"},
		{"text for binary", GRPCWeb, Answer{Code: 200, ContentType: "application/grpc-web-text"}, GRPCWebText, "", "in base64"},
		{"Connect for gRPC", GRPC, Answer{Version: "2", Code: 200, ContentType: "application/connect+json"}, Connect, "", "--protocol connect"},
		{"native", Connect, Answer{Code: 415, ContentType: "application/grpc"}, GRPC, "2", "--protocol grpc"},
		{"no such type", Connect, Answer{Code: 200, ContentType: "application/grpcfoo"}, NoProtocol, "", ""},
		{"error of Connect", GRPCWeb, Answer{Code: 500, ContentType: "application/json; charset=utf-8", Body: []byte(`{"code":"unknown"}`)}, Connect, "", "--protocol connect"},
		{"error of another API", GRPCWeb, Answer{Code: 500, ContentType: "application/json", Body: []byte(`{"code":"E17"}`)}, NoProtocol, "", ""},
		{"HTTP/1.1 for gRPC", GRPC, Answer{Version: "1.1", Code: 400}, GRPCWeb, "", "HTTP/1.1"},
		{"version", Connect, Answer{Version: "1.1", Code: 505}, NoProtocol, "2", "--http 2"},
		{"GET", Connect, Answer{Code: 405, Allow: "POST"}, NoProtocol, "", "NO_SIDE_EFFECTS"},
		{"path", Connect, Answer{Code: 404}, NoProtocol, "", "path"},
		{"refused", Connect, Answer{Code: 415}, NoProtocol, "", "does not take Connect"},
		{"all taken", GRPCWebText, Answer{Code: 415, AcceptPost: "application/grpc, application/grpc-web+proto, application/json, text/x"}, GRPC, "2", "takes grpc, connect, grpc-web here"},
		{"codec", Connect, Answer{Code: 415, AcceptPost: "application/connect+proto, application/connect+proto"}, Connect, "", "with proto: the codec"},
		{"own type", GRPCWeb, Answer{Code: 415, AcceptPost: "application/grpc-web"}, GRPCWeb, "", "not in the type that was sent"},
		{"others", GRPCWeb, Answer{Code: 415, AcceptPost: "text/turtle"}, NoProtocol, "", `"text/turtle"`},
		{"nothing", GRPCWeb, Answer{}, NoProtocol, "", ""},
	} {
		got := Detect(c.asked, c.answer)
		if got.Protocol != c.want || got.Version != c.version || !strings.Contains(got.Text, c.text) || (got.Text == "") != (c.text == "") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestSpeaks(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]string{
		"": "", "HTTP/1.": "1.1", "HTTP/1.0 200": "1.1", "HTTP/2": "", "\x00\x00\x12\x04\x00\x00\x00\x00\x00": "2", "\x00\x00\x12\x04\x00\x00\x00\x00": "",
		"\x00\x00\x12\x06\x00\x00\x00\x00\x00": "", "\x15\x03\x03": "tls", "\x16\x03\x01": "tls", "\x15\x04\x03": "",
	} {
		if got := speaks([]byte(first)); got != want {
			t.Errorf("%q speaks %q, want %q", first, got, want)
		}
	}
	if h := misspoken("2", "1.1", Bidi); h.Version != "1.1" || strings.Contains(h.Text, "--http 1.1") {
		t.Errorf("%+v", h)
	}
}

// A stream that is closed before anything was sent says so.
func TestCloseUnused(t *testing.T) {
	t.Parallel()
	end := newEndpoint(t, false, handlers())
	for _, version := range []string{"1.1", "2"} {
		for _, kind := range []Kind{Unary, ClientStream} {
			o, _ := end.options(version)
			o.Path, o.Kind, o.Protocol = service+"StreamingInputCall", kind, GRPCWeb
			s := open(t, o)
			if s.Version() != version {
				t.Errorf("version %s", s.Version())
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if out := s.Outcome(); out.Code != codeCanceled || !out.Local {
				t.Errorf("%+v", out)
			}
			if err := s.Send(nil); !errors.Is(err, io.EOF) {
				t.Errorf("Send after Close gives %v", err)
			}
		}
	}
}
