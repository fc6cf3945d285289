package web

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/record"
)

// frame writes a message with its prefix.
func frame(flag byte, payload string) string {
	var prefix [5]byte
	prefix[0] = flag
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(payload)))
	return string(prefix[:]) + payload
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func inBase64(pieces ...string) (out string) {
	for _, p := range pieces {
		out += base64.StdEncoding.EncodeToString([]byte(p))
	}
	return out
}

// oddReply is an answer, and how the call ends by it.
type oddReply struct {
	name     string
	protocol Protocol
	kind     Kind
	code     int
	header   string // "name: value" lines
	body     string
	messages int
	want     int // the code of the outcome
	local    bool
	message  string // part of the outcome's
	detail   string // part of the outcome's
}

const (
	webType    = "content-type: application/grpc-web+proto"
	textType   = "content-type: application/grpc-web-text+proto"
	streamType = "content-type: application/connect+proto"
	jsonType   = "content-type: application/json"
	good       = "grpc-status: 0\r\n"
)

var oddReplies = []oddReply{
	// gRPC-Web
	{name: "good", protocol: GRPCWeb, code: 200, header: webType, body: frame(0, "ab") + frame(0x80, good), messages: 1},
	{name: "bare content-type", protocol: GRPCWeb, code: 200, header: "content-type: application/grpc-web; x=y", body: frame(0x80, good)},
	{name: "no end of line", protocol: GRPCWeb, code: 200, header: webType, body: frame(0x80, "Grpc-Status:7\r\ngrpc-message: a%20b"), want: 7, message: "a b"},
	{name: "compressed trailers", protocol: GRPCWeb, code: 200, header: webType + "\ngrpc-encoding: gzip", body: frame(0x81, zipped("grpc-status: 3\r\n")), want: 3},
	{name: "trailers of no known coding", protocol: GRPCWeb, code: 200, header: webType + "\ngrpc-encoding: lzw", body: frame(0x81, "x"), want: codeInternal, local: true, message: `coding "lzw" is not known`},
	{name: "compressed trailers that are not", protocol: GRPCWeb, code: 200, header: webType + "\ngrpc-encoding: gzip", body: frame(0x81, good), want: codeInternal, local: true, message: "cannot be read"},
	{name: "trailers without status", protocol: GRPCWeb, code: 200, header: webType, body: frame(0x80, "x: y\r\n"), want: codeUnknown, local: true, message: "no grpc-status"},
	{name: "status that is no number", protocol: GRPCWeb, code: 200, header: webType, body: frame(0x80, "grpc-status: five\r\n"), want: codeUnknown},
	{name: "no trailers", protocol: GRPCWeb, code: 200, header: webType, body: frame(0, "ab"), messages: 1, want: codeUnknown, local: true, message: "without the trailers"},
	{name: "empty body", protocol: GRPCWeb, code: 200, header: webType, want: codeUnknown, local: true, message: "without the trailers"},
	{name: "trailers only", protocol: GRPCWeb, code: 200, header: webType + "\ngrpc-status: 16\ngrpc-message: who%3F", want: 16, message: "who?"},
	{name: "trailers only, then a body", protocol: GRPCWeb, code: 200, header: webType + "\ngrpc-status: 16", body: frame(0x80, "grpc-status: 5\r\n"), want: 5},
	{name: "status with a failure of HTTP", protocol: GRPCWeb, code: 503, header: "grpc-status: 8\ncontent-type: text/plain", want: 8},
	{name: "cut in a prefix", protocol: GRPCWeb, code: 200, header: webType, body: "\x00\x00", want: codeInternal, local: true, message: "2 of the 5 bytes of its prefix"},
	{name: "cut in a message", protocol: GRPCWeb, code: 200, header: webType, body: frame(0, "ab") + frame(0, "abcd")[:7], messages: 1, want: codeInternal, local: true, message: "2 of the 4 bytes"},
	{name: "cut in the trailers", protocol: GRPCWeb, code: 200, header: webType, body: frame(0x80, good)[:9], want: codeInternal, local: true, message: "4 of the 16 bytes"},
	{name: "over the limit", protocol: GRPCWeb, code: 200, header: webType, body: "\x00\xff\xff\xff\xffx", want: codeResourceExhausted, local: true, message: "over the limit of 1000 bytes: it declares 4294967295"},
	{name: "trailers without measure", protocol: GRPCWeb, code: 200, header: webType, body: "\x80\x7f\xff\xff\xffx", want: codeInternal, local: true, message: "declares 2147483647 bytes"},
	{name: "another codec", protocol: GRPCWeb, code: 200, header: "content-type: application/grpc-web+json", body: frame(0, "{}") + frame(0x80, good), messages: 1, want: codeInternal, local: true, message: `"application/grpc-web+json"`},
	{name: "bytes after the trailers", protocol: GRPCWeb, code: 200, header: webType, body: frame(0x80, good) + frame(0, "late")},
	{name: "compressed as a whole", protocol: GRPCWeb, code: 200, header: webType + "\ncontent-encoding: gzip", body: zipped(frame(0x80, good)), want: codeInternal, local: true, message: "content-encoding gzip"},
	{name: "native gRPC", protocol: GRPCWeb, code: 200, header: "content-type: application/grpc", body: frame(0, ""), want: codeUnknown, local: true, message: `"application/grpc", which is not gRPC-Web`, detail: "--protocol grpc"},
	{name: "native gRPC, trailers only", protocol: GRPCWeb, code: 415, header: "content-type: application/grpc\ngrpc-status: 3", want: 3, detail: "--protocol grpc"},
	{name: "a page", protocol: GRPCWeb, code: 200, header: "content-type: text/html", body: "<html>\n<body>", want: codeUnknown, local: true, message: `"text/html"`, detail: `begins with "<html>"`},
	{name: "not found", protocol: GRPCWeb, code: 404, header: "content-type: text/plain", body: "404 page not found\n", want: codeUnimplemented, local: true, message: "HTTP status 404 Not Found", detail: "nothing answers at this path"},
	{name: "a proxy's failure", protocol: GRPCWeb, code: 502, header: "content-type: text/html", body: strings.Repeat("x", 200), want: codeUnavailable, local: true, message: "502 Bad Gateway", detail: "…"},
	{name: "too many", protocol: GRPCWeb, code: 429, want: codeUnavailable, local: true, message: "429"},
	{name: "redirect", protocol: GRPCWeb, code: 302, header: "location: /elsewhere", want: codeUnknown, local: true, message: "302", detail: "redirects"},
	{name: "an error of Connect", protocol: GRPCWeb, code: 404, header: jsonType, body: `{"code":"not_found"}`, want: codeUnimplemented, local: true, detail: "--protocol connect"},

	// In base64.
	{name: "pieces", protocol: GRPCWebText, code: 200, header: textType, body: inBase64("\x00\x00\x00", "\x00\x02a", "b"+frame(0x80, good)[:1], frame(0x80, good)[1:]), messages: 1},
	{name: "last padding left out", protocol: GRPCWebText, code: 200, header: textType, body: strings.TrimRight(inBase64(frame(0x80, good)), "=")},
	{name: "lines", protocol: GRPCWebText, code: 200, header: textType, body: inBase64(frame(0, "abc")) + "\r\n" + inBase64(frame(0x80, good)), messages: 1},
	{name: "binary where text was asked", protocol: GRPCWebText, code: 200, header: webType, body: frame(0, "ab") + frame(0x80, good), messages: 1},
	{name: "text where binary was asked", protocol: GRPCWeb, code: 200, header: textType, body: inBase64(frame(0, "ab"), frame(0x80, good)), messages: 1},
	{name: "no base64", protocol: GRPCWebText, code: 200, header: textType, body: strings.Repeat("*", 2*maxBad), want: codeInternal, local: true, message: "not the base64"},
	{name: "text that is cut", protocol: GRPCWebText, code: 200, header: textType, body: inBase64(frame(0, "abc"))[:9], want: codeInternal, local: true, message: "1 of the 3 bytes"},

	// Connect, streams.
	{name: "good stream", protocol: Connect, kind: ServerStream, code: 200, header: streamType, body: frame(0, "ab") + frame(0, "") + frame(2, "{}"), messages: 2},
	{name: "error at the end", protocol: Connect, kind: ServerStream, code: 200, header: streamType, body: frame(2, `{"error":{"code":"aborted","message":"m"}}`), want: 10, message: "m"},
	{name: "code that is none", protocol: Connect, kind: ServerStream, code: 200, header: streamType, body: frame(2, `{"error":{"code":"made_up"}}`), want: codeUnknown},
	{name: "compressed end", protocol: Connect, kind: ServerStream, code: 200, header: streamType + "\nconnect-content-encoding: gzip", body: frame(3, zipped(`{"error":{"code":"aborted"}}`)), want: 10},
	{name: "end that is no JSON", protocol: Connect, kind: ServerStream, code: 200, header: streamType, body: frame(2, "nonsense"), want: codeInternal, local: true, message: "JSON"},
	{name: "no end", protocol: Connect, kind: ServerStream, code: 200, header: streamType, body: frame(0, "ab"), messages: 1, want: codeInternal, local: true, message: "without an end-of-stream message"},
	{name: "stream not found", protocol: Connect, kind: ServerStream, code: 404, header: "content-type: text/plain", body: "no", want: codeUnimplemented, local: true, message: "404"},
	{name: "stream that fails as unary", protocol: Connect, kind: ServerStream, code: 429, header: jsonType, body: `{"code":"resource_exhausted"}`, want: 8},
	{name: "stream answered as unary", protocol: Connect, kind: ServerStream, code: 200, header: "content-type: application/proto", body: "ab", want: codeUnknown, local: true, message: `"application/proto", which is not Connect`},
	{name: "stream compressed as a whole", protocol: Connect, kind: ServerStream, code: 200, header: streamType + "\ncontent-encoding: gzip", body: zipped("x"), want: codeInternal, local: true, message: "content-encoding gzip"},
	{name: "refused media type", protocol: Connect, kind: ServerStream, code: 415, header: "accept-post: application/grpc-web, application/grpc-web+proto", want: codeUnknown, local: true, message: "415", detail: "--protocol grpc-web"},

	// Connect, unary.
	{name: "good answer", protocol: Connect, code: 200, header: "content-type: application/proto", body: "ab", messages: 1},
	{name: "error", protocol: Connect, code: 404, header: jsonType, body: `{"code":"not_found","message":"no"}`, want: 5, message: "no"},
	{name: "error with charset", protocol: Connect, code: 400, header: jsonType + "; charset=utf-8", body: `{"code":"out_of_range"}`, want: 11},
	{name: "compressed error", protocol: Connect, code: 400, header: jsonType + "\ncontent-encoding: gzip", body: zipped(`{"code":"out_of_range"}`), want: 11},
	{name: "error of no bytes", protocol: Connect, code: 403, header: jsonType + "\ncontent-encoding: gzip", want: codePermissionDenied, local: true, message: "403"},
	{name: "error of another API", protocol: Connect, code: 401, header: jsonType, body: `{"error":"who are you"}`, want: codeUnauthenticated, local: true, message: "401", detail: "who are you"},
	{name: "page with a failure", protocol: Connect, code: 500, header: "content-type: text/html", body: "<h1>oops</h1>", want: codeUnknown, local: true, message: "500", detail: "oops"},
	{name: "page with success", protocol: Connect, code: 200, header: "content-type: text/html", body: "<h1>hello</h1>", want: codeUnknown, local: true, detail: "hello"},
	{name: "answer in another codec", protocol: Connect, code: 200, header: jsonType, body: "{}", messages: 1, want: codeInternal, local: true, message: `"application/json"`},
	{name: "answer over the limit", protocol: Connect, code: 200, header: "content-type: application/proto", body: strings.Repeat("x", 1001), want: codeResourceExhausted, local: true, message: "limit of 1000"},
	{name: "answer at the limit", protocol: Connect, code: 200, header: "content-type: application/proto", body: strings.Repeat("x", 1000), messages: 1},
	{name: "gRPC-Web for Connect", protocol: Connect, code: 200, header: webType, body: frame(0x80, good), want: codeUnknown, local: true, detail: "--protocol grpc-web"},
}

