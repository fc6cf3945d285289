//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/record"
)

// http1 compares the HTTP/1.1 messages of a direction, in order.
func (c *comparison) http1(dir record.Dir, theirs []*item) {
	c.t.Helper()
	var heads []int // in Trace.Parts
	for i, p := range c.trace.Parts {
		if p.Span.Dir == dir && p.Kind == h1.Head {
			heads = append(heads, i)
		}
	}
	if len(heads) != len(theirs) {
		c.errorf("%v: %d HTTP messages, tshark has %d", dir, len(heads), len(theirs))
		return
	}
	for i, head := range heads {
		var parts []inspect.Part
		for _, p := range c.trace.Parts[head:] {
			if p.Span.Dir == dir && (len(parts) == 0 || p.Kind != h1.Head) {
				parts = append(parts, p)
			} else if p.Span.Dir == dir {
				break
			}
		}
		c.httpMessage(parts, theirs[i])
	}
}

// startLines are where tshark puts what a start line is made of.
var startLines = map[record.Dir][3]string{
	record.Sent:     {"http.request.method", "http.request.uri", "http.request.version"},
	record.Received: {"http.response.version", "http.response.code", "http.response.phrase"},
}

// httpMessage compares one message: start line, fields, parts and body.
func (c *comparison) httpMessage(parts []inspect.Part, it *item) {
	c.t.Helper()
	head := parts[0]
	dir := head.Span.Dir
	block, ok := c.trace.Block(int(head.Block))
	if !ok || len(it.under) == 0 {
		c.errorf("%v at %d: a head without fields, tshark has %q", dir, head.Span.Off, it.name)
		return
	}
	line := it.under[0]
	var words []string
	for _, name := range startLines[dir] {
		words = append(words, string(line.get(name).bytes(c.t)))
	}
	if got := strings.Join(words, " "); got != block.StartLine {
		c.errorf("%v at %d: the start line is %q, tshark has %q", dir, head.Span.Off, block.StartLine, got)
	}
	where := fmt.Sprintf("%v %q", dir, block.StartLine)
	c.facts[map[record.Dir]string{record.Sent: "requests", record.Received: "responses"}[dir]]++
	if block.Kind == inspect.Informational {
		c.facts["informational"]++
	}
	c.httpFields(where, head, block, it)
	c.httpParts(where, parts, it)
	if block.Kind != inspect.Informational { // the body is that of the final response
		c.httpBody(where, head, it)
	}
}

// httpFields compares the fields of a head, each with its bytes.
func (c *comparison) httpFields(where string, head inspect.Part, block inspect.HeaderBlock, it *item) {
	c.t.Helper()
	lines := append(it.all("http.request.line"), it.all("http.response.line")...)
	if len(lines) != len(block.Fields) {
		c.errorf("%s: %d fields, tshark has %d", where, len(block.Fields), len(lines))
		return
	}
	for i, f := range block.Fields {
		raw, _ := strings.CutSuffix(string(lines[i].bytes(c.t)), "\r\n")
		name, value, _ := strings.Cut(raw, ":")
		if !strings.EqualFold(f.Name, name) || f.Value != strings.Trim(value, " \t") {
			c.errorf("%s: field %d is %q, tshark has %q", where, i, f, raw)
		}
		spans, at := block.FieldSpans(f), head.Span.Off+int64(lines[i].pos-it.pos)
		if len(spans) != 1 || spans[0].Off != at || spans[0].Len != int64(len(raw)) && spans[0].Len != int64(lines[i].length) {
			c.errorf("%s: field %s is at %v, tshark has %d+%d", where, f.Name, spans, at, lines[i].length)
		}
		c.facts["lines"]++
	}
}

// piece is a part of a body at its place after the begin of the message.
type piece struct {
	kind        h1.Kind
	off, length int64
}

// httpParts compares how a body is cut.
func (c *comparison) httpParts(where string, parts []inspect.Part, it *item) {
	c.t.Helper()
	var ours, theirs []piece
	var trailers string
	for _, p := range parts[1:] {
		if p.Kind == h1.Trailer {
			trailers = string(c.rec.Append(nil, p.Span)) // tshark gives no place to the empty line
			continue
		}
		ours = append(ours, piece{p.Kind, p.Span.Off - parts[0].Span.Off, p.Span.Len})
	}
	add := func(kind h1.Kind, at *item) {
		if at != nil && at.pos >= 0 {
			theirs = append(theirs, piece{kind, int64(at.pos - it.pos), int64(at.length)})
		}
	}
	chunked := it.get("HTTP chunked response")
	for _, chunk := range chunked.all("") {
		switch {
		case strings.HasPrefix(chunk.name, "Data chunk"):
			add(h1.ChunkSize, chunk.get("http.chunk_size"))
			add(h1.Data, chunk.get("http.chunk_data"))
			add(h1.ChunkEnd, chunk.get("http.chunk_boundary"))
			c.facts["chunks"]++
		case strings.HasPrefix(chunk.name, "End of chunked"):
			add(h1.LastChunk, chunk.get("http.chunk_size"))
		}
	}
	if body := it.get("http.file_data"); chunked == nil && body != nil && !decompressed(it) {
		add(h1.Data, body)
	}
	if decompressed(it) && chunked == nil {
		ours = nil // tshark shows what came out
	}
	if !slices.Equal(ours, theirs) {
		c.errorf("%s: parts %v, tshark has %v", where, ours, theirs)
	}
	part := chunked.get("http.chunked_trailer_part")
	if part != nil {
		c.facts["trailers"]++
	}
	if want := string(part.bytes(c.t)) + "\r\n"; chunked != nil && trailers != want {
		c.errorf("%s: trailers %q, tshark has %q", where, trailers, want)
	}
}

// decompressed reports whether tshark shows a body without its content coding.
func decompressed(it *item) bool { return len(it.all("Content-encoded entity body")) > 0 }

// httpBody compares the body: joined, and decompressed.
func (c *comparison) httpBody(where string, head inspect.Part, it *item) {
	c.t.Helper()
	var ours []byte
	for _, m := range c.trace.Messages {
		if m.Stream != head.Stream || m.Dir != head.Span.Dir {
			continue
		}
		switch m.Framing {
		case inspect.Event:
			c.facts["events"]++
			for _, s := range c.trace.Spans(m) {
				ours = c.rec.Append(ours, s)
			}
		default:
			payload, err := c.trace.Payload(c.rec, m)
			if err != nil {
				c.errorf("%s: %v", where, err)
			}
			ours = append(ours, payload...)
			if m.Compressed {
				c.facts["gzip"]++
			}
		}
	}
	body := it.get("http.file_data")
	if !bytes.Equal(ours, body.bytes(c.t)) {
		c.errorf("%s: a body of %d bytes, tshark has %d and not the same", where, len(ours), len(body.bytes(c.t)))
	}
	if len(ours) > 0 {
		c.facts["bodies"]++
	}
}
