// Package render holds the words for decoded things: the lines of the frame
// list, the rows of the bytes, fields and JSON view, the JSON envelope. Its text
// is plain, without colour; colours are the caller's. Everything that came from
// a server passes Escape or EscapeJSON before it reaches a terminal.
package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostile reports whether a rune can change what a terminal shows: C0 and C1
// controls, DEL, line and paragraph separators, and characters without a shape
// of their own such as the bidirectional controls (Unicode category Cf).
func hostile(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r > 0xa0 && unicode.Is(unicode.Cf, r)
}

// Escape makes untrusted text safe for one line of a terminal: what is hostile
// or invalid UTF-8 is shown as an escape (\n, \x1b, \u202e).
func Escape(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case hostile(r):
			b.WriteString(escaped(r))
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// EscapeLines is Escape for text of several lines: line feeds and tabs stay.
func EscapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		parts := strings.Split(l, "\t")
		for j := range parts {
			parts[j] = Escape(parts[j])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}

func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	default:
		return fmt.Sprintf(`\u%04x`, r)
	}
}

// clean reports that s needs no escapes. Almost all text is printable ASCII.
func clean(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return cleanSlow(s[i:])
		}
	}
	return true
}

func cleanSlow(s string) bool {
	for i, r := range s {
		if hostile(r) {
			return false
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		}
	}
	return true
}

// EscapeJSON makes JSON text safe for a terminal and keeps it the same JSON:
// what is hostile can stand in strings only, where it becomes \u escapes. Line
// feeds and tabs between tokens stay, carriage returns do not.
func EscapeJSON(b []byte) []byte {
	if cleanJSON(b) {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '\n' || r == '\t':
			out = append(out, b[0])
		case r == '\r': // between tokens; a terminal would write over the line
			if len(b) == 1 || b[1] != '\n' {
				out = append(out, ' ')
			}
		case r == utf8.RuneError && n == 1:
			out = append(out, `\ufffd`...)
		case hostile(r) && r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		case hostile(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

func cleanJSON(b []byte) bool {
	for _, c := range b {
		if c >= 0x7f || c < 0x20 && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
