package composepane

import (
	"strings"

	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/editor"
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
	*c = cache{p.version, focused, th, cell.Block(p.draw(th), p.w, p.h)}
	return c.lines
}

func (p *Pane) draw(th *theme.Theme) []string {
	e := p.editor()
	if e == nil {
		return []string{"", th.Faint.Render("  choose an operation in the catalog: ⏎")}
	}
	lines := []string{p.tabLine(th)}
	paint := editor.Headers
	if p.tab == Body {
		paint = editor.JSON
	}
	text := e.View(th, paint)
	if e.Empty() && len(text) > 0 {
		text[0] = th.Faint.Render(cell.Fit("  "+p.placeholder(), p.w))
	}
	lines = append(lines, text...)
	for _, l := range p.foot() {
		if _, _, bad := e.Fault(); bad {
			lines = append(lines, th.Bad.Render(l))
			continue
		}
		lines = append(lines, th.Faint.Render(l))
	}
	return lines
}

func (p *Pane) placeholder() string {
	if p.tab == Metadata {
		return "name: value, one a line; for every call to this target"
	}
	return "no body: an empty message is sent"
}

func (p *Pane) tabLine(th *theme.Theme) string {
	var b strings.Builder
	for i, name := range p.tabNames() {
		style := th.Tab
		if Tab(i) == p.tab {
			style = th.ActiveTab
		}
		b.WriteString(" " + style.Render(name) + " ")
	}
	return b.String()
}

// foot is the error of the text, or what will be sent along with the body.
func (p *Pane) foot() []string {
	e := p.editor()
	if e == nil || p.h < 5 {
		return nil
	}
	if _, text, bad := e.Fault(); bad {
		var out []string
		for _, l := range cell.Wrap(text, max(p.w-2, 1)) {
			out = append(out, " "+l)
		}
		return out[:min(len(out), 4, p.h-3)]
	}
	var d Draft
	if bad := d.parseOptions(p.shared[p.open.Target].options.Text()); bad != nil {
		return []string{" options, " + bad.Error()}
	}
	deadline, compress := "no deadline", "not compressed"
	if d.Timeout > 0 {
		deadline = "deadline " + d.Timeout.String()
	}
	if d.Compress != "" {
		compress = d.Compress
	}
	return []string{" " + deadline + "   " + compress}
}

// Cursor returns where the text is typed.
func (p *Pane) Cursor() (x, y int, ok bool) {
	e := p.editor()
	if e == nil {
		return 0, 0, false
	}
	x, y, ok = e.Cursor()
	return x, y + 1, ok
}
