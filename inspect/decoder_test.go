package inspect

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

var traceOptions = cmp.Options{
	cmp.AllowUnexported(Trace{}, Counts{}, Message{}, Stream{}, marks{}), cmpopts.EquateEmpty(),
}

func TestUnaryCall(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	c.request(1, "/demo.v1.UserService/GetUser")
	c.data(record.Sent, 1, true, 100, prefixed([]byte("\x0a\x011"), false))
	c.flush(record.Sent)
	c.must(c.framer[1].WriteSettings())
	c.headers(record.Received, 1, false, 1000, ":status", "200", "content-type", "application/grpc", "grpc-encoding", "gzip")
	reply := []byte("a reply that is long enough to be cut")
	c.data(record.Received, 1, false, 7, prefixed(gzipped(t, reply), true))
	c.headers(record.Received, 1, true, 1000, "grpc-status", "5", "grpc-message", "no user %C3%A9", "grpc-status-details-bin", "CAU")
	rec := c.recording(true)
	tr := Decode(rec)

	if len(tr.Problems) > 0 {
		t.Fatalf("problems: %+v", tr.Problems)
	}
	if tr.Preface.Len != 24 || len(tr.Streams) != 1 || len(tr.Messages) != 2 || len(tr.Headers) != 3 {
		t.Fatalf("preface %v, %d streams, %d messages, %d blocks", tr.Preface, len(tr.Streams), len(tr.Messages), len(tr.Headers))
	}
	st := tr.Streams[0]
	if st.Path != "/demo.v1.UserService/GetUser" || st.RPC != RPCGRPC || st.HTTP != 200 || st.State != Closed {
		t.Errorf("stream %+v", st)
	}
	if st.Status == nil || st.Status.Code != 5 || st.Status.Message != "no user é" || string(st.Status.Details) != "\x08\x05" {
		t.Errorf("status %+v", st.Status)
	}
	got, err := tr.Payload(rec, tr.Messages[1])
	if err != nil || !bytes.Equal(got, reply) {
		t.Errorf("payload %q, %v", got, err)
	}
	kinds := []BlockKind{tr.Headers[0].Kind, tr.Headers[1].Kind, tr.Headers[2].Kind}
	if !cmp.Equal(kinds, []BlockKind{RequestHeaders, ResponseHeaders, Trailers}) {
		t.Errorf("kinds %v", kinds)
	}
	if n := len(tr.Carriers(tr.Messages[1], tr.Spans(tr.Messages[1]))); n != (len(gzipped(t, reply))+5+6)/7 {
		t.Errorf("the reply is carried by %d frames", n)
	}
}

// TestProperties checks what must hold for any conversation: STYLE of this
// package, in the order of its rules.
func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := randomConversation(t, r)
		rec := c.recording(true)
		whole := Decode(rec)
		checkTiling(t, rec, whole)
		checkMessages(t, rec, whole)
		for _, most := range []int{1, 7, 500} {
			split := c.split(r, most)
			if diff := cmp.Diff(whole, stepwise(t, split, int64(most)), traceOptions); diff != "" {
				t.Fatalf("seed %d: chunks of at most %d bytes change the trace:\n%s", seed, most, diff)
			}
		}
	}
}

// stepwise decodes a little at a time and checks that each trace is a prefix of
// the next.
func stepwise(t *testing.T, rec *record.Recording, step int64) Trace {
	t.Helper()
	d := NewDecoder(rec)
	old, more := d.Advance(step)
	for more {
		var next Trace
		next, more = d.Advance(step)
		checkPrefix(t, old, next)
		old = next
	}
	return old
}

func checkPrefix(t *testing.T, old, next Trace) {
	t.Helper()
	if len(old.Frames) > len(next.Frames) || len(old.Headers) > len(next.Headers) ||
		len(old.Messages) > len(next.Messages) || len(old.Problems) > len(next.Problems) {
		t.Fatal("a list became shorter")
	}
	if n := len(old.Frames); n > 0 && old.Frames[n-1] != next.Frames[n-1] {
		t.Fatalf("frame %d changed from %+v to %+v", n-1, old.Frames[n-1], next.Frames[n-1])
	}
	if n := len(old.Messages); n > 0 && !cmp.Equal(old.Messages[n-1], next.Messages[n-1], traceOptions) {
		t.Fatalf("message %d changed", n-1)
	}
	for _, m := range old.Partial {
		if len(old.Spans(m)) == 0 {
			t.Fatalf("partial message %+v without spans", m)
		}
	}
}

