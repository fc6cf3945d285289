package compose

import (
	"bytes"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a loose parser takes beyond JSON is JSON5 (spec.json5.org) with two
// differences: an escape that means nothing is a fault, because "C:\data" is a
// mistake more often than a way to write "C:data"; and a bare name may begin with
// a digit or a minus, so that keys of maps need no quotes.

// parseLoose reads JSON5. strict is true if the input is plain JSON.
func parseLoose(in []byte) (v value, strict bool, err error) {
	p := parser{in: in, loose: true, strict: true}
	v, err = p.whole()
	return v, p.strict, err
}

// looseSpace skips one comment, or one character of white space that JSON does not
// have; more is false if neither stands here.
func (p *parser) looseSpace() (more bool, err error) {
	rest := p.in[p.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			end = len(rest)
		}
		p.pos += end
	case bytes.HasPrefix(rest, []byte("/*")):
		end := bytes.Index(rest[2:], []byte("*/"))
		if end < 0 {
			return false, p.fail(p.pos, "the comment that begins here has no end; add */")
		}
		p.pos += 2 + end + 2
	default:
		r, n := utf8.DecodeRune(rest)
		if r != '\ufeff' && (r == '\u0085' || !unicode.IsSpace(r)) {
			return false, nil
		}
		p.pos += n
	}
	p.strict = false
	return true, nil
}

// bareName reads the name of a member that has no quotes.
func (p *parser) bareName() (string, error) {
	start := p.pos
	for p.pos < len(p.in) {
		r, n := utf8.DecodeRune(p.in[p.pos:])
		if r != '_' && r != '$' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
			break
		}
		p.pos += n
	}
	if p.pos == start {
		return "", p.fail(p.pos, "want a field name, got %s%s", p.word(), p.curly())
	}
	p.strict = false
	return string(p.in[start:p.pos]), nil
}

// curly explains quotes that a word processor has turned into others.
func (p *parser) curly() string {
	if r, _ := utf8.DecodeRune(p.in[p.pos:]); strings.ContainsRune("“”„‘’«»", r) {
		return `; write straight quotes (")`
	}
	return ""
}

// looseScalar reads what begins like a number or a word.
func (p *parser) looseScalar() (value, error) {
	start := p.pos
	end := start
	for end < len(p.in) && joins(p.in[end]) {
		end++
	}
	word := string(p.in[start:end])
	v := value{kind: special, start: start, end: end}
	switch strings.TrimPrefix(word, "+") {
	case "Infinity", "-Infinity":
		v.str = strings.TrimPrefix(word, "+")
	case "NaN", "-NaN":
		v.str = "NaN"
	default:
		return p.looseNumber(word)
	}
	p.pos, p.strict = end, false
	return v, nil
}

// looseNumber reads what begins like a number and is a JSON number after a plus, a
// zero before or after the point, or a conversion from base 16.
func (p *parser) looseNumber(word string) (value, error) {
	plain := strings.TrimPrefix(word, "+")
	digits, minus := strings.CutPrefix(plain, "-")
	switch {
	case len(word) > len(plain) && minus, digits == "":
		return p.literal()
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		n, ok := hexInteger(digits[2:])
		if !ok {
			return value{}, p.fail(p.pos, "%s is not a hexadecimal number of at most 64 digits", p.word())
		}
		digits = n
	default:
		digits = withZeros(digits)
	}
	if minus {
		digits = "-" + digits
	}
	if digits == word {
		if c := word[0]; c == '-' || '0' <= c && c <= '9' {
			return p.number()
		}
		return p.literal()
	}
	if n := (parser{in: []byte(digits)}); !n.isNumber() {
		return p.literal()
	}
	v := value{kind: number, start: p.pos, end: p.pos + len(word), plain: digits}
	p.pos, p.strict = v.end, false
	return v, nil
}

// isNumber reports whether the whole input is one JSON number.
func (p *parser) isNumber() bool {
	if c := p.in[0]; c != '-' && (c < '0' || c > '9') {
		return false
	}
	v, err := p.number()
	return err == nil && v.end == len(p.in)
}

// hexInteger turns hexadecimal digits into decimal ones. 64 are enough for every
// field; the conversion's cost grows with their square.
func hexInteger(digits string) (string, bool) {
	if len(digits) > 64 || strings.ContainsAny(digits, "+-_") {
		return "", false
	}
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		return "", false
	}
	return n.String(), true
}

// withZeros gives a decimal number the digits around its point that JSON wants.
func withZeros(digits string) string {
	whole, rest, found := strings.Cut(digits, ".")
	if !found || whole == "" && (rest == "" || rest[0] < '0' || rest[0] > '9') {
		return digits
	}
	if whole == "" {
		whole = "0"
	}
	if rest == "" || rest[0] == 'e' || rest[0] == 'E' {
		return whole + rest
	}
	return whole + "." + rest
}

// looseEscape reads the escapes of JSON5 that JSON does not have.
func (p *parser) looseEscape(out []byte) ([]byte, bool) {
	rest := p.in[p.pos+1:]
	n, add := 1, ""
	switch {
	case rest[0] == '\'':
		add = "'"
	case rest[0] == 'v':
		add = "\v"
	case rest[0] == '0' && (len(rest) == 1 || rest[1] < '0' || rest[1] > '9'):
		add = "\x00"
	case rest[0] == '\n': // the string goes on in the next line
	case bytes.HasPrefix(rest, []byte("\r\n")):
		n = 2
	case rest[0] == 'x' && len(rest) > 2 && unhex(rest[1]) >= 0 && unhex(rest[2]) >= 0:
		n, add = 3, string(rune(unhex(rest[1])<<4|unhex(rest[2])))
	default:
		return out, false
	}
	p.pos += 1 + n
	p.strict = false
	return append(out, add...), true
}

// unhex returns the value of a hexadecimal digit, -1 for any other byte.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
