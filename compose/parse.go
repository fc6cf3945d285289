package compose

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is the kind of a JSON value.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	object
	array
)

// value is a parsed JSON value that knows its place in the body.
type value struct {
	kind       kind
	start, end int
	str        string // of a text: unescaped
	members    []member
	elems      []value
}

type member struct {
	name string
	at   int
	val  value
}

// deepest is as deep as protojson follows messages.
const deepest = 10000

// parser reads JSON with the strictness of protojson: valid UTF-8, no lone
// surrogates, nothing after the value. Unlike encoding/json it keeps positions
// of names and values.
type parser struct {
	in    []byte
	pos   int
	depth int
}

func parse(in []byte) (value, error) {
	p := parser{in: in}
	v, err := p.value()
	if err != nil {
		return v, err
	}
	if p.space(); p.pos < len(in) {
		return v, p.fail(p.pos, "unexpected %s after the end of the value", p.word())
	}
	return v, nil
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &fault{at: at, text: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\n', '\r', '\t':
			p.pos++
		default:
			return
		}
	}
}

// word quotes what stands at the current position, for a message.
func (p *parser) word() string {
	n := p.pos
	for n < len(p.in) && n-p.pos < 32 && joins(p.in[n]) {
		n++
	}
	if n == p.pos {
		if n == len(p.in) {
			return "end of input"
		}
		_, size := utf8.DecodeRune(p.in[n:])
		n += size
	}
	return strconv.Quote(string(p.in[p.pos:n]))
}

// joins reports whether c cannot directly follow a number or literal.
func joins(c byte) bool {
	return c == '-' || c == '+' || c == '.' || c == '_' ||
		'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func (p *parser) value() (value, error) {
	p.space()
	if p.pos == len(p.in) {
		return value{}, p.fail(p.pos, "the body ends where a value is wanted")
	}
	switch c := p.in[p.pos]; {
	case c == '{':
		return p.nested(object, p.object)
	case c == '[':
		return p.nested(array, p.array)
	case c == '"':
		start := p.pos
		s, err := p.string()
		return value{kind: text, start: start, end: p.pos, str: s}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	return p.literal()
}

func (p *parser) nested(k kind, read func(*value) error) (value, error) {
	v := value{kind: k, start: p.pos}
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > deepest {
		return v, p.fail(p.pos, "nested more than %d deep", deepest)
	}
	p.pos++
	err := read(&v)
	v.end = p.pos
	return v, err
}

func (p *parser) object(v *value) error {
	for first := true; ; first = false {
		p.space()
		if p.closes('}') {
			return nil
		}
		if !first {
			if err := p.comma('}', v.start); err != nil {
				return err
			}
		}
		if p.pos == len(p.in) {
			return p.fail(p.pos, "the body ends inside an object; add }")
		}
		if p.in[p.pos] != '"' {
			return p.fail(p.pos, "want a field name in double quotes, got %s", p.word())
		}
		m := member{at: p.pos}
		var err error
		if m.name, err = p.string(); err != nil {
			return err
		}
		if p.space(); p.pos == len(p.in) || p.in[p.pos] != ':' {
			return p.fail(p.pos, "want : after the field name %q, got %s", m.name, p.word())
		}
		p.pos++
		if m.val, err = p.value(); err != nil {
			return err
		}
		v.members = append(v.members, m)
	}
}

func (p *parser) array(v *value) error {
	for first := true; ; first = false {
		p.space()
		if p.closes(']') {
			return nil
		}
		if !first {
			if err := p.comma(']', v.start); err != nil {
				return err
			}
		}
		if p.pos == len(p.in) {
			return p.fail(p.pos, "the body ends inside an array; add ]")
		}
		e, err := p.value()
		if err != nil {
			return err
		}
		v.elems = append(v.elems, e)
	}
}

// closes consumes the closing bracket if it is next.
func (p *parser) closes(bracket byte) bool {
	if p.pos < len(p.in) && p.in[p.pos] == bracket {
		p.pos++
		return true
	}
	return false
}

func (p *parser) comma(bracket byte, opened int) error {
	if p.pos == len(p.in) {
		at := located(p.in, opened, &BodyError{})
		return p.fail(p.pos, "the body ends before the %c that closes line %d, column %d", bracket, at.Line, at.Col)
	}
	if p.in[p.pos] != ',' {
		return p.fail(p.pos, "want , or %c, got %s", bracket, p.word())
	}
	at := p.pos
	p.pos++
	if p.space(); p.pos < len(p.in) && p.in[p.pos] == bracket {
		return p.fail(at, "a comma before %c", bracket)
	}
	return nil
}

func (p *parser) literal() (value, error) {
	for _, l := range []struct {
		word string
		kind kind
	}{{"null", null}, {"true", boolean}, {"false", boolean}} {
		end := p.pos + len(l.word)
		if end <= len(p.in) && string(p.in[p.pos:end]) == l.word && (end == len(p.in) || !joins(p.in[end])) {
			v := value{kind: l.kind, start: p.pos, end: end}
			p.pos = end
			return v, nil
		}
	}
	if p.in[p.pos] == '\'' {
		return value{}, p.fail(p.pos, "single quotes are not JSON; use double quotes")
	}
	return value{}, p.fail(p.pos, "want a value, got %s", p.word())
}

func (p *parser) digits() (n int) {
	for p.pos < len(p.in) && '0' <= p.in[p.pos] && p.in[p.pos] <= '9' {
		p.pos++
		n++
	}
	return n
}

// number follows RFC 8259 §6, but like protojson lets an exponent be empty.
func (p *parser) number() (value, error) {
	v := value{kind: number, start: p.pos}
	if p.in[p.pos] == '-' {
		p.pos++
	}
	zero := p.pos < len(p.in) && p.in[p.pos] == '0'
	n := p.digits()
	ok := n == 1 || n > 1 && !zero
	if rest := p.in[p.pos:]; len(rest) > 1 && rest[0] == '.' && '0' <= rest[1] && rest[1] <= '9' {
		p.pos++
		p.digits()
	}
	if rest := p.in[p.pos:]; len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		p.pos++
		if rest[1] == '+' || rest[1] == '-' {
			p.pos++
			ok = ok && len(rest) > 2
		}
		p.digits()
	}
	if !ok || p.pos < len(p.in) && joins(p.in[p.pos]) {
		p.pos = v.start
		return v, p.fail(v.start, "%s is not a JSON number", p.word())
	}
	v.end = p.pos
	return v, nil
}

