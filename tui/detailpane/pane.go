// Package detailpane shows what is known of an exchange: the list of its
// messages, one message as bytes, fields and JSON under one selection, its
// headers, trailers, timing, TLS, flow control, costs and problems, and one frame
// or one field in full. It reads the trace and the recording; it starts nothing
// and owns nothing: what takes long becomes a Job, which the root runs.
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
	Flow
	Cost
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
	epoch   int    // counts exchanges

	tab      Tab
	level    Level
	auto     bool   // shows the newest message until the user chooses one
	held     uint32 // the call that the tabs tell of since they were turned to; 0 is that in view
	only     uint32 // the call whose messages are listed; 0 is all of the connection
	picked   picked
	totals   totals
	messages list.List
	previews previews
	body     body
	sheet    sheet
	frame    int  // the frame of OneFrame
	part     bool // it is a part of HTTP/1.1
	table    int  // the header block whose dynamic table is shown; -1 is none
	origin   origin
	column   Column

	jobs      []func() Result
	books     *books
	surveying bool // a job asks the ledger
	survey    survey
	profile   profile
	canon     canon

	w, h    int
	version int
	cache   cache
}

// origin is where the user came from by Enter on a line of a tab, to go back to.
type origin struct {
	ok       bool
	tab      Tab
	selected int
}

// New returns a pane without an exchange.
func New() *Pane { return &Pane{column: JSON, table: -1} }

// SetExchange begins a new exchange. Of one that has a single message in each
// direction the message itself is shown, of others the list.
func (p *Pane) SetExchange(types *catalog.Catalog, unary bool) {
	if p.profile.running {
		p.profile.counter.stop.Store(true)
	}
	w, h, v, column, epoch := p.w, p.h, p.version, p.column, p.epoch
	*p = Pane{types: types, w: w, h: h, version: v + 1, column: column, epoch: epoch + 1, auto: true, table: -1}
	if unary {
		p.level = OneMessage
	}
	p.messages.Follow()
	p.Resize(w, h)
}

// SetCall lists the messages of one stream of the connection; 0 lists all. It is
// called between SetExchange and SetTrace.
func (p *Pane) SetCall(stream uint32) { p.only = stream }

// SetTrace shows what a recording means so far.
func (p *Pane) SetTrace(rec *record.Recording, t inspect.Trace) {
	if p.rec != rec {
		p.previews = previews{}
		p.body = body{}
		p.books, p.survey, p.surveying = nil, survey{}, false
		p.picked, p.totals = picked{}, totals{}
		p.epoch++ // what jobs found out of another recording is late
	}
	p.rec, p.trace = rec, t
	p.pick()
	p.totals.add(t)
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

// refresh rebuilds what depends on the trace and on the size.
func (p *Pane) refresh() {
	p.version++
	p.fit()
	p.fill()
}

// fill writes the page of lines that is in view anew.
func (p *Pane) fill() {
	switch {
	case p.rec == nil:
	case p.tab != Messages:
		p.sheet.set(p.tabPage(), p.w)
	case p.level == OneFrame:
		p.sheet.set(p.framePage(), p.w)
	case p.level == OneField:
		if i, ok := p.body.selected(); ok {
			p.sheet.set(p.fieldPage(i), p.w)
		}
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
	case p.table >= 0:
		return []intent.Intent{intent.Back{}, intent.Copy{}}
	case p.tab == Headers || p.tab == Trailers:
		return []intent.Intent{intent.NextTab{}, intent.Enter{}, intent.OpenTable{}, intent.Copy{}, intent.Back{}}
	case p.tab == Problems:
		return []intent.Intent{intent.NextTab{}, intent.Enter{}, intent.NextMessage{}, intent.Copy{}, intent.Back{}}
	case p.tab != Messages:
		return []intent.Intent{intent.NextTab{}, intent.Enter{}, intent.Copy{}, intent.Back{}}
	case p.level == MessageList:
		return []intent.Intent{intent.Enter{}, intent.NextTab{}, intent.FollowTail{}, intent.Back{}}
	case p.level == OneMessage:
		out := []intent.Intent{intent.Enter{}, intent.Back{}, intent.Right{}, intent.NextMessage{}, intent.Fold{}, intent.Copy{}, intent.NextTab{}}
		if i, ok := p.inView(); ok && p.message(i).Content == inspect.Protobuf {
			out = append(out, intent.Skeleton{})
		}
		return out
	}
	return []intent.Intent{intent.Back{}, intent.Enter{}, intent.Copy{}}
}
