package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
)

// Capture is a file to look at: connections that were recorded earlier or
// elsewhere. It stands in the catalog after the targets, and is asked nothing.
type Capture struct {
	Label string // how the catalog names it
	Load  func(ctx context.Context) (*Loaded, error)
}

// Loaded is what a file holds. It is released when the program ends.
type Loaded struct {
	Connections []Connection
	Types       *catalog.Catalog // nil without a schema: fields are shown by their readings
	Notes       []string         // what stands between the file and the wire
}

// Connection is one connection of a file.
type Connection struct {
	Name      string // "127.0.0.1:51234 → 127.0.0.1:50051"
	Recording *record.Recording
	Decoder   *inspect.Decoder // of the recording
	Notes     []string
}

// captured is a file that is open, followed as a call is: its bytes are all there.
type captured struct {
	session *session // of the calls in it; nil until it is loaded
	loaded  *Loaded
	views   []connView
	index   int // in Model.captures
}

// captureMsg is the end of reading a file.
type captureMsg struct {
	capture int
	loaded  *Loaded
	err     error
}

// loadCapture reads a file.
func (m *Model) loadCapture(i int) tea.Cmd {
	load, ctx := m.o.Captures[i].Load, m.ctx
	return func() tea.Msg {
		l, err := load(ctx)
		return captureMsg{capture: i, loaded: l, err: err}
	}
}

// captureLoaded begins to decode a file.
func (m *Model) captureLoaded(msg captureMsg) tea.Cmd {
	target := len(m.o.Targets) + msg.capture
	if msg.err != nil {
		m.catalog.SetFailed(target, msg.err.Error())
		return nil
	}
	c := &m.captures[msg.capture]
	if c.loaded != nil {
		c.release()
	}
	m.calls++
	names, notes := make([]string, len(msg.loaded.Connections)), make([]string, len(msg.loaded.Connections))
	f := newFollower()
	for i, conn := range msg.loaded.Connections {
		f.conns = append(f.conns, &followed{rec: conn.Recording, dec: conn.Decoder})
		names[i], notes[i] = conn.Name, strings.Join(conn.Notes, " · ")
	}
	f.seal()
	ctx, cancel := context.WithCancel(m.ctx)
	*c = captured{index: msg.capture, loaded: msg.loaded, session: &session{
		id: m.calls, ctx: ctx, cancel: cancel, follower: f, progress: ended, following: true, capture: c,
	}}
	m.catalog.SetConnections(target, names, notes, strings.Join(msg.loaded.Notes, " · "))
	return f.follow(ctx, c.session.id)
}

// release frees a file that is read again, or at the end.
func (c *captured) release() {
	if c.session != nil {
		c.session.cancel()
	}
	for _, conn := range c.loaded.Connections {
		conn.Recording.Release()
	}
}

// capturedTrace shows how far a file is decoded; false if the trace is of no file.
func (m *Model) capturedTrace(msg traceMsg) (tea.Cmd, bool) {
	for i := range m.captures {
		c := &m.captures[i]
		if c.session == nil || c.session.id != msg.call {
			continue
		}
		c.views = msg.conns
		for n, v := range msg.conns {
			m.catalog.SetStreams(len(m.o.Targets)+i, n, v.trace.Streams)
		}
		c.session.following = !msg.last
		switch m.call {
		case c.session:
			m.views = c.views
			m.showConnection()
		case nil:
			m.openFirst(i, 0)
		}
		if msg.last {
			return nil, true
		}
		return c.session.follower.follow(c.session.ctx, c.session.id), true
	}
	return nil, false
}

// openFirst shows the first call of a file, or the first from one connection on.
func (m *Model) openFirst(capture, from int) {
	views := m.captures[capture].views
	for n := from; n < len(views); n++ {
		for _, s := range views[n].trace.Streams {
			if s.Path != "" || s.Messages != [2]int{} {
				o := intent.OpenCall{Target: len(m.o.Targets) + capture, Connection: n, Stream: s.ID}
				m.openCall(o)
				m.catalog.SetCall(o)
				return
			}
		}
	}
}

// openCall shows a call of a file.
func (m *Model) openCall(o intent.OpenCall) {
	i := o.Target - len(m.o.Targets)
	if i < 0 || i >= len(m.captures) || o.Connection >= len(m.captures[i].views) {
		return
	}
	c := &m.captures[i]
	v := c.views[o.Connection]
	s, _ := v.trace.StreamOf(o.Stream)
	if m.call.live() {
		m.complain(errors.New("a call is still running: ^C cancels it"))
		return
	}
	if m.call != nil && m.call.capture == nil {
		m.call.drop()
	}
	m.call, m.views, m.connection = c.session, c.views, o.Connection
	m.call.recorded = o.Stream
	m.detail.SetExchange(c.loaded.Types, max(s.Messages[0], s.Messages[1]) <= 1)
	m.detail.SetCall(o.Stream)
	m.wire.Reset()
	m.showConnection()
	m.wire.Zoom(o.Stream)
	if s.Status != nil && s.Status.Code != 0 {
		m.detail.SetOutcome(exchange.Outcome{Code: s.Status.Code, Message: s.Status.Message})
	}
}

// recordedStatus says how a call of a file ended.
func (m *Model) recordedStatus() (text string, good bool) {
	if m.connection >= len(m.views) {
		return "", true
	}
	s, ok := m.views[m.connection].trace.StreamOf(m.call.recorded)
	if !ok {
		return "", true
	}
	text, good = render.StreamStatus(s)
	if s.Ended > 0 {
		text += fmt.Sprintf(" · %s ms", render.Millis(s.Ended-s.Opened))
	}
	return text, good
}

// recordedName names the call of a file.
func (m *Model) recordedName() string {
	if m.connection < len(m.views) {
		if s, ok := m.views[m.connection].trace.StreamOf(m.call.recorded); ok && s.Path != "" {
			path, _, _ := strings.Cut(s.Path, "?")
			return path[strings.LastIndexByte(path, '/')+1:]
		}
	}
	return "call"
}

// enterCall opens a call of a file and goes to it.
func (m *Model) enterCall(o intent.OpenCall) {
	m.openCall(o)
	m.setFocus(layout.Detail)
}