func TestOddReplies(t *testing.T) {
	t.Parallel()
	cases := map[string]oddReply{}
	end := newEndpoint(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := cases[r.Header.Get("x-case")]
		for line := range strings.SplitSeq(c.header, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				w.Header().Set(name, value)
			}
		}
		if c.header == "" {
			w.Header()["Content-Type"] = nil
		}
		w.WriteHeader(c.code)
		_, _ = io.WriteString(w, c.body)
	}))
	for _, c := range oddReplies {
		if _, ok := cases[c.name]; ok {
			t.Fatalf("two cases %q", c.name)
		}
		cases[c.name] = c
	}
	for _, version := range []string{"1.1", "2"} {
		for _, c := range oddReplies {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				o, rec := end.options(version)
				o.Path, o.Protocol, o.Kind, o.MaxMessage = "/a.B/C", c.protocol, c.kind, 1000
				o.Headers = append(o.Headers, header("x-case", c.name))
				s := open(t, o)
				if err := s.Send([]byte("hello")); err != nil {
					t.Fatal(err)
				}
				n := finish(t, s)
				out := s.Outcome()
				if n != c.messages || out.Code != c.want || out.Local != c.local {
					t.Errorf("%d messages, %+v", n, out)
				}
				if !strings.Contains(out.Message, c.message) || !strings.Contains(out.Detail, c.detail) {
					t.Errorf("%+v", out)
				}
				tr, _ := traced(t, rec)
				agree(t, s, tr)
			})
		}
	}
}