func (p *parser) string() (string, error) {
	start := p.pos
	p.pos++
	var out []byte
	for p.pos < len(p.in) {
		r, n := utf8.DecodeRune(p.in[p.pos:])
		switch {
		case r == utf8.RuneError && n == 1:
			return "", p.fail(p.pos, "invalid UTF-8 in a string: byte 0x%02x", p.in[p.pos])
		case r < ' ':
			return "", p.fail(p.pos, "%q in a string; write it as an escape", r)
		case r == '"':
			p.pos++
			return string(out), nil
		case r == '\\':
			var err error
			if out, err = p.escape(out, start); err != nil {
				return "", err
			}
		default:
			out = append(out, p.in[p.pos:p.pos+n]...)
			p.pos += n
		}
	}
	return "", p.openString(start)
}

func (p *parser) openString(start int) error {
	return p.fail(start, "the string that begins here has no closing quote")
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape(out []byte, start int) ([]byte, error) {
	if p.pos+1 >= len(p.in) {
		return nil, p.openString(start)
	}
	if c, ok := escapes[p.in[p.pos+1]]; ok {
		p.pos += 2
		return append(out, c), nil
	}
	at := p.pos
	r, ok := p.hex()
	if ok && utf16.IsSurrogate(r) {
		low, found := p.hex()
		r = utf16.DecodeRune(r, low)
		ok = found && r != utf8.RuneError
	}
	if !ok {
		end := min(at+6, len(p.in))
		return nil, p.fail(at, "%q is not a valid escape", p.in[at:end])
	}
	return utf8.AppendRune(out, r), nil
}

// hex reads \uXXXX.
func (p *parser) hex() (rune, bool) {
	if len(p.in)-p.pos < 6 || p.in[p.pos] != '\\' || p.in[p.pos+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.in[p.pos+2:p.pos+6]), 16, 16)
	p.pos += 6
	return rune(n), err == nil
}
