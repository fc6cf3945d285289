package inspect

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// turn is what one side says before the other one does.
type turn struct {
	dir  record.Dir
	text string
}

func sent(text string) turn     { return turn{record.Sent, text} }
func received(text string) turn { return turn{record.Received, text} }

// talk records turns in chunks of at most size bytes.
func talk(size int, turns ...turn) *record.Recording {
	rec := record.New(record.Meta{})
	for i, tn := range turns {
		for b := []byte(tn.text); len(b) > 0; {
			n := min(size, len(b))
			rec.Add(tn.dir, time.Duration(i)*time.Millisecond, b[:n])
			b = b[n:]
		}
	}
	rec.Close(io.EOF)
	return rec
}

// decodeTalk decodes turns, and checks all that must hold for any.
func decodeTalk(t *testing.T, turns ...turn) (*record.Recording, Trace) {
	t.Helper()
	rec := talk(math.MaxInt, turns...)
	tr := Decode(rec)
	checkTiling(t, rec, tr)
	checkPlaces(t, rec, tr)
	for _, size := range []int{1, 3, 50} {
		split := talk(size, turns...)
		if diff := cmp.Diff(tr, stepwise(t, split, int64(size)), traceOptions); diff != "" {
			t.Fatalf("chunks of %d bytes change the trace:\n%s", size, diff)
		}
	}
	return rec, tr
}

// checkPlaces checks that every byte of the wire leads to what it is of, and that
// from there the same byte is found.
func checkPlaces(t *testing.T, rec *record.Recording, tr Trace) {
	t.Helper()
	for dir := range record.Dir(2) {
		step := 1 + rec.Size(dir)/2000
		for off := int64(0); off < rec.Size(dir); off += step {
			p := tr.At(dir, off)
			if p.Field >= 0 {
				b, _ := tr.Block(p.Block)
				if !holds(b.FieldSpans(b.Fields[p.Field]), off) {
					t.Fatalf("%s byte %d: field %d of block %d does not hold it", dir, off, p.Field, p.Block)
				}
			}
			m, payloadOff, ok := tr.MessageAt(dir, off)
			if ok != (p.Message >= 0 || p.Partial >= 0) || p.Message >= 0 && !cmp.Equal(m, tr.Messages[p.Message], traceOptions) {
				t.Fatalf("%s byte %d: At gives %+v, MessageAt %+v %v", dir, off, p, m, ok)
			}
			if !ok {
				continue
			}
			if payloadOff >= 0 && int(payloadOff) != p.Payload.Off {
				t.Fatalf("%s byte %d: payload offset %d, %+v", dir, off, payloadOff, p.Payload)
			}
			if p.Payload.Len > 0 && !holds(m.locate(tr.Spans(m), int64(p.Payload.Off), int64(p.Payload.Len)), off) {
				t.Fatalf("%s byte %d: its payload range %+v is at %+v", dir, off, p.Payload, m.locate(tr.Spans(m), int64(p.Payload.Off), int64(p.Payload.Len)))
			}
		}
	}
}

func partKinds(tr Trace, dir record.Dir) string {
	var out []string
	for _, p := range tr.Parts {
		if p.Span.Dir == dir {
			out = append(out, p.Kind.String())
		}
	}
	return strings.Join(out, " | ")
}

