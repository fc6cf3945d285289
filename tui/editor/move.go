package editor

import (
	"unicode"
	"unicode/utf8"

	"github.com/wiregloss/wiregloss/tui/intent"
)

// place moves the cursor and remembers the cell it is on for moves up and down.
func (e *Editor) place(p Pos) {
	e.cur = e.clamp(p)
	e.want = cells(e.lines[e.cur.Line][:e.cur.Col])
	e.reveal()
	e.version++
}

// destination returns where a move goes from the cursor.
func (e *Editor) destination(op intent.Op) Pos {
	p, line := e.cur, e.lines[e.cur.Line]
	switch op {
	case intent.CursorLeft:
		return e.back(p)
	case intent.CursorRight:
		return e.forward(p)
	case intent.WordLeft:
		return e.wordLeft(p)
	case intent.WordRight:
		return e.wordRight(p)
	case intent.LineStart:
		return lineStart(p, line)
	case intent.LineEnd:
		return Pos{p.Line, len(line)}
	case intent.TextStart:
		return Pos{}
	case intent.TextEnd:
		last := len(e.lines) - 1
		return Pos{last, len(e.lines[last])}
	default:
		return p
	}
}

// lineStart goes to the first character that is not a space, and from there to
// the margin.
func lineStart(p Pos, line string) Pos {
	first := 0
	for first < len(line) && (line[first] == ' ' || line[first] == '\t') {
		first++
	}
	if p.Col == first {
		first = 0
	}
	return Pos{p.Line, first}
}

func (e *Editor) back(p Pos) Pos {
	switch {
	case p.Col > 0:
		return Pos{p.Line, previous(e.lines[p.Line], p.Col)}
	case p.Line > 0:
		return Pos{p.Line - 1, len(e.lines[p.Line-1])}
	}
	return p
}

func (e *Editor) forward(p Pos) Pos {
	line := e.lines[p.Line]
	switch {
	case p.Col < len(line):
		_, _, n := next(line[p.Col:])
		return Pos{p.Line, p.Col + n}
	case p.Line+1 < len(e.lines):
		return Pos{p.Line + 1, 0}
	}
	return p
}

func (e *Editor) wordLeft(p Pos) Pos {
	if p.Col == 0 {
		return e.back(p)
	}
	line := e.lines[p.Line]
	for _, in := range []bool{false, true} {
		for p.Col > 0 {
			r, n := utf8.DecodeLastRuneInString(line[:p.Col])
			if word(r) != in {
				break
			}
			p.Col -= n
		}
	}
	return p
}

func (e *Editor) wordRight(p Pos) Pos {
	line := e.lines[p.Line]
	if p.Col == len(line) {
		return e.forward(p)
	}
	for _, in := range []bool{false, true} {
		for p.Col < len(line) {
			r, n := utf8.DecodeRuneInString(line[p.Col:])
			if word(r) != in {
				break
			}
			p.Col += n
		}
	}
	return p
}

func word(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// vertical moves by lines and keeps to the cell that was last chosen.
func (e *Editor) vertical(op intent.Op) {
	by := map[intent.Op]int{
		intent.CursorUp: -1, intent.CursorDown: 1,
		intent.PageUp: -max(e.h-1, 1), intent.PageDown: max(e.h-1, 1),
	}[op]
	want := e.want
	line := max(min(e.cur.Line+by, len(e.lines)-1), 0)
	e.place(Pos{line, column(e.lines[line], want)})
	e.want = want
}

// Scroll moves the window by lines and takes the cursor along only if it would
// leave the window.
func (e *Editor) Scroll(rows int) {
	e.top = max(min(e.top+rows, len(e.lines)-e.h), 0)
	if line := max(min(e.cur.Line, e.top+e.h-1), e.top); line != e.cur.Line && e.h > 0 {
		want := e.want
		e.place(Pos{line, column(e.lines[min(line, len(e.lines)-1)], want)})
		e.want = want
	}
	e.version++
}

// Click puts the cursor at a cell of the view.
func (e *Editor) Click(x, y int) {
	line := max(min(e.top+y, len(e.lines)-1), 0)
	e.place(Pos{line, column(e.lines[line], max(x-e.gutter(), 0)+e.left)})
}

// margin is how many cells stay visible beside the cursor in a long line.
const margin = 4

// reveal moves the window to the cursor.
func (e *Editor) reveal() {
	if e.h == 0 || e.w == 0 {
		return
	}
	e.top = max(min(e.top, e.cur.Line), e.cur.Line-e.h+1, 0)
	room := max(e.w-e.gutter(), 1)
	at := cells(e.lines[e.cur.Line][:e.cur.Col])
	side := min(margin, room/3)
	if at < e.left+side {
		e.left = max(at-side, 0)
	}
	if at > e.left+room-1-side {
		e.left = at - room + 1 + side
	}
	if at < room-side {
		e.left = 0
	}
}
