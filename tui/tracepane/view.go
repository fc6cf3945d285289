package tracepane

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// cache is the last drawing and what it was made for.
type cache struct {
	version int
	focused bool
	theme   *theme.Theme
	lines   []string
}

// View draws the pane, each line exactly as wide as Resize said.
func (p *Pane) View(th *theme.Theme, focused bool) []string {
	c := &p.cache
	if c.lines != nil && c.version == p.version && c.focused == focused && c.theme == th {
		return c.lines
	}
	var lines []string
	if p.headHeight() > 0 {
		lines = append(lines, p.head(th))
	}
	if p.rec == nil {
		lines = append(lines, th.Faint.Render("  the frames of a call appear here"))
	}
	lines = append(lines, p.list.View(func(i int, sel bool) string { return p.line(p.rows[i], sel, focused, th) })...)
	*c = cache{p.version, focused, th, cell.Block(lines, p.w, p.h)}
	return c.lines
}

// The columns. Narrow panes leave out the window, then the flags.
const (
	typeCells, streamCells, lengthCells = 15, 6, 8
	flagCells, windowCells              = 24, 20
	windowFrom, flagsFrom               = 110, 76
)

// timeCells is how wide the milliseconds are.
func (p *Pane) timeCells() int {
	if p.w < 100 {
		return 8
	}
	return 10
}

func (p *Pane) head(th *theme.Theme) string {
	s := cell.Right("ms", p.timeCells()+1) + "    " + cell.Fit("type", typeCells) + cell.Right("stream", streamCells) +
		cell.Right("bytes", lengthCells) + "  "
	if p.w >= flagsFrom {
		s += cell.Fit("flags", p.flagCells())
	}
	if p.w >= windowFrom {
		s += cell.Fit("window conn/stream", windowCells)
	}
	return th.Faint.Render(cell.Cut(s+"what", p.w))
}

// flagCells is less where there is no room for two flags.
func (p *Pane) flagCells() int {
	if p.w < 100 {
		return 13
	}
	return flagCells
}

func (p *Pane) line(r row, sel, focused bool, th *theme.Theme) string {
	marked := p.isMarked(r)
	mark := " "
	if marked || sel && focused {
		mark = th.Mark.Render("▌")
	}
	switch {
	case r.first == preface:
		at := ""
		if c := p.rec.Chunks(0); len(c) > 0 {
			at = render.Millis(c[0].At)
		}
		return mark + p.cells(render.FrameLine{
			At: at, Arrow: "→", Type: "preface", Stream: "·",
			Length: fmt.Sprint(p.trace.Preface.Len), What: "PRI * HTTP/2.0",
		}, false, sel && focused, th)
	case r.count > 1:
		return mark + p.runLine(r, sel && focused, th)
	}
	return mark + p.cells(render.Frame(p.rec, p.trace, r.first), marked, sel && focused, th)
}

// words is the note of the marked frames in the length that fits.
func (p *Pane) words() string {
	switch {
	case p.note == "":
		return ""
	case p.w < windowFrom:
		return " ◂ " + p.short
	}
	return " ◂ " + p.note
}

// cells draws the columns of one frame.
func (p *Pane) cells(l render.FrameLine, marked, sel bool, th *theme.Theme) string {
	arrow := th.Received
	if l.Arrow == render.Arrow(record.Sent) {
		arrow = th.Sent
	}
	kind := cell.Cut(l.Type, typeCells-1)
	fill := cell.Spaces(typeCells - cell.Width(kind))
	switch {
	case sel:
		kind = th.Selected.Render(kind)
	case marked:
		kind = th.Carried.Render(kind)
	}
	s := th.Faint.Render(cell.Right(l.At, p.timeCells())) + "  " + arrow.Render(l.Arrow) + " " + kind + fill +
		cell.Right(l.Stream, streamCells) + cell.Right(l.Length, lengthCells) + "  "
	room := p.w - 1 - p.timeCells() - 4 - typeCells - streamCells - lengthCells - 2
	if p.w >= flagsFrom {
		s += th.Faint.Render(cell.Fit(l.Flags, p.flagCells()-1)) + " "
		room -= p.flagCells()
	}
	if p.w >= windowFrom {
		s += th.Faint.Render(cell.Fit(l.Window, windowCells-1)) + " "
		room -= windowCells
	}
	if !marked {
		return s + cell.Cut(l.What, max(room, 0))
	}
	note := p.words()
	what := cell.Cut(l.What, max(room-cell.Width(note), 0))
	return s + th.Carried.Render(what) + th.Mark.Render(note)
}

// runLine draws frames that are folded: how many of each kind.
func (p *Pane) runLine(r row, sel bool, th *theme.Theme) string {
	counts := map[string]int{}
	dirs := map[string]bool{}
	// A run can be long: a sample of it says what it is made of.
	const sample = 1000
	for _, f := range p.trace.Frames[r.first : r.first+min(r.count, sample)] {
		counts[f.Type.String()]++
		dirs[render.Arrow(f.Dir)] = true
	}
	var words []string
	for _, t := range []string{h2.Settings.String(), h2.WindowUpdate.String(), h2.Ping.String()} {
		if n := counts[t]; n > 0 {
			words = append(words, fmt.Sprintf("%d × %s", n, t))
		}
	}
	if r.count > sample {
		words = []string{fmt.Sprintf("%d × SETTINGS, WINDOW_UPDATE, PING", r.count)}
	}
	arrow := "⇄"
	if len(dirs) == 1 {
		arrow = render.Arrow(p.trace.Frames[r.first].Dir)
	}
	text := cell.Cut(strings.Join(words, ", "), max(p.w-p.timeCells()-5, 0))
	style := th.Faint
	if sel {
		style = th.Selected
	}
	at := render.Millis(p.trace.Frames[r.first].At)
	return th.Faint.Render(cell.Right(at, p.timeCells())) + "  " + th.Faint.Render(arrow) + " " + style.Render(text) +
		th.Faint.Render(cell.Cut("  folded, z opens", max(p.w-p.timeCells()-5-cell.Width(text), 0)))
}

func (p *Pane) isMarked(r row) bool {
	if len(p.marked) == 0 || r.first == preface {
		return false
	}
	at := sort.SearchInts(p.marked, r.first)
	return at < len(p.marked) && p.marked[at] < r.first+r.count
}

// copied is a line of the list as text, tab-separated.
func (p *Pane) copied() intent.Intent {
	i, ok := p.Frame()
	if !ok {
		return nil
	}
	l := render.Frame(p.rec, p.trace, i)
	fields := []string{l.At, l.Arrow, l.Type, l.Stream, l.Length, l.Flags, l.Window, l.What}
	return intent.CopyText{What: "frame", Text: strings.Join(slices.DeleteFunc(fields, func(s string) bool { return s == "" }), "\t")}
}

// Title says what is shown, for the pane's border.
func (p *Pane) Title() string {
	if p.stream != 0 {
		return fmt.Sprintf("stream %d", p.stream)
	}
	return ""
}
