package inspect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// FuzzDecode feeds any bytes to both directions: no panic, frames tile, chunks
// do not matter, messages have the bytes they claim.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(5) {
		c := newConversation(f)
		c.request(1, "/a.B/C")
		c.data(record.Sent, 1, true, 9, prefixed([]byte("request"), false))
		c.headers(record.Received, 1, false, 9, ":status", "200", "content-type", "application/grpc", "grpc-encoding", "gzip")
		c.data(record.Received, 1, false, 20, prefixed(gzipped(f, []byte("reply")), true))
		c.trailers(1, int(seed), "done")
		rec := c.recording(true)
		f.Add(rec.Append(nil, record.Span{Dir: record.Sent, Len: rec.Size(record.Sent)}),
			rec.Append(nil, record.Span{Dir: record.Received, Len: rec.Size(record.Received)}), uint16(seed))
	}
	for _, turns := range []struct{ sent, received string }{
		{request("application/grpc-web-text", text64(frameOf(0, "one"))), response("application/grpc-web-text", text64(frameOf(0, "one"))+text64(frameOf(0x80, "grpc-status: 0\r\n")))},
		{request("application/connect+json", string(frameOf(0, "{}"))), response("application/connect+json", string(frameOf(2, `{"error":{"code":"internal"}}`)))},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\nHost: b\n\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n7\r\ndata: 1\r\n3\r\n\n\nd\r\n0\r\n\r\nHTTP/1.0 404 No\r\n\r\nend"},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n" + h2.Preface, "HTTP/1.1 101 S\r\nUpgrade: h2c\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"},
		{h2.Preface, "HTTP/1.1 400 Bad Request\r\nContent-Length: 1\r\n\r\n?"},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nbytes", "junkHTTP/1.1 200 OK\r\n\r\nbytes"},
	} {
		f.Add([]byte(turns.sent), []byte(turns.received), uint16(3))
	}
	f.Fuzz(func(t *testing.T, sent, received []byte, step uint16) {
		rec := record.New(record.Meta{})
		rec.Add(record.Sent, 0, sent)
		rec.Add(record.Received, 0, received)
		rec.Close(nil)
		whole := Decode(rec)
		checkTiling(t, rec, whole)
		for _, m := range whole.Messages {
			raw, err := whole.Raw(rec, m)
			if err != nil || int64(len(raw)) != m.Length {
				t.Fatalf("message of %d bytes: %d read, %v", m.Length, len(raw), err)
			}
			_, _ = whole.PayloadLimit(rec, m, 1<<20)
			whole.Carriers(m, whole.Spans(m))
			whole.PartsOf(m, whole.Spans(m))
		}
		checkPlaces(t, rec, whole)
		// At most about 64 steps, so that large inputs do not slow the fuzzing.
		n := int64(step%999) + 1 + int64(len(sent)+len(received))/64
		split := record.New(record.Meta{})
		for d, b := range [][]byte{sent, received} {
			for len(b) > 0 {
				k := min(n, int64(len(b)))
				split.Add(record.Dir(d), 0, b[:k])
				b = b[k:]
			}
		}
		split.Close(nil)
		if diff := cmp.Diff(whole, stepwise(t, split, n), traceOptions); diff != "" {
			t.Fatalf("chunks of %d bytes change the trace:\n%s", n, diff)
		}
	})
}
