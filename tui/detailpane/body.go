package detailpane

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/editor"
	"github.com/wiregloss/wiregloss/tui/list"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// body is the message that is open: its rows, which of them are folded, and the
// one that is selected.
type body struct {
	render.Body
	ok      bool
	index   int // of the message
	have    int64
	problem string // why the payload could not be read
	folded  map[int]bool
	visible []int // indexes of the rows that no fold hides
	list    list.List
	waiting bool // it is being decoded by a Job
}

// inlineBytes is the size up to which a message is decoded while the screen waits.
const inlineBytes = 512 << 10

// open decodes a message, unless it is the one that is open. A large one becomes a
// Job; one that has only begun is decoded when it is small or complete.
func (p *Pane) open(i int) {
	m := p.message(i)
	large := m.Length > inlineBytes
	if p.body.ok && p.body.index == i && (p.body.have == m.Have || large && m.Have < m.Length) {
		return
	}
	b := body{ok: true, index: i, have: m.Have, folded: map[int]bool{}}
	b.list.SetHeight(p.body.list.Height())
	rec, trace, md, types := p.rec, p.trace, p.descriptor(m), p.resolver()
	decode := func() Decoded {
		payload, err := trace.Payload(rec, m)
		return Decoded{rec: rec, index: i, have: m.Have, body: render.Layout(payload, md, types), err: err}
	}
	p.body = b
	switch {
	case !large:
		p.Deliver(decode())
	case m.Have == m.Length:
		p.body.waiting, p.job = true, decode
	}
}

// Decoded is a message that a Job has decoded.
type Decoded struct {
	rec   *record.Recording
	index int
	have  int64
	body  render.Body
	err   error
}

// Job returns work that takes too long for the screen to wait for, once: its
// result is for Deliver. Nil if there is none.
func (p *Pane) Job() func() Decoded {
	j := p.job
	p.job = nil
	return j
}

// Deliver shows a message that was decoded, unless the user has gone on.
func (p *Pane) Deliver(d Decoded) {
	b := &p.body
	if d.rec != p.rec || d.index != b.index || d.have != b.have {
		return
	}
	if d.err != nil {
		b.problem = d.err.Error()
	}
	b.Body, b.waiting = d.body, false
	b.rebuild()
	p.version++
}

// rebuild lists the rows that no fold hides.
func (b *body) rebuild() {
	b.visible = b.visible[:0]
	hidden := -1 // rows deeper than this are hidden
	for i, r := range b.Rows {
		if hidden >= 0 && r.Depth > hidden {
			continue
		}
		hidden = -1
		b.visible = append(b.visible, i)
		if b.folded[i] {
			hidden = r.Depth
		}
	}
	b.list.SetLen(len(b.visible))
}

// selected returns the index of the selected row.
func (b *body) selected() (int, bool) {
	i := b.list.Selected()
	if i >= len(b.visible) {
		return 0, false
	}
	return b.visible[i], true
}

// selection returns the selected bytes of the payload.
func (b *body) selection() (inspect.Range, bool) {
	i, ok := b.selected()
	if !ok {
		return inspect.Range{}, false
	}
	return b.Rows[i].Wire, true
}

func (b *body) selectRow(row int) {
	for at, i := range b.visible {
		if i == row {
			b.list.Select(at)
			return
		}
	}
}

// fold folds or unfolds the selected row, or the one it is in.
func (b *body) fold() {
	i, ok := b.selected()
	if !ok {
		return
	}
	if !b.Rows[i].Folds {
		i = b.Rows[i].Parent
	}
	if i < 0 {
		return
	}
	b.folded[i] = !b.folded[i]
	b.rebuild()
	b.selectRow(i)
}

// foldAll folds everything, or unfolds everything if anything is folded.
func (b *body) foldAll() {
	at, ok := b.selected()
	on := len(b.folded) == 0
	b.folded = map[int]bool{}
	for i, r := range b.Rows {
		if on && r.Folds {
			b.folded[i] = true
		}
	}
	b.rebuild()
	for ok && on && b.Rows[at].Parent >= 0 {
		at = b.Rows[at].Parent
	}
	b.selectRow(at)
}

// out moves the selection to the row that the selected one is in.
func (b *body) out() bool {
	i, ok := b.selected()
	if !ok || b.Rows[i].Parent < 0 {
		return false
	}
	b.selectRow(b.Rows[i].Parent)
	return true
}

// enterRow goes into a message or a list, or shows a field in full.
func (p *Pane) enterRow() {
	b := &p.body
	i, ok := b.selected()
	if !ok {
		return
	}
	if !b.Rows[i].Folds {
		p.level = OneField
		p.sheet = sheet{}
		p.fit()
		p.sheet.set(p.fieldSheet(i))
		return
	}
	if b.folded[i] {
		delete(b.folded, i)
		b.rebuild()
	}
	b.selectRow(i + 1)
}

// path names a row as its link does: address.city, tags[2].
func (b *body) path(i int) string {
	r := b.Rows[i]
	if r.Link >= 0 {
		return b.Links[r.Link].Path
	}
	name := r.Name
	switch name {
	case "":
		name = "bytes " + byteRange(int64(r.Wire.Off), int64(r.Wire.Len))
	case "?":
		name = r.Number
	}
	if r.Parent < 0 {
		return name
	}
	up := b.path(r.Parent)
	if strings.HasPrefix(name, "[") {
		return up + name
	}
	return up + "." + name
}

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
	number := r.Number
	if number == "" {
		number = "!"
	}
	room := max(w-indent-cell.Width(number)-1, 0)
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
	return cell.Spaces(indent) + th.Faint.Render(number) + " " + name + fill + th.Faint.Render(kind)
}

// jsonCell draws the first line of a field's JSON in exactly w cells.
func jsonCell(r render.Row, indent, w int, selected bool, th *theme.Theme) string {
	text := cell.Cut(r.JSON, w-indent)
	fill := w - indent - cell.Width(text)
	note := ""
	if r.Note != "" && fill > 6 {
		note = "  " + cell.Cut(r.Note, fill-2)
		fill -= cell.Width(note)
	}
	switch {
	case selected:
		text = th.Selected.Render(text)
	default:
		text = paint(text, th)
	}
	return cell.Spaces(indent) + text + th.Warn.Render(note) + cell.Spaces(fill)
}

// paint colours JSON.
func paint(text string, th *theme.Theme) string {
	var b strings.Builder
	for _, piece := range editor.JSON(text) {
		b.WriteString(piece.Style(th).Render(text[piece.From:piece.To]))
	}
	return b.String()
}

// subject says which message is open.
func (p *Pane) subject() string {
	m := p.message(p.body.index)
	words := []string{
		m.Dir.String(), fmt.Sprintf("%s of %d", render.MessageName(m), p.sameDir(m)),
		Size(int64(len(p.body.Payload))), fmt.Sprintf("stream %d", m.Stream), "at " + render.Millis(m.At) + " ms",
	}
	switch {
	case m.Have < m.Length:
		words[2] = fmt.Sprintf("%d of %d bytes", m.Have, m.Length)
	case m.Compressed:
		words[2] = fmt.Sprintf("%s, %s as sent", words[2], Size(m.Length))
	}
	if md := p.descriptor(m); md != nil {
		words = append(words, string(md.Name()))
	}
	return strings.Join(words, " · ")
}

func (p *Pane) sameDir(m inspect.Message) int {
	s, _ := p.trace.StreamOf(m.Stream)
	n := s.Messages[m.Dir]
	if m.Have < m.Length {
		n++
	}
	return n
}
