package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
	"github.com/wiregloss/wiregloss/tui/layout"
	"github.com/wiregloss/wiregloss/tui/palette"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// header is the first line: the targets, or where one pane is shown, the way to
// it and how the call stands.
func (m *Model) header() string {
	if m.lay.Bordered {
		return m.targetLine()
	}
	status, style := m.status()
	help := " ? "
	if m.typing() {
		help = " F1 "
	}
	status = cell.Cut(status, m.width-len(help)-3)
	end := style.Render(status) + m.theme.Faint.Render(help)
	room := max(m.width-cell.Width(status)-len(help)-2, 0)
	crumbs := m.crumbs()
	for len(crumbs) > 1 && cell.Width(strings.Join(crumbs, " ▸ ")) > room {
		crumbs = crumbs[1:] // where one is matters more than where one came from
	}
	text := cell.Cut(strings.Join(crumbs, " ▸ "), room)
	return " " + m.theme.Bold.Render(text) + cell.Spaces(room-cell.Width(text)) + " " + end
}

func (m *Model) targetLine() string {
	s := " " + m.theme.FocusTitle.Render("wiregloss")
	if m.o.Version != "" {
		s += " " + m.theme.Faint.Render(m.o.Version)
	}
	for i, t := range m.o.Targets {
		s += "   " + m.theme.Bold.Render(render.Escape(t.Label))
		if c := m.catalogs[i]; c != nil {
			s += m.theme.Faint.Render(" " + string(c.Source))
		}
		if t.Target.TLS.On {
			s += m.theme.Faint.Render(" · TLS")
		}
	}
	for _, c := range m.o.Captures {
		s += "   " + m.theme.Bold.Render(render.Escape(c.Label)) + m.theme.Faint.Render(" file")
	}
	end := m.theme.Faint.Render("^K actions   F1 help ")
	return cell.Fit(s, m.width-cell.Width(end)-1) + " " + end
}

// crumbs names the way to what is shown.
func (m *Model) crumbs() []string {
	_, op, ok := m.compose.Operation()
	recorded := m.call != nil && m.call.capture != nil
	if !ok && !recorded || m.focus == layout.Catalog {
		return []string{"wiregloss", "catalog"}
	}
	name := render.Escape(op.Name)
	if m.focus == layout.Compose {
		return []string{name, "request"}
	}
	switch {
	case recorded:
		name = render.Escape(m.recordedName())
	case m.call != nil:
		name = render.Escape(m.call.op.Name)
	}
	out := append([]string{name, "exchange"}, m.detail.Crumbs()...)
	if m.focus == layout.Wire {
		out = append(out, "wire")
	}
	return out
}

// title is what stands in a pane's border.
func (m *Model) title(p layout.Pane) string {
	words := []string{p.String()}
	switch p {
	case layout.Compose:
		if _, op, ok := m.compose.Operation(); ok {
			name := render.Escape(op.ID)
			if cell.Width(name)+cell.Width(kind(op))+20 > m.lay.Panes[p].W {
				name = render.Escape(op.Name)
			}
			words = append(words, name, kind(op))
		}
	case layout.Detail:
		if s, _ := m.status(); s != "" {
			words = append(words, s)
		}
	case layout.Wire:
		if len(m.views) > 1 {
			words = append(words, fmt.Sprintf("connection %d of %d", m.connection+1, len(m.views)))
		} else if len(m.views) == 1 {
			words = append(words, "connection 1")
		}
		if t := m.wire.Title(); t != "" {
			words = append(words, t)
		}
	default:
	}
	return strings.Join(words, " · ")
}

// status says how the call stands, and in which style.
func (m *Model) status() (string, theme.Style) {
	if m.call == nil {
		return "", m.theme.Faint
	}
	traffic := m.detail.Traffic(m.lay.Bordered)
	if traffic != "" {
		traffic = " · " + traffic
	}
	if m.call.capture != nil {
		text, good := m.recordedStatus()
		if good {
			return text + traffic, m.theme.Good
		}
		return text + traffic, m.theme.Bad
	}
	switch s := m.call; s.progress {
	case connecting:
		return "connecting…", m.theme.Warn
	case running:
		return "running" + traffic, m.theme.Warn
	case failed:
		return "no call", m.theme.Bad
	default:
		text := fmt.Sprintf("%s · %s ms%s", envelope.CodeName(s.outcome.Code), render.Millis(m.took()), traffic)
		if s.outcome.Code == 0 {
			return text, m.theme.Good
		}
		return text, m.theme.Bad
	}
}