// HTTP trailers hold the status: not what PROTOCOL-WEB wants, but it is one.
func TestStatusInTrailers(t *testing.T) {
	t.Parallel()
	end := newEndpoint(t, true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "application/grpc-web+proto")
		w.Header().Set("trailer", "grpc-status")
		_, _ = io.WriteString(w, frame(0, "ab"))
		w.Header().Set("grpc-status", "9")
	}))
	for _, version := range []string{"1.1", "2"} {
		o, rec := end.options(version)
		o.Path, o.Protocol = "/a.B/C", GRPCWeb
		s := open(t, o)
		_ = s.Send(nil)
		if n := finish(t, s); n != 1 || s.Outcome().Code != 9 || s.Outcome().Local {
			t.Errorf("%d messages, %+v", n, s.Outcome())
		}
		tr, _ := traced(t, rec)
		agree(t, s, tr)
	}
}

// A server that does not end the body after its last message, or what is no answer
// of the protocol, is not waited for.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	end := newEndpoint(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", r.Header.Get("x-type"))
		if r.Header.Get("x-status") != "" {
			w.Header().Set("grpc-status", "4")
		}
		_, _ = io.WriteString(w, frame(0x80, "grpc-status: 5\r\n")[:len(r.Header.Get("x-body"))])
		w.(http.Flusher).Flush()
		<-release
	}))
	defer close(release)
	for _, version := range []string{"1.1", "2"} {
		for _, c := range []struct {
			media, status string
			body          int
			want          int
			local         bool
		}{
			{"application/grpc-web+proto", "", 21, 5, false},
			{"application/grpc-web+proto", "yes", 0, 4, false},
			{"text/html", "", 3, codeUnknown, true},
		} {
			o, rec := end.options(version)
			o.Path, o.Protocol = "/a.B/C", GRPCWeb
			o.Headers = append(o.Headers, header("x-type", c.media), header("x-status", c.status), header("x-body", strings.Repeat("x", c.body)))
			s := open(t, o)
			_ = s.Send([]byte("x"))
			if n := finish(t, s); n != 0 || s.Outcome().Code != c.want || s.Outcome().Local != c.local {
				t.Errorf("%s: %d messages, %+v", c.media, n, s.Outcome())
			}
			tr, _ := traced(t, rec)
			agree(t, s, tr)
		}
	}
}

