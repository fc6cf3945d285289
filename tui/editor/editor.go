// Package editor is a text editor for request bodies: lines, a cursor, undo. It
// draws only the lines that are visible and a key costs what the line it is in
// costs, so that a body of a megabyte feels like one of ten bytes. It knows
// nothing of keys, files or the clipboard.
//
//	e := editor.New()
//	e.SetText(`{"id": 1}`)
//	e.Apply(intent.LineEnd)
//	e.Insert("!")
package editor

import (
	"strings"
	"unicode/utf8"

	"github.com/wiregloss/wiregloss/tui/intent"
)

// Pos is a place in the text: a line and the byte in it, both from 0.
type Pos struct{ Line, Col int }

func (p Pos) before(q Pos) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col
}

// Editor is a text with a cursor.
type Editor struct {
	lines   []string
	cur     Pos
	want    int // the cell that moves up and down aim at
	top     int // first visible line
	left    int // first visible cell
	w, h    int
	version int
	history history
	fault   fault
}

type fault struct {
	on   bool
	at   Pos
	text string
}

// New returns an empty editor.
func New() *Editor { return &Editor{lines: []string{""}} }

// Version changes whenever what View returns may change.
func (e *Editor) Version() int { return e.version }

// Text returns the whole text.
func (e *Editor) Text() string { return strings.Join(e.lines, "\n") }

// Lines returns how many lines there are.
func (e *Editor) Lines() int { return len(e.lines) }

// Line returns the text of a line; "" if there is none.
func (e *Editor) Line(i int) string {
	if i < 0 || i >= len(e.lines) {
		return ""
	}
	return e.lines[i]
}

// Empty reports whether there is no text.
func (e *Editor) Empty() bool { return len(e.lines) == 1 && e.lines[0] == "" }

// Position returns where the cursor is.
func (e *Editor) Position() Pos { return e.cur }

// SetText replaces the text and forgets what could be undone.
func (e *Editor) SetText(s string) {
	e.lines = split(s)
	e.history = history{}
	e.fault = fault{}
	e.top, e.left = 0, 0
	e.place(Pos{})
}

// Replace replaces the whole text as one step that can be undone.
func (e *Editor) Replace(s string) {
	last := len(e.lines) - 1
	e.edit(Pos{}, Pos{last, len(e.lines[last])}, s, whole)
	e.place(Pos{})
}

// SetCursor moves the cursor to a place.
func (e *Editor) SetCursor(p Pos) { e.place(p) }

// SetFault shows a message at a place and moves the cursor there.
func (e *Editor) SetFault(at Pos, text string) {
	at = e.clamp(at)
	e.fault = fault{on: true, at: at, text: text}
	e.place(at)
}

// ClearFault takes the message away.
func (e *Editor) ClearFault() {
	if e.fault.on {
		e.fault = fault{}
		e.version++
	}
}

// Fault returns the message that SetFault set and that no edit has cleared.
func (e *Editor) Fault() (Pos, string, bool) { return e.fault.at, e.fault.text, e.fault.on }

// Resize says how many cells and lines are visible.
func (e *Editor) Resize(w, h int) {
	e.w, e.h = max(w, 0), max(h, 0)
	e.reveal()
	e.version++
}

// Insert types text at the cursor.
func (e *Editor) Insert(text string) {
	e.place(e.edit(e.cur, e.cur, normal(text), typing))
}

// Paste inserts text at the cursor as one step of the undo history.
func (e *Editor) Paste(text string) {
	e.place(e.edit(e.cur, e.cur, normal(text), whole))
}

// Apply does one edit or move.
func (e *Editor) Apply(op intent.Op) {
	switch op {
	case intent.CursorUp, intent.CursorDown, intent.PageUp, intent.PageDown:
		e.vertical(op)
	case intent.Newline:
		e.newline()
	case intent.DeleteAll:
		e.Replace("")
	case intent.Undo:
		e.step(&e.history.undo, &e.history.redo)
	case intent.Redo:
		e.step(&e.history.redo, &e.history.undo)
	case intent.DeleteLeft, intent.DeleteRight, intent.DeleteWordLeft, intent.DeleteWordRight,
		intent.DeleteToLineStart, intent.DeleteToLineEnd:
		e.remove(e.destination(deleteMoves[op]))
	default:
		e.place(e.destination(op))
	}
}

