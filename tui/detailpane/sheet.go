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

// page is what a sheet shows: lines, and below them bytes, of which a line is
// made when it is drawn.
type page struct {
	lines []line
	dump  dump
}

// sheet is a page with a selection.
type sheet struct {
	page
	list list.List
	wide int // cells of the name column
}

// line is a name and a value, or a heading. Its texts are escaped.
type line struct {
	heading     bool
	columns     bool // the names of columns
	name, value string
	long        bool   // the value takes as many lines as it needs
	aside       string // at the right, where there is room
	brief       string // stands for aside where there is less room
	bad, warn   bool
	note        string // shown at the foot when the line is selected
	copied      string // what is copied; "" is the value

	spans     []record.Span // the wire bytes it stands for
	frame     int           // no frame before this one holds them
	isFrame   bool          // it is about that frame
	isMessage bool          // it is about bytes of a message of the list
	message   int
	bytes     inspect.Range
}

// mostName is how wide the names of a page may be, in cells.
const mostName = 26

// set replaces the page, w cells wide, and keeps the selection where it is.
func (s *sheet) set(p page, w int) {
	s.wide = 0
	for _, l := range p.lines {
		if !l.heading && !l.columns {
			s.wide = max(s.wide, min(cell.Width(l.name), mostName))
		}
	}
	p.lines = unfold(p.lines, max(w-4-s.wide-2, 10))
	s.page = p
	s.list.SetLen(len(p.lines) + p.dump.len())
}

// unfold breaks long values into lines of at most w cells.
func unfold(lines []line, w int) []line {
	out := make([]line, 0, len(lines))
	for _, l := range lines {
		if !l.long || cell.Width(l.value) <= w && !strings.Contains(l.value, "\n") {
			out = append(out, l)
			continue
		}
		for _, part := range strings.Split(l.value, "\n") {
			for _, text := range cell.Wrap(part, w) {
				l.value = text
				out = append(out, l)
				l.name = ""
			}
		}
	}
	return out
}

// line returns a line of the page.
func (s *sheet) line(i int) line {
	if i < len(s.lines) {
		return s.lines[i]
	}
	return s.dump.line(i - len(s.lines))
}

func (s *sheet) selected() (line, bool) {
	i := s.list.Selected()
	if i >= s.list.Len() {
		return line{}, false
	}
	return s.line(i), true
}

func (p *Pane) sheetLine(l line, sel, focused bool, th *theme.Theme) string {
	mark := "  "
	if sel && focused {
		mark = th.Mark.Render("▌") + " "
	}
	switch {
	case l.heading:
		return mark + th.Accent.Render(cell.Cut(l.name, p.w-2))
	case l.columns:
		return mark + "  " + th.Faint.Render(cell.Fit(l.name, p.sheet.wide)+"  "+l.value)
	}
	room := max(p.w-4-p.sheet.wide-2, 0)
	value := cell.Cut(l.value, room)
	aside := ""
	for _, text := range []string{l.aside, l.brief} {
		if left := room - cell.Width(value) - 2; text != "" && left >= cell.Width(text) {
			aside = cell.Spaces(left-cell.Width(text)+1) + th.Faint.Render(text)
			break
		}
	}
	switch {
	case sel && focused:
		value = th.Selected.Render(value)
	case l.bad:
		value = th.Bad.Render(value)
	case l.warn:
		value = th.Warn.Render(value)
	}
	return mark + "  " + th.Faint.Render(cell.Fit(l.name, p.sheet.wide)) + "  " + value + aside
}

func heading(text string) line { return line{heading: true, name: render.Escape(text)} }

func fact(name, value string) line {
	return line{name: render.Escape(name), value: render.Escape(value)}
}

// atFrame gives a line the frame that it is about.
func (l line) atFrame(i int, t inspect.Trace) line {
	if i -= t.Forgotten.Frames; i < 0 || i >= len(t.Frames) {
		return l
	}
	l.isFrame, l.frame, l.spans = true, i, []record.Span{t.Frames[i].Span()}
	return l
}

// wrapped is a fact whose value takes as many lines as it needs.
func wrapped(name, text string) line {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = render.Escape(l)
	}
	return line{name: render.Escape(name), value: strings.Join(lines, "\n"), copied: text, long: true}
}

// valueWidth is how many cells a value has beside the widest name.
func (p *Pane) valueWidth() int { return max(p.w-4-mostName-2, 10) }

// dumpLimit is how many bytes a dump shows: a person does not read more.
const dumpLimit = 64 << 10

// dump is bytes as lines of hex and characters, drawn one by one.
type dump struct {
	bytes   []byte // at most dumpLimit
	base    int64  // offset of the first
	perLine int
	whole   int64 // how many bytes there are
}

// newDump shows bytes with their offsets from base.
func newDump(b []byte, base int64, perLine int) dump {
	return dump{bytes: b[:min(len(b), dumpLimit)], base: base, perLine: perLine, whole: int64(len(b))}
}

func (d dump) len() int {
	if len(d.bytes) == 0 {
		return 0
	}
	n := (len(d.bytes) + d.perLine - 1) / d.perLine
	if d.whole > int64(len(d.bytes)) {
		n++
	}
	return n
}

func (d dump) line(i int) line {
	at := i * d.perLine
	if at >= len(d.bytes) {
		return line{value: "… the first 64 KiB of " + Size(d.whole)}
	}
	part := d.bytes[at:min(at+d.perLine, len(d.bytes))]
	hex := render.Hex(part, d.perLine)[0]
	return line{name: offset(d.base + int64(at)), value: cell.Fit(hex, 3*d.perLine-1) + "  " + printable(part), copied: hex}
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

// tabPage returns the lines of the tab that is shown.
func (p *Pane) tabPage() page {
	if p.rec == nil {
		return page{}
	}
	if p.table >= 0 {
		return page{lines: p.tableLines()}
	}
	var out []line
	switch p.tab {
	case Headers:
		out = p.headerLines(inspect.RequestHeaders, inspect.Informational, inspect.ResponseHeaders, inspect.Promise)
	case Trailers:
		out = append(p.statusLines(), p.headerLines(inspect.Trailers)...)
	case Timing:
		out = p.timingLines()
	case TLS:
		out = p.tlsLines()
	case Flow:
		out = p.flowLines()
	case Cost:
		out = p.costLines()
	case Problems:
		out = p.problemLines()
	case Messages, tabs: // no page of lines
	}
	return page{lines: out}
}

// computing stands where an answer is not there yet.
func computing(what string) line { return line{value: "computing " + what + "…"} }
