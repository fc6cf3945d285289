package detailpane

import (
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/editor"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// widths are the columns of the message view.
type widths struct{ offset, bytes, field, json, step int }

// widths depend on the size and on the message, never on the selection.
func (p *Pane) widths() widths {
	w := widths{offset: max(len(strconv.Itoa(len(p.body.Payload))), 4), step: 2}
	rest := p.w - 2 - w.offset - 2 - 2 - 2
	if p.w < 100 {
		w.step = 1
	}
	w.bytes = min(max(rest*34/100, 8), 47)
	w.field = min(max(rest*28/100, 8), 36)
	w.json = max(rest-w.bytes-w.field, 0)
	return w
}

// columnAt returns the column at a cell.
func (p *Pane) columnAt(x int) Column {
	w := p.widths()
	switch at := 2 + w.offset + 2; {
	case x < at+w.bytes+1:
		return Bytes
	case x < at+w.bytes+2+w.field+1:
		return Fields
	}
	return JSON
}

func (p *Pane) headLine(focused bool, th *theme.Theme) string {
	w := p.widths()
	name := func(c Column, s string, width int) string {
		if p.column == c && focused {
			return th.ActiveTab.Render(s) + cell.Spaces(width-len(s))
		}
		return th.Faint.Render(cell.Fit(s, width))
	}
	return th.Faint.Render(cell.Right("offset", w.offset+2)) + "  " + name(Bytes, "bytes", w.bytes) + "  " +
		name(Fields, "field", w.field) + "  " + name(JSON, "JSON", w.json)
}

// rowLine draws one row in the three columns. What is selected is drawn in
// reverse: the bytes wherever they stand, the field and its JSON.
func (p *Pane) rowLine(at int, sel bool, th *theme.Theme) string {
	b, w := &p.body, p.widths()
	i := b.visible[at]
	r := b.Rows[i]
	chosen, _ := b.selection()
	inside := sel
	if s, ok := b.selected(); ok && i > s && r.Depth > b.Rows[s].Depth {
		inside = chosen.Len > 0 && chosen.Contains(r.Wire)
	}
	indent := min(w.step*r.Depth, w.bytes/2)
	return p.rowMark(i, r, sel, th) + th.Faint.Render(cell.Right(strconv.Itoa(r.Wire.Off), w.offset)) + "  " +
		hexCell(b.Payload, b.shownBytes(i), indent, w.bytes, inside, th) + "  " +
		fieldCell(r, min(w.step*r.Depth, w.field/2), w.field, sel, th) + "  " +
		jsonCell(r, min(w.step*r.Depth, w.json/2), w.json, inside, th)
}

// shownBytes is the range whose bytes stand on a row: all of it when what is
// inside is folded away.
func (b *body) shownBytes(i int) inspect.Range {
	if b.folded[i] {
		return b.Rows[i].Wire
	}
	return b.Rows[i].Head
}

func (p *Pane) rowMark(i int, r render.Row, sel bool, th *theme.Theme) string {
	mark := " "
	if sel {
		mark = th.Mark.Render("▌")
	}
	switch {
	case !r.Folds:
		return mark + " "
	case p.body.folded[i]:
		return mark + th.Faint.Render("▸")
	}
	return mark + th.Faint.Render("▾")
}

// hexCell draws bytes in exactly w cells.
func hexCell(payload []byte, r inspect.Range, indent, w int, selected bool, th *theme.Theme) string {
	room := w - indent
	fits := (room + 1) / 3
	cut := r.Len > fits
	if cut {
		fits = room / 3
	}
	shown := payload[r.Off:min(r.Off+min(r.Len, fits), len(payload))]
	if len(shown) == 0 {
		return cell.Spaces(w)
	}
	text := render.Hex(shown, len(shown))[0]
	more := ""
	if cut {
		more = cell.Ellipsis
	}
	fill := cell.Spaces(w - indent - len(text) - cell.Width(more))
	if selected {
		text = th.Selected.Render(text)
	}
	return cell.Spaces(indent) + text + th.Faint.Render(more) + fill
}

// fieldCell draws number, name and type in exactly w cells.
func fieldCell(r render.Row, indent, w int, selected bool, th *theme.Theme) string {
	number := r.Number + " "
	switch {
	case r.Number == "" && r.Type == "": // bytes that are no field
		number = "! "
	case r.Number == "": // JSON and text have no numbers
		number = ""
	}
	room := max(w-indent-cell.Width(number), 0)
	name := cell.Cut(render.Escape(r.Name), room)
	kind := ""
	if left := room - cell.Width(name) - 1; left >= 3 { // the name matters more than its type
		kind = cell.Cut(render.Escape(r.Type), left)
	}
	fill := cell.Spaces(room - cell.Width(name) - cell.Width(kind))
	switch {
	case selected:
		name = th.Selected.Render(name)
	case r.Name == "?":
		name = th.Warn.Render(name)
	}
	return cell.Spaces(indent) + th.Faint.Render(number) + name + fill + th.Faint.Render(kind)
}

// jsonCell draws the first line of a field's JSON in exactly w cells, or the
// likeliest reading of an unknown field and the others after it.
func jsonCell(r render.Row, indent, w int, selected bool, th *theme.Theme) string {
	text := cell.Cut(r.JSON, w-indent)
	fill := w - indent - cell.Width(text)
	note := ""
	if r.Note != "" && fill > 6 {
		note = "  " + cell.Cut(r.Note, fill-2)
		fill -= cell.Width(note)
	}
	or := ""
	if r.Or != "" && fill > 8 {
		or = "  " + cell.Cut("or "+r.Or, fill-2)
		fill -= cell.Width(or)
	}
	switch {
	case selected:
		text = th.Selected.Render(text)
	default:
		text = paint(text, th)
	}
	return cell.Spaces(indent) + text + th.Warn.Render(note) + th.Faint.Render(or) + cell.Spaces(fill)
}

// paint colours JSON.
func paint(text string, th *theme.Theme) string {
	var b strings.Builder
	for _, piece := range editor.JSON(text) {
		b.WriteString(piece.Style(th).Render(text[piece.From:piece.To]))
	}
	return b.String()
}
