package detailpane

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// cache is the last drawing and what it was made for.
type cache struct {
	version int
	focused bool
	theme   *theme.Theme
	lines   []string
}

// View draws the pane, each line exactly as wide as Resize said.
func (p *Pane) View(th *theme.Theme, focused bool) []string {
	c := &p.cache
	if c.lines != nil && c.version == p.version && c.focused == focused && c.theme == th {
		return c.lines
	}
	*c = cache{p.version, focused, th, cell.Block(p.draw(th, focused), p.w, p.h)}
	return c.lines
}

func (p *Pane) draw(th *theme.Theme, focused bool) []string {
	lines := []string{p.tabLine(th)}
	switch {
	case p.failure != "":
		lines = append(lines, "")
		for _, part := range strings.Split(p.failure, "\n") {
			for _, l := range cell.Wrap(render.Escape(part), max(p.w-4, 1)) {
				lines = append(lines, "  "+th.Bad.Render(l))
			}
		}
		return lines
	case p.rec == nil:
		return append(lines, "", th.Faint.Render("  nothing was sent yet: choose an operation, and ^S sends its request"))
	}
	lines = append(lines, p.content(th, focused)...)
	room := p.h - len(p.status()) - p.footHeight()
	lines = cell.Block(lines, p.w, max(room, 0))
	for _, l := range p.status() {
		lines = append(lines, " "+th.Bad.Render(cell.Cut(l, p.w-2)))
	}
	if p.footHeight() > 0 {
		lines = append(lines, " "+th.Faint.Render(cell.Cut(p.foot(), p.w-2)))
	}
	return lines
}

// content draws the subject and what it is about.
func (p *Pane) content(th *theme.Theme, focused bool) []string {
	if p.tab != Messages || p.level > OneMessage {
		lines := []string{" " + th.Faint.Render(cell.Cut(p.sheetSubject(), p.w-2))}
		return append(lines, p.sheet.list.View(func(i int, sel bool) string { return p.sheetLine(p.sheet.line(i), sel, focused, th) })...)
	}
	if p.level == OneMessage && p.body.ok {
		return p.bodyContent(th, focused)
	}
	lines := []string{th.Faint.Render(cell.Fit(" "+p.listSubject(), p.w))}
	return append(lines, p.messages.View(func(i int, sel bool) string { return p.messageLine(i, sel, focused, th) })...)
}

func (p *Pane) bodyContent(th *theme.Theme, focused bool) []string {
	lines := []string{" " + th.Faint.Render(cell.Cut(p.subject(), p.w-2)), p.headLine(focused, th)}
	if len(p.body.Rows) == 0 {
		text := "an empty message: every field has its default"
		m := p.message(p.body.index)
		switch {
		case p.body.problem != "":
			text = p.body.problem
		case p.body.waiting:
			text = "decoding " + Size(m.Length) + "…"
		case m.Have < m.Length:
			text = "it is shown once all of it has come"
		}
		return append(lines, th.Faint.Render("  "+cell.Cut(render.Escape(text), p.w-4)))
	}
	return append(lines, p.body.list.View(func(i int, sel bool) string { return p.rowLine(i, sel, th) })...)
}

func (p *Pane) sheetSubject() string {
	switch {
	case p.tab != Messages:
		return p.tabSubject()
	case p.level == OneFrame && p.part:
		return "part " + strconv.Itoa(p.frame+1) + " of " + strconv.Itoa(len(p.trace.Parts))
	case p.level == OneField:
		return "field of " + p.subject()
	}
	return "frame " + strconv.Itoa(p.frame+1) + " of " + strconv.Itoa(len(p.trace.Frames))
}

func (p *Pane) listSubject() string {
	n := p.totals.dirs
	if s, ok := p.trace.StreamOf(p.only); ok && p.only != 0 {
		n = s.Messages
	}
	s := fmt.Sprintf("%d sent · %d received", n[record.Sent], n[record.Received])
	if p.messages.Following() && p.outcome == nil {
		s += " · following"
	}
	return s
}

// status tells why a call did not end well, in a few lines above the foot.
func (p *Pane) status() []string {
	if p.outcome == nil || p.outcome.Code == 0 || p.tab == Trailers || p.h < 8 {
		return nil
	}
	text := envelope.CodeName(p.outcome.Code)
	if p.outcome.Message != "" {
		text += ": " + p.outcome.Message
	}
	if p.outcome.Local {
		text += " (decided here)"
	}
	out := cell.Wrap(render.Escape(text), max(p.w-2, 1))
	if s := p.wireStatus(); s != nil {
		for _, d := range p.details(s) {
			out = append(out, render.Escape(d.name+" "+oneLine(d.text)))
		}
	}
	return out[:min(len(out), max(p.h/3, 1))]
}

// oneLine joins indented JSON to one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (p *Pane) footHeight() int {
	if p.h < 7 {
		return 0
	}
	return 1
}

// foot says what is selected.
func (p *Pane) foot() string {
	if p.tab != Messages || p.level > OneMessage {
		l, _ := p.sheet.selected()
		return render.Escape(l.note)
	}
	if p.level != OneMessage || !p.body.ok {
		return ""
	}
	i, ok := p.body.selected()
	if !ok {
		return ""
	}
	r := p.body.Rows[i]
	text := fmt.Sprintf("%s · payload bytes %s", render.Escape(p.body.path(i)), byteRange(int64(r.Wire.Off), int64(r.Wire.Len)))
	if p.message(p.body.index).Compressed {
		text += ", decompressed"
	}
	switch {
	case r.Note != "":
		text += " · " + r.Note
	case p.body.Err != nil:
		text += " · no JSON: " + render.Escape(p.body.Err.Error())
	case p.body.problem != "":
		text += " · " + render.Escape(p.body.problem)
	}
	return text
}