// deleteMoves says over what each deletion reaches, as the move that goes there.
var deleteMoves = map[intent.Op]intent.Op{
	intent.DeleteLeft:        intent.CursorLeft,
	intent.DeleteRight:       intent.CursorRight,
	intent.DeleteWordLeft:    intent.WordLeft,
	intent.DeleteWordRight:   intent.WordRight,
	intent.DeleteToLineStart: intent.LineStart,
	intent.DeleteToLineEnd:   intent.LineEnd,
}

// remove deletes from the cursor to p, whichever comes first.
func (e *Editor) remove(p Pos) {
	from, to := e.cur, p
	if to.before(from) {
		from, to = to, from
	}
	if from != to {
		e.place(e.edit(from, to, "", typing))
	}
}

// newline breaks the line and repeats its indentation; one step more after an
// opening bracket.
func (e *Editor) newline() {
	line := e.lines[e.cur.Line][:e.cur.Col]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if s := strings.TrimRight(line, " \t"); strings.HasSuffix(s, "{") || strings.HasSuffix(s, "[") {
		indent += "  "
	}
	e.place(e.edit(e.cur, e.cur, "\n"+indent, whole))
}

// edit puts text in place of a range, remembers how to undo it, and returns
// where the text ends.
func (e *Editor) edit(from, to Pos, text string, k kind) Pos {
	removed, end := e.swap(from, to, text)
	e.history.add(change{from: from, removed: removed, inserted: text, end: end, cursor: e.cur, kind: k})
	e.fault = fault{}
	return end
}

// swap replaces a range of the text and returns what was there.
func (e *Editor) swap(from, to Pos, text string) (removed string, end Pos) {
	removed = e.between(from, to)
	parts := split(text)
	head, tail := e.lines[from.Line][:from.Col], e.lines[to.Line][to.Col:]
	end = Pos{from.Line + len(parts) - 1, len(parts[len(parts)-1])}
	if len(parts) == 1 {
		end.Col += from.Col
	}
	parts[0] = head + parts[0]
	parts[len(parts)-1] += tail
	e.lines = splice(e.lines, from.Line, to.Line+1, parts)
	e.version++
	return removed, end
}

func (e *Editor) between(from, to Pos) string {
	if from.Line == to.Line {
		return e.lines[from.Line][from.Col:to.Col]
	}
	var b strings.Builder
	b.WriteString(e.lines[from.Line][from.Col:])
	for _, l := range e.lines[from.Line+1 : to.Line] {
		b.WriteString("\n" + l)
	}
	b.WriteString("\n" + e.lines[to.Line][:to.Col])
	return b.String()
}

// splice replaces lines[from:to]; the usual case, one line for one, moves nothing.
func splice(lines []string, from, to int, with []string) []string {
	if to-from == len(with) {
		copy(lines[from:to], with)
		return lines
	}
	rest := len(lines) - to
	if grow := len(with) - (to - from); grow > 0 {
		lines = append(lines, make([]string, grow)...)
	}
	copy(lines[from+len(with):], lines[to:to+rest])
	copy(lines[from:], with)
	n := from + len(with) + rest
	clear(lines[n:])
	return lines[:n]
}

func split(s string) []string { return strings.Split(s, "\n") }

// normal makes line ends uniform; a terminal pastes them as \r.
func normal(s string) string {
	if !strings.ContainsRune(s, '\r') {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func (e *Editor) clamp(p Pos) Pos {
	p.Line = max(min(p.Line, len(e.lines)-1), 0)
	line := e.lines[p.Line]
	p.Col = max(min(p.Col, len(line)), 0)
	for p.Col > 0 && p.Col < len(line) && !utf8.RuneStart(line[p.Col]) {
		p.Col--
	}
	return p
}
