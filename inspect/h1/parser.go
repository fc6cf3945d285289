package h1

import (
	"bytes"
	"fmt"
)

// Source returns the bytes of the parser's direction from an offset on: n of
// them, or fewer if they are not held. They stay as they are until the next call.
type Source func(off, n int64) []byte

// Element is what a call of Next found: a part of a message, or the next bytes
// of one that is not complete.
type Element struct {
	Kind     Kind
	Off, Len int64 // the bytes that this element adds
	Start    int64 // where the part begins; it ends at Off+Len once Done
	Done     bool  // the part is complete
	End      bool  // with it, the message is complete
	Message  *Message
	// Switched says of a Head that the connection is no longer HTTP/1.1 after it.
	Switched   bool
	Violations []Violation // ranges count from Start
}

// state is what the parser expects next.
type state uint8

const (
	atStart state = iota
	inCounted
	inUntilClose
	atChunk
	inChunk
	atChunkEnd
	atTrailer
	inTunnel
	inJunk
	held
)

// Parser cuts one direction into parts. What it finds does not depend on how
// many bytes are there at each call. It keeps no bytes.
type Parser struct {
	src      Source
	response bool
	answered func(status int) (method string)

	state   state
	start   int64 // of the part in progress
	pos     int64 // before it, all is read
	scan    int64 // before it, what is looked for is not
	line    int64 // atStart: where the line that scan is in begins
	left    int64 // of content, or of a chunk
	after   state // what follows this message: atStart, held or inTunnel
	missing bool  // the source lacks bytes
}

// NewParser returns a parser for the bytes of a direction from offset 0. For
// responses, answered tells the method of the request that a response with a
// status answers; it is called once for each, and may be nil for requests.
func NewParser(src Source, response bool, answered func(status int) (method string)) *Parser {
	return &Parser{src: src, response: response, answered: answered}
}

// Start returns where the part in progress begins: all before it was returned
// as Done.
func (p *Parser) Start() int64 { return p.start }

// Needed returns the offset of the first byte that the parser may still ask for.
func (p *Parser) Needed() int64 {
	switch p.state {
	case inCounted, inUntilClose, inChunk, inTunnel:
		return p.pos
	case inJunk:
		// A request line is looked for backwards from its end.
		return max(p.start, p.scan-maxStartLine)
	default:
		return p.start
	}
}

// Missing reports whether the source lacked bytes that the parser asked for:
// nothing more can be cut.
func (p *Parser) Missing() bool { return p.missing }

// Hold makes the parser stop after the message in progress, if there is one, until
// Release: what follows depends on the answer to an upgrade or a CONNECT.
func (p *Parser) Hold() {
	p.after = held
	if p.state == atStart && p.start == p.scan {
		p.state = held
	}
}

// Held reports whether the parser waits for Release.
func (p *Parser) Held() bool { return p.state == held }

// Release ends Hold: what follows is another message, or a tunnel.
func (p *Parser) Release(tunnel bool) {
	p.after = atStart
	if tunnel {
		p.after = inTunnel
	}
	if p.state == held {
		p.state = p.after
	}
}

// Next returns the next element of the bytes before avail. It returns false when
// more are needed.
func (p *Parser) Next(avail int64) (Element, bool) {
	switch p.state {
	case atStart:
		return p.head(avail)
	case inCounted, inChunk, inUntilClose, inTunnel:
		return p.content(avail)
	case atChunk:
		return p.chunkLine(avail)
	case atChunkEnd:
		return p.chunkEnd(avail)
	case atTrailer:
		return p.trailers(avail)
	case inJunk:
		return p.junk(avail)
	default:
		return Element{}, false
	}
}

// Close returns the element that the end of the connection completes: content
// without a length, a tunnel, junk. It returns false if there is none.
func (p *Parser) Close(avail int64) (Element, bool) {
	e := Element{Off: p.pos, Start: p.start, Done: true}
	switch p.state {
	case inUntilClose:
		e.Kind, e.End = Data, true
	case inTunnel:
		e.Kind = Tunnel
	case inJunk:
		return p.junkUpTo(avail), true
	default:
		return Element{}, false
	}
	p.begin(atStart, p.pos)
	return e, e.End || e.Off > e.Start
}

// Inside says what the connection ended inside of, avail being its end; "" if
// it ended where it may.
func (p *Parser) Inside(avail int64) string {
	n := avail - p.start
	switch p.state {
	case atStart:
		if n > 0 {
			return fmt.Sprintf("inside a head: %d bytes of it, and no empty line", n)
		}
	case inCounted:
		return fmt.Sprintf("inside the content: %d of the %d bytes that Content-Length declares", n, n+p.left)
	case inChunk:
		return fmt.Sprintf("inside a chunk: %d of its %d bytes", n, n+p.left)
	case atChunk, atChunkEnd:
		return "before the last chunk, which ends chunked content"
	case atTrailer:
		return "inside the trailers: the empty line after them is not there"
	default:
	}
	return ""
}

// begin starts a part.
func (p *Parser) begin(s state, at int64) {
	p.state, p.start, p.pos, p.scan, p.line = s, at, at, at, at
}

// next starts the next message.
func (p *Parser) next(at int64) {
	p.begin(p.after, at)
}

const window = 32 << 10

// bytes returns the bytes from off to end, at most a window of them.
func (p *Parser) bytes(off, end int64) []byte {
	b := p.src(off, min(end-off, window))
	p.missing = p.missing || len(b) == 0 && end > off
	return b
}

