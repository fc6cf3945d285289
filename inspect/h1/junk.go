package h1

import (
	"bytes"
	"fmt"
)

// lost gives up the message in progress, and says why. What follows is junk
// until a message begins.
func (p *Parser) lost(violations ...Violation) (Element, bool) {
	p.state, p.scan, p.line = inJunk, p.start+1, p.start
	return Element{Kind: Junk, Off: p.start, Start: p.start, Violations: violations}, true
}

// junk looks for the next start line.
func (p *Parser) junk(avail int64) (Element, bool) {
	find := p.findRequest
	if p.response {
		find = p.findResponse
	}
	at, ok := find(avail)
	if !ok {
		return Element{}, false
	}
	return p.junkUpTo(at), true
}

// junkUpTo ends the junk.
func (p *Parser) junkUpTo(end int64) Element {
	e := Element{Kind: Junk, Off: p.start, Len: end - p.start, Start: p.start, Done: true}
	if e.Len > 0 && !p.skippable(e) {
		e.Violations = []Violation{{
			Range: Range{Len: int(min(e.Len, 1<<30))}, Rule: "RFC 9112 §2.1",
			Text: fmt.Sprintf("%d bytes here are no HTTP/1.1 message, and no part of one that began before: they are passed over", e.Len),
		}}
	}
	p.next(end)
	return e
}

// skippable reports whether junk is what may stand before a request: an empty
// line. RFC 9112 §2.2.
func (p *Parser) skippable(e Element) bool {
	if p.response || e.Len > 2 {
		return false
	}
	b := p.src(e.Off, e.Len)
	return string(b) == "\r\n" || string(b) == "\n"
}

// findResponse looks for a status line anywhere.
func (p *Parser) findResponse(avail int64) (int64, bool) {
	const mark, whole = "HTTP/", len("HTTP/1.1 200")
	for p.scan < avail {
		b := p.bytes(p.scan, avail)
		i := bytes.Index(b, []byte(mark))
		switch {
		case i < 0 && int64(len(b)) < int64(len(mark)):
			return 0, false
		case i < 0:
			p.scan += int64(len(b) - len(mark) + 1)
			continue
		}
		at := p.scan + int64(i)
		if at+int64(whole) > avail {
			p.scan = at
			return 0, false
		}
		if isStatusLine(p.src(at, int64(whole))) {
			return at, true
		}
		p.scan = at + 1
	}
	return 0, false
}

// findRequest looks for a line that a request line ends.
func (p *Parser) findRequest(avail int64) (int64, bool) {
	for {
		from := p.line
		end, ok := p.lineEnd(avail)
		if !ok {
			return 0, false
		}
		p.line = end
		// Of a line that is longer, the end: a request line is bounded.
		from = max(from, end-maxStartLine, p.start)
		if end-from < int64(len("GET / HTTP/1.1\n")) || !isRequestLine(append([]byte("M "), p.src(end-min(end-from, 12), min(end-from, 12)-1)...)) {
			continue
		}
		if i := requestIn(p.src(from, end-from-1)); i >= 0 && from+int64(i) > p.start {
			return from + int64(i), true
		}
	}
}
