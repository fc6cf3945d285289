package detailpane

import (
	"sort"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
)

// call returns the stream that the tabs tell of: the one that was chosen, or that
// of the message in view when its tab was turned to.
func (p *Pane) call() uint32 {
	if p.only != 0 {
		return p.only
	}
	if p.tab != Messages && p.held != 0 {
		return p.held
	}
	return p.callInView()
}

func (p *Pane) callInView() uint32 {
	if i, ok := p.inView(); ok {
		return p.message(i).Stream
	}
	if n := len(p.trace.Streams); n > 0 {
		return p.trace.Streams[n-1].ID
	}
	return 0
}

// inView returns the index of the message that is open, or selected in the list.
func (p *Pane) inView() (int, bool) {
	i := p.messages.Selected()
	if p.level != MessageList && p.body.ok {
		i = p.body.index
	}
	return i, i < p.count()
}

// stream returns the call in view.
func (p *Pane) stream() (inspect.Stream, bool) { return p.trace.StreamOf(p.call()) }

// span returns the time in which entries of a stream are listed; until is false
// while it lasts.
func span(t inspect.Trace, stream uint32) (from, to time.Duration, until bool) {
	s, ok := t.StreamOf(stream)
	if !ok {
		return 0, 0, false
	}
	return s.Opened, s.Ended, s.Ended > 0
}

// blocksOf returns the indexes in t.Headers of a stream's header blocks. They are
// looked for in the time in which the stream was open: lists are in the order of
// time, and a connection can have many other streams.
func blocksOf(t inspect.Trace, stream uint32) []int {
	from, to, until := span(t, stream)
	var out []int
	for i := sort.Search(len(t.Headers), func(i int) bool { return t.Headers[i].At >= from }); i < len(t.Headers); i++ {
		b := &t.Headers[i]
		if until && b.At > to {
			break
		}
		if b.Stream == stream {
			out = append(out, i)
		}
	}
	return out
}

// firstOf returns the index of the first message in t.Messages that can be of a
// stream.
func firstOf(t inspect.Trace, stream uint32) int {
	from, _, _ := span(t, stream)
	return sort.Search(len(t.Messages), func(i int) bool { return t.Messages[i].At >= from })
}
