// Package tui is the interactive view of wiregloss. It has one tea.Model: Model
// turns keys, clicks and lines of the palette into intents, routes them to the
// panes, and is the only one that acts, in apply. Panes draw and keep their own
// selection; they do no I/O. Commands do the I/O and change nothing.
//
//	err := tui.Run(ctx, tui.Options{Targets: []tui.Target{{Label: ":50051", Target: t, Load: load}}})
package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/catalogpane"
	"github.com/wiregloss/wiregloss/tui/composepane"
	"github.com/wiregloss/wiregloss/tui/detailpane"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
	"github.com/wiregloss/wiregloss/tui/palette"
	"github.com/wiregloss/wiregloss/tui/theme"
	"github.com/wiregloss/wiregloss/tui/tracepane"
)

// Target is something to call, and how to find out what it offers.
type Target struct {
	Label  string // how the catalog names it
	Target exchange.Target
	Load   func(ctx context.Context) (*catalog.Catalog, error)
	// Headers stand in the metadata of every request to the target, to be edited.
	Headers []exchange.Header
}

// Stream is a call under way, as call.Stream is one.
type Stream interface {
	Send(msg []byte) error
	CloseSend() error
	Recv() error
	Outcome() exchange.Outcome
	Cancel()
	Close() error
}

// Options say what to show.
type Options struct {
	Targets []Target
	// Captures are files to look at.
	Captures []Capture
	// Operation is what to open once its target is loaded: an ID or any name that
	// catalog.Find knows. Empty opens nothing.
	Operation string
	// Open performs a call; nil is call.Open.
	Open func(ctx context.Context, op catalog.Operation, req exchange.Request, newRec func(record.Meta) *record.Recording) (Stream, error)
	// NoMouse leaves the mouse to the terminal.
	NoMouse bool
	// Version stands in the header; empty is none.
	Version string
}

// Model is the whole program.
type Model struct {
	o      Options
	ctx    context.Context //nolint:containedctx // the program's life, which commands share; a tea.Cmd takes no arguments
	cancel context.CancelFunc

	theme         *theme.Theme
	width, height int
	lay           layout.Layout
	focus         layout.Pane
	full          bool
	mouse         bool

	catalogs []*catalog.Catalog
	captures []captured
	catalog  *catalogpane.Pane
	compose  *composepane.Pane
	detail   *detailpane.Pane
	wire     *tracepane.Pane
	palette  *palette.Pane // nil when closed

	call       *session // the call that runs, or the last one
	calls      int
	connection int // of the call, which is shown
	views      []connView

	notice     notice
	interrupts int // in a row
}

type notice struct {
	text string
	bad  bool
}

// New returns the model; Run runs it.
func New(o Options) *Model {
	if o.Open == nil {
		o.Open = open
	}
	var labels []string
	for _, t := range o.Targets {
		labels = append(labels, t.Label)
	}
	for _, c := range o.Captures {
		labels = append(labels, c.Label)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &Model{
		o: o, ctx: ctx, cancel: cancel, theme: theme.New(true), mouse: !o.NoMouse,
		catalogs: make([]*catalog.Catalog, len(o.Targets)), captures: make([]captured, len(o.Captures)),
		catalog: catalogpane.New(labels), compose: composepane.New(), detail: detailpane.New(), wire: tracepane.New(),
	}
	m.catalog.SetOpen(intent.OpenOperation{Target: -1})
	for i, t := range o.Targets {
		m.compose.Preset(i, t.Headers)
	}
	return m
}

// open is call.Open, of which nil must stay nil.
func open(ctx context.Context, op catalog.Operation, req exchange.Request, newRec func(record.Meta) *record.Recording) (Stream, error) {
	s, err := call.Open(ctx, op, req, newRec)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Run shows the program until the user quits or ctx ends. The terminal is
// restored whatever happens; what was still running is cancelled.
func Run(ctx context.Context, o Options) error {
	m := New(o)
	defer m.Close()
	// Signals reach the program through ctx: with a handler of its own too, the one
	// that comes second waits for an event loop that has gone.
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithoutSignalHandler()).Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return fmt.Errorf("run the terminal view: %w", err)
	}
	return nil
}

// Close cancels what is running and frees the recordings.
func (m *Model) Close() {
	m.cancel()
	if m.call != nil && m.call.capture == nil {
		m.call.drop()
	}
	for i := range m.captures {
		if m.captures[i].loaded != nil {
			m.captures[i].release()
		}
	}
}

// Init reads the schemas of all targets, and the files.
func (m *Model) Init() tea.Cmd {
	cmds := []tea.Cmd{tea.RequestBackgroundColor}
	for i := range len(m.o.Targets) + len(m.o.Captures) {
		cmds = append(cmds, m.load(i))
	}
	return tea.Batch(cmds...)
}

// load reads the schema of a target, or a file.
func (m *Model) load(i int) tea.Cmd {
	if n := len(m.o.Targets); i >= n {
		return m.loadCapture(i - n)
	}
	load, ctx := m.o.Targets[i].Load, m.ctx
	return func() tea.Msg {
		c, err := load(ctx)
		return loadedMsg{target: i, catalog: c, err: err}
	}
}

// loadedMsg is the end of reading a schema.
type loadedMsg struct {
	target  int
	catalog *catalog.Catalog
	err     error
}

// say shows a notice until the next key.
func (m *Model) say(format string, args ...any) {
	m.notice = notice{text: fmt.Sprintf(format, args...)}
}

// complain shows why something could not be done.
func (m *Model) complain(err error) {
	m.notice = notice{text: err.Error(), bad: true}
}
