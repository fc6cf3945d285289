package editor

import (
	"strings"

	"github.com/wiregloss/wiregloss/tui/theme"
)

// Piece is a part of a line with one style.
type Piece struct {
	From, To int
	Style    func(*theme.Theme) theme.Style
}

// Painter cuts a line into pieces. It sees one line at a time, so that drawing
// costs what is visible.
type Painter func(line string) []Piece

// longLine is the length from which a line is drawn without colours: it is
// minified JSON, and lexing all of it at each redraw would cost more than the
// few visible colours are worth.
const longLine = 16 << 10

// pieces returns the pieces that touch bytes from..to of a line.
func (p Painter) pieces(line string, from, to int) []Piece {
	to = min(to, len(line))
	if p == nil || len(line) > longLine {
		return []Piece{{from, to, plain}}
	}
	all := p(line)
	out := all[:0]
	for _, piece := range all {
		piece.From, piece.To = max(piece.From, from), min(piece.To, to)
		if piece.From < piece.To {
			out = append(out, piece)
		}
	}
	return out
}

func plain(t *theme.Theme) theme.Style   { return t.Plain }
func key(t *theme.Theme) theme.Style     { return t.Key }
func text(t *theme.Theme) theme.Style    { return t.Text }
func number(t *theme.Theme) theme.Style  { return t.Number }
func literal(t *theme.Theme) theme.Style { return t.Literal }
func faint(t *theme.Theme) theme.Style   { return t.Faint }

// JSON paints a line of JSON. A JSON string cannot span lines (RFC 8259 §7), so
// no state is carried from line to line.
func JSON(line string) []Piece {
	var out []Piece
	for i := 0; i < len(line); {
		n, style := jsonToken(line[i:])
		out = append(out, Piece{i, i + n, style})
		i += n
	}
	return out
}

// jsonToken returns the length and style of the token at the start of s.
func jsonToken(s string) (int, func(*theme.Theme) theme.Style) {
	switch c := s[0]; {
	case c == '"':
		n := stringEnd(s)
		if strings.HasPrefix(strings.TrimLeft(s[n:], " \t"), ":") {
			return n, key
		}
		return n, text
	case c == '-' || c >= '0' && c <= '9':
		return span(s, "+-.eE0123456789"), number
	case c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':':
		return 1, faint
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		n := span(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if w := s[:n]; w == "true" || w == "false" || w == "null" {
			return n, literal
		}
		return n, plain
	}
	n := strings.IndexAny(s[1:], "\"-0123456789{}[],:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if n < 0 {
		return len(s), plain
	}
	return n + 1, plain
}

// stringEnd returns the length of the string at the start of s, closed or not.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

func span(s, set string) int {
	return len(s) - len(strings.TrimLeft(s, set))
}

// Headers paints a line of metadata: "name: value", and lines that are not.
func Headers(line string) []Piece {
	at := strings.IndexByte(line, ':')
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return []Piece{{0, len(line), faint}}
	}
	if at <= 0 {
		return []Piece{{0, len(line), plain}}
	}
	return []Piece{{0, at, key}, {at, at + 1, faint}, {at + 1, len(line), text}}
}
