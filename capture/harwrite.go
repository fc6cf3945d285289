package capture

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// WriteHAR writes what recordings hold as an HTTP archive, version 1.2: one
// entry for each request. Bodies that are not text, and those of gRPC with the
// prefixes of their messages, are in base64. What HAR has no place for stands in
// fields that begin with an underscore: trailers, the gRPC status, resets and
// problems of decoding.
//
// A HAR file holds values, not bytes: frames, chunks and the order of messages
// are not in it. WritePCAPNG keeps them.
func WriteHAR(w io.Writer, recs []*record.Recording) error {
	out := &harWriter{w: bufio.NewWriter(w)}
	out.text(`{"log":{"version":"1.2","creator":{"name":"wiregloss","version":"1"},"entries":[`)
	for i, rec := range recs {
		out.recording(i, rec)
	}
	out.text("\n]}}\n")
	if err := out.w.Flush(); out.err == nil {
		out.err = err
	}
	if out.err != nil {
		return fmt.Errorf("write HAR: %w", out.err)
	}
	return nil
}

// harWriter writes entries one by one.
type harWriter struct {
	w       *bufio.Writer
	entries int
	err     error
}

func (w *harWriter) text(s string) {
	if w.err == nil {
		_, w.err = w.w.WriteString(s)
	}
}

// entry writes one element of log.entries.
func (w *harWriter) entry(e *harEntry) {
	if w.entries++; w.entries > 1 {
		w.text(",")
	}
	w.text("\n")
	b, err := json.Marshal(e)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.text(string(b))
}

// harSource is a decoded recording, by stream.
type harSource struct {
	rec      *record.Recording
	trace    inspect.Trace
	blocks   map[uint32][]inspect.HeaderBlock
	messages map[uint32][]inspect.Message
	problems map[uint32][]string
}

func (w *harWriter) recording(number int, rec *record.Recording) {
	s := &harSource{
		rec: rec, trace: inspect.Decode(rec), blocks: map[uint32][]inspect.HeaderBlock{},
		messages: map[uint32][]inspect.Message{}, problems: map[uint32][]string{},
	}
	for _, b := range s.trace.Headers {
		s.blocks[b.Stream] = append(s.blocks[b.Stream], b)
	}
	for _, list := range [][]inspect.Message{s.trace.Messages, s.trace.Partial} {
		for _, m := range list {
			s.messages[m.Stream] = append(s.messages[m.Stream], m)
		}
	}
	for _, p := range s.trace.Problems {
		s.problems[p.Stream] = append(s.problems[p.Stream], fmt.Sprintf("%v byte %d: %s (%s)", p.Span.Dir, p.Span.Off, p.Text, p.Rule))
	}
	for i, st := range s.trace.Streams {
		e := s.entry(st, i == 0)
		e.Connection = strconv.Itoa(number + 1)
		w.entry(e)
	}
}

// entry makes the entry of a stream. The first one carries what it took to open
// the connection.
func (s *harSource) entry(st inspect.Stream, first bool) *harEntry {
	e := &harEntry{Stream: st.ID, Problems: s.problems[st.ID]}
	m := s.rec.Meta()
	if peer, err := netip.ParseAddrPort(m.Peer); err == nil {
		e.Server = peer.Addr().String()
	}
	e.Request.Method, e.Request.Version = st.Method, "HTTP/2"
	e.Response.Version = "HTTP/2"
	e.Request.HeadersSize, e.Response.HeadersSize = -1, -1
	e.Request.BodySize, e.Response.BodySize = st.Bytes[record.Sent], st.Bytes[record.Received]
	e.Request.Cookies, e.Response.Cookies = []harPair{}, []harPair{}
	e.Request.Headers, e.Response.Headers, e.Request.Query = []harPair{}, []harPair{}, []harPair{}
	for _, b := range s.blocks[st.ID] {
		s.block(e, b)
	}
	e.Request.URL = harURL(m, st.Path, e.Request.Headers)
	if u, err := url.Parse(e.Request.URL); err == nil {
		e.Request.Query = harQuery(u.RawQuery)
	}
	e.Response.Status = st.HTTP
	s.bodies(e, st)
	s.times(e, st, first)
	s.details(e, st)
	return e
}

// harQuery splits a query, in its order.
func harQuery(raw string) []harPair {
	pairs := []harPair{}
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		if part == "" {
			continue
		}
		if k, err := url.QueryUnescape(key); err == nil {
			key = k
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		pairs = append(pairs, harPair{key, value})
	}
	return pairs
}

// block adds a header block to the entry.
func (s *harSource) block(e *harEntry, b inspect.HeaderBlock) {
	pairs := make([]harPair, 0, len(b.Fields))
	for _, f := range b.Fields {
		pairs = append(pairs, harPair{f.Name, f.Value})
	}
	words := strings.SplitN(b.StartLine, " ", 3)
	switch b.Kind {
	case inspect.RequestHeaders, inspect.Promise:
		e.Request.Headers = pairs
		if len(words) == 3 {
			e.Request.Version = words[2]
		}
	case inspect.ResponseHeaders:
		e.Response.Headers = pairs
		e.Response.RedirectURL, _ = b.Get("location")
		if len(words) > 1 {
			e.Response.Version = words[0]
		}
		if len(words) == 3 {
			e.Response.StatusText = words[2]
		}
	case inspect.Trailers:
		if b.Dir == record.Sent {
			e.Request.Trailers = pairs
		} else {
			e.Response.Trailers = pairs
		}
	case inspect.Informational: // HAR has one response
	}
}

