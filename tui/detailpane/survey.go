package detailpane

import (
	"sync"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// books is the ledger of a recording. Only jobs use it, one at a time: the screen
// sees the answers.
type books struct {
	mu     sync.Mutex
	ledger *inspect.Ledger
}

// question is what the tab or the frame in view needs of the ledger. Equal
// questions have equal answers.
type question struct {
	seen   seen
	stream uint32 // the call in view
	flow   bool   // the series of the windows, and the streams that stood at zero
	fields bool   // what the call's header blocks did to the table
	table  int    // the header block whose table is shown; -1 is none
}

// seen is how much of a recording a trace covers.
type seen struct{ frames, parts, headers, messages int }

func seenOf(t inspect.Trace) seen {
	return seen{len(t.Frames), len(t.Parts), len(t.Headers), len(t.Messages)}
}

// survey is the answer: copies, which nobody changes.
type survey struct {
	question
	ok       bool
	sides    [2]side
	stalled  []inspect.Window // of streams that stood at zero, the first ones
	settings []inspect.SettingsFrame
	pings    []inspect.Ping
	notices  []inspect.Notice
	blocks   map[int]hpack.Block // by index of the header block
	tableNow hpack.Table
	tableOK  bool
	dropped  inspect.Dropped

	openNow, openMost int
	openAt            time.Duration
}

// side is what one side did, as sender.
type side struct {
	cost, callCost     inspect.Cost
	hpack              inspect.HPACKTotals
	window, callWindow inspect.Window
	series, callSeries []inspect.Point
	weave              inspect.Interleaving
	pings              inspect.PingStats
}

// Limits of what an answer lists.
const (
	mostStalled = 200
	mostPoints  = 512
)

// asks returns what the view needs of the ledger; ok is false where it needs
// nothing.
func (p *Pane) asks() (q question, ok bool) {
	q = question{seen: seenOf(p.trace), stream: p.call(), table: -1}
	switch {
	case p.tab == Flow:
		q.flow = true
	case p.tab == Cost:
	case p.tab == Headers || p.tab == Trailers:
		q.fields, q.table = true, p.table
	case p.tab == Messages && p.level == OneFrame && !p.part:
		q.table = p.table
	default:
		return q, false
	}
	return q, true
}

func (p *Pane) planSurvey() {
	q, ok := p.asks()
	if !ok || p.surveying || p.survey.ok && p.survey.question == q {
		return
	}
	if p.books == nil {
		p.books = &books{ledger: inspect.NewLedger(p.rec)}
	}
	p.surveying = true
	b, t, rec, epoch := p.books, p.trace, p.rec, p.epoch
	p.later(func() Result { return surveyed{b.answer(t, q), rec, epoch} })
}

type surveyed struct {
	survey
	rec   *record.Recording
	epoch int
}

func (s surveyed) deliver(p *Pane) intent.Intent {
	if s.rec != p.rec || s.epoch != p.epoch {
		return nil
	}
	p.surveying = false
	p.survey = s.survey
	p.refresh()
	return nil
}

// answer brings the ledger up to a trace and reads it.
func (b *books) answer(t inspect.Trace, q question) survey {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.ledger
	l.Advance(t)
	s := survey{
		question: q, ok: true, settings: l.Settings(), pings: l.Pings(), notices: l.Notices(), dropped: l.Dropped(),
	}
	s.openNow, s.openMost, s.openAt = l.OpenStreams()
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		d := &s.sides[dir]
		d.cost, d.hpack, d.weave, d.pings = l.Cost(dir), l.HPACK(dir), l.Interleaving(dir), l.PingStats(dir)
		d.callCost, _ = l.StreamCost(q.stream, dir)
		d.window, _ = l.Window(0, dir)
		d.callWindow, _ = l.Window(q.stream, dir)
		if q.flow {
			from, _, _ := span(t, q.stream)
			d.series = since(l.Series(dir), inspect.Point{Window: d.window.Initial})
			d.callSeries = since(t.Series(q.stream, dir, mostPoints), inspect.Point{At: from, Window: d.callWindow.Initial})
		}
	}
	if q.flow {
		s.stalled = stalled(l, q.stream)
	}
	if q.fields {
		s.blocks = changed(l, t, q.stream)
	}
	if q.table >= 0 {
		s.tableNow, s.tableOK = l.TableAt(q.table)
	}
	return s
}

// since puts where a window began before its changes.
func since(changes []inspect.Point, first inspect.Point) []inspect.Point {
	if len(changes) == 0 {
		return nil
	}
	return append([]inspect.Point{first}, changes...)
}

// stalled returns the windows of streams that stood at zero, but for the one that
// is shown anyway.
func stalled(l *inspect.Ledger, but uint32) []inspect.Window {
	var out []inspect.Window
	for _, id := range l.Streams() {
		for _, dir := range []record.Dir{record.Sent, record.Received} {
			if w, ok := l.Window(id, dir); ok && id != but && w.StallCount > 0 {
				out = append(out, w)
			}
		}
		if len(out) >= mostStalled {
			break
		}
	}
	return out
}

// changed returns what the header blocks of a call evicted and resized.
func changed(l *inspect.Ledger, t inspect.Trace, stream uint32) map[int]hpack.Block {
	out := map[int]hpack.Block{}
	for _, i := range blocksOf(t, stream) {
		if s := t.Headers[i].HPACK; s.Evicted == 0 && s.Updates == 0 {
			continue
		}
		if b, ok := l.Block(t.Forgotten.Headers + i); ok {
			out[t.Forgotten.Headers+i] = b
		}
	}
	return out
}