// Connections that break, and what is no HTTP.
func TestBroken(t *testing.T) {
	t.Parallel()
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for _, c := range []struct {
		name, version, says string
		want                int
		message, detail     string
	}{
		{"nothing", "1.1", "", codeUnavailable, "closed the connection", "no answer had come"},
		{"nothing", "2", "", codeUnavailable, "closed the connection", "no answer had come"},
		{"cut in the header", "1.1", "HTTP/1.1 200 OK\r\nconte", codeUnavailable, "the connection failed", "no answer had come"},
		{"cut in a chunk", "1.1", "HTTP/1.1 200 OK\r\n" + webType + "\r\ntransfer-encoding: chunked\r\n\r\nf\r\n\x00\x00", codeUnavailable, "closed the connection", "0 messages had come"},
		{"cut in the length", "1.1", "HTTP/1.1 200 OK\r\n" + webType + "\r\ncontent-length: 100\r\n\r\n" + frame(0, "ab"), codeUnavailable, "closed the connection", "1 message had come"},
		{"HTTP/2", "1.1", settings, codeUnavailable, "no answer in HTTP/1.1", "--http 2"},
		{"HTTP/1.1", "2", "HTTP/1.1 400 Bad Request\r\n\r\n", codeUnavailable, "no answer in HTTP/2", "--http 1.1"},
		{"TLS", "1.1", "\x15\x03\x01\x00\x02\x02\x16", codeUnavailable, "no answer in HTTP/1.1", "https://"},
		{"GOAWAY", "2", settings + "\x00\x00\x0b\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0bbye", codeUnavailable, "ENHANCE_YOUR_CALM", ""},
		{"RST_STREAM", "2", settings + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x0b", codeResourceExhausted, "reset the stream: ENHANCE_YOUR_CALM", ""},
		{"refused", "2", settings + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07", codeUnavailable, "REFUSED_STREAM", ""},
		{"other noise", "1.1", "SSH-2.0-x\r\n", codeUnavailable, "the connection failed", ""},
	} {
		t.Run(c.name+"/"+c.version, func(t *testing.T) {
			t.Parallel()
			rec := record.New(record.Meta{})
			near, far := net.Pipe()
			go serveRaw(far, c.version, c.says)
			s := open(t, Options{
				Dial: pipeDial(record.Tap(near, rec)), Version: c.version, Scheme: "http", Authority: "a", Path: "/a.B/C", Protocol: GRPCWeb, Kind: ServerStream,
			})
			if err := s.Send([]byte("x")); err != nil {
				t.Fatal(err)
			}
			finish(t, s)
			out := s.Outcome()
			if out.Code != c.want || !out.Local || !strings.Contains(out.Message, c.message) || !strings.Contains(out.Detail, c.detail) {
				t.Errorf("%+v", out)
			}
		})
	}
}

// What a server says unasked, before the request and after its answer, is no
// answer; TestMain sees that it is not logged either.
func TestUnasked(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"", "surplus"} {
		rec := record.New(record.Meta{})
		near, far := net.Pipe()
		go serveRaw(far, "1.1", "HTTP/1.1 200 OK\r\n"+webType+"\r\ncontent-length: 21\r\n\r\n"+frame(0x80, good)+says)
		s := open(t, Options{Dial: pipeDial(record.Tap(near, rec)), Scheme: "http", Authority: "a", Path: "/a.B/C", Protocol: GRPCWeb})
		if err := s.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
		for s.Recv() == nil {
			t.Error("a message came")
		}
		<-s.conn.closed // by net/http, which has then looked at what was left
		if n := finish(t, s); n != 0 || s.Outcome().Code != 0 {
			t.Errorf("%d messages, %+v", n, s.Outcome())
		}
	}
}

// A server that speaks native gRPC alone is told as what it is.
func TestNativeServer(t *testing.T) {
	t.Parallel()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct{ version, detail string }{{"1.1", "--http 2"}, {"2", "--protocol grpc"}} {
		for _, p := range protocols {
			near, err := net.Dial("tcp", lis.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			rec := record.New(record.Meta{})
			s := open(t, Options{
				Dial: pipeDial(record.Tap(near, rec)), Version: c.version, Scheme: "http", Authority: "a", Path: "/a.B/C", Protocol: p,
			})
			if err := s.Send([]byte("x")); err != nil {
				t.Fatal(err)
			}
			finish(t, s)
			if out := s.Outcome(); out.Code == 0 || !strings.Contains(out.Detail, c.detail) || s.Hint().Version != "2" {
				t.Errorf("%s over HTTP/%s: %+v, %+v", p, c.version, out, s.Hint())
			}
			tr, _ := traced(t, rec)
			agree(t, s, tr)
		}
	}
}
