package catalogpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
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
	lines := []string{p.filterLine(th)}
	lines = append(lines, p.list.View(func(i int, sel bool) string { return p.line(p.rows[i], sel, focused, th) })...)
	lines = append(lines, p.note(th)...)
	*c = cache{p.version, focused, th, cell.Block(lines, p.w, p.h)}
	return c.lines
}

// Cursor returns where the filter is typed.
func (p *Pane) Cursor() (x, y int, ok bool) {
	return min(3+cell.Width(render.Escape(p.filter)), p.w-1), 0, p.filtering
}

func (p *Pane) filterLine(th *theme.Theme) string {
	switch {
	case p.filter != "":
		n := 0
		for _, r := range p.rows {
			if r.kind == operationRow || r.kind == callRow {
				n++
			}
		}
		count := fmt.Sprintf(" %d found ", n)
		room := max(p.w-3-len(count), 0)
		return th.Accent.Render(" / ") + cell.Fit(render.Escape(p.filter), room) + th.Faint.Render(count)
	case p.filtering:
		return th.Accent.Render(" / ")
	}
	return th.Faint.Render(" / find…")
}

func (p *Pane) line(r row, sel, focused bool, th *theme.Theme) string {
	mark := "  "
	if sel {
		mark = th.Mark.Render("▌") + " "
	}
	indent := cell.Spaces(2 * r.depth)
	end := " " + arrow(r) + " "
	if r.kind == callRow || r.kind == connectionRow {
		return mark + indent + p.recorded(r, max(p.w-2-len(indent)-1, 1), sel && focused, th) + " "
	}
	room := max(p.w-2-len(indent)-cell.Width(end), 1)
	text := p.text(r, room, sel && focused, th)
	return mark + indent + text + th.Faint.Render(end)
}

// text draws a row's name in exactly room cells.
func (p *Pane) text(r row, room int, sel bool, th *theme.Theme) string {
	name := render.Escape(strings.ReplaceAll(r.text, "\n", " "))
	if r.kind == loadingRow {
		return th.Faint.Render(cell.Fit(name, room))
	}
	if r.kind == problemRow {
		return th.Bad.Render(cell.Fit("! "+name, room))
	}
	lead := "  "
	if r.branch() {
		lead = "▾ "
		if p.folded[r.key] && p.filter == "" {
			lead = "▸ "
		}
	}
	name = cell.Cut(name, room-2)
	fill := cell.Spaces(room - 2 - cell.Width(name))
	switch {
	case sel:
		return th.Faint.Render(lead) + th.Selected.Render(name) + fill
	case r.kind == operationRow && r.target == p.open.Target && r.operation.ID == p.open.ID:
		return th.Faint.Render(lead) + th.Bold.Render(name) + fill
	case r.kind == operationRow:
		return th.Faint.Render(lead) + p.matched(name, th) + fill
	case r.kind == targetRow:
		return th.Faint.Render(lead) + th.Bold.Render(name) + fill
	}
	return th.Faint.Render(lead) + th.Accent.Render(name) + fill
}

// matched marks the first term of the filter in a name.
func (p *Pane) matched(name string, th *theme.Theme) string {
	terms := strings.Fields(strings.ToLower(p.filter))
	if len(terms) == 0 {
		return name
	}
	lower := strings.ToLower(name)
	at := strings.Index(lower, terms[0])
	if at < 0 || len(lower) != len(name) {
		return name
	}
	end := at + len(terms[0])
	return name[:at] + th.Match.Render(name[at:end]) + name[end:]
}

// arrow shows which side of an operation streams.
func arrow(r row) string {
	if r.operation == nil {
		return " "
	}
	rpc, ok := r.operation.Call.(catalog.RPC)
	if !ok {
		return " "
	}
	switch client, server := rpc.Method.IsStreamingClient(), rpc.Method.IsStreamingServer(); {
	case client && server:
		return "⇄"
	case client:
		return "⇇"
	case server:
		return "⇉"
	}
	return "→"
}

// noteHeight is how many lines the note at the bottom has. It does not depend on
// the selection, so that the tree stays still while that moves. A target that failed
// has little of a tree, and much to say.
func (p *Pane) noteHeight() int {
	for _, t := range p.targets {
		if t.state == failed && p.h >= 6 {
			return min(p.h/2, 8)
		}
	}
	if p.h < 14 {
		return 0
	}
	return min(p.h/5, 8)
}

// note shows the comment or the problem of what is selected.
func (p *Pane) note(th *theme.Theme) []string {
	h := p.noteHeight()
	if h == 0 {
		return nil
	}
	lines := []string{th.Border.Render(strings.Repeat("─", p.w))}
	r, ok := p.selected()
	if !ok {
		return lines
	}
	text, style := p.noteText(r, th)
	for _, l := range cell.Wrap(render.Escape(strings.Join(strings.Fields(text), " ")), max(p.w-2, 1)) {
		lines = append(lines, " "+style.Render(l))
	}
	return lines[:min(len(lines), h)]
}

func (p *Pane) noteText(r row, th *theme.Theme) (string, theme.Style) {
	switch {
	case r.kind == connectionRow || r.kind == callRow:
		return p.recordedNote(r), th.Faint
	case r.kind == problemRow:
		return r.text, th.Bad
	case r.operation != nil && r.operation.Doc != "":
		return r.operation.Doc, th.Faint
	case r.operation != nil:
		return r.operation.ID, th.Faint
	case r.service != nil && r.service.Problem != "":
		return r.service.Problem, th.Bad
	case r.service != nil && r.service.Doc != "":
		return r.service.Doc, th.Faint
	case r.service != nil:
		return r.service.Name, th.Faint
	case p.targets[r.target].state == failed:
		return p.targets[r.target].problem, th.Bad
	}
	return p.targetNote(r.target), th.Faint
}

// targetNote says where a target's schema came from, and what of it could not be
// read.
func (p *Pane) targetNote(i int) string {
	t := p.targets[i]
	if t.conns != nil {
		return fileNote(t)
	}
	if t.catalog == nil {
		return t.label
	}
	services := fmt.Sprintf("%d services", len(t.catalog.Services))
	if len(t.catalog.Services) == 1 {
		services = "1 service"
	}
	text := fmt.Sprintf("%s · %s · %s", t.catalog.Origin, t.catalog.Source, services)
	for _, pr := range t.catalog.Problems {
		text += " · " + pr.Where + ": " + pr.Text
	}
	return text
}
