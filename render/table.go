package render

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// mostHex is how many bytes beyond the first line of their row a table shows: in
// hex, deep in a message, a byte takes nine.
const mostHex = 2 << 20

// wireText lays a body out as a table. Each row is written apart, so that only the
// text itself grows.
func (body Body) wireText() string {
	var text strings.Builder
	text.Grow(body.textSize())
	t := table{hex: mostHex}
	flush := func() {
		text.Write(t.b)
		t.b = t.b[:0]
	}
	t.cell("offset", 6)
	t.line("bytes", "field", "JSON")
	for i := range body.Rows {
		t.row(&body.Rows[i], body.Payload)
		flush()
	}
	if body.Err != nil {
		t.b = append(t.b, "        no JSON: "...)
		t.b = append(append(t.b, Escape(body.Err.Error())...), '\n')
	}
	flush()
	return text.String()
}

// textSize guesses how long the table is: of a large one, each time that it grows
// leaves a copy behind.
func (body Body) textSize() int {
	const line = 6 + 2 + hexWidth + 2 + 2 + fieldCol + 2 + 1
	size, hex := 256, mostHex
	for i := range body.Rows {
		r := &body.Rows[i]
		size += line + len(r.JSON) + len(r.Or) + len(r.Note) + 2*min(r.Depth, 8)
		if more := min(r.Head.Len-wireBytes, hex); more > 0 {
			size += 5 * more
			hex -= more
		}
	}
	return size
}

// table is the text of a wire view while it is written.
type table struct {
	b   []byte
	hex int // how many bytes may still be shown on lines of their own
}

// cell writes s, right-aligned in a width where it fits.
func (t *table) cell(s string, width int) {
	t.fill(width - len(s))
	t.b = append(t.b, s...)
}

const spaces = "                                                                "

func (t *table) fill(n int) {
	for ; n > len(spaces); n -= len(spaces) {
		t.b = append(t.b, spaces...)
	}
	if n > 0 {
		t.b = append(t.b, spaces[:n]...)
	}
}

// to fills up to a column, counted in runes from the byte where the line's
// columns begin.
func (t *table) to(from, column int) { t.fill(column - utf8.RuneCount(t.b[from:])) }

// line writes what follows the offset, and ends the line.
func (t *table) line(hex, field, json string) {
	t.b = append(t.b, "  "...)
	from := len(t.b)
	t.b = append(t.b, hex...)
	t.to(from, hexWidth+2)
	t.b = append(t.b, "  "...)
	from = len(t.b)
	t.b = append(t.b, field...)
	t.to(from, fieldCol)
	t.b = append(t.b, "  "...)
	t.b = append(t.b, json...)
	t.end()
}

// end ends a line without spaces before its end.
func (t *table) end() {
	n := len(t.b)
	for n > 0 && t.b[n-1] == ' ' {
		n--
	}
	t.b = append(t.b[:n], '\n')
}

// row writes a row: its bytes may take several lines, and a note one more.
func (t *table) row(r *Row, payload []byte) {
	depth := min(r.Depth, 8)
	per := max(wireBytes-r.Depth, 4)
	bytes := payload[r.Head.Off:r.Head.End()]
	var digits [20]byte
	t.cell(string(strconv.AppendInt(digits[:0], int64(r.Wire.Off), 10)), 6)
	t.b = append(t.b, "  "...)
	from := len(t.b)
	t.fill(2 * depth)
	t.b = appendHex(t.b, bytes[:min(per, len(bytes))])
	t.to(from, hexWidth+2)
	t.b = append(t.b, "  "...)
	t.field(r, depth)
	t.fill(2 * depth)
	t.b = append(t.b, r.JSON...)
	if r.Or != "" {
		t.b = append(append(t.b, "  or "...), r.Or...)
	}
	t.end()
	t.moreHex(bytes[min(per, len(bytes)):], per, depth)
	if r.Note != "" {
		t.fill(6 + 2 + 2*depth)
		t.b = append(append(t.b, r.Note...), '\n')
	}
}

// moreHex writes the bytes that do not fit on their row's line.
func (t *table) moreHex(bytes []byte, per, depth int) {
	for ; len(bytes) > 0 && t.hex > 0; bytes = bytes[min(per, len(bytes)):] {
		t.fill(6 + 2 + 2*depth)
		t.b = append(appendHex(t.b, bytes[:min(per, len(bytes))]), '\n')
		t.hex -= per
	}
	if len(bytes) > 0 {
		t.fill(6 + 2 + 2*depth)
		t.b = append(append(t.b, plural(int64(len(bytes)), "byte")...), " more, not shown in hex\n"...)
	}
}

// field writes the column with number, name and type.
func (t *table) field(r *Row, depth int) {
	from := len(t.b)
	t.fill(2 * depth)
	name := len(t.b)
	t.b = append(t.b, r.Number...)
	if r.Number != "" && r.Name != "" {
		t.b = append(t.b, ' ')
	}
	t.b = append(t.b, r.Name...)
	t.to(name, 10)
	t.b = append(append(t.b, ' '), r.Type...)
	t.to(from, fieldCol)
	t.b = append(t.b, "  "...)
}
