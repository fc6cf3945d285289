package jsontext

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

type byteClass uint8

const (
	isSpace  byteClass = 1 << iota // RFC 8259 §2
	isStop                         // , : ] }: a value does not begin here
	endsWord                       // the byte after a number, a literal or a word that is no JSON
	inString                       // needs no look inside a string
	isDigit
)

var class = func() (t [256]byteClass) {
	for c := range t {
		if c >= 0x20 && c < 0x80 && c != '"' && c != '\\' {
			t[c] |= inString
		}
	}
	for _, c := range []byte(" \t\r\n") {
		t[c] |= isSpace | endsWord
	}
	for _, c := range []byte(",:]}") {
		t[c] |= isStop | endsWord
	}
	for _, c := range []byte("[{\"\x1e") {
		t[c] |= endsWord
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= isDigit
	}
	return t
}()

// str reads a string from its quote to the byte after it. A string ends at the end
// of the line if it is not closed there: what follows is more often the next
// member than the rest of the string.
func (s *scanner) str() {
	start := s.pos
	src := s.src
	i := start + 1
	wide := false
	for i < len(src) {
		c := src[i]
		switch {
		case class[c]&inString != 0:
			i++
			continue
		case c == '"':
			s.pos = i + 1
			if wide {
				s.utf8(start+1, i)
			}
			return
		case c == '\\':
			i = s.escape(i)
		case c == '\n':
			s.pos = i
			s.problem(i, "string not closed before the end of the line (RFC 8259 §7)")
			return
		case c >= 0x80:
			wide = true
			i++
		default:
			s.problem(i, "control character 0x%02x in a string, not escaped (RFC 8259 §7)", c)
			i++
		}
	}
	s.pos = len(src)
	s.problem(len(src), "the bytes end inside the string that begins at offset %d: cut off?", start)
}

// escape checks an escape and returns the offset after it. The pair of surrogates
// that stands for one character is read as one.
func (s *scanner) escape(at int) int {
	if at+1 >= len(s.src) {
		return len(s.src)
	}
	switch s.src[at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return at + 2
	case 'u':
	case '\n':
		s.problem(at, "escape of a line end (RFC 8259 §7)")
		return at + 1
	default:
		s.problem(at, "escape that JSON does not have (RFC 8259 §7)")
		return at + 2
	}
	r, ok := hex4(s.src, at+2)
	switch {
	case !ok:
		s.problem(at, `\u without four hexadecimal digits (RFC 8259 §7)`)
		return at + 2
	case r < 0xd800 || r > 0xdfff:
		return at + 6
	case r < 0xdc00 && at+7 < len(s.src) && s.src[at+6] == '\\' && s.src[at+7] == 'u':
		if low, ok := hex4(s.src, at+8); ok && low >= 0xdc00 && low <= 0xdfff {
			return at + 12
		}
	}
	s.note(at, `\u%04x is half of a surrogate pair: readers differ (RFC 8259 §8.2)`, r)
	return at + 6
}

// hex4 reads four hexadecimal digits.
func hex4(src []byte, at int) (r rune, ok bool) {
	if at+4 > len(src) {
		return 0, false
	}
	for _, c := range src[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// utf8 reports the first bytes of a string that are no UTF-8.
func (s *scanner) utf8(from, to int) {
	text := s.src[from:to]
	if utf8.Valid(text) {
		return
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			s.problem(from+i, "byte 0x%02x is no UTF-8 (RFC 8259 §8.1)", text[i])
			return
		}
		i += size
	}
}

// scalar reads a number, a literal or a word that is neither.
func (s *scanner) scalar() Kind {
	start := s.pos
	if c := s.src[start]; c == '-' || class[c]&isDigit != 0 {
		s.pos = number(s.src, start)
		if s.atEnd() {
			return Number
		}
		s.rest()
		s.badNumber(start)
		return Damaged
	}
	s.word()
	switch word := s.src[start:s.pos]; string(word) {
	case "true", "false":
		return Bool
	case "null":
		return Null
	default:
		s.problem(start, "%v is no JSON value (RFC 8259 §3)", excerpt(word))
		return Damaged
	}
}

// atEnd reports whether a number ends at pos, and is not empty.
func (s *scanner) atEnd() bool {
	return class[s.src[s.pos-1]]&isDigit != 0 && (s.pos == len(s.src) || class[s.src[s.pos]]&endsWord != 0)
}

// word moves pos after the bytes up to the next white space, bracket, quote, comma
// or colon: at least one.
func (s *scanner) word() {
	s.pos++
	s.rest()
}

func (s *scanner) rest() {
	for s.pos < len(s.src) && class[s.src[s.pos]]&endsWord == 0 {
		s.pos++
	}
}

// number returns the offset after as much as follows the grammar of RFC 8259 §6.
// The byte before it is a digit if the number is whole, and not zero bytes further
// than at.
func number(src []byte, at int) int {
	i := at
	if src[i] == '-' {
		i++
	}
	if i < len(src) && src[i] == '0' {
		i++
	} else if i = digits(src, i); i == at+1 && src[at] == '-' {
		return i
	}
	if i < len(src) && src[i] == '.' {
		if i = digits(src, i+1); src[i-1] == '.' {
			return i
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		i = digits(src, i)
	}
	return i
}

func digits(src []byte, i int) int {
	for i < len(src) && class[src[i]]&isDigit != 0 {
		i++
	}
	return i
}

// badNumber says what is wrong with a word that begins like a number.
func (s *scanner) badNumber(start int) {
	word := s.src[start:s.pos]
	digits := bytes.TrimPrefix(word, []byte("-"))
	if len(digits) > 1 && digits[0] == '0' && class[digits[1]]&isDigit != 0 {
		s.problem(start, "%v begins with a zero (RFC 8259 §6)", excerpt(word))
		return
	}
	s.problem(start, "%v is no JSON number (RFC 8259 §6)", excerpt(word))
}

// excerpt is a word as a Problem shows it: quoted, and only its first bytes.
type excerpt []byte

// String is called when a Problem is kept.
func (e excerpt) String() string {
	const shown = 40
	if len(e) > shown {
		return fmt.Sprintf("%q…", []byte(e[:shown]))
	}
	return fmt.Sprintf("%q", []byte(e))
}

// skip moves pos after the object or array that begins there, without a look at
// what it holds: only strings and brackets count.
func (s *scanner) skip() {
	depth := 0
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			s.skipString()
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// skipString moves pos to the closing quote, or to the last byte of the line.
func (s *scanner) skipString() {
	for s.pos+1 < len(s.src) && s.src[s.pos+1] != '\n' {
		s.pos++
		switch s.src[s.pos] {
		case '"':
			return
		case '\\':
			s.pos = min(s.pos+1, len(s.src)-1)
		}
	}
}
