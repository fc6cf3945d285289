package render

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/jsontext"
	"github.com/wiregloss/wiregloss/inspect/pb"
)

// LayoutContent decodes a payload by what its headers say it holds: JSON and
// lines of text as such, all else as a message of the schema.
func (s *Schema) LayoutContent(content inspect.Content, payload []byte) Body {
	switch content {
	case inspect.JSON:
		return layoutJSON(payload, mostRows)
	case inspect.Text, inspect.FieldLines:
		return layoutLines(payload, mostRows)
	default:
		return s.Layout(payload)
	}
}

// mostRows is how many values of a JSON text and how many lines of another are laid
// out: a row takes a hundred times the two bytes that a value can be.
const mostRows = pb.MaxNodes

// mostPaths is how large a JSON text may be for its links to carry paths: they
// cost more than the text.
const mostPaths = 1 << 20

// layoutJSON lays JSON out as it came: a row for each value, the text beside it
// indented, its numbers and strings copied byte for byte. One more row stands for
// what follows the first most values.
func layoutJSON(payload []byte, most int) Body {
	doc := jsontext.ScanUpTo(payload, most)
	b := Body{Payload: payload, Rows: make([]Row, 0, len(doc.Nodes)), Links: make([]inspect.Link, 0, len(doc.Nodes))}
	text, lines := doc.Indent(payload)
	room, names := textRoom(mostText), textRoom(mostText)
	b.JSON = text
	for i := range doc.Nodes {
		n := &doc.Nodes[i]
		link := inspect.Link{Wire: wireRange(n.Range()), Value: wireRange(n.Value()), Depth: int(n.Depth)}
		if len(payload) <= mostPaths {
			link.Path = doc.Path(payload, i)
		}
		b.Links = append(b.Links, link)
		b.Rows = append(b.Rows, jsonRow(payload, &doc, i, &names))
	}
	for i, l := range lines {
		end := len(text)
		if i+1 < len(lines) {
			end = int(lines[i+1].Off) - 1
		}
		b.jsonLine(l, end, &room)
	}
	noteProblems(&b, &doc)
	if doc.Cut >= 0 {
		b.restRow(doc.Cut, "values", most)
	}
	return b
}

// Of one line of text a row shows mostLine bytes, and all rows together mostText
// once it is escaped, which can take four times as much.
const (
	mostLine = 1 << 20
	mostText = 24 << 20
)

// textRoom is how much text the rows of a body may still have.
type textRoom int

// shown escapes a line for its row. What has no room is counted.
func (room *textRoom) shown(line []byte) string {
	cut := min(len(line), mostLine, max(int(*room), 0))
	for cut < len(line) && cut > 0 && !utf8.RuneStart(line[cut]) {
		cut--
	}
	text := Escape(string(line[:cut]))
	if cut < len(line) {
		text += "… and " + plural(int64(len(line)-cut), "more byte")
	}
	*room -= textRoom(len(text))
	return text
}

// jsonLine gives the row and the link of a line what the line says.
func (body *Body) jsonLine(l jsontext.Line, end int, room *textRoom) {
	row, link := &body.Rows[l.Node], &body.Links[l.Node]
	from := int(l.Off)
	for from < end && body.JSON[from] == ' ' {
		from++
	}
	if l.Part == jsontext.Closes {
		link.JSON.Len = len(strings.TrimSuffix(string(body.JSON[from:end]), ",")) + from - link.JSON.Off
		return
	}
	row.JSON = room.shown(body.JSON[from:end])
	if l.Comma {
		end--
	}
	link.JSON = inspect.Range{Off: from, Len: end - from}
}

func wireRange(r jsontext.Range) inspect.Range { return inspect.Range{Off: r.Off, Len: r.Len} }

func jsonRow(payload []byte, doc *jsontext.Document, i int, room *textRoom) Row {
	n := &doc.Nodes[i]
	row := Row{
		Wire: wireRange(n.Range()), Head: wireRange(n.Range()), Value: wireRange(n.Value()),
		Depth: int(n.Depth), Parent: int(n.Parent), Link: i, Type: n.Kind.String(),
		Folds: int(n.Next) > i+1,
	}
	if row.Folds {
		row.Head.Len = min(int(n.ValueStart)+1-int(n.Start), row.Wire.Len) // key and bracket
	}
	switch key := n.Key(); {
	case key.Len > 0:
		row.Name = room.shown([]byte(jsontext.Unquote(payload[key.Off:key.End()])))
	case n.Parent >= 0 || doc.Roots > 1:
		row.Name = "[" + strconv.Itoa(n.Index()) + "]"
	}
	return row
}

// noteProblems puts what is wrong with a text at the rows where it is.
func noteProblems(b *Body, doc *jsontext.Document) {
	for i, p := range doc.Problems {
		if !p.Note && b.Err == nil {
			b.Err = fmt.Errorf("not valid JSON: byte %d: %s", p.Off, p.Text)
		}
		if at := doc.At(p.Off); at >= 0 && i < jsontext.MaxProblems {
			row := &b.Rows[at]
			if row.Note != "" {
				row.Note += "; "
			}
			row.Note += Escape(fmt.Sprintf("byte %d: %s", p.Off, p.Text))
		}
	}
}

// restRow adds a row for the payload from off on, which has no rows of its own.
func (body *Body) restRow(off int, what string, most int) {
	at := inspect.Range{Off: off, Len: len(body.Payload) - off}
	body.Rows = append(body.Rows, Row{
		Wire: at, Head: inspect.Range{Off: off, Len: min(at.Len, wireBytes)}, Value: at, Parent: -1, Link: -1,
		Note: fmt.Sprintf("more than %d %s: the last %s are not laid out", most, what, plural(int64(at.Len), "byte")) + whereTheRest,
	})
}

// layoutLines lays text out with a row for each line, and one for what follows the
// first most lines.
func layoutLines(payload []byte, most int) Body {
	b := Body{Payload: payload}
	off, room := 0, textRoom(mostText)
	for line := range bytes.Lines(payload) {
		if len(b.Rows) == most {
			b.restRow(off, "lines", most)
			break
		}
		at := inspect.Range{Off: off, Len: len(line)}
		off += len(line)
		b.Rows = append(b.Rows, Row{
			Wire: at, Head: at, Value: at, Parent: -1, Link: -1, Type: "line", JSON: room.shown(bytes.TrimRight(line, "\r\n")),
		})
	}
	return b
}
