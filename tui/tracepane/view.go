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
	lines = append(lines, p.list.View(func(i int, sel bool) string { return p.line(p.row(i), sel, focused, th) })...)
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
		}, false, "", sel && focused, th)
	case r.count > 1:
		return mark + p.runLine(r, sel && focused, th)
	case r.part:
		return mark + p.cells(render.Part(p.rec, p.trace, int(r.first)), marked, "", sel && focused, th)
	}
	return mark + p.cells(render.Frame(p.rec, p.trace, int(r.first)), marked, p.stall(int(r.first)), sel && focused, th)
}

// words is the note of the marked frames in the length that fits.
func (p *Pane) words() string {
	switch {
	case p.marked.Text == "":
		return ""
	case p.w < windowFrom:
		return " ◂ " + p.marked.Short
	}
	return " ◂ " + p.marked.Text
}

// keptStalls bounds how many frames are remembered to have caused a stall or none.
const keptStalls = 4096

// stall says how long the window stood at zero that a frame brought there, or "".
// The end of a stall is looked for once.
func (p *Pane) stall(i int) string {
	f := &p.trace.Frames[i]
	if f.Type != h2.Data || f.ConnWindow > 0 && f.StreamWindow > 0 {
		return ""
	}
	if text, ok := p.stalls[i]; ok {
		return text
	}
	text, ended := render.Blocked(p.trace, i)
	if !ended {
		return text
	}
	if p.stalls == nil || len(p.stalls) >= keptStalls {
		p.stalls = map[int]string{}
	}
	p.stalls[i] = text
	return text
}

// cells draws the columns of one frame or part.
func (p *Pane) cells(l render.FrameLine, marked bool, stall string, sel bool, th *theme.Theme) string {
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
	if stall != "" {
		stall = "  " + stall
	}
	if !marked {
		what := cell.Cut(l.What, max(room-cell.Width(stall), 0))
		return s + what + th.Bad.Render(cell.Cut(stall, max(room, 0)))
	}
	note := p.words()
	what := cell.Cut(l.What, max(room-cell.Width(note)-cell.Width(stall), 0))
	return s + th.Carried.Render(what) + th.Bad.Render(stall) + th.Mark.Render(note)
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
	marked := p.marked.Frames
	if r.part {
		marked = p.marked.Parts
	}
	if len(marked) == 0 || r.first == preface {
		return false
	}
	at := sort.SearchInts(marked, int(r.first))
	return at < len(marked) && marked[at] < int(r.first+r.count)
}

// copied is a line of the list as text, tab-separated.
func (p *Pane) copied() intent.Intent {
	r, ok := p.selected()
	if !ok || r.first == preface || r.count > 1 {
		return nil
	}
	l := render.FrameLine{}
	if r.part {
		l = render.Part(p.rec, p.trace, int(r.first))
	} else {
		l = render.Frame(p.rec, p.trace, int(r.first))
	}
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