func payload(t *testing.T, rec *record.Recording, tr Trace, i int) string {
	t.Helper()
	if i >= len(tr.Messages) {
		t.Fatalf("%d messages, want more than %d; problems %+v", len(tr.Messages), i, tr.Problems)
	}
	b, err := tr.Payload(rec, tr.Messages[i])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHTTP1KeepAlive(t *testing.T) {
	t.Parallel()
	rec, tr := decodeTalk(t,
		sent("POST /pets HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"+
			"HEAD /pets/2 HTTP/1.1\r\nHost: a\r\n\r\n"),
		received("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\nTrailer: X\r\n\r\n"+
			"5;q=1\r\nhello\r\nA\r\n, it is me\r\n0\r\nX: 1\r\n\r\n"),
		received("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
		sent("GET /old HTTP/1.0\r\n\r\n"),
		received("HTTP/1.0 200 OK\r\n\r\nuntil the end"),
	)
	if len(tr.Problems) > 0 || tr.Protocol != HTTP1 || len(tr.Streams) != 3 {
		t.Fatalf("problems %+v, protocol %v, %d streams", tr.Problems, tr.Protocol, len(tr.Streams))
	}
	want := "head | head | chunk size | data | chunk end | chunk size | data | chunk end | last chunk | trailers | head | head | data"
	if got := partKinds(tr, record.Received); got != want {
		t.Errorf("parts %s, want %s", got, want)
	}
	for i, want := range []string{`{"a":1}`, "hello, it is me", "until the end"} {
		if got := payload(t, rec, tr, i); got != want {
			t.Errorf("message %d is %q, want %q", i, got, want)
		}
	}
	for i, want := range []string{"POST /pets 201", "HEAD /pets/2 200", "GET /old 200"} {
		s := tr.Streams[i]
		if got := fmt.Sprint(s.Method, " ", s.Path, " ", s.HTTP); got != want || s.State != Closed || s.ID != uint32(i+1) {
			t.Errorf("stream %+v, want %s", s, want)
		}
	}
	m := tr.Messages[1]
	if n := len(tr.PartsOf(m, tr.Spans(m))); n != 2 {
		t.Errorf("the chunked message is in %d parts, want 2", n)
	}
	b := tr.Headers[0]
	f := b.Fields[1]
	if got := string(rec.Append(nil, b.FieldSpans(f)[0])); b.StartLine != "POST /pets HTTP/1.1" || got != "Content-Type: application/json\r\n" {
		t.Errorf("%q has the field %q", b.StartLine, got)
	}
}

func TestHTTP1Damage(t *testing.T) {
	t.Parallel()
	ok := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for _, tc := range []struct{ name, sent, received, rule, want string }{
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcdeGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", ok + ok, "RFC 9112 §6.3", "request smuggling"},
		{"length and coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ok, "RFC 9112 §6.3", "both Transfer-Encoding"},
		{"no length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", ok, "RFC 9112 §6.3", `"+3" is no length`},
		{"not chunked last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", ok, "RFC 9112 §6.3", "not chunked"},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", ok, "RFC 9112 §2.2", "3 lines end in LF"},
		{"space before colon", "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", ok, "RFC 9112 §5.1", "before the colon of X"},
		{"folded", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n  2\r\n\r\n", ok, "RFC 9112 §5.2", "folding is obsolete"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", ok, "RFC 9112 §3.2", "has 0"},
		{"bad chunk", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" + ok, "RFC 9112 §7.1", "no size in hexadecimal"},
		{"chunk too long", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n" + ok, "RFC 9112 §7.1", "no CRLF after a chunk"},
		{"content cut", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "RFC 9112 §8", "3 of the 10 bytes"},
		{"attached", "", `d": 1}` + ok, "RFC 9112 §2.1", "6 bytes here are no HTTP/1.1 message"},
		{"attached request", `"x":2}PUT /a HTTP/1.1` + "\r\nHost: a\r\n\r\n", ok, "RFC 9112 §2.1", "6 bytes here are no HTTP/1.1 message"},
		{"content of 204", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab" + ok, "RFC 9110 §8.6", "204"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, tr := decodeTalk(t, sent(tc.sent), received(tc.received))
			wantProblem(t, tr, tc.rule, tc.want)
			if len(tr.Headers) < 1 || len(tr.Streams) == 0 {
				t.Errorf("nothing else was decoded: %+v", tr.Parts)
			}
		})
	}
}

// The answer to a client that spoke HTTP/2 can be read.
func TestHTTP1AnswerToPreface(t *testing.T) {
	t.Parallel()
	rec, tr := decodeTalk(t, sent(h2.Preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		received("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nno!"))
	wantProblem(t, tr, "RFC 9113 §3.4", "the server answered HTTP/1.1, not HTTP/2")
	if tr.Protocol != HTTP2 || len(tr.Frames) != 1 || len(tr.Headers) != 1 || tr.Headers[0].StartLine != "HTTP/1.1 400 Bad Request" || payload(t, rec, tr, 0) != "no!" {
		t.Errorf("protocol %v, %d frames, headers %+v", tr.Protocol, len(tr.Frames), tr.Headers)
	}
	if s, ok := tr.StreamOf(0); !ok || s.HTTP != 400 {
		t.Errorf("stream %+v", s)
	}
}

func TestTunnels(t *testing.T) {
	t.Parallel()
	_, tr := decodeTalk(t,
		sent("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00early"),
		received("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"), sent("GET more HTTP/1.1\r\n"))
	if len(tr.Problems) > 0 || partKinds(tr, record.Sent) != "head | tunnel" || partKinds(tr, record.Received) != "head | tunnel" {
		t.Errorf("problems %+v, parts %s and %s", tr.Problems, partKinds(tr, record.Sent), partKinds(tr, record.Received))
	}
	_, tr = decodeTalk(t, sent("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), received("HTTP/1.1 200 OK\r\n\r\n\x16\x03"), sent("\x16\x03\x01"))
	if len(tr.Problems) > 0 || partKinds(tr, record.Sent) != "head | tunnel" || partKinds(tr, record.Received) != "head | tunnel" {
		t.Errorf("problems %+v, parts %s and %s", tr.Problems, partKinds(tr, record.Sent), partKinds(tr, record.Received))
	}
	// Refused, and the connection goes on.
	_, tr = decodeTalk(t, sent("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), received("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
		sent("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), received("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	if len(tr.Problems) > 0 || len(tr.Streams) != 2 {
		t.Errorf("problems %+v, %d streams", tr.Problems, len(tr.Streams))
	}
}

// RFC 7540 §3.2: after the 101, HTTP/2 answers the request as stream 1.
func TestUpgradeToHTTP2(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	c.must(c.framer[1].WriteSettings())
	c.headers(record.Received, 1, false, 100, ":status", "200", "content-type", "application/json")
	c.data(record.Received, 1, true, 100, []byte(`{"b":2}`))
	frames := c.buf[1].String()
	c.request(3, "/a.B/C")
	c.data(record.Sent, 3, true, 100, prefixed([]byte("x"), false))
	client := c.buf[0].String()
	for _, before := range []int{0, 2} {
		var turns []turn
		for range before {
			turns = append(turns, sent("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"), received("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		}
		turns = append(turns,
			sent("POST /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n\r\n{}"),
			received("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"+frames), sent(client))
		rec, tr := decodeTalk(t, turns...)
		if len(tr.Problems) > 0 || tr.Protocol != HTTP1 || len(tr.Frames) != 6 || tr.Preface.Len != 24 {
			t.Fatalf("problems %+v, protocol %v, %d frames, preface %+v", tr.Problems, tr.Protocol, len(tr.Frames), tr.Preface)
		}
		s, ok := tr.StreamOf(1)
		if !ok || s.Path != "/up" || s.HTTP != 200 || s.State != Closed || payload(t, rec, tr, 1) != `{"b":2}` {
			t.Errorf("stream %+v", s)
		}
	}
}

func text64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func frameOf(flag byte, payload string) []byte {
	b := make([]byte, 5, 5+len(payload))
	b[0] = flag
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	return append(b, payload...)
}

func response(contentType, body string, fields ...string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", contentType, len(body), strings.Join(fields, ""), body)
}

func request(contentType, body string, fields ...string) string {
	return fmt.Sprintf("POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", contentType, len(body), strings.Join(fields, ""), body)
}

func TestGRPCWeb(t *testing.T) {
	t.Parallel()
	trailers := "grpc-status: 5\r\ngrpc-message: no%20pet\r\nX-More: 1\r\n"
	binaryBody := string(frameOf(0, "one")) + string(frameOf(0, "")) + string(frameOf(0x80, trailers))
	for name, body := range map[string]string{
		"application/grpc-web+proto":        binaryBody,
		"application/grpc-web-text":         text64([]byte(binaryBody)),
		"application/grpc-web-text; x=y":    text64(frameOf(0, "one")) + text64(frameOf(0, "")) + text64(frameOf(0x80, trailers)),
		"application/grpc-web-text+proto":   text64([]byte(binaryBody)[:5]) + text64([]byte(binaryBody)[5:7]) + text64([]byte(binaryBody)[7:]),
		"application/grpc-web-text+proto;b": text64([]byte(binaryBody)[:1]) + text64([]byte(binaryBody)[1:2]) + text64([]byte(binaryBody)[2:20]) + text64([]byte(binaryBody)[20:]),
	} {
		rec, tr := decodeTalk(t, sent(request(name, "")), received(response(name, body)))
		if len(tr.Problems) > 0 || len(tr.Messages) != 3 {
			t.Fatalf("%s: problems %+v, %d messages", name, tr.Problems, len(tr.Messages))
		}
		s := tr.Streams[0]
		if s.RPC != RPCWeb || s.Status == nil || s.Status.Code != 5 || s.Status.Message != "no pet" || s.Status.Block != -1 {
			t.Errorf("%s: stream %+v, status %+v", name, s, s.Status)
		}
		if m := tr.Messages[2]; !m.Final() || m.Content != FieldLines || payload(t, rec, tr, 0) != "one" || payload(t, rec, tr, 1) != "" || payload(t, rec, tr, 2) != trailers {
			t.Errorf("%s: the last message is %+v", name, m)
		}
	}
	_, tr := decodeTalk(t, sent(request("application/grpc-web", "")), received(response("application/grpc-web", string(frameOf(4, "x")))))
	wantProblem(t, tr, "PROTOCOL-WEB Message framing", "flag is 0x04")
	wantProblem(t, tr, "PROTOCOL-WEB Trailers", "without the trailers")
	_, tr = decodeTalk(t, sent(request("application/grpc-web-text", "")), received(response("application/grpc-web-text", "AA*AAAA")))
	wantProblem(t, tr, "RFC 4648 §3.3", `'*' is no base64`)
}

func TestConnect(t *testing.T) {
	t.Parallel()
	end := `{"error":{"code":"not_found","message":"no","details":[{"type":"google.rpc.RetryInfo","value":"CgIIAQ"}]},"metadata":{"x":["1"]}}`
	rec, tr := decodeTalk(t, sent(request("application/connect+json", string(frameOf(0, "{}")), "Connect-Protocol-Version: 1\r\nConnect-Timeout-Ms: 1500\r\n")),
		received(response("application/connect+json", string(frameOf(0, `{"a":1}`))+string(frameOf(2, end)))))
	s := tr.Streams[0]
	if len(tr.Problems) > 0 || s.RPC != RPCConnect || s.Status == nil || s.Status.Code != 5 || s.Status.Message != "no" || len(s.Status.Details) == 0 || s.Timeout != 1500*time.Millisecond {
		t.Errorf("problems %+v, stream %+v, status %+v", tr.Problems, s, s.Status)
	}
	if payload(t, rec, tr, 2) != end || tr.Messages[1].Content != JSON {
		t.Errorf("messages %+v", tr.Messages)
	}
	if d, ok := s.Deadline(0); !ok || d.Timeout != 1500*time.Millisecond || d.Margin != d.Timeout-(s.Ended-s.Opened) {
		t.Errorf("deadline %+v", d)
	}

	_, tr = decodeTalk(t, sent(request("application/json", "{}", "Connect-Protocol-Version: 1\r\n")),
		received("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"+`{"code":"unimplemented","message":""}`))
	if s := tr.Streams[0]; len(tr.Problems) > 0 || s.RPC != RPCConnect || s.Status == nil || s.Status.Code != 12 {
		t.Errorf("problems %+v, stream %+v", tr.Problems, s)
	}
	_, tr = decodeTalk(t, sent("GET /a.B/C?connect=v1&encoding=json&message=%7B%7D HTTP/1.1\r\nHost: a\r\n\r\n"))
	if tr.Streams[0].RPC != RPCConnect {
		t.Errorf("a Connect GET is %v", tr.Streams[0].RPC)
	}
	_, tr = decodeTalk(t, sent(request("application/connect+proto", "")), received(response("application/connect+proto", string(frameOf(0, "x")))))
	wantProblem(t, tr, "Connect EndStreamResponse", "without an end-of-stream message")
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for end, lf := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"} {
		body := "\xef\xbb\xbf" + strings.ReplaceAll("data: 1\nid: 7\n\n\n: hi\n\nevent: x\ndata: 2\n\n", "\n", lf)
		rec, tr := decodeTalk(t, sent("GET /e HTTP/1.1\r\nHost: a\r\n\r\n"), received("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"+body))
		if len(tr.Problems) > 0 || len(tr.Messages) != 3 {
			t.Fatalf("%s: problems %+v, %d messages", end, tr.Problems, len(tr.Messages))
		}
		var joined string
		for i := range tr.Messages {
			joined += payload(t, rec, tr, i)
		}
		if joined != body || tr.Messages[0].Framing != Event {
			t.Errorf("%s: the events are %q, want %q", end, joined, body)
		}
	}
	_, tr := decodeTalk(t, sent("GET /e HTTP/1.1\r\nHost: a\r\n\r\n"), received("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\ndata"))
	wantProblem(t, tr, "HTML §9.2.6", "inside an event")
}

// Content codings of a body, one over another too.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("a body ", 100)
	once := gzipped(t, []byte(want))
	twice := gzipped(t, once)
	members := append(bytes.Clone(once), gzipped(t, []byte("more"))...)
	for name, tc := range map[string]struct {
		coding, body, want string
	}{
		"gzip": {"gzip", string(once), want}, "x-gzip": {"x-gzip", string(once), want}, "twice": {"gzip, gzip", string(twice), want},
		"members": {"GZIP", string(members), want + "more"}, "identity": {"identity", want, want},
	} {
		rec, tr := decodeTalk(t, sent("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), received(response("text/event-stream", tc.body, "Content-Encoding: "+tc.coding+"\r\n")))
		if name == "identity" {
			continue
		}
		if m := tr.Messages[0]; m.Framing != Whole || !m.Compressed || payload(t, rec, tr, 0) != tc.want {
			t.Errorf("%s: %+v", name, m)
		}
	}
	rec, tr := decodeTalk(t, sent("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), received(response("text/plain", "x", "Content-Encoding: rot13\r\n")))
	if _, err := tr.Payload(rec, tr.Messages[0]); err == nil || !strings.Contains(err.Error(), "rot13") {
		t.Errorf("an unknown coding gives %v", err)
	}
}

func TestBodyDecoder(t *testing.T) {
	t.Parallel()
	body := append(frameOf(0, "one"), frameOf(1, string(gzipped(t, []byte("two"))))...)
	body = append(body, 0, 0, 0, 0, 9, 'x')
	rec := talk(4, received(string(body)))
	d := NewBodyDecoder(rec, GRPC, Protobuf)
	tr, _ := d.Advance(math.MaxInt64)
	if tr.Protocol != BareBody || len(tr.Messages) != 2 || payload(t, rec, tr, 0) != "one" || payload(t, rec, tr, 1) != "two" || len(tr.Partial) != 1 {
		t.Errorf("%+v", tr)
	}
	wantProblem(t, tr, "gRPC Length-Prefixed-Message", "1 of the 9 bytes")
	rec = talk(4, received("\x0a\x01a"))
	tr, _ = NewBodyDecoder(rec, Whole, Protobuf).Advance(math.MaxInt64)
	if len(tr.Messages) != 1 || len(tr.Problems) > 0 || payload(t, rec, tr, 0) != "\x0a\x01a" {
		t.Errorf("%+v", tr)
	}
}

// A real server and client: what net/http sends is decoded without a problem.
func TestNetHTTP(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		for range 3 {
			_, _ = io.WriteString(w, "part ")
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("X-Sum", "15")
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"zipped":true}`)
		_ = z.Close()
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/events", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	var rec *record.Recording
	transport := &http.Transport{DisableCompression: true, ExpectContinueTimeout: time.Minute}
	transport.Dial = func(network, addr string) (net.Conn, error) { //nolint:staticcheck // one connection, without a context
		c, err := net.Dial(network, addr)
		if err != nil {
			return nil, err
		}
		rec = record.New(record.Meta{Start: time.Now()})
		return record.Tap(c, rec), nil
	}
	client := &http.Client{Transport: transport}
	do := func(method, path, body string, fields ...string) {
		req, err := http.NewRequest(method, server.URL+path, io.NopCloser(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(fields); i += 2 {
			req.Header.Set(fields[i], fields[i+1])
		}
		if body == "" {
			req.Body = nil
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	do("GET", "/chunked", "")
	do("GET", "/gzip", "")
	do("POST", "/echo", "sent in chunks", "Expect", "100-continue", "Content-Type", "text/plain")
	do("HEAD", "/gzip", "")
	do("GET", "/events", "")
	transport.CloseIdleConnections()

	tr := Decode(rec)
	checkTiling(t, rec, tr)
	checkPlaces(t, rec, tr)
	if len(tr.Problems) > 0 || len(tr.Streams) != 5 {
		t.Fatalf("problems %+v, streams %+v", tr.Problems, tr.Streams)
	}
	var got []string
	for i := range tr.Messages {
		got = append(got, payload(t, rec, tr, i))
	}
	want := []string{"part part part ", `{"zipped":true}`, "sent in chunks", "sent in chunks", "data: 0\n\n", "data: 1\n\n", "data: 2\n\n"}
	if !cmp.Equal(got, want) {
		t.Errorf("messages %q", got)
	}
	kinds := map[BlockKind]int{}
	for _, b := range tr.Headers {
		kinds[b.Kind]++
	}
	if kinds[Trailers] != 1 || kinds[Informational] != 1 || kinds[RequestHeaders] != 5 || kinds[ResponseHeaders] != 5 {
		t.Errorf("blocks %v", kinds)
	}
}

// An endless connection keeps nothing once it was looked at.
func TestForgetHTTP1(t *testing.T) {
	t.Parallel()
	rec := record.New(record.Meta{})
	d := NewDecoder(rec)
	seen := 0
	for i := range 2000 {
		rec.Add(record.Sent, 0, []byte("GET /"+fmt.Sprint(i)+" HTTP/1.1\r\nHost: a\r\n\r\n"))
		rec.Add(record.Received, 0, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
		tr, _ := d.Advance(math.MaxInt64)
		seen += len(tr.Messages)
		for j, m := range tr.Messages {
			if b, err := tr.Payload(rec, m); err != nil || string(b) != "abc" {
				t.Fatalf("message %d: %q, %v", j, b, err)
			}
		}
		for j, p := range tr.Parts {
			if tr.PartAt(p.Span.Dir, p.Span.Off) != j {
				t.Fatalf("request %d: part %d is not found", i, j)
			}
		}
		d.Forget(tr)
		for dir := range record.Dir(2) {
			rec.Discard(dir, d.Needed(dir))
		}
	}
	if rec.Base(record.Sent) != rec.Size(record.Sent) || rec.Base(record.Received) != rec.Size(record.Received) {
		t.Errorf("bytes up to %d of %d are not needed", rec.Base(record.Received), rec.Size(record.Received))
	}
	if n := len(d.t.Parts) + len(d.t.Headers) + len(d.t.Messages) + len(d.order) + len(d.live) + len(d.streams) + len(d.h1.waiting) + len(d.t.partMarks.list); seen != 2000 || n > 1 {
		t.Errorf("%d messages seen, %d entries kept", seen, n)
	}
}

// What is found over many messages on interleaved streams is found by jumps.
func TestMessageAtOfManyStreams(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	r := rand.New(rand.NewPCG(1, 2))
	for id := range uint32(5) {
		c.request(2*id+1, "/a.B/C")
	}
	for range 3000 {
		c.data(record.Sent, uint32(2*r.IntN(5)+1), false, 11, prefixed(randomBytes(r, r.IntN(20)), false))
	}
	rec := c.recording(true)
	tr := Decode(rec)
	checkPlaces(t, rec, tr)
	checkTiling(t, rec, tr)
	for i, m := range tr.Messages {
		spans := tr.Spans(m)
		for _, off := range []int64{spans[0].Off, spans[len(spans)-1].End() - 1} {
			if p := tr.At(m.Dir, off); p.Message != i {
				t.Fatalf("message %d is not found at %d: %+v", i, off, p)
			}
		}
	}
}

func TestKindsOfParts(t *testing.T) {
	t.Parallel()
	for k := h1.Head; k <= h1.Junk; k++ {
		if k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
}
