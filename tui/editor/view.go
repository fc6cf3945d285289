package editor

import (
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// View draws the visible lines, each exactly as wide as Resize said.
func (e *Editor) View(th *theme.Theme, paint Painter) []string {
	lines := make([]string, e.h)
	gutter := e.gutter()
	for y := range lines {
		i := e.top + y
		if i >= len(e.lines) {
			lines[y] = cell.Spaces(e.w)
			continue
		}
		text, used := e.line(i, max(e.w-gutter, 0), th, paint)
		lines[y] = e.number(i, gutter, th) + text + e.note(i, max(e.w-gutter-used, 0), th)
	}
	return lines
}

// Cursor returns the cell of the view that the cursor is on, and whether it is
// visible.
func (e *Editor) Cursor() (x, y int, ok bool) {
	x = e.gutter() + cells(e.lines[e.cur.Line][:e.cur.Col]) - e.left
	y = e.cur.Line - e.top
	return x, y, x >= e.gutter() && x < e.w && y >= 0 && y < e.h
}

// gutter is how wide the line numbers are; a single line has none.
func (e *Editor) gutter() int {
	if e.w < 20 {
		return 0
	}
	return max(len(strconv.Itoa(len(e.lines))), 2) + 2
}

func (e *Editor) number(i, w int, th *theme.Theme) string {
	if w == 0 {
		return ""
	}
	s := cell.Right(strconv.Itoa(i+1), w-1) + " "
	if e.fault.on && e.fault.at.Line == i {
		return th.ErrorLineNumber.Render(s)
	}
	return th.LineNumber.Render(s)
}

// note shows the fault behind its line, in the room that the line leaves.
func (e *Editor) note(i, room int, th *theme.Theme) string {
	if !e.fault.on || e.fault.at.Line != i || room < 8 {
		return cell.Spaces(room)
	}
	return th.Bad.Render(cell.Fit("  ◂ "+e.fault.text, room))
}

// line draws the cells of line i that are in the window and returns how many it
// used.
func (e *Editor) line(i, room int, th *theme.Theme, paint Painter) (text string, used int) {
	line := e.lines[i]
	if room == 0 {
		return "", 0
	}
	from := column(line, e.left)
	pad := 0
	if e.left > 0 {
		pad = min(max(cells(line[:from])-e.left, 0), room) // half of a wide character is cut off
	}
	var b strings.Builder
	b.WriteString(cell.Spaces(pad))
	used = pad
	for _, p := range paint.pieces(line, from, from+4*room) {
		shown, w := clip(line[p.From:p.To], room-used)
		b.WriteString(p.Style(th).Render(shown))
		used += w
		if used >= room {
			break
		}
	}
	return b.String(), used
}

// clip returns how s is drawn in at most room cells.
func clip(s string, room int) (shown string, used int) {
	var b strings.Builder
	for len(s) > 0 {
		c, w, size := next(s)
		if used+w > room {
			break
		}
		b.WriteString(c)
		used += w
		s = s[size:]
	}
	return b.String(), used
}
