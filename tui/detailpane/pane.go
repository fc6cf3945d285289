// Package detailpane shows what is known of an exchange: the list of its
// messages, one message as bytes, fields and JSON under one selection, its
// headers, trailers, timing, TLS and problems, and one frame or one field in
// full. It reads the trace and the recording; it starts nothing and owns nothing.
//
//	p := detailpane.New()
//	p.SetExchange(catalog, unary)
//	p.SetTrace(rec, trace)
//	marks := p.Marks() // the frames that carried the selection
package detailpane

import (
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
	"github.com/wiregloss/wiregloss/tui/list"
)

// Tab is a page of the pane.
type Tab int

// The tabs.
const (
	Messages Tab = iota
	Headers
	Trailers
	Timing
	TLS
	Problems
	tabs
)

// Level is how far the Messages tab is zoomed in.
type Level uint8

// The levels.
const (
	MessageList Level = iota
	OneMessage
	OneField
	OneFrame
)

// Column is one of the three columns of a message.
type Column uint8

// The columns.
const (
	Bytes Column = iota
	Fields
	JSON
	columns
)

// Pane is the exchange view.
type Pane struct {
	types   *catalog.Catalog
	rec     *record.Recording
	trace   inspect.Trace
	outcome *exchange.Outcome
	failure string // why there was no call; "" if there was

	tab      Tab
	level    Level
	auto     bool // shows the newest message until the user chooses one
	messages list.List
	previews previews
	body     body
	job      func() Decoded // decodes a large message; the root runs it
	sheet    sheet
	frame    int // the frame of OneFrame
	column   Column

	w, h    int
	version int
	cache   cache
}

// New returns a pane without an exchange.
func New() *Pane { return &Pane{column: JSON} }

// SetExchange begins a new exchange. Of one that has a single message in each
// direction the message itself is shown, of others the list.
func (p *Pane) SetExchange(types *catalog.Catalog, unary bool) {
	w, h, v, column := p.w, p.h, p.version, p.column
	*p = Pane{types: types, w: w, h: h, version: v + 1, column: column, auto: true}
	if unary {
		p.level = OneMessage
	}
	p.messages.Follow()
	p.Resize(w, h)
}

// SetTrace shows what a recording means so far.
func (p *Pane) SetTrace(rec *record.Recording, t inspect.Trace) {
	if p.rec != rec {
		p.previews = previews{}
		p.body = body{}
	}
	p.rec, p.trace = rec, t
	p.messages.SetLen(p.count())
	if p.auto && p.level == OneMessage && p.count() > 0 {
		p.open(p.count() - 1)
	}
	p.refresh()
}

// SetOutcome says how the call ended.
func (p *Pane) SetOutcome(o exchange.Outcome) {
	p.outcome = &o
	p.refresh()
}

// SetFailure says why the call could not happen.
func (p *Pane) SetFailure(text string) {
	p.failure = text
	p.refresh()
}

// refresh rebuilds what depends on the trace.
func (p *Pane) refresh() {
	p.version++
	p.fit()
	if p.tab != Messages {
		p.sheet.set(p.tabSheet())
	}
}

// Resize says how many cells the pane has.
func (p *Pane) Resize(w, h int) {
	p.w, p.h = w, h
	p.refresh()
}

// fit gives the lists the room that tabs, titles and the status leave.
func (p *Pane) fit() {
	room := max(p.h-2-len(p.status())-p.footHeight(), 0)
	p.messages.SetHeight(room)
	p.body.list.SetHeight(max(room-1, 0))
	p.sheet.list.SetHeight(room)
}

// Contexts returns where the keys have their meaning.
func (p *Pane) Contexts() []keys.Context {
	return []keys.Context{keys.Detail, keys.Browse, keys.Global}
}

// Bindings returns what can be done here, the most useful first.
func (p *Pane) Bindings() []intent.Intent {
	switch {
	case p.rec == nil:
		return nil
	case p.tab != Messages:
		return []intent.Intent{intent.NextTab{}, intent.Copy{}, intent.Back{}}
	case p.level == MessageList:
		return []intent.Intent{intent.Enter{}, intent.NextTab{}, intent.FollowTail{}, intent.Back{}}
	case p.level == OneMessage:
		return []intent.Intent{intent.Enter{}, intent.Back{}, intent.Right{}, intent.NextMessage{}, intent.Fold{}, intent.Copy{}, intent.NextTab{}}
	}
	return []intent.Intent{intent.Back{}, intent.Enter{}, intent.Copy{}}
}

