package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/list"
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
	waiting bool          // it is being decoded by a Job
	wanted  inspect.Range // what to select once it is decoded; Len 0 is nothing
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
	at, rec, trace, schema := p.placeOf(i), p.rec, p.trace, p.schema(p.descriptor(m))
	decode := func() Result {
		payload, err := trace.Payload(rec, m)
		return decoded{place: at, body: schema.LayoutContent(m.Content, payload), err: err}
	}
	p.body = b
	switch {
	case !large:
		p.Deliver(decode())
	case m.Have == m.Length:
		p.body.waiting = true
		p.later(decode)
	}
}

// decoded is a message that has been decoded.
type decoded struct {
	place
	body render.Body
	err  error
}

// deliver shows a message that was decoded, unless the user has gone on.
func (d decoded) deliver(p *Pane) intent.Intent {
	b := &p.body
	if !b.ok || d.place != (place{p.rec, p.epoch, b.index, b.have}) {
		return nil
	}
	if d.err != nil {
		b.problem = d.err.Error()
	}
	b.Body, b.waiting = d.body, false
	b.rebuild()
	b.want(b.wanted)
	p.version++
	return nil
}

// want selects the innermost row that holds a range of the payload, now or once it
// is decoded.
func (b *body) want(r inspect.Range) {
	b.wanted = r
	if r.Len == 0 {
		return
	}
	best := -1
	for i, row := range b.Rows {
		if row.Wire.Off > r.Off {
			break // rows stand in the order of their bytes
		}
		if row.Wire.Contains(r) && row.Wire.Len > 0 {
			best = i
		}
	}
	if best < 0 {
		return
	}
	for up := b.Rows[best].Parent; up >= 0; up = b.Rows[up].Parent {
		delete(b.folded, up)
	}
	b.rebuild()
	b.selectRow(best)
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
		p.newSheet()
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
		if path := b.Links[r.Link].Path; path != "" {
			return path
		}
		return "the whole value"
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

// subject says which message is open.
func (p *Pane) subject() string {
	m := p.message(p.body.index)
	name := fmt.Sprintf("%s of %d", render.MessageName(m), p.sameDir(m))
	switch {
	case m.Framing == inspect.Event:
		name = fmt.Sprintf("event %d of %d", m.Seq+1, p.sameDir(m))
	case !m.Prefixed():
		name = render.MessageName(m)
	}
	words := []string{
		m.Dir.String(), name,
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
