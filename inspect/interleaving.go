package inspect

import (
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Interleaving is how one side mixes its streams, as its DATA and header blocks tell.
type Interleaving struct {
	Frames   int // DATA, HEADERS and CONTINUATION
	Switches int // how often one is of another stream than the one before
	Longest  Run // the longest run of frames of one stream

	run Run
}

// Run is a number of frames of one stream, without one of another stream between.
type Run struct {
	Stream uint32
	First  int // index of the first
	Frames int
	Bytes  int64 // with their headers
}

func (w *Interleaving) add(f *Frame, index int) {
	if w.Frames > 0 && w.run.Stream != f.Stream {
		w.Switches++
	}
	if w.run.Stream != f.Stream || w.Frames == 0 {
		w.run = Run{Stream: f.Stream, First: index}
	}
	w.Frames++
	w.run.Frames++
	w.run.Bytes += h2.HeaderLen + int64(f.Length)
	if w.run.Frames > w.Longest.Frames {
		w.Longest = w.run
	}
}

// openStreams counts streams that are open in one direction at least.
type openStreams struct {
	now, most int
	mostAt    time.Duration
}

// progress applies what HEADERS or DATA do to a stream: they open it, or end one
// side of it.
func (l *Ledger) progress(f *Frame, a *account, index int) {
	if a == nil || a == &l.rest {
		return
	}
	if a.state == notOpen {
		a.state = accountOpen
		if l.open.now++; l.open.now > l.open.most {
			l.open.most, l.open.mostAt = l.open.now, f.At
		}
	}
	if !f.Flags.Has(h2.EndStream) {
		return
	}
	if a.ended[f.Dir] = true; f.Type == h2.Headers {
		a.flow[f.Dir].end(f.At, index)
	}
	if a.ended[f.Dir.Other()] {
		l.close(a, f.At, index)
	}
}

// close ends both sides of a stream.
func (l *Ledger) close(a *account, at time.Duration, index int) {
	if a == nil || a == &l.rest || a.state != accountOpen {
		return
	}
	a.state = accountClosed
	l.open.now--
	for dir := range a.flow {
		l.catchUp(&a.flow[dir], record.Dir(dir))
		a.flow[dir].end(at, index)
	}
}

// Interleaving returns how one side mixes its streams.
func (l *Ledger) Interleaving(dir record.Dir) Interleaving { return l.weave[dir] }

// OpenStreams returns how many streams are open now, and how many were at most
// and when first.
func (l *Ledger) OpenStreams() (now, most int, at time.Duration) {
	return l.open.now, l.open.most, l.open.mostAt
}
