package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/wiregloss/wiregloss/record"
)

const browserHAR = `{"log":{"version":"1.2","creator":{"name":"a browser"},"pages":[{"id":"page_1"}],"entries":[
{"startedDateTime":"2026-03-01T12:00:00.5Z","time":30,"serverIPAddress":"192.0.2.7","connection":"9",
 "request":{"method":"POST","url":"https://example.org/pets?limit=2","httpVersion":"h2",
  "headers":[{"name":":method","value":"POST"},{"name":"content-type","value":"application/json"},{"name":"content-length","value":"99"},{"name":"x-note","value":"a\r\nb"}],
  "postData":{"mimeType":"application/json","text":"{\"name\":\"Rex\"}"}},
 "response":{"status":200,"statusText":"","httpVersion":"h2","headers":[{"name":"content-type","value":"application/json"},{"name":"content-encoding","value":"gzip"}],
  "content":{"size":4,"mimeType":"application/json","text":"W3t9XQ==","encoding":"base64"}},
 "timings":{"blocked":1,"dns":2,"connect":10,"ssl":6,"send":3,"wait":4,"receive":5}},
{"startedDateTime":"2026-03-01T12:00:01Z","request":{"method":"GET","url":"http://example.org:8080/gone","headers":[]},"response":{"status":0,"_error":"net::ERR_CONNECTION_REFUSED"}},
{"startedDateTime":"soon","request":{"method":"HEAD","url":"http://example.org/","headers":7},"response":{"status":200,"headers":[],"content":{"size":12}}}
]}}`

func TestHAREntriesAreRebuilt(t *testing.T) {
	t.Parallel()
	c := mustRead(t, []byte(browserHAR), Options{})
	if c.Format != FormatHAR || len(c.Connections) != 3 {
		t.Fatalf("read as %s with %d connections, skipped %q", c.Format, len(c.Connections), c.Skipped)
	}
	first := c.Connections[0]
	wantSent := "POST /pets?limit=2 HTTP/1.1\r\nHost: example.org\r\ncontent-type: application/json\r\nx-note: a  b\r\nContent-Length: 14\r\n\r\n{\"name\":\"Rex\"}"
	if got := string(content(first.Recording, record.Sent)); got != wantSent {
		t.Errorf("the request is %q, want %q", got, wantSent)
	}
	wantReceived := "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 4\r\n\r\n[{}]"
	if got := string(content(first.Recording, record.Received)); got != wantReceived {
		t.Errorf("the response is %q, want %q", got, wantReceived)
	}
	notes := strings.Join(first.Notes, "\n")
	if !strings.Contains(notes, "not the bytes that were on the wire") || !strings.Contains(notes, `content-encoding "gzip"`) || len(first.Problems) > 0 {
		t.Errorf("notes %q, problems %+v", first.Notes, first.Problems)
	}
	chunks := first.Recording.Chunks(0)
	for i, want := range []time.Duration{13, 20, 25} {
		if len(chunks) != 3 || chunks[i].At != want*time.Millisecond {
			t.Fatalf("the chunks are %v", chunks)
		}
	}
	if m := first.Recording.Meta(); m.Peer != "192.0.2.7:443" || m.Address != "example.org:443" || m.Dial.TLS != 6*time.Millisecond || m.Dial.Connect != 4*time.Millisecond {
		t.Errorf("the facts are %+v", m)
	}
	if second := c.Connections[1]; !hasProblem(second, "ERR_CONNECTION_REFUSED") || second.Recording.Size(record.Received) != 0 {
		t.Errorf("the second entry has %+v", second.Problems)
	}
	third := c.Connections[2]
	if !hasProblem(third, "request.headers") || !hasProblem(third, "is no time") || third.Recording.Size(record.Received) == 0 {
		t.Errorf("the third entry has %+v", third.Problems)
	}
}

func TestHARThatIsDamaged(t *testing.T) {
	t.Parallel()
	cut := strings.Index(browserHAR, `"net::ERR`)
	c := mustRead(t, []byte(browserHAR[:cut]), Options{})
	if len(c.Connections) != 1 || len(c.Skipped) != 1 || !strings.Contains(c.Skipped[0], "entry 2") {
		t.Errorf("%d connections, skipped %q", len(c.Connections), c.Skipped)
	}
	for _, bad := range []string{`{"log":{"entries":7}}`, `{"log":[]}`, `{"log":{"version":"1.2"}}`, `{"log":`} {
		if c, err := Read(strings.NewReader(bad), Options{}); err == nil || !strings.Contains(err.Error(), "HAR") {
			t.Errorf("%s gives %+v, %v", bad, c, err)
		}
	}
}

