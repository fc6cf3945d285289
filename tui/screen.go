package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/layout"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// View draws the screen. It runs after every message, so panes keep what they
// drew; here their lines are only put side by side.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "wiregloss"
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if x, y, ok := m.cursor(); ok {
		v.Cursor = tea.NewCursor(x, y)
		v.Cursor.Shape = tea.CursorBar
		v.Cursor.Blink = false
	}
	return v
}

func (m *Model) lines() []string {
	if m.lay.Mode == layout.TooSmall {
		return tooSmall(m.width, m.height)
	}
	body := make([][]string, layout.Count)
	for p := range layout.Count {
		if !m.lay.Panes[p].Empty() {
			body[p] = m.paneLines(p)
		}
	}
	lines := make([]string, 0, m.height)
	lines = append(lines, m.header())
	for y := m.lay.Header.H; y < m.lay.Hints.Y; y++ {
		lines = append(lines, m.row(y, body))
	}
	lines = append(lines, m.hints())
	if m.palette != nil {
		m.overlay(lines)
	}
	return lines
}

// row puts the panes of one line side by side. They are in the order of their
// columns, and tile the line.
func (m *Model) row(y int, body [][]string) string {
	var b strings.Builder
	for p := range layout.Count {
		r := m.lay.Panes[p]
		if !r.Empty() && y >= r.Y && y < r.Y+r.H {
			b.WriteString(body[p][y-r.Y])
		}
	}
	return b.String()
}

// tooSmall is all that a tiny terminal shows.
func tooSmall(w, h int) []string {
	if w <= 0 || h <= 0 {
		return nil
	}
	for _, s := range []string{
		fmt.Sprintf("wiregloss needs %d×%d cells, this terminal has %d×%d: enlarge it", layout.MinWidth, layout.MinHeight, w, h),
		fmt.Sprintf("needs %d×%d cells", layout.MinWidth, layout.MinHeight),
		"too small",
	} {
		if cell.Width(s) <= w {
			return []string{s}
		}
	}
	return []string{cell.Cut("too small", w)}
}

// paneLines draws one pane with its border, or with the rule above the wire.
func (m *Model) paneLines(p layout.Pane) []string {
	focused := m.focus == p && m.palette == nil
	var lines []string
	switch p {
	case layout.Catalog:
		lines = m.catalog.View(m.theme, focused)
	case layout.Compose:
		lines = m.compose.View(m.theme, focused)
	case layout.Detail:
		lines = m.detail.View(m.theme, focused)
	default:
		lines = m.wire.View(m.theme, focused)
	}
	r := m.lay.Panes[p]
	switch {
	case m.lay.Bordered:
		return box(m.title(p), lines, r, focused, m.theme)
	case p == layout.Wire && r.H > 1:
		return append([]string{rule(m.title(p), r.W, focused, m.theme)}, lines...)
	}
	return lines
}

// box draws a border with a title around lines.
func box(title string, lines []string, r layout.Rect, focused bool, th *theme.Theme) []string {
	border, name := th.Border, th.Title
	if focused {
		border, name = th.FocusBorder, th.FocusTitle
	}
	title = cell.Cut(title, r.W-5)
	out := make([]string, 0, r.H)
	out = append(out, border.Render("╭ ")+name.Render(title)+
		border.Render(" "+strings.Repeat("─", max(r.W-4-cell.Width(title), 0))+"╮"))
	side := border.Render("│")
	for _, l := range lines {
		out = append(out, side+l+side)
	}
	return append(out, border.Render("╰"+strings.Repeat("─", max(r.W-2, 0))+"╯"))
}

// rule is a line with a title in it.
func rule(title string, w int, focused bool, th *theme.Theme) string {
	border, name := th.Border, th.Title
	if focused {
		border, name = th.FocusBorder, th.FocusTitle
	}
	title = cell.Cut(title, w-4)
	return border.Render("─ ") + name.Render(title) + border.Render(" "+strings.Repeat("─", max(w-3-cell.Width(title), 0)))
}

// overlay lays the palette over the lines of the screen.
func (m *Model) overlay(lines []string) {
	r := m.paletteRect()
	for i, l := range box(m.palette.Title(), m.palette.View(m.theme), r, true, m.theme) {
		y := r.Y + i
		if y >= len(lines) {
			return
		}
		lines[y] = ansi.Cut(lines[y], 0, r.X) + l + ansi.Cut(lines[y], r.X+r.W, m.width)
	}
}

// cursor returns where text is typed.
func (m *Model) cursor() (x, y int, ok bool) {
	if m.lay.Mode == layout.TooSmall {
		return 0, 0, false
	}
	if m.palette != nil {
		r := m.paletteRect().Inset(1)
		x, y = m.palette.Cursor()
		return r.X + x, r.Y + y, true
	}
	switch m.focus {
	case layout.Catalog:
		x, y, ok = m.catalog.Cursor()
	case layout.Compose:
		x, y, ok = m.compose.Cursor()
	default: // the others take no text
	}
	in := m.lay.Inner(m.focus)
	return in.X + x, in.Y + y, ok
}
