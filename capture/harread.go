package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// harNote is what to know about bytes that come from a HAR file.
const harNote = "rebuilt from HAR fields as HTTP/1.1: these are not the bytes that were on the wire"

// readHAR makes a recording of each entry. What stands before a damaged place is
// read.
func readHAR(b []byte, o Options) (*Capture, error) {
	c := &Capture{Format: FormatHAR, Encoding: EncodingRaw}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := enterEntries(dec); err != nil {
		return nil, fmt.Errorf("read HAR: byte %d: %w", dec.InputOffset(), err)
	}
	for n := 1; dec.More(); n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			c.Damaged = true
			c.Skipped = append(c.Skipped, fmt.Sprintf("HAR entry %d and what follows, from byte %d on: %v", n, dec.InputOffset(), err))
			break
		}
		if len(c.Connections) == o.MaxConnections {
			c.Skipped = append(c.Skipped, fmt.Sprintf("HAR entries after the first %d, which is the limit", n-1))
			break
		}
		c.harEntry(n, raw)
	}
	return c, nil
}

// enterEntries reads up to the elements of log.entries.
func enterEntries(dec *json.Decoder) error {
	for _, key := range []string{"log", "entries"} {
		if err := expect(dec, '{'); err != nil {
			return err
		}
		if err := findKey(dec, key); err != nil {
			return err
		}
	}
	return expect(dec, '[')
}

func expect(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%v stands where a HAR file has %v", t, want)
	}
	return nil
}

// findKey reads members of an object up to the value of key.
func findKey(dec *json.Decoder, key string) error {
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		if t == key {
			return nil
		}
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	return fmt.Errorf("there is no key %q", key)
}

// harEntry adds the recording of an entry, as far as it can be made.
func (c *Capture) harEntry(n int, raw json.RawMessage) {
	var e harEntry
	var problems []string
	if err := json.Unmarshal(raw, &e); err != nil {
		var wrong *json.UnmarshalTypeError
		if !errors.As(err, &wrong) {
			c.Skipped = append(c.Skipped, fmt.Sprintf("HAR entry %d: %v", n, err))
			return
		}
		// What could be read of the other fields was.
		problems = append(problems, fmt.Sprintf("its field %s is a %s: taken as absent", wrong.Field, wrong.Value))
	}
	if e.Request.Method == "" && e.Response.Status == 0 {
		c.Skipped = append(c.Skipped, fmt.Sprintf("HAR entry %d: it has neither a method nor a status", n))
		return
	}
	r := harRebuild{entry: &e, problems: problems, notes: []string{harNote}}
	conn := r.connection()
	conn.Name = fmt.Sprintf("HAR entry %d: %s %s", n, e.Request.Method, e.Request.URL)
	if len(e.WebSocket) > 0 {
		c.Skipped = append(c.Skipped, fmt.Sprintf("HAR entry %d: %s", n, plural(len(e.WebSocket), "WebSocket message")))
	}
	c.Connections = append(c.Connections, conn)
}

// harRebuild makes HTTP/1.1 of an entry.
type harRebuild struct {
	entry    *harEntry
	notes    []string
	problems []string
	target   *url.URL
}

func (r *harRebuild) connection() Connection {
	e := r.entry
	var err error
	if r.target, err = url.Parse(e.Request.URL); err != nil {
		r.problems = append(r.problems, fmt.Sprintf("its URL cannot be parsed: %v", err))
		r.target = &url.URL{Path: e.Request.URL}
	}
	rec := record.New(r.meta())
	t := e.Timings
	at := milliseconds(t.Blocked) + milliseconds(t.DNS) + milliseconds(t.Connect)
	request := r.request()
	rec.Add(record.Sent, at, request)
	if e.Response.Status > 0 {
		at += milliseconds(t.Send) + milliseconds(t.Wait)
		head, body := r.response()
		rec.Add(record.Received, at, head)
		rec.Add(record.Received, at+milliseconds(t.Receive), body)
	} else {
		why := e.Response.Error
		if why == "" {
			why = "its status is 0"
		}
		r.problems = append(r.problems, "there is no response: "+why)
	}
	conn := Connection{Recording: rec, Notes: r.notes}
	for _, p := range r.problems {
		conn.Problems = append(conn.Problems, Problem{Text: p})
	}
	return conn
}

