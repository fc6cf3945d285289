package detailpane

import (
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/list"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// sheet is a page of lines: headers, facts, a frame, a field.
type sheet struct {
	lines []line
	list  list.List
	wide  int // cells of the name column
}

// line is a name and a value, or a heading. Its texts are escaped.
type line struct {
	heading     bool
	name, value string
	bad         bool
	note        string        // shown at the foot when the line is selected
	spans       []record.Span // the wire bytes it stands for
	frame       int           // no frame before this one holds them
	copied      string        // what is copied; "" is the value
}

// set replaces the lines and keeps the selection where it is.
func (s *sheet) set(lines []line) {
	s.lines = lines
	s.wide = 0
	for _, l := range lines {
		if !l.heading {
			s.wide = max(s.wide, min(cell.Width(l.name), 26))
		}
	}
	s.list.SetLen(len(lines))
}

func (s *sheet) selected() (line, bool) {
	i := s.list.Selected()
	if i >= len(s.lines) {
		return line{}, false
	}
	return s.lines[i], true
}

func (p *Pane) sheetLine(i int, sel, focused bool, th *theme.Theme) string {
	l := p.sheet.lines[i]
	mark := "  "
	if sel && focused {
		mark = th.Mark.Render("▌") + " "
	}
	if l.heading {
		return mark + th.Accent.Render(cell.Cut(l.name, p.w-2))
	}
	room := max(p.w-4-p.sheet.wide-2, 0)
	value := cell.Cut(l.value, room)
	switch {
	case sel && focused:
		value = th.Selected.Render(value)
	case l.bad:
		value = th.Bad.Render(value)
	}
	return mark + "  " + th.Faint.Render(cell.Fit(l.name, p.sheet.wide)) + "  " + value
}

func heading(text string) line { return line{heading: true, name: render.Escape(text)} }

func fact(name, value string) line {
	return line{name: render.Escape(name), value: render.Escape(value)}
}

// wrapped gives a long text as lines below its name.
func wrapped(name, text string, w int) []line {
	var out []line
	for _, part := range strings.Split(text, "\n") {
		for _, l := range cell.Wrap(render.Escape(strings.TrimPrefix(part, " ")), max(w, 10)) {
			out = append(out, line{name: name, value: l, copied: text})
			name = ""
		}
	}
	return out
}

// dumpLimit is how many bytes a dump shows: a person does not read more, and
// each line is kept.
const dumpLimit = 64 << 10

// dump gives bytes as lines of hex and characters.
func dump(b []byte, base int64, perLine int) []line {
	cut := len(b) > dumpLimit
	shown := b[:min(len(b), dumpLimit)]
	var out []line
	for at := 0; at < len(shown); at += perLine {
		part := shown[at:min(at+perLine, len(shown))]
		out = append(out, line{
			name:  offset(base + int64(at)),
			value: cell.Fit(render.Hex(part, perLine)[0], 3*perLine-1) + "  " + printable(part),
		})
	}
	if cut {
		out = append(out, line{name: "", value: "… the first 64 KiB of " + Size(int64(len(b)))})
	}
	return out
}

func printable(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if c < 0x20 || c >= 0x7f {
			c = '.'
		}
		out[i] = c
	}
	return string(out)
}

// perLine is how many bytes of a dump fit.
func (p *Pane) perLine() int {
	for _, n := range []int{32, 16, 8} {
		if p.w >= 4*n+18 {
			return n
		}
	}
	return 4
}

// tabSheet returns the lines of the tab that is shown.
func (p *Pane) tabSheet() []line {
	if p.rec == nil {
		return nil
	}
	switch p.tab {
	case Headers:
		return p.headerLines(inspect.RequestHeaders, inspect.Informational, inspect.ResponseHeaders, inspect.Promise)
	case Trailers:
		return append(p.statusLines(), p.headerLines(inspect.Trailers)...)
	case Timing:
		return p.timingLines()
	case TLS:
		return p.tlsLines()
	case Problems:
		return p.problemLines()
	default:
		return nil
	}
}
