package tracepane

import (
	"sort"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
)

// preface is the row of the client's first 24 bytes, which are no frame.
const preface = -1

// row is one line: a frame, a run of frames that is folded, or a part of HTTP/1.1.
type row struct {
	first, count int32
	part         bool
}

// rows are lines of the list, for as much of a trace as they cover.
type rows struct {
	list          []row
	frames, parts int // how many of each they cover
}

// index adds the rows of what is new and returns how many there are in view. Each
// frame is looked at once for the connection, and once for a stream that is zoomed
// in on; unfolded, a connection has no rows to keep: each frame is one.
func (p *Pane) index() int {
	w := &p.whole
	for ; w.parts < len(p.trace.Parts); w.parts++ {
		w.list = append(w.list, row{first: int32(w.parts), count: 1, part: true})
	}
	if w.frames == 0 && p.prefaced() == 1 && (len(w.list) == 0 || w.list[len(w.list)-1].first != preface) {
		w.list = append(w.list, row{first: preface, count: 1})
	}
	for ; w.frames < len(p.trace.Frames); w.frames++ {
		w.add(p.trace.Frames, w.frames)
	}
	if p.stream != 0 {
		p.zoomed.zoom(p.trace, p.stream)
	}
	return p.count()
}

// prefaced returns how many rows the preface has.
func (p *Pane) prefaced() int {
	if p.trace.Preface.Len > 0 {
		return 1
	}
	return 0
}

// add adds the row of one frame, or adds the frame to the run before it.
func (r *rows) add(frames []inspect.Frame, i int) {
	if n := len(r.list); n > 0 && housekeeping(&frames[i]) {
		last := &r.list[n-1]
		if !last.part && last.first != preface && int(last.first+last.count) == i && housekeeping(&frames[i-1]) {
			last.count++
			return
		}
	}
	r.list = append(r.list, row{first: int32(i), count: 1})
}

// zoom adds the parts and frames of one stream that are new.
func (r *rows) zoom(t inspect.Trace, stream uint32) {
	for ; r.parts < len(t.Parts); r.parts++ {
		if t.Parts[r.parts].Stream == stream {
			r.list = append(r.list, row{first: int32(r.parts), count: 1, part: true})
		}
	}
	for ; r.frames < len(t.Frames); r.frames++ {
		if t.Frames[r.frames].Stream == stream {
			r.list = append(r.list, row{first: int32(r.frames), count: 1})
		}
	}
}

// count returns how many rows are in view.
func (p *Pane) count() int {
	switch {
	case p.stream != 0:
		return len(p.zoomed.list)
	case !p.unfolded:
		return len(p.whole.list)
	}
	return p.whole.parts + p.prefaced() + p.whole.frames
}

// row returns a row in view: parts stand before frames, since only an upgrade leads
// from the ones to the others.
func (p *Pane) row(i int) row {
	switch {
	case p.stream != 0:
		return p.zoomed.list[i]
	case !p.unfolded:
		return p.whole.list[i]
	}
	if i < p.whole.parts {
		return row{first: int32(i), count: 1, part: true}
	}
	if i -= p.whole.parts + p.prefaced(); i < 0 {
		return row{first: preface, count: 1}
	}
	return row{first: int32(i), count: 1}
}

// selectItem selects the row of a frame or a part.
func (p *Pane) selectItem(i int, part bool) {
	at := sort.Search(p.count(), func(n int) bool {
		r := p.row(n)
		if r.part != part {
			return part
		}
		return int(r.first) > i
	}) - 1
	if at >= 0 && p.list.Selected() != at {
		p.list.Select(at)
		p.version++
	}
}

// relist changes what is in view and stays on the frame that was selected.
func (p *Pane) relist(change func()) {
	r, ok := p.selected()
	follow := p.list.Following()
	change()
	p.list.SetLen(p.index())
	p.version++
	if follow {
		p.list.Follow()
		return
	}
	if ok {
		p.selectItem(max(int(r.first), 0), r.part)
	}
}

func (p *Pane) selected() (row, bool) {
	i := p.list.Selected()
	if i >= p.count() {
		return row{}, false
	}
	return p.row(i), true
}

// housekeeping reports whether a frame only runs the connection.
func housekeeping(f *inspect.Frame) bool {
	if f.Stream != 0 {
		return f.Type == h2.WindowUpdate
	}
	return f.Type == h2.Settings || f.Type == h2.WindowUpdate || f.Type == h2.Ping
}