// milliseconds converts a HAR time; -1 stands for none.
func milliseconds(ms float64) time.Duration {
	if !(ms > 0) || ms > float64(24*time.Hour*365)/1e6 {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// meta are the facts about the entry's connection.
func (r *harRebuild) meta() record.Meta {
	m := record.Meta{Network: "tcp", Address: r.target.Host}
	if start, err := time.Parse(time.RFC3339Nano, r.entry.Started); err == nil {
		m.Start = start.UTC()
	} else {
		r.problems = append(r.problems, fmt.Sprintf("its startedDateTime %q is no time", r.entry.Started))
	}
	port := r.target.Port()
	if port == "" {
		if port = "80"; r.target.Scheme == "https" {
			port = "443"
		}
	}
	if r.target.Hostname() != "" {
		m.Address = net.JoinHostPort(r.target.Hostname(), port)
	}
	if ip, err := netip.ParseAddr(strings.Trim(r.entry.Server, "[]")); err == nil {
		m.Peer = net.JoinHostPort(ip.String(), port)
	}
	t := r.entry.Timings
	m.Dial = record.Dial{DNS: milliseconds(t.DNS), TLS: milliseconds(t.SSL)}
	m.Dial.Connect = max(milliseconds(t.Connect)-m.Dial.TLS, 0)
	return m
}

// request writes the request. RFC 9112 §3.
func (r *harRebuild) request() []byte {
	q := &r.entry.Request
	path := r.target.RequestURI()
	if path == "" {
		path = "/"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", oneWord(q.Method), oneWord(path))
	if !hasHeader(q.Headers, "host") {
		fmt.Fprintf(&b, "Host: %s\r\n", oneLine(r.target.Host))
	}
	var body []byte
	if q.Post != nil {
		body = r.postBody(q.Post)
	} else if q.BodySize > 0 {
		r.problems = append(r.problems, fmt.Sprintf("the request had a body of %d bytes, which the file does not hold", q.BodySize))
	}
	r.headers(&b, "request", q.Headers, body, q.Trailers, q.Post != nil)
	r.body(&b, body, q.Trailers)
	return b.Bytes()
}

// postBody returns a request body from its text or its form fields.
func (r *harRebuild) postBody(p *harPost) []byte {
	if p.Text == "" && len(p.Params) > 0 {
		form := url.Values{}
		for _, v := range p.Params {
			form.Add(v.Name, v.Value)
		}
		r.notes = append(r.notes, "the request body is rebuilt from form fields")
		return []byte(form.Encode())
	}
	encoding := p.Encoding
	if encoding == "" {
		encoding = p.Plain
	}
	return r.text("request", p.Text, encoding)
}

// response writes the response, head and body. RFC 9112 §4.
func (r *harRebuild) response() (head, body []byte) {
	p := &r.entry.Response
	var b bytes.Buffer
	reason := p.StatusText
	if reason == "" {
		reason = http.StatusText(p.Status)
	}
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", min(p.Status, 999), oneLine(reason))
	content := r.text("response", p.Content.Text, p.Content.Encoding)
	if len(content) == 0 && p.Content.Size > 0 {
		r.problems = append(r.problems, fmt.Sprintf("the response had a body of %d bytes, which the file does not hold", p.Content.Size))
	}
	// RFC 9110 §6.4.1: these have none, whatever their fields say.
	bodiless := r.entry.Request.Method == http.MethodHead || p.Status < 200 || p.Status == 204 || p.Status == 304
	if bodiless {
		content = nil
	}
	r.headers(&b, "response", p.Headers, content, p.Trailers, !bodiless)
	var rest bytes.Buffer
	r.body(&rest, content, p.Trailers)
	return b.Bytes(), rest.Bytes()
}

// text undoes the encoding of a body in the file.
func (r *harRebuild) text(what, text, encoding string) []byte {
	if !strings.EqualFold(encoding, "base64") {
		return []byte(text)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		r.problems = append(r.problems, fmt.Sprintf("the body of the %s is not base64: %v; it is read up to there", what, err))
	}
	return b
}

// headers writes a header section whose framing fields fit the body as it
// stands in the file. RFC 9112 §6.
func (r *harRebuild) headers(b *bytes.Buffer, what string, headers []harPair, body []byte, trailers []harPair, framed bool) {
	for _, h := range headers {
		switch name := strings.ToLower(h.Name); {
		case name == "" || name[0] == ':':
			continue // HTTP/2's: the start line says it
		case name == "content-length":
			continue
		case name == "transfer-encoding", name == "content-encoding" && len(body) > 0:
			r.notes = append(r.notes, fmt.Sprintf("%s %q of the %s is dropped: the file holds the body decoded", name, h.Value, what))
			continue
		}
		fmt.Fprintf(b, "%s: %s\r\n", oneWord(h.Name), oneLine(h.Value))
	}
	switch {
	case len(trailers) > 0:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case framed:
		fmt.Fprintf(b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
}

// body writes a body, in one chunk if trailers follow. RFC 9112 §7.1.
func (r *harRebuild) body(b *bytes.Buffer, body []byte, trailers []harPair) {
	if len(trailers) == 0 {
		b.Write(body)
		return
	}
	if len(body) > 0 {
		b.WriteString(strconv.FormatInt(int64(len(body)), 16) + "\r\n")
		b.Write(body)
		b.WriteString("\r\n")
	}
	b.WriteString("0\r\n")
	for _, t := range trailers {
		fmt.Fprintf(b, "%s: %s\r\n", oneWord(t.Name), oneLine(t.Value))
	}
	b.WriteString("\r\n")
}

func hasHeader(headers []harPair, name string) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

// oneLine keeps a value of the file from making up lines.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' || c == 0 {
			return ' '
		}
		return c
	}, s)
}

// oneWord keeps a value of the file from making up words.
func oneWord(s string) string { return strings.ReplaceAll(oneLine(s), " ", "%20") }