// harURL is the absolute URL of a request. RFC 9113 §8.3.1, RFC 9112 §3.3.
func harURL(m record.Meta, path string, headers []harPair) string {
	if strings.Contains(path, "://") {
		return path
	}
	scheme, host := "http", m.Address
	if m.TLS != nil {
		scheme = "https"
	}
	for _, name := range []string{"host", ":authority"} {
		for _, h := range headers {
			if strings.EqualFold(h.Name, name) && h.Value != "" {
				host = h.Value
			}
		}
	}
	for _, h := range headers {
		if h.Name == ":scheme" && (h.Value == "http" || h.Value == "https") {
			scheme = h.Value
		}
	}
	if host == "" {
		host = "localhost"
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // "*" of OPTIONS, or the target of CONNECT
	}
	return scheme + "://" + host + path
}

// bodies fills in the bodies of an entry.
func (s *harSource) bodies(e *harEntry, st inspect.Stream) {
	body, _ := s.body(e, st, record.Sent)
	if len(body) > 0 {
		p := &harPost{Type: st.Content[record.Sent], Params: []harPair{}}
		p.Text, p.Encoding = harText(body, p.Type, st.RPC)
		e.Request.Post = p
	}
	body, wire := s.body(e, st, record.Received)
	c := &e.Response.Content
	c.Type, c.Size = st.Content[record.Received], int64(len(body))
	c.Compression = max(c.Size-wire, 0)
	c.Text, c.Encoding = harText(body, c.Type, st.RPC)
}

// body joins the messages of one direction: decoded if the body is one message,
// with their prefixes if it is a sequence of them.
func (s *harSource) body(e *harEntry, st inspect.Stream, d record.Dir) (body []byte, wire int64) {
	for _, m := range s.messages[st.ID] {
		if m.Dir != d {
			continue
		}
		wire += m.Have
		if !m.Prefixed() && m.Compressed {
			payload, err := s.trace.Payload(s.rec, m)
			if err == nil {
				body = append(body, payload...)
				continue
			}
			e.Problems = append(e.Problems, fmt.Sprintf("the %s body stands as it was sent: %v", d, err))
		}
		for _, span := range s.trace.Spans(m) {
			body = s.rec.Append(body, span)
		}
	}
	return body, wire
}

// harText writes a body as text if its type says so and it is, else as base64.
func harText(body []byte, contentType string, rpc inspect.RPC) (text, encoding string) {
	if len(body) == 0 {
		return "", ""
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	readable := strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml") ||
		strings.HasSuffix(kind, "javascript") || kind == "application/x-www-form-urlencoded" || kind == ""
	if readable && rpc != inspect.RPCGRPC && utf8.Valid(body) {
		return string(body), ""
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

// times fills in when the entry began and how long its phases took.
func (s *harSource) times(e *harEntry, st inspect.Stream, first bool) {
	m := s.rec.Meta()
	sent, answered, ended := st.Opened, time.Duration(-1), max(st.Ended, st.Opened)
	for _, msg := range s.messages[st.ID] {
		if msg.Dir == record.Sent {
			sent = max(sent, msg.At)
		}
		ended = max(ended, msg.At)
	}
	for _, b := range s.blocks[st.ID] {
		if b.Dir == record.Received && answered < 0 {
			answered = b.At
		}
		ended = max(ended, b.At)
	}
	if answered < 0 {
		answered = ended
	}
	sent = min(sent, answered) // a stream's requests may go on while it is answered
	t := harTimings{Blocked: -1, DNS: -1, Connect: -1, SSL: -1}
	t.Send, t.Wait, t.Receive = inMilliseconds(sent-st.Opened), inMilliseconds(answered-sent), inMilliseconds(ended-answered)
	start := m.Start.Add(st.Opened)
	if dial := m.Dial.DNS + m.Dial.Connect + m.Dial.TLS; first && dial > 0 {
		t.DNS, t.Connect = inMilliseconds(m.Dial.DNS), inMilliseconds(m.Dial.Connect+m.Dial.TLS)
		if m.Dial.TLS > 0 {
			t.SSL = inMilliseconds(m.Dial.TLS)
		}
		start = start.Add(-dial)
	}
	for _, phase := range []float64{t.DNS, t.Connect, t.Send, t.Wait, t.Receive} {
		e.Time += max(phase, 0)
	}
	e.Timings, e.Started = t, start.UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
}

func inMilliseconds(d time.Duration) float64 { return float64(max(d, 0)) / float64(time.Millisecond) }

// details fills in what HAR has no place for.
func (s *harSource) details(e *harEntry, st inspect.Stream) {
	e.Request.Wiregloss = &harDetail{Messages: st.Messages[record.Sent]}
	e.Response.Wiregloss = &harDetail{Messages: st.Messages[record.Received]}
	if e.Response.StatusText == "" && strings.HasPrefix(e.Response.Version, "HTTP/1") {
		e.Response.StatusText = http.StatusText(st.HTTP)
	}
	if st.Status != nil {
		e.Response.Wiregloss.GRPCStatus, e.Response.Wiregloss.GRPCText = &st.Status.Code, st.Status.Message
	}
	switch {
	case st.State == inspect.Reset:
		e.Response.Wiregloss.Reset = fmt.Sprintf("%v by the %s", st.ResetCode, [...]string{"client", "server"}[st.ResetBy])
		e.Response.Error = "the stream was reset: " + e.Response.Wiregloss.Reset
	case st.HTTP == 0:
		e.Response.Error = "no response was recorded"
	}
}
