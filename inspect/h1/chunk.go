package h1

import (
	"bytes"
	"fmt"
	"math"
)

// Chunk is the line before a chunk. RFC 9112 §7.1.
type Chunk struct {
	Size       int64  // bytes
	Extensions string // untrusted text after the size: ";name=value"
}

// ParseChunk reads the line before a chunk, line end included. ok is false if
// its size cannot be read.
func ParseChunk(b []byte) (c Chunk, violations []Violation, ok bool) {
	all := Range{Len: len(b)}
	breaks := func(rule, text string) {
		violations = append(violations, Violation{Range: all, Rule: rule, Text: text})
	}
	line := bytes.TrimSuffix(b, []byte{'\n'})
	if trimmed, crlf := bytes.CutSuffix(line, []byte{'\r'}); crlf {
		line = trimmed
	} else {
		breaks("RFC 9112 §7.1", "a chunk's line ends in LF without CR: a parser that does not allow it sees other chunks (request smuggling)")
	}
	n := 0
	for n < len(line) && unhex(line[n]) >= 0 {
		if c.Size > math.MaxInt64>>8 {
			breaks("RFC 9112 §7.1", "the chunk's size is larger than any that can be read")
			return c, violations, false
		}
		c.Size = c.Size<<4 | int64(unhex(line[n]))
		n++
	}
	rest := bytes.TrimLeft(line[n:], " \t")
	switch {
	case n == 0:
		breaks("RFC 9112 §7.1", fmt.Sprintf("a chunk begins with %q, which is no size in hexadecimal", clip(string(line))))
		return c, violations, false
	case len(rest) > 0 && rest[0] != ';':
		breaks("RFC 9112 §7.1.1", fmt.Sprintf("%q after a chunk's size is no extension", clip(string(rest))))
	case len(rest) == 0 && n < len(line):
		breaks("RFC 9112 §7.1", "white space after a chunk's size: parsers that do not allow it see other chunks")
	}
	c.Extensions = string(rest)
	return c, violations, true
}

func unhex(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= lower(b) && lower(b) <= 'f':
		return int(lower(b)-'a') + 10
	default:
		return -1
	}
}

// chunkLine reads the line before a chunk.
func (p *Parser) chunkLine(avail int64) (Element, bool) {
	end, found := p.lineEnd(min(avail, p.start+MaxLine+1))
	e := Element{Kind: ChunkSize, Off: p.start, Start: p.start, Done: true}
	if p.scan-p.start > MaxLine {
		return p.lost(Violation{
			Range: Range{Len: MaxLine}, Rule: "limit",
			Text: fmt.Sprintf("a chunk's line is longer than %d bytes: where the content ends is unknown", MaxLine),
		})
	}
	if !found {
		return Element{}, false
	}
	b := p.src(p.start, end-p.start)
	if int64(len(b)) < end-p.start {
		p.missing = true
		return Element{}, false
	}
	c, violations, ok := ParseChunk(b)
	if !ok {
		return p.lost(violations...)
	}
	e.Len, e.Violations = end-p.start, violations
	p.left = c.Size
	if c.Size > 0 {
		p.begin(inChunk, end)
		return e, true
	}
	e.Kind = LastChunk
	p.begin(atTrailer, end)
	return e, true
}

// chunkEnd reads the line end after a chunk. RFC 9112 §7.1.
func (p *Parser) chunkEnd(avail int64) (Element, bool) {
	if avail == p.start {
		return Element{}, false
	}
	b := p.bytes(p.start, min(avail, p.start+2))
	if len(b) == 0 {
		return Element{}, false
	}
	e := Element{Kind: ChunkEnd, Off: p.start, Start: p.start, Done: true}
	switch {
	case b[0] == '\n':
		e.Len = 1
		e.Violations = []Violation{{Range: Range{Len: 1}, Rule: "RFC 9112 §7.1", Text: "LF without CR after a chunk"}}
	case b[0] != '\r' || len(b) == 2 && b[1] != '\n':
		return p.lost(Violation{
			Range: Range{Len: 1}, Rule: "RFC 9112 §7.1",
			Text: "no CRLF after a chunk: its size does not fit its content, and where the content ends is unknown",
		})
	case len(b) < 2:
		return Element{}, false
	default:
		e.Len = 2
	}
	p.begin(atChunk, e.Off+e.Len)
	return e, true
}