// grpcCall is a recording of a gRPC call over HTTP/2.
func grpcCall(t testing.TB) *record.Recording {
	t.Helper()
	rec := record.New(record.Meta{Start: start, Peer: "192.0.2.7:50051", Dial: record.Dial{Connect: time.Millisecond}})
	var out, block bytes.Buffer
	framer := http2.NewFramer(&out, nil)
	enc := hpack.NewEncoder(&block)
	write := func(d record.Dir, at time.Duration, fields [][2]string, end bool, data string) {
		out.Reset()
		if fields != nil {
			block.Reset()
			for _, f := range fields {
				_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true})
			}
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
		}
		if data != "" {
			_ = framer.WriteData(1, d == record.Sent, []byte(data))
		}
		rec.Add(d, at, out.Bytes())
	}
	rec.Add(record.Sent, 2*time.Millisecond, []byte(preface))
	write(record.Sent, 3*time.Millisecond, [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/demo.v1.UserService/GetUser"}, {":authority", "example.org"}, {"content-type", "application/grpc"},
	}, false, grpcBody[:12])
	write(record.Received, 5*time.Millisecond, [][2]string{{":status", "200"}, {"content-type", "application/grpc"}}, false, grpcBody[12:])
	write(record.Received, 9*time.Millisecond, [][2]string{{"grpc-status", "5"}, {"grpc-message", "no such user"}}, true, "")
	return rec
}

func TestWriteHAROfAGRPCCall(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteHAR(&b, []*record.Recording{grpcCall(t)}); err != nil {
		t.Fatal(err)
	}
	var f harFile
	if err := json.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	if f.Log.Version != "1.2" || len(f.Log.Entries) != 1 {
		t.Fatalf("the file is %s", b.Bytes())
	}
	e := f.Log.Entries[0]
	if e.Request.Method != "POST" || e.Request.URL != "http://example.org/demo.v1.UserService/GetUser" || e.Response.Status != 200 || e.Server != "192.0.2.7" {
		t.Errorf("the entry is %+v", e)
	}
	if e.Request.Post == nil || e.Request.Post.Encoding != "base64" || e.Request.Post.Text != base64.StdEncoding.EncodeToString([]byte(grpcBody[:12])) {
		t.Errorf("the request body is %+v", e.Request.Post)
	}
	if c := e.Response.Content; c.Encoding != "base64" || c.Text != base64.StdEncoding.EncodeToString([]byte(grpcBody[12:])) || c.Size != 7 {
		t.Errorf("the response body is %+v", c)
	}
	if len(e.Response.Trailers) != 2 || e.Response.Trailers[0] != (harPair{"grpc-status", "5"}) {
		t.Errorf("the trailers are %+v", e.Response.Trailers)
	}
	if d := e.Response.Wiregloss; d == nil || d.GRPCStatus == nil || *d.GRPCStatus != 5 || d.GRPCText != "no such user" || d.Messages != 1 {
		t.Errorf("the details are %+v", d)
	}
	if tm := e.Timings; tm.Connect != 1 || tm.Wait != 2 || tm.Receive != 4 || e.Time != 7 {
		t.Errorf("the timings are %+v of %v", tm, e.Time)
	}
	// What is written can be read.
	conn := only(t, mustRead(t, b.Bytes(), Options{}))
	if got := string(content(conn.Recording, record.Received)); !strings.HasSuffix(got, "\r\n7\r\n"+grpcBody[12:]+"\r\n0\r\ngrpc-status: 5\r\ngrpc-message: no such user\r\n\r\n") {
		t.Errorf("read back, the response is %q", got)
	}
}

func TestWriteHAROfNothing(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteHAR(&b, []*record.Recording{record.New(record.Meta{})}); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("%v: %s", err, b.Bytes())
	}
}

func TestWriteHAROfHTTP1(t *testing.T) {
	t.Parallel()
	rec := record.New(meta())
	rec.Add(record.Sent, time.Millisecond, []byte("POST /pets?limit=2&tag=a%20b HTTP/1.1\r\nHost: example.org\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n[{}]"))
	rec.Add(record.Received, 3*time.Millisecond, []byte("HTTP/1.1 201 Made\r\nContent-Type: image/png\r\nLocation: /pets/1\r\nContent-Length: 3\r\n\r\n\x89PN"))
	var b bytes.Buffer
	if err := WriteHAR(&b, []*record.Recording{rec}); err != nil {
		t.Fatal(err)
	}
	var f harFile
	if err := json.Unmarshal(b.Bytes(), &f); err != nil || len(f.Log.Entries) != 1 {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	e := f.Log.Entries[0]
	if q := e.Request; q.Method != "POST" || q.URL != "http://example.org/pets?limit=2&tag=a%20b" || q.Version != "HTTP/1.1" || q.Post == nil || q.Post.Text != "[{}]" ||
		len(q.Query) != 2 || q.Query[1] != (harPair{"tag", "a b"}) {
		t.Errorf("the request is %+v with the body %+v", q, q.Post)
	}
	if p := e.Response; p.Status != 201 || p.StatusText != "Made" || p.RedirectURL != "/pets/1" || p.Content.Encoding != "base64" || p.Content.Text != "iVBO" {
		t.Errorf("the response is %+v", p)
	}
}