// checkTiling checks that preface, frames, parts and tail tile each direction,
// and that each is found at its bytes.
func checkTiling(t *testing.T, rec *record.Recording, tr Trace) {
	t.Helper()
	var spans [2][]record.Span
	if tr.Preface.Len > 0 {
		spans[tr.Preface.Dir] = append(spans[tr.Preface.Dir], tr.Preface)
	}
	for i, f := range tr.Frames {
		spans[f.Dir] = append(spans[f.Dir], f.Span())
		if tr.FrameAt(f.Dir, f.Off) != i || tr.FrameAt(f.Dir, f.Span().End()-1) != i {
			t.Fatalf("frame %d is not found at its bytes", i)
		}
	}
	for i, p := range tr.Parts {
		spans[p.Span.Dir] = append(spans[p.Span.Dir], p.Span)
		if tr.PartAt(p.Span.Dir, p.Span.Off) != i || tr.PartAt(p.Span.Dir, p.Span.End()-1) != i {
			t.Fatalf("part %d is not found at its bytes", i)
		}
	}
	for d, tail := range tr.Tail {
		slices.SortStableFunc(spans[d], func(a, b record.Span) int { return int(a.Off - b.Off) })
		next := int64(0)
		for _, s := range append(spans[d], tail) {
			if s.Off != next {
				t.Fatalf("%s: %+v, want it to begin at %d", record.Dir(d), s, next)
			}
			next = s.End()
		}
		if next != rec.Size(record.Dir(d)) {
			t.Fatalf("%s: the tail ends at %d of %d", record.Dir(d), next, rec.Size(record.Dir(d)))
		}
	}
}