// Input does what the user wants of the exchange and returns what only the root
// can do.
func (p *Pane) Input(want intent.Intent) intent.Intent {
	p.version++
	switch want := want.(type) {
	case intent.NextTab:
		p.turn((p.tab + 1) % tabs)
	case intent.PrevTab:
		p.turn((p.tab + tabs - 1) % tabs)
	case intent.Tab:
		p.turn(min(max(Tab(want.Number), 0), tabs-1))
	case intent.NextMessage:
		p.step(1)
	case intent.PrevMessage:
		p.step(-1)
	case intent.OpenMessage:
		p.auto = false
		p.openAt(want.Index)
	case intent.FollowTail:
		p.followTail()
	case intent.Enter:
		p.enter()
	case intent.Click:
		return p.click(want)
	case intent.Copy:
		return p.copied()
	default:
		p.browse(want)
	}
	return nil
}

// browse moves in the list that is shown.
func (p *Pane) browse(want intent.Intent) {
	l := p.shown()
	switch want := want.(type) {
	case intent.Move:
		l.Move(want.Rows)
	case intent.Page:
		l.Page(want.Screens)
	case intent.First:
		l.Select(0)
	case intent.Last:
		l.Select(l.Len() - 1)
		if l == &p.messages {
			l.Follow()
		}
	case intent.Wheel:
		l.Scroll(want.Rows)
	case intent.Left:
		p.column = (p.column + columns - 1) % columns
	case intent.Right:
		p.column = (p.column + 1) % columns
	case intent.Fold:
		p.body.fold()
	case intent.FoldAll:
		p.body.foldAll()
	default:
		return
	}
	p.auto = false
}

// shown returns the list that has the keyboard.
func (p *Pane) shown() *list.List {
	switch {
	case p.tab != Messages || p.level > OneMessage:
		return &p.sheet.list
	case p.level == OneMessage:
		return &p.body.list
	}
	return &p.messages
}

// turn shows another tab.
func (p *Pane) turn(t Tab) {
	p.tab = t
	if p.level > OneMessage {
		p.level = MessageList
		if p.body.ok {
			p.level = OneMessage
		}
	}
	p.sheet = sheet{}
	p.fit()
	if t != Messages {
		p.sheet.set(p.tabSheet())
	}
}

func (p *Pane) followTail() {
	p.tab, p.level = Messages, MessageList
	p.messages.Follow()
	p.fit()
}

// enter zooms in.
func (p *Pane) enter() {
	if p.tab != Messages {
		return
	}
	switch p.level {
	case MessageList:
		p.auto = false
		p.openAt(p.messages.Selected())
	case OneMessage:
		p.auto = false
		p.enterRow()
	case OneFrame:
		p.enterFrame()
	case OneField: // there is nothing smaller
	}
}

// Back zooms out, and reports whether there was anything to zoom out of.
func (p *Pane) Back() bool {
	p.version++
	switch {
	case p.tab != Messages:
		p.turn(Messages)
	case p.level == OneField:
		p.level = OneMessage
	case p.level == OneFrame:
		p.level = MessageList
		if p.body.ok {
			p.level = OneMessage
		}
	case p.level == OneMessage && p.body.out():
	case p.level == OneMessage && p.count() > 0:
		p.auto = false
		p.level = MessageList
	default:
		return false
	}
	p.fit()
	return true
}

// step opens the message before or after.
func (p *Pane) step(by int) {
	p.auto = false
	p.tab = Messages
	if p.level == MessageList {
		p.messages.Move(by)
		return
	}
	if i := p.body.index + by; p.body.ok && i >= 0 && i < p.count() {
		p.openAt(i)
	}
}

// openAt opens a message and selects it in the list.
func (p *Pane) openAt(i int) {
	if i < 0 || i >= p.count() {
		return
	}
	p.tab, p.level = Messages, OneMessage
	p.messages.Select(i)
	p.open(i)
	p.fit()
}

func (p *Pane) click(c intent.Click) intent.Intent {
	if c.Y == 0 {
		x := 0
		for i, name := range p.tabNames() {
			x += len(name) + 2
			if c.X < x {
				return intent.Tab{Number: i}
			}
		}
		return nil
	}
	top := 2
	if p.tab == Messages && p.level == OneMessage {
		top = 3
		p.column = p.columnAt(c.X)
	}
	l := p.shown()
	i, ok := l.At(c.Y - top)
	if !ok {
		return nil
	}
	p.auto = false
	if l == &p.messages && i == l.Selected() {
		return intent.Enter{}
	}
	l.Select(i)
	return nil
}
