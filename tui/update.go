package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/compose"
	"github.com/wiregloss/wiregloss/tui/detailpane"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
	"github.com/wiregloss/wiregloss/tui/layout"
	"github.com/wiregloss/wiregloss/tui/theme"
	"github.com/wiregloss/wiregloss/tui/tracepane"
)

// Update takes what happened: what the user did becomes an intent, what a command
// found out is shown.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.happened(msg)
	m.mark()
	for job := m.detail.Job(); job != nil; job = m.detail.Job() {
		cmd = tea.Batch(cmd, func() tea.Msg { return job() })
	}
	return m, cmd
}

func (m *Model) happened(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.arrange()
	case tea.BackgroundColorMsg:
		m.theme = theme.New(msg.IsDark())
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.apply(intent.Paste{Text: msg.Content})
	case tea.MouseMsg:
		return m.pointer(msg)
	case loadedMsg:
		return m.loaded(msg)
	case captureMsg:
		return m.captureLoaded(msg)
	case openedMsg:
		return m.opened(msg)
	case sentMsg:
		return m.sent(msg)
	case endedMsg:
		m.endedCall(msg)
	case traceMsg:
		return m.traced(msg)
	case detailpane.Result:
		return m.apply(m.detail.Deliver(msg))
	}
	return nil
}

// mark carries the selection of the exchange to the wire. While the user moves in
// the wire itself, its rows stay where they are.
func (m *Model) mark() {
	marks := m.detail.Marks()
	m.wire.Mark(tracepane.Marks(marks))
	if m.focus != layout.Wire {
		m.wire.Reveal()
	}
}

// loaded shows what a target offers, or why that could not be found out.
func (m *Model) loaded(msg loadedMsg) tea.Cmd {
	if msg.err != nil {
		m.catalog.SetFailed(msg.target, msg.err.Error())
		return nil
	}
	m.catalogs[msg.target] = msg.catalog
	m.catalog.SetCatalog(msg.target, msg.catalog)
	if m.o.Operation == "" {
		return nil
	}
	op, err := msg.catalog.Find(m.o.Operation)
	if err != nil {
		m.complain(err)
		return nil
	}
	m.o.Operation = "" // once
	return m.apply(intent.OpenOperation{Target: msg.target, ID: op.ID})
}

// contexts returns where keys have their meaning now, innermost first.
func (m *Model) contexts() []keys.Context {
	if m.palette != nil {
		return m.palette.Contexts()
	}
	switch m.focus {
	case layout.Catalog:
		return m.catalog.Contexts()
	case layout.Compose:
		return m.compose.Contexts()
	case layout.Detail:
		return m.detail.Contexts()
	default:
		return m.wire.Contexts()
	}
}

// typing reports whether characters are text.
func (m *Model) typing() bool {
	switch {
	case m.palette != nil:
		return true
	case m.focus == layout.Catalog:
		return m.catalog.Typing()
	case m.focus == layout.Compose:
		return m.compose.Typing()
	}
	return false
}

// key turns a key into an intent.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	want, ok := keys.Find(k.String(), m.contexts()...)
	if !ok && m.typing() && k.Text != "" && k.Mod&^tea.ModShift == 0 {
		want, ok = intent.Insert{Text: k.Text}, true
	}
	if want != (intent.Interrupt{}) {
		m.interrupts = 0
	}
	m.notice = notice{}
	if !ok {
		return nil
	}
	return m.apply(want)
}

// wheelRows is how far one turn of the wheel goes.
const wheelRows = 3

// pointer turns the mouse into intents.
func (m *Model) pointer(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	if m.palette != nil {
		return m.palettePointer(msg)
	}
	p, ok := m.lay.At(at.X, at.Y)
	if !ok {
		return nil
	}
	in := m.lay.Inner(p)
	switch msg := msg.(type) {
	case tea.MouseClickMsg:
		if msg.Button != tea.MouseLeft {
			return nil
		}
		m.notice = notice{}
		m.setFocus(p)
		if !in.Contains(at.X, at.Y) {
			return nil
		}
		return m.apply(intent.Click{X: at.X - in.X, Y: at.Y - in.Y})
	case tea.MouseWheelMsg:
		return m.give(p, intent.Wheel{Rows: wheel(msg)})
	}
	return nil
}

func wheel(msg tea.MouseWheelMsg) int {
	switch msg.Button {
	case tea.MouseWheelUp:
		return -wheelRows
	case tea.MouseWheelDown:
		return wheelRows
	}
	return 0
}

func (m *Model) palettePointer(msg tea.MouseMsg) tea.Cmd {
	at, r := msg.Mouse(), m.paletteRect().Inset(1)
	switch msg := msg.(type) {
	case tea.MouseClickMsg:
		if !m.paletteRect().Contains(at.X, at.Y) {
			m.palette = nil
			return nil
		}
		return m.choose(m.palette.Input(intent.Click{X: at.X - r.X, Y: at.Y - r.Y}))
	case tea.MouseWheelMsg:
		m.palette.Input(intent.Wheel{Rows: wheel(msg)})
	}
	return nil
}

// openOperation brings an operation into the composer.
func (m *Model) openOperation(o intent.OpenOperation) {
	op, ok := m.operation(o)
	if !ok {
		return
	}
	m.compose.Open(o, op, template(op))
	m.catalog.SetOpen(o)
	m.setFocus(layout.Compose)
}

// operation finds an operation of a target that was loaded.
func (m *Model) operation(o intent.OpenOperation) (catalog.Operation, bool) {
	if o.Target < 0 || o.Target >= len(m.catalogs) || m.catalogs[o.Target] == nil {
		return catalog.Operation{}, false
	}
	for _, s := range m.catalogs[o.Target].Services {
		for _, op := range s.Operations {
			if op.ID == o.ID {
				return op, true
			}
		}
	}
	return catalog.Operation{}, false
}

// template is a body to fill in.
func template(op catalog.Operation) string {
	rpc, ok := op.Call.(catalog.RPC)
	if !ok {
		return ""
	}
	return string(compose.Template(rpc.Method.Input()))
}

// kind says how an operation streams.
func kind(op catalog.Operation) string {
	rpc, ok := op.Call.(catalog.RPC)
	if !ok {
		return "REST"
	}
	switch client, server := rpc.Method.IsStreamingClient(), rpc.Method.IsStreamingServer(); {
	case client && server:
		return "bidirectional stream"
	case client:
		return "client stream"
	case server:
		return "server stream"
	}
	return "unary"
}

func (m *Model) copy(c intent.CopyText) tea.Cmd {
	m.notice = notice{text: fmt.Sprintf("copied the %s, %d bytes", c.What, len(c.Text))}
	return tea.SetClipboard(c.Text)
}