// lineEnd returns the offset after the next line end from scan on; false if
// there is none before avail.
func (p *Parser) lineEnd(avail int64) (int64, bool) {
	for p.scan < avail {
		b := p.bytes(p.scan, avail)
		if len(b) == 0 {
			return 0, false
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			p.scan += int64(i) + 1
			return p.scan, true
		}
		p.scan += int64(len(b))
	}
	return 0, false
}

// found is what section has come to.
type found uint8

const (
	tooShort found = iota // more bytes are needed
	complete
	notBegun // it does not begin as it should
	tooLong
)

// section looks for the empty line that ends a head or trailers, and returns
// their bytes.
func (p *Parser) section(avail int64, begins func(line []byte) bool) ([]byte, found) {
	for {
		end, ok := p.lineEnd(avail)
		first := begins != nil && p.line == p.start
		switch {
		case first && p.scan-p.start > maxStartLine, p.scan-p.start > MaxHead:
			return nil, tooLong
		case !ok:
			return nil, tooShort
		case first && !begins(p.src(p.start, end-p.start-1)):
			return nil, notBegun
		}
		blank := end-p.line == 1
		if end-p.line == 2 {
			cr := p.bytes(p.line, p.line+1)
			blank = len(cr) == 1 && cr[0] == '\r'
		}
		p.line = end
		if !blank {
			continue
		}
		b := p.src(p.start, end-p.start)
		if int64(len(b)) < end-p.start {
			p.missing = true
			return nil, tooShort
		}
		return b, complete
	}
}

// endless gives up a head or trailers that are longer than any. The search for
// the next message begins behind them: what they hold is looked at once.
func (p *Parser) endless() (Element, bool) {
	limit := int64(MaxHead)
	if p.line == p.start {
		limit = maxStartLine
	}
	e, ok := p.lost(Violation{
		Range: Range{Len: int(limit)}, Rule: "limit",
		Text: fmt.Sprintf("a line of more than %d bytes, or a head of more than %d: it is not read", maxStartLine, MaxHead),
	})
	p.scan = p.start + limit
	return e, ok
}

// plausible reports whether a line begins a message of this direction.
func (p *Parser) plausible(line []byte) bool {
	if p.response {
		return isStatusLine(line)
	}
	return isRequestLine(line)
}

// head reads a head at p.start.
func (p *Parser) head(avail int64) (Element, bool) {
	b, f := p.section(avail, p.plausible)
	switch f {
	case tooShort:
		return Element{}, false
	case tooLong:
		return p.endless()
	case notBegun:
		p.state, p.scan, p.line = inJunk, p.start+1, p.start
		return p.junk(avail)
	case complete:
	}
	r := headReader{b: b}
	r.msg, r.violations = ParseHead(b, p.response)
	e := Element{Kind: Head, Off: p.start, Len: int64(len(b)), Start: p.start, Done: true, Message: &r.msg}
	if r.msg.Version != "HTTP/1.0" && !p.response {
		r.checkHost()
	}
	method := r.msg.Method
	if p.response && p.answered != nil {
		method = p.answered(r.msg.Status)
	}
	how, length := r.framing(p.response, method)
	end := e.Off + e.Len
	p.left = length
	switch how {
	case empty:
		e.End = true
		p.next(end)
	case counted:
		p.begin(inCounted, end)
	case chunked:
		p.begin(atChunk, end)
	case untilClose:
		p.begin(inUntilClose, end)
	case switched:
		e.End, e.Switched = true, true
		p.begin(inTunnel, end)
	}
	e.Violations = r.violations
	return e, true
}

// checkHost names a request without exactly one Host. RFC 9112 §3.2.
func (r *headReader) checkHost() {
	n := 0
	for _, f := range r.msg.Fields {
		if equalFold(f.Name, "Host") {
			n++
		}
	}
	if n != 1 {
		r.breaks(r.msg.Start, "RFC 9112 §3.2", "a request needs one Host field and has %d: a server answers 400", n)
	}
}

// content returns the next bytes of content, of a chunk or of a tunnel.
func (p *Parser) content(avail int64) (Element, bool) {
	n := avail - p.pos
	bounded := p.state == inCounted || p.state == inChunk
	if bounded {
		n = min(n, p.left)
	}
	if n <= 0 {
		return Element{}, false
	}
	e := Element{Kind: Data, Off: p.pos, Len: n, Start: p.start}
	if p.state == inTunnel {
		e.Kind = Tunnel
	}
	p.pos += n
	if !bounded {
		return e, true
	}
	if p.left -= n; p.left > 0 {
		return e, true
	}
	e.Done = true
	if p.state == inChunk {
		p.begin(atChunkEnd, p.pos)
	} else {
		e.End = true
		p.next(p.pos)
	}
	return e, true
}

// trailers reads what follows the last chunk.
func (p *Parser) trailers(avail int64) (Element, bool) {
	b, f := p.section(avail, nil)
	switch f {
	case tooLong:
		return p.endless()
	case complete:
	default:
		return Element{}, false
	}
	m, violations := ParseTrailers(b)
	e := Element{
		Kind: Trailer, Off: p.start, Len: int64(len(b)), Start: p.start, Done: true, End: true, Message: &m, Violations: violations,
	}
	p.next(e.Off + e.Len)
	return e, true
}
