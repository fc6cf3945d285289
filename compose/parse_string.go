package compose

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string in the quotes that it begins with.
func (p *parser) string() (string, error) {
	start, quote := p.pos, rune(p.in[p.pos])
	p.strict = p.strict && quote == '"'
	p.pos++
	var out []byte
	for p.pos < len(p.in) {
		r, n := utf8.DecodeRune(p.in[p.pos:])
		switch {
		case r == utf8.RuneError && n == 1:
			return "", p.fail(p.pos, "invalid UTF-8 in a string: byte 0x%02x", p.in[p.pos])
		case r < ' ':
			return "", p.fail(p.pos, "%q in a string; write it as an escape", r)
		case r == quote:
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
	if p.loose {
		if more, ok := p.looseEscape(out); ok {
			return more, nil
		}
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
