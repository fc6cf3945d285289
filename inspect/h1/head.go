package h1

import (
	"bytes"
	"fmt"
	"strconv"
)

// Field is a field line. RFC 9112 §5.
type Field struct {
	Name, Value string // untrusted text; a folded value's lines are joined by spaces
	Range       Range  // its line or lines, line ends included
}

// Message is the head of a message, or its trailers, which have no start line.
type Message struct {
	StartLine string // untrusted text, without its line end
	Start     Range  // its line, line end included

	Method, Target string // of a request
	Status         int    // of a response; 0 if it is no number
	Version        string // "HTTP/1.1"

	Fields []Field
}

// Get returns the value of the first field with a name, in any case.
func (m *Message) Get(name string) (string, bool) {
	for _, f := range m.Fields {
		if equalFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// Has reports whether a list of tokens in the fields with a name has one, both
// in any case: Connection, Upgrade. RFC 9110 §5.6.1.
func (m *Message) Has(name, token string) bool {
	for _, f := range m.Fields {
		if !equalFold(f.Name, name) {
			continue
		}
		for t := range bytes.SplitSeq([]byte(f.Value), []byte{','}) {
			if equalFold(string(bytes.TrimSpace(t)), token) {
				return true
			}
		}
	}
	return false
}

// equalFold is strings.EqualFold for ASCII alone, which names are.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// headReader reads the lines of one head or trailer section.
type headReader struct {
	b          []byte
	off        int // of the next line
	msg        Message
	violations []Violation
	bare       int // lines that end in LF alone
	bareAt     Range
	dropped    int // fields beyond the limit
}

func (r *headReader) breaks(at Range, rule, format string, args ...any) {
	if len(r.violations) < maxViolations {
		r.violations = append(r.violations, Violation{Range: at, Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
}

// line returns the next line without its end, and its range with it.
func (r *headReader) line() (text []byte, at Range, ok bool) {
	if r.off >= len(r.b) {
		return nil, Range{}, false
	}
	rest := r.b[r.off:]
	n := bytes.IndexByte(rest, '\n') + 1
	if n == 0 {
		n = len(rest)
	}
	at = Range{Off: r.off, Len: n}
	r.off += n
	text = bytes.TrimSuffix(rest[:n], []byte{'\n'})
	if trimmed, crlf := bytes.CutSuffix(text, []byte{'\r'}); crlf {
		return trimmed, at, true
	}
	if r.bare++; r.bare == 1 {
		r.bareAt = at
	}
	return text, at, true
}

// ParseHead reads the head of a request or response, up to and with its empty
// line. It never fails: what it cannot read it names.
func ParseHead(b []byte, response bool) (Message, []Violation) {
	r := headReader{b: b}
	if text, at, ok := r.line(); ok {
		r.msg.StartLine, r.msg.Start = string(text), at
		if response {
			r.statusLine(text, at)
		} else {
			r.requestLine(text, at)
		}
	}
	r.fields(true)
	return r.msg, r.violations
}

// ParseTrailers reads trailer fields, up to and with their empty line.
func ParseTrailers(b []byte) (Message, []Violation) {
	r := headReader{b: b}
	r.fields(false)
	for _, f := range r.msg.Fields {
		for _, name := range [...]string{"Content-Length", "Transfer-Encoding", "Host", "Trailer"} {
			if equalFold(f.Name, name) {
				r.breaks(f.Range, "RFC 9110 §6.5.1", "%s among the trailers: it comes too late to change how the message is read, and is ignored", name)
			}
		}
	}
	return r.msg, r.violations
}

// requestLine reads "GET /pets HTTP/1.1". RFC 9112 §3.
func (r *headReader) requestLine(text []byte, at Range) {
	trimmed := bytes.TrimRight(text, " \t")
	if len(trimmed) < len(text) {
		r.breaks(at, "RFC 9112 §3", "white space after the version of the request line")
	}
	first, last := bytes.IndexByte(trimmed, ' '), bytes.LastIndexByte(trimmed, ' ')
	if first < 0 || first == last {
		r.breaks(at, "RFC 9112 §3", "the request line has no method, target and version: a server answers 400")
		r.msg.Target = string(trimmed)
		return
	}
	method, target := trimmed[:first], trimmed[first+1:last]
	r.msg.Method, r.msg.Target, r.msg.Version = string(method), string(target), string(trimmed[last+1:])
	if !allTokens(method) {
		r.breaks(at, "RFC 9112 §3.1", "the method %q is no token: a server answers 400", method)
	}
	if bytes.ContainsAny(target, " \t") {
		r.breaks(at, "RFC 9112 §3.2", "white space in the request target: servers cut it at different places, and some answer 400")
	}
	r.version(at)
}

// statusLine reads "HTTP/1.1 200 OK". RFC 9112 §4.
func (r *headReader) statusLine(text []byte, at Range) {
	version, rest, _ := bytes.Cut(text, []byte{' '})
	code, _, spaced := bytes.Cut(rest, []byte{' '})
	r.msg.Version = string(version)
	n, err := strconv.Atoi(string(code))
	if err != nil || len(code) != 3 || n < 100 {
		r.breaks(at, "RFC 9112 §4", "the status %q is no number of three digits", code)
	} else {
		r.msg.Status = n
		if !spaced {
			r.breaks(at, "RFC 9112 §4", "the status line ends after its code: a space must follow even without a reason")
		}
	}
	r.version(at)
}

func (r *headReader) version(at Range) {
	if v := r.msg.Version; v != "HTTP/1.1" && v != "HTTP/1.0" {
		r.breaks(at, "RFC 9112 §2.3", "the version is %q, not HTTP/1.1 or HTTP/1.0; read as if it were HTTP/1.1", v)
	}
}

// fields reads the field lines up to the empty one. RFC 9112 §5.
func (r *headReader) fields(afterStart bool) {
	first := true
	for {
		text, at, ok := r.line()
		if !ok || len(text) == 0 {
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			r.continued(text, at, first && afterStart)
		} else {
			r.field(text, at)
		}
		first = false
	}
	if r.bare > 0 {
		r.breaks(r.bareAt, "RFC 9112 §2.2", "%d lines end in LF without CR: parsers along the way may disagree about where a line ends", r.bare)
	}
	if r.dropped > 0 {
		r.breaks(Range{Len: len(r.b)}, "limit", "more than %d fields: the last %d are not listed", MaxFields, r.dropped)
	}
}

// continued reads a line that begins with white space.
func (r *headReader) continued(text []byte, at Range, afterStart bool) {
	value := bytes.Trim(text, " \t")
	switch n := len(r.msg.Fields); {
	case afterStart:
		r.breaks(at, "RFC 9112 §2.2", "white space between the start line and the first field: the line is not read as a field")
		return
	case n == 0 || r.dropped > 0:
		return
	default:
		f := &r.msg.Fields[n-1]
		// To join many lines is quadratic: beyond this they are only counted as the field's.
		if len(f.Value) <= MaxLine {
			f.Value = string(bytes.TrimSpace([]byte(f.Value + " " + string(value))))
		}
		f.Range.Len = at.Off + at.Len - f.Range.Off
		r.breaks(at, "RFC 9112 §5.2", "the value of %s goes on in another line: folding is obsolete, servers answer 400 or replace it by spaces", f.Name)
	}
}

// field reads one field line.
func (r *headReader) field(text []byte, at Range) {
	name, value, found := bytes.Cut(text, []byte{':'})
	if !found {
		r.breaks(at, "RFC 9112 §5", "a line without a colon is no field: it is not read")
		return
	}
	if trimmed := bytes.TrimRight(name, " \t"); len(trimmed) < len(name) {
		r.breaks(at, "RFC 9112 §5.1", "white space before the colon of %s: servers must answer 400, since parsers that ignore the field read another message", trimmed)
		name = trimmed
	}
	if !allTokens(name) {
		r.breaks(at, "RFC 9110 §5.1", "the field name %q is no token", name)
	}
	value = bytes.Trim(value, " \t")
	if i := bytes.IndexFunc(value, isControl); i >= 0 {
		r.breaks(at, "RFC 9110 §5.5", "the value of %s holds the control character 0x%02x: recipients reject it or replace it by a space", name, value[i])
	}
	if len(r.msg.Fields) >= MaxFields {
		r.dropped++
		return
	}
	r.msg.Fields = append(r.msg.Fields, Field{Name: string(name), Value: string(value), Range: at})
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
