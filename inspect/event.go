package inspect

import (
	"github.com/wiregloss/wiregloss/record"
)

// eventBody cuts a body of server-sent events after each one's empty line.
// Empty lines before an event are part of it. HTML §9.2.6.
type eventBody struct {
	line  bool // the line in progress is not empty
	any   bool // the event has a line that is not empty
	cr    bool // the byte before was a CR, which has ended a line
	ended bool // by a CR: if LF comes next, it is of the same line end
}

// cut returns how many bytes of data belong to the event in progress, and
// whether they end it.
func (e *eventBody) cut(data []byte) (n int, done bool) {
	for i, c := range data {
		switch {
		case e.ended && c == '\n':
			*e = eventBody{}
			return i + 1, true
		case e.ended:
			*e = eventBody{}
			return i, true
		case c == '\n' && e.cr:
			e.cr = false
			continue
		case c != '\n' && c != '\r':
			e.line, e.cr = true, false
			continue
		}
		e.cr = c == '\r'
		blank := !e.line
		e.any, e.line = e.any || e.line, false
		if blank && e.any {
			if c == '\n' {
				*e = eventBody{}
				return i + 1, true
			}
			e.ended = true
		}
	}
	return len(data), false
}

func (d *Decoder) feedEvents(dir *direction, st *stream, frame int, span record.Span, data []byte) {
	w := &st.body[dir.dir]
	for len(data) > 0 {
		if !w.begun {
			w.begin(dir, st, frame, span.Off)
		}
		k, done := w.event.cut(data)
		n := int64(k)
		w.msg.At = dir.at
		if n > 0 {
			w.msg.Have += n
			w.take(record.Span{Dir: span.Dir, Off: span.Off, Len: n})
		}
		span.Off, span.Len, data = span.Off+n, span.Len-n, data[n:]
		if done {
			w.msg.Length = w.msg.Have
			d.complete(dir, st, w)
		}
	}
}

// endEvents applies the end of the stream: an event without its empty line is
// discarded by clients. HTML §9.2.6.
func (d *Decoder) endEvents(dir *direction, st *stream, s record.Span) {
	w := &st.body[dir.dir]
	switch e := w.event; {
	case e.ended:
		w.msg.Length = w.msg.Have
		d.complete(dir, st, w)
	case e.any || e.line:
		d.problem(Problem{Span: s, Stream: st.ID, Rule: "HTML §9.2.6", Text: "the stream ended inside an event: " + w.progress() + ". Clients discard it"})
	default:
		w.begun = false // only empty lines
	}
	w.event = eventBody{}
}
