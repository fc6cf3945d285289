// Package tracepane is the wire: the frames of a connection in the order of
// their arrival, or the parts of HTTP/1.1, one line each. Frames that only run the
// connection are folded to one line a run. The frames that carried what is selected
// elsewhere are marked, and those that brought a window to zero say for how long.
// The pane draws only what is visible and indexes only what is new.
//
//	p := tracepane.New()
//	p.SetTrace(rec, trace)
//	p.Mark(tracepane.Marks{Frames: []int{5}, Text: "payload bytes 3-16 selected", Short: "bytes 3-16"})
package tracepane

import (
	"slices"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
	"github.com/wiregloss/wiregloss/tui/list"
)

// Marks are the frames and parts that carried what is selected elsewhere, and what
// to say of them.
type Marks struct {
	Frames []int  // indexes in the trace, ascending
	Parts  []int  // likewise
	Text   string // "payload bytes 3-16 selected"
	Short  string // the same for narrow panes
}

// Pane is the list of frames.
type Pane struct {
	rec      *record.Recording
	trace    inspect.Trace
	whole    rows   // of the connection, with its own frames folded
	zoomed   rows   // of one stream
	stream   uint32 // only the frames of this stream; 0 is all
	unfolded bool
	list     list.List
	marked   Marks
	stalls   map[int]string // of frames that were drawn; "" of one that caused none

	w, h    int
	version int
	cache   cache
}

// New returns a pane without a trace.
func New() *Pane { return &Pane{} }

// Reset forgets the trace: a new exchange begins.
func (p *Pane) Reset() {
	*p = Pane{w: p.w, h: p.h, unfolded: p.unfolded, version: p.version + 1}
	p.Resize(p.w, p.h)
}

// SetTrace shows what a recording means so far.
func (p *Pane) SetTrace(rec *record.Recording, t inspect.Trace) {
	if p.rec != rec {
		p.Reset()
	}
	p.rec, p.trace = rec, t
	p.list.SetLen(p.index())
	p.version++
}

// Mark marks the frames that carried what is selected elsewhere, and says so of
// them in the words that fit.
func (p *Pane) Mark(m Marks) {
	if slices.Equal(p.marked.Frames, m.Frames) && slices.Equal(p.marked.Parts, m.Parts) && p.marked.Text == m.Text {
		return
	}
	p.marked = m
	p.version++
}

// Reveal selects the first marked frame or part.
func (p *Pane) Reveal() {
	switch {
	case len(p.marked.Parts) > 0:
		p.selectItem(p.marked.Parts[0], true)
	case len(p.marked.Frames) > 0:
		p.selectItem(p.marked.Frames[0], false)
	}
}

// Frame returns the selected frame; ok is false on the preface, on a run and on a
// part of HTTP/1.1.
func (p *Pane) Frame() (i int, ok bool) {
	r, ok := p.selected()
	return int(r.first), ok && r.first != preface && r.count == 1 && !r.part
}

// Stream returns the stream that is zoomed in on; 0 is the whole connection.
func (p *Pane) Stream() uint32 { return p.stream }

// Resize says how many cells the pane has.
func (p *Pane) Resize(w, h int) {
	p.w, p.h = w, h
	p.list.SetHeight(max(h-p.headHeight(), 0))
	p.version++
}

// headHeight leaves the column names out where there is little room.
func (p *Pane) headHeight() int {
	if p.h < 8 {
		return 0
	}
	return 1
}

// Contexts returns where the keys have their meaning.
func (p *Pane) Contexts() []keys.Context {
	return []keys.Context{keys.Wire, keys.Browse, keys.Global}
}

// Bindings returns what can be done here, the most useful first.
func (p *Pane) Bindings() []intent.Intent {
	if p.count() == 0 {
		return nil
	}
	return []intent.Intent{intent.Enter{}, intent.Back{}, intent.FoldAll{}, intent.FollowTail{}, intent.Copy{}}
}

// Input does what the user wants of the list and returns what only the root can
// do.
func (p *Pane) Input(want intent.Intent) intent.Intent {
	p.version++
	switch want := want.(type) {
	case intent.Move:
		p.list.Move(want.Rows)
	case intent.Page:
		p.list.Page(want.Screens)
	case intent.First:
		p.list.Select(0)
	case intent.Last, intent.FollowTail:
		p.list.Follow()
	case intent.Wheel:
		p.list.Scroll(want.Rows)
		return nil // looking around chooses nothing
	case intent.FoldAll, intent.Fold:
		p.relist(func() { p.unfolded = !p.unfolded })
	case intent.Enter:
		return p.enter()
	case intent.Click:
		i, ok := p.list.At(want.Y - p.headHeight())
		if !ok {
			return nil
		}
		if i == p.list.Selected() {
			return p.enter()
		}
		p.list.Select(i)
	case intent.Copy:
		return p.copied()
	default:
		return nil
	}
	if r, ok := p.selected(); ok && r.first != preface {
		return intent.OpenFrame{Index: int(r.first), Part: r.part}
	}
	return nil
}

// enter zooms from the connection to a stream, and from there to a frame.
func (p *Pane) enter() intent.Intent {
	r, ok := p.selected()
	switch {
	case !ok || r.first == preface:
		return nil
	case r.count > 1:
		p.relist(func() { p.unfolded = true })
		return nil
	}
	if stream := p.streamOf(r); p.stream == 0 && stream != 0 {
		p.relist(func() { p.stream, p.zoomed = stream, rows{} })
		return intent.OpenFrame{Index: int(r.first), Part: r.part}
	}
	return intent.EnterFrame{Index: int(r.first), Part: r.part}
}

func (p *Pane) streamOf(r row) uint32 {
	if r.part {
		return p.trace.Parts[r.first].Stream
	}
	return p.trace.Frames[r.first].Stream
}

// Zoom shows only the frames of one stream; 0 shows the whole connection.
func (p *Pane) Zoom(stream uint32) {
	if p.stream != stream {
		p.relist(func() { p.stream, p.zoomed = stream, rows{} })
	}
}

// Back zooms out to the connection, and reports whether it was zoomed in.
func (p *Pane) Back() bool {
	if p.stream == 0 {
		return false
	}
	p.relist(func() { p.stream, p.zoomed = 0, rows{} })
	return true
}
