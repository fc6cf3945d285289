package detailpane

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// shownProblems bounds the lines of the Problems tab; damage that repeats says
// nothing new.
const shownProblems = 500

// problemLines lists the broken rules, then what is not canonical in the message
// in view.
func (p *Pane) problemLines() []line {
	out := []line{heading("broken rules · " + render.Plural(int64(p.problemCount()), "problem"))}
	for _, pr := range p.trace.Problems[:min(len(p.trace.Problems), shownProblems)] {
		out = append(out, problemLine(pr))
	}
	if n := len(p.trace.Problems) - shownProblems; n > 0 {
		out = append(out, line{value: fmt.Sprintf("and %d more: wiregloss inspect lists all", n)})
	}
	out = append(out, p.recordingProblems()...)
	if len(out) == 1 {
		out = append(out, line{value: "none: every byte is explained"})
	}
	return append(out, p.canonLines()...)
}

func problemLine(pr inspect.Problem) line {
	l := wrapped(pr.Rule, pr.Text)
	l.bad = true
	l.spans = []record.Span{pr.Span}
	l.note = fmt.Sprintf("%s bytes %s · stream %d", pr.Span.Dir, byteRange(pr.Span.Off, pr.Span.Len), pr.Stream)
	l.copied = render.ProblemText(pr)
	return l
}

// canonLines tells where the message in view is not what a canonical encoder
// writes.
func (p *Pane) canonLines() []line {
	c := &p.canon
	if !c.begun || c.at.index >= p.count() || c.at != p.placeOf(c.at.index) {
		return nil
	}
	m := p.message(c.at.index)
	title := fmt.Sprintf("encoding of %s · %s · stream %d", render.MessageName(m), m.Dir, m.Stream)
	switch {
	case m.Content != inspect.Protobuf || m.Final():
		return []line{heading(title), {value: "it is not protobuf: there is no canonical encoding to compare it with"}}
	case m.Have < m.Length:
		return []line{heading(title), {value: "it is checked once all of it has come"}}
	case !c.done:
		return []line{heading(title), computing("what is not canonical")}
	case c.problem != "":
		return []line{heading(title), {value: render.Escape(c.problem), bad: true}}
	case len(c.findings) == 0:
		return []line{heading(title), {value: "canonical: an encoder that writes it again writes the same bytes"}}
	}
	out := []line{heading(title + " · " + render.Plural(int64(len(c.findings)), "finding")), {columns: true, name: "offset  rule", value: "field: what"}}
	for _, f := range c.findings {
		text := f.Path + ": " + f.Text
		if f.Path == "" {
			text = f.Text
		}
		l := wrapped(fmt.Sprintf("%6d  %s", f.Range.Off, f.Rule), text)
		l.warn = true
		l.spans, l.isMessage, l.message, l.bytes = p.trace.Locate(m, f.Range), true, c.at.index, f.Range
		l.note = fmt.Sprintf("payload bytes %s · ⏎ selects them", byteRange(int64(f.Range.Off), int64(f.Range.Len)))
		out = append(out, l)
	}
	return out
}

// recordingProblems tells what the recording itself could not keep.
func (p *Pane) recordingProblems() []line {
	var out []line
	if err := p.rec.Problem(); err != nil {
		out = append(out, line{name: "recording", value: render.Escape(err.Error()), bad: true})
	}
	if s, ok := p.rec.Unsent(); ok {
		out = append(out, line{name: "not sent", value: fmt.Sprintf("the last %d bytes never left", s.Len), bad: true, spans: []record.Span{s}})
	}
	return out
}

// problemCount counts what the Problems tab holds.
func (p *Pane) problemCount() int {
	n := len(p.trace.Problems)
	if p.rec == nil {
		return n
	}
	if p.rec.Problem() != nil {
		n++
	}
	if _, ok := p.rec.Unsent(); ok {
		n++
	}
	return n
}