// checkMessages checks that spans, payloads and carriers of messages agree.
func checkMessages(t *testing.T, rec *record.Recording, tr Trace) {
	t.Helper()
	for i, m := range tr.Messages {
		var joined []byte
		for _, s := range tr.Spans(m) {
			joined = rec.Append(joined, s)
		}
		if int64(len(joined)) != m.Length+5 {
			t.Fatalf("message %d: %d bytes on the wire, its prefix declares %d", i, len(joined), m.Length)
		}
		raw, err := tr.Raw(rec, m)
		if err != nil || !bytes.Equal(raw, joined[5:]) {
			t.Fatalf("message %d: raw payload differs: %v", i, err)
		}
		if _, err := tr.Payload(rec, m); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if m.Length > 3 && !m.Compressed {
			var part []byte
			for _, s := range tr.Locate(m, Range{Off: 1, Len: 2}) {
				part = rec.Append(part, s)
			}
			if !bytes.Equal(part, raw[1:3]) {
				t.Fatalf("message %d: Locate gives other bytes", i)
			}
		}
		for _, f := range tr.Carriers(m, tr.Spans(m)) {
			if tr.Frames[f].Stream != m.Stream || tr.Frames[f].Type != h2.Data {
				t.Fatalf("message %d is carried by %+v", i, tr.Frames[f])
			}
		}
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) *conversation {
		c := newConversation(t)
		c.request(1, "/a/b")
		c.data(record.Sent, 1, true, 100, prefixed(nil, false))
		c.flush(record.Sent)
		c.headers(record.Received, 1, false, 1000, ":status", "200", "content-type", "application/grpc")
		return c
	}
	for _, tc := range []struct {
		name, want string
		write      func(c *conversation)
	}{
		{"stream without status", "without grpc-status", func(c *conversation) { c.data(1, 1, true, 100, prefixed([]byte("x"), false)) }},
		{"stream ends inside a message", "inside a message: 1 of the 4 bytes", func(c *conversation) {
			c.data(1, 1, true, 100, prefixed([]byte("abcd"), false)[:6])
		}},
		{"connection ends inside a message", "the connection ended inside a message: 3 of the 1073741824 bytes", func(c *conversation) {
			c.data(1, 1, false, 100, []byte{0, 0x40, 0, 0, 0, 1, 2, 3})
		}},
		{"connection ends inside a frame", "inside a DATA frame: 12 of its 14 bytes", func(c *conversation) {
			c.data(1, 1, false, 100, prefixed(nil, false))
			c.buf[1].Truncate(c.buf[1].Len() - 2)
		}},
		{"undefined flag", "flag is 0x82", func(c *conversation) { c.data(1, 1, false, 100, []byte{0x82, 0, 0, 0, 0}) }},
		{"compressed without encoding", "without grpc-encoding", func(c *conversation) { c.data(1, 1, false, 100, []byte{1, 0, 0, 0, 0}) }},
		{"data on an idle stream", "DATA before any HEADERS", func(c *conversation) { c.data(1, 7, false, 100, []byte("?")) }},
		{"lone continuation", "CONTINUATION without", func(c *conversation) { c.must(c.framer[1].WriteContinuation(1, true, nil)) }},
		{"block interrupted", "inside the header block of stream 1", func(c *conversation) {
			c.must(c.framer[1].WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}}))
			c.must(c.framer[1].WritePing(false, [8]byte{}))
		}},
		{"block never ends", "inside a header block", func(c *conversation) {
			c.must(c.framer[1].WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}}))
		}},
		{"window exceeded", "exceeds the connection's window by 1", func(c *conversation) {
			c.data(1, 1, false, 16384, prefixed(make([]byte, 65531), false))
		}},
		{"bad hpack", "is not in the table", func(c *conversation) {
			c.must(c.framer[1].WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0xff, 0x7f}, EndHeaders: true}))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			tc.write(c)
			rec := c.recording(true)
			tr := Decode(rec)
			checkTiling(t, rec, tr)
			for _, p := range tr.Problems {
				if strings.Contains(p.Text, tc.want) {
					if p.Rule == "" || p.Span.Len < 0 {
						t.Fatalf("problem %+v without rule or place", p)
					}
					return
				}
			}
			t.Fatalf("no problem says %q: %+v", tc.want, tr.Problems)
		})
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ sent, received, want string }{
		{h2.Preface, "HTTP/1.1 400 Bad Request\r\n\r\n", "the server answered HTTP/1.1, not HTTP/2"},
		{h2.Preface, "\x15\x03\x01\x00\x02\x02\x16", "TLS records"},
		{"\x16\x03\x01\x00\x05hello", "", "TLS records"},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "HTTP/2 frames, and the other side"},
		{"\x00\x00\x00\x04\x01\x00\x00\x00\x00", "", "client preface"},
	} {
		rec := record.New(record.Meta{})
		rec.Add(record.Sent, 0, []byte(tc.sent))
		rec.Add(record.Received, 0, []byte(tc.received))
		rec.Close(io.EOF)
		tr := Decode(rec)
		checkTiling(t, rec, tr)
		if len(tr.Problems) == 0 || !strings.Contains(tr.Problems[0].Text, tc.want) {
			t.Errorf("%q, %q: problems %+v, want %q", tc.sent, tc.received, tr.Problems, tc.want)
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.request(1, "/a/b")
	c.data(record.Sent, 1, true, 100, prefixed(nil, false))
	c.headers(record.Received, 1, false, 1000, ":status", "200", "content-type", "application/grpc")
	want := [][]byte{}
	for i := range 200 {
		b := bytes.Repeat([]byte{byte(i)}, 40)
		want = append(want, b)
		c.data(record.Received, 1, false, 30, prefixed(b, false))
		c.flush(record.Received)
	}
	c.trailers(1, 0, "")
	rec := c.recording(true)
	d := NewDecoder(rec)
	got := 0
	for more := true; more; {
		var tr Trace
		tr, more = d.Advance(100)
		for _, m := range tr.Messages {
			if m.Dir == record.Received {
				b, err := tr.Payload(rec, m)
				if err != nil || !bytes.Equal(b, want[got]) {
					t.Fatalf("message %d: %q, %v", got, b, err)
				}
				got++
			}
		}
		d.Forget(tr)
		for _, dir := range []record.Dir{record.Sent, record.Received} {
			rec.Discard(dir, d.Needed(dir))
		}
	}
	tr, _ := d.Advance(1)
	if got != len(want) || tr.Forgotten.Messages != len(want)+1 || len(tr.Frames) != 0 {
		t.Fatalf("%d messages, forgotten %+v, %d frames kept", got, tr.Forgotten, len(tr.Frames))
	}
}

func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	rec := record.New(record.Meta{})
	rec.Add(record.Sent, 0, []byte(h2.Preface))
	rec.Close(errors.New("connection reset by peer"))
	tr := Decode(rec)
	if len(tr.Problems) != 1 || !strings.Contains(tr.Problems[0].Text, "connection reset by peer") {
		t.Fatalf("problems %+v", tr.Problems)
	}
}

func TestUnsent(t *testing.T) {
	t.Parallel()
	rec := record.New(record.Meta{})
	client, server := net.Pipe()
	conn := record.Tap(client, rec)
	go func() {
		_, _ = io.CopyN(io.Discard, server, int64(len(h2.Preface)+4))
		_ = server.Close()
	}()
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	if _, err := conn.Write([]byte(h2.Preface + settings)); err == nil {
		t.Fatal("the write did not fail")
	}
	_ = conn.Close()
	for _, p := range Decode(rec).Problems {
		if strings.Contains(p.Text, "these 5 bytes were never sent") && p.Span == (record.Span{Dir: record.Sent, Off: 28, Len: 5}) {
			return
		}
	}
	t.Fatalf("problems %+v: none says what was not sent", Decode(rec).Problems)
}
