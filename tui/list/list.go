// Package list keeps a selection and a scroll position in a list of any length
// and draws only the rows that are visible. It holds no rows: they are asked for
// by index, at most one call for each line of height. No method costs more than
// the height.
//
//	l.SetLen(1_000_000)
//	lines := l.View(func(i int, selected bool) string { return rows[i] })
package list

// List is a selection in a virtual list. The zero value is empty.
type List struct {
	n, height int
	top, sel  int
	follow    bool
}

// Len returns how many rows there are.
func (l *List) Len() int { return l.n }

// Selected returns the index of the selected row; 0 in an empty list.
func (l *List) Selected() int { return l.sel }

// Top returns the index of the first visible row.
func (l *List) Top() int { return l.top }

// Height returns how many rows are visible.
func (l *List) Height() int { return l.height }

// Following reports whether the selection stays on the last row as rows arrive.
func (l *List) Following() bool { return l.follow }

// Follow keeps the selection on the last row until the user moves it.
func (l *List) Follow() {
	l.follow = true
	l.sel = l.n - 1
	l.settle()
}

// SetLen says how many rows there are. The selection stays where it is, unless
// the list follows its end.
func (l *List) SetLen(n int) {
	l.n = max(n, 0)
	if l.follow {
		l.sel = l.n - 1
	}
	l.settle()
}

// SetHeight says how many rows are visible.
func (l *List) SetHeight(h int) {
	l.height = max(h, 0)
	l.settle()
}

// Select moves the selection to row i, or to the nearest row that exists.
func (l *List) Select(i int) {
	l.follow = false
	l.sel = i
	l.settle()
}

// Move moves the selection by some rows. Moving it to the last row of a list
// that followed its end lets it follow again.
func (l *List) Move(by int) {
	was := l.follow
	l.Select(l.sel + by)
	l.follow = was && by > 0 && l.sel == l.n-1
}

// Page moves the selection by screens.
func (l *List) Page(by int) { l.Move(by * max(l.height-1, 1)) }

// Scroll moves the window and leaves the selection alone, unless that would
// take it out of sight.
func (l *List) Scroll(by int) {
	l.follow = false
	l.top = min(max(l.top+by, 0), max(l.n-l.height, 0))
	if l.height > 0 {
		l.sel = min(max(l.sel, l.top), l.top+l.height-1)
	}
	l.settle()
}

// At returns the row that is drawn at line y, and whether there is one.
func (l *List) At(y int) (int, bool) {
	i := l.top + y
	return i, y >= 0 && y < l.height && i < l.n
}

// View draws the visible rows by calling row for each, and pads to the height
// with empty lines.
func (l *List) View(row func(i int, selected bool) string) []string {
	lines := make([]string, l.height)
	for y := range lines {
		if i, ok := l.At(y); ok {
			lines[y] = row(i, i == l.sel)
		}
	}
	return lines
}

// settle brings the selection into the list and the window around it.
func (l *List) settle() {
	l.sel = max(min(l.sel, l.n-1), 0)
	if l.sel < l.top {
		l.top = l.sel
	}
	if l.height > 0 && l.sel >= l.top+l.height {
		l.top = l.sel - l.height + 1
	}
	l.top = max(min(l.top, l.n-l.height), 0)
}