// hints is the last line: what can be done here, most useful first. A notice
// stands before it until the next key.
func (m *Model) hints() string {
	s, used := " ", 1
	if m.notice.text != "" {
		style := m.theme.Accent
		if m.notice.bad {
			style = m.theme.Bad
		}
		text := cell.Cut(render.Escape(m.notice.text), m.width*3/4)
		s += style.Render(text) + "   "
		used += cell.Width(text) + 3
	}
	told := slices.DeleteFunc(m.bindings(), func(b keys.Binding) bool { return b.Hint == "" })
	kept := 0 // cells that the ways on still need
	for _, b := range told {
		if wayOn(b) {
			kept += hintWidth(b)
		}
	}
	for _, b := range told {
		w := hintWidth(b)
		if wayOn(b) {
			kept -= w
		}
		if used+w+kept > m.width {
			continue
		}
		s += m.theme.HintKey.Render(b.Short()) + " " + m.theme.Hint.Render(b.Hint) + "  "
		used += w
	}
	return s + cell.Spaces(m.width-used)
}

// wayOn reports whether a hint stays when there is not room for all: it leads to
// what the others would have told.
func wayOn(b keys.Binding) bool {
	switch b.Intent {
	case intent.Send{}, intent.FocusNext{}, intent.Help{}, intent.Interrupt{}:
		return true
	}
	return false
}

func hintWidth(b keys.Binding) int { return cell.Width(b.Short()) + 1 + cell.Width(b.Hint) + 2 }

// bindings are the keys that the hint bar tells.
func (m *Model) bindings() []keys.Binding {
	var wants []intent.Intent
	if m.palette != nil {
		wants = []intent.Intent{intent.Move{Rows: 1}, intent.Enter{}, intent.Back{}}
	} else {
		wants = m.wants()
	}
	var out []keys.Binding
	in := m.contexts()
	for _, w := range wants {
		if b, ok := keys.For(w, in...); ok {
			out = append(out, b)
		}
	}
	return out
}

// wants is what can be done now: with the call, in the pane, and everywhere.
func (m *Model) wants() []intent.Intent {
	var call, pane []intent.Intent
	switch {
	case m.call.takesMore():
		call = []intent.Intent{intent.Send{}, intent.HalfClose{}, intent.Interrupt{}}
	case m.call.live():
		call = []intent.Intent{intent.Interrupt{}}
	default:
		if _, _, ok := m.compose.Operation(); ok {
			call = []intent.Intent{intent.Send{}}
		}
	}
	switch m.focus {
	case layout.Catalog:
		pane = m.catalog.Bindings()
	case layout.Compose:
		pane = m.compose.Bindings()
	case layout.Detail:
		pane = m.detail.Bindings()
	default:
		pane = m.wire.Bindings()
	}
	everywhere := []intent.Intent{intent.FocusNext{}, intent.FullPane{}, intent.Help{}, intent.Palette{}, intent.Quit{}}
	if m.typing() || m.call.live() {
		return append(append(call, pane...), everywhere...)
	}
	browse := append([]intent.Intent{intent.Move{Rows: 1}}, pane...)
	return append(append(browse, call...), everywhere...)
}

// helpItems are the keys that work where the user is. Those that every editor has
// come last.
func (m *Model) helpItems() []palette.Item {
	var out, last []palette.Item
	for _, c := range m.contexts() {
		for _, b := range keys.All() {
			item := palette.Item{Text: b.Help, Key: b.Label, Group: string(c), Intent: b.Intent}
			switch {
			case b.In == c && c == keys.Text:
				last = append(last, item)
			case b.In == c:
				out = append(out, item)
			}
		}
	}
	return append(out, last...)
}

// actionItems are all actions: those of the keys that work here, those without a
// key, and every operation. Moves are not among them.
func (m *Model) actionItems() []palette.Item {
	var out []palette.Item
	in := m.contexts()
	for _, b := range keys.All() {
		if b.In == keys.Text || b.In == keys.Prompt || b.In == keys.Browse && b.Intent != (intent.Copy{}) {
			continue
		}
		if want, ok := keys.Find(b.Keys[0], in...); ok && want == b.Intent && b.Intent != (intent.Palette{}) {
			out = append(out, palette.Item{Text: b.Help, Key: b.Label, Group: string(b.In), Intent: b.Intent})
		}
	}
	for p := range layout.Count {
		out = append(out, palette.Item{Text: "go to: " + p.String(), Group: "Everywhere", Intent: intent.Focus{Pane: p}})
	}
	out = append(out, palette.Item{Text: "leave the mouse to the terminal, or take it back", Group: "Everywhere", Intent: intent.ToggleMouse{}})
	return append(out, m.operationItems()...)
}

func (m *Model) operationItems() []palette.Item {
	var out []palette.Item
	for t, c := range m.catalogs {
		if c == nil {
			continue
		}
		for _, s := range c.Services {
			for _, op := range s.Operations {
				out = append(out, palette.Item{Text: render.Escape(op.ID), Group: "operation", Intent: intent.OpenOperation{Target: t, ID: op.ID}})
			}
		}
	}
	return out
}
