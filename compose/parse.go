package compose

import (
	"fmt"
	"strconv"
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
	special // Infinity, -Infinity or NaN as JSON5 writes them
)

// value is a parsed JSON value that knows its place in the body.
type value struct {
	kind       kind
	start, end int
	str        string // of a text: unescaped; of a special: its name in ProtoJSON
	plain      string // of a number that JSON would write differently: how
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
// of names and values. A loose parser takes JSON5 too.
type parser struct {
	in     []byte
	pos    int
	depth  int
	loose  bool
	strict bool // nothing was met so far that JSON would write differently
}

func parse(in []byte) (value, error) {
	p := parser{in: in, strict: true}
	return p.whole()
}

// whole reads the one value of the input.
func (p *parser) whole() (value, error) {
	v, err := p.value()
	if err != nil {
		return v, err
	}
	if err := p.space(); err != nil {
		return v, err
	}
	if p.pos < len(p.in) {
		return v, p.fail(p.pos, "unexpected %s after the end of the value", p.word())
	}
	return v, nil
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &fault{at: at, text: fmt.Sprintf(format, args...)}
}

// space skips white space; a loose parser also comments, of which one may have no
// end.
func (p *parser) space() error {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\n', '\r', '\t':
			p.pos++
		default:
			if !p.loose {
				return nil
			}
			more, err := p.looseSpace()
			if !more || err != nil {
				return err
			}
		}
	}
	return nil
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
	if err := p.space(); err != nil {
		return value{}, err
	}
	if p.pos == len(p.in) {
		return value{}, p.fail(p.pos, "the body ends where a value is wanted")
	}
	switch c := p.in[p.pos]; {
	case c == '{':
		return p.nested(object, p.object)
	case c == '[':
		return p.nested(array, p.array)
	case c == '"' || c == '\'' && p.loose:
		start := p.pos
		s, err := p.string()
		return value{kind: text, start: start, end: p.pos, str: s}, err
	case p.loose && (joins(c) && c != '_'):
		return p.looseScalar()
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
		done, err := p.next('}', v.start, first)
		if done || err != nil {
			return err
		}
		if p.pos == len(p.in) {
			return p.fail(p.pos, "the body ends inside an object; add }")
		}
		m := member{at: p.pos}
		if m.name, err = p.name(); err != nil {
			return err
		}
		if err := p.space(); err != nil {
			return err
		}
		if p.pos == len(p.in) || p.in[p.pos] != ':' {
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
		done, err := p.next(']', v.start, first)
		if done || err != nil {
			return err
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

// next goes to the next element of an object or array, past the comma; done is
// true when the closing bracket came instead.
func (p *parser) next(bracket byte, opened int, first bool) (done bool, err error) {
	if err := p.space(); err != nil {
		return false, err
	}
	if p.closes(bracket) {
		return true, nil
	}
	if first {
		return false, nil
	}
	if err := p.comma(bracket, opened); err != nil {
		return false, err
	}
	return p.closes(bracket), nil
}

// name reads the name of a member.
func (p *parser) name() (string, error) {
	switch {
	case p.in[p.pos] == '"' || p.loose && p.in[p.pos] == '\'':
		return p.string()
	case p.loose:
		return p.bareName()
	}
	return "", p.fail(p.pos, "want a field name in double quotes, got %s", p.word())
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
	if err := p.space(); err != nil {
		return err
	}
	if p.pos < len(p.in) && p.in[p.pos] == bracket {
		if !p.loose {
			return p.fail(at, "a comma before %c", bracket)
		}
		p.strict = false
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
	return value{}, p.fail(p.pos, "want a value, got %s%s", p.word(), p.curly())
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
