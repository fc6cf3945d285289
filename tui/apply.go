package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
	"github.com/wiregloss/wiregloss/tui/palette"
)

// apply does what the user wants. It is the only place that acts: what a pane can
// do by itself is given to the pane in focus, which may want something in turn.
func (m *Model) apply(want intent.Intent) tea.Cmd {
	if m.palette != nil {
		if cmd, done := m.applyPalette(want); done {
			return cmd
		}
	}
	switch want := want.(type) {
	case nil:
		return nil
	case intent.Send:
		return m.send()
	case intent.HalfClose:
		return m.halfClose()
	case intent.Cancel, intent.Interrupt:
		return m.interrupt()
	case intent.Quit:
		return tea.Quit
	case intent.OpenOperation:
		m.openOperation(want)
	case intent.OpenCall:
		m.enterCall(want)
	case intent.Reload:
		if want.Target < 0 { // of the target that is selected
			return m.give(layout.Catalog, want)
		}
		return m.reload(want.Target)
	case intent.Template:
		if _, op, ok := m.compose.Operation(); ok {
			m.compose.FillTemplate(template(op))
		}
	case intent.CopyText:
		return m.copy(want)
	case intent.Redraw:
		return tea.ClearScreen
	default:
		return m.navigate(want)
	}
	return nil
}

// navigate moves between panes and levels.
func (m *Model) navigate(want intent.Intent) tea.Cmd {
	switch want := want.(type) {
	case intent.Focus:
		m.setFocus(want.Pane)
	case intent.FocusNext:
		m.setFocus(m.neighbour(1))
	case intent.FocusPrev:
		m.setFocus(m.neighbour(layout.Count - 1))
	case intent.FullPane:
		m.full = !m.full
		m.arrange()
	case intent.Back:
		m.back()
	case intent.OpenFrame:
		m.showWire(want.Index, want.Part)
	case intent.EnterFrame:
		m.showWire(want.Index, want.Part)
		m.setFocus(layout.Detail)
	case intent.NextMessage, intent.PrevMessage, intent.OpenMessage, intent.OpenTable, intent.Skeleton:
		return m.give(layout.Detail, want)
	case intent.NextConnection:
		m.nextConnection()
	case intent.ToggleMouse:
		m.mouse = !m.mouse
	case intent.Help:
		m.openPalette("Keys", m.helpItems())
	case intent.Palette:
		m.openPalette("Actions", m.actionItems())
	default:
		return m.give(m.focus, want)
	}
	return nil
}

// give hands an intent to a pane, and applies what the pane wants in turn.
func (m *Model) give(p layout.Pane, want intent.Intent) tea.Cmd {
	var next intent.Intent
	switch p {
	case layout.Catalog:
		next = m.catalog.Input(want)
	case layout.Compose:
		next = m.compose.Input(want)
	case layout.Detail:
		next = m.detail.Input(want)
	default:
		next = m.wire.Input(want)
	}
	if next == nil || next == want {
		return nil
	}
	return m.apply(next)
}

// applyPalette does what concerns the open palette.
func (m *Model) applyPalette(want intent.Intent) (cmd tea.Cmd, done bool) {
	switch want.(type) {
	case intent.Back, intent.Palette, intent.Help:
		m.palette = nil
		return nil, true
	case intent.Move, intent.Page, intent.Insert, intent.Paste, intent.ClearFilter, intent.Edit, intent.Enter:
		return m.choose(m.palette.Input(want)), true
	case intent.Quit, intent.Interrupt, intent.Redraw:
		return nil, false
	}
	m.palette = nil
	return nil, false
}

// choose closes the palette and does what was chosen.
func (m *Model) choose(want intent.Intent) tea.Cmd {
	if want == nil {
		return nil
	}
	m.palette = nil
	return m.apply(want)
}

func (m *Model) openPalette(title string, items []palette.Item) {
	m.palette = palette.New(title, items)
	m.arrange()
}

// back zooms out: of the pane's own levels first, then to the pane before.
func (m *Model) back() {
	if m.full {
		m.full = false
		m.arrange()
		return
	}
	switch m.focus {
	case layout.Catalog:
		m.catalog.Back()
	case layout.Compose:
		m.setFocus(layout.Catalog)
	case layout.Detail:
		switch {
		case m.detail.Back():
		case m.onlyFiles() || m.call != nil && m.call.capture != nil:
			m.setFocus(layout.Catalog)
		default:
			m.setFocus(layout.Compose)
		}
	default:
		if !m.wire.Back() {
			m.setFocus(layout.Detail)
		}
	}
}

// interrupt cancels what runs; a second one in a row quits.
func (m *Model) interrupt() tea.Cmd {
	m.interrupts++
	switch {
	case m.interrupts > 1:
		return tea.Quit
	case m.call.live():
		m.cancelCall()
	default:
		m.say("^C again quits")
	}
	return nil
}

func (m *Model) reload(target int) tea.Cmd {
	m.catalog.SetLoading(target)
	return m.load(target)
}

// showWire shows a frame, or a part of HTTP/1.1.
func (m *Model) showWire(index int, part bool) {
	if part {
		m.detail.ShowPart(index)
		return
	}
	m.detail.ShowFrame(index)
}

func (m *Model) nextConnection() {
	if len(m.views) < 2 {
		m.say("there is one connection")
		return
	}
	next := (m.connection + 1) % len(m.views)
	if m.call.capture != nil {
		m.openFirst(m.call.capture.index, next)
		return
	}
	m.connection = next
	m.showConnection()
}

// onlyFiles reports whether there is nothing to call.
func (m *Model) onlyFiles() bool { return len(m.o.Targets) == 0 && len(m.o.Captures) > 0 }

// neighbour returns the pane some steps on in the order of the panes.
func (m *Model) neighbour(steps layout.Pane) layout.Pane {
	next := (m.focus + steps) % layout.Count
	if next == layout.Compose && m.onlyFiles() {
		next = (next + steps) % layout.Count
	}
	return next
}

func (m *Model) setFocus(p layout.Pane) {
	if m.focus == p {
		return
	}
	m.focus = p
	m.arrange()
}

// arrange places the panes; each learns its size.
func (m *Model) arrange() {
	m.lay = layout.Arrange(layout.Args{
		Width: m.width, Height: m.height, Focus: m.focus, Full: m.full, NoRequest: m.onlyFiles(),
	})
	for p := range layout.Count {
		if r := m.lay.Inner(p); !r.Empty() {
			m.resize(p, r)
		}
	}
	if m.palette != nil {
		r := m.paletteRect().Inset(1)
		m.palette.Resize(r.W, r.H)
	}
}

func (m *Model) resize(p layout.Pane, r layout.Rect) {
	switch p {
	case layout.Catalog:
		m.catalog.Resize(r.W, r.H)
	case layout.Compose:
		m.compose.Resize(r.W, r.H)
	case layout.Detail:
		m.detail.Resize(r.W, r.H)
	default:
		m.wire.Resize(r.W, r.H)
	}
}

// paletteRect is where the palette lies over the screen.
func (m *Model) paletteRect() layout.Rect {
	w, h := m.palette.Size(m.width, m.height-2)
	w, h = max(w, 0)+2, max(h, 0)+2
	return layout.Rect{X: max((m.width-w)/2, 0), Y: max(min(3, m.height-h-1), 0), W: min(w, m.width), H: min(h, m.height)}
}
