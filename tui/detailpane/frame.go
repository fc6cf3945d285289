package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// ShowFrame shows a frame of the trace in full.
func (p *Pane) ShowFrame(i int) {
	if i >= 0 && i < len(p.trace.Frames) {
		p.showWire(i, false)
	}
}

// ShowPart shows a part of HTTP/1.1 in full.
func (p *Pane) ShowPart(i int) {
	if i >= 0 && i < len(p.trace.Parts) {
		p.showWire(i, true)
	}
}

func (p *Pane) showWire(i int, part bool) {
	p.auto = false
	p.tab, p.level, p.frame, p.part, p.table, p.origin = Messages, OneFrame, i, part, -1, origin{}
	p.newSheet()
	p.version++
}

// framePage tells all of the frame or the part in view.
func (p *Pane) framePage() page {
	switch {
	case p.table >= 0:
		return page{lines: p.tableLines()}
	case p.part && p.frame < len(p.trace.Parts):
		return p.partPage(p.frame)
	case !p.part && p.frame < len(p.trace.Frames):
		return p.wholeFrame(p.frame)
	}
	return page{}
}

// wholeFrame tells a frame: its header, what its payload says and changes, what is
// wrong with it, and the bytes.
func (p *Pane) wholeFrame(i int) page {
	f := p.trace.Frames[i]
	l := render.Frame(p.rec, p.trace, i)
	head := p.rec.Append(nil, record.Span{Dir: f.Dir, Off: f.Off, Len: h2.HeaderLen})
	out := []line{
		heading(fmt.Sprintf("%s %s frame · %s bytes %s · at %s ms", l.Arrow, l.Type, f.Dir, byteRange(f.Off, f.Span().Len), l.At)),
		fact("header bytes", hexText(head)),
		fact("length", l.Length), fact("stream", l.Stream), fact("flags", flagText(f)), wrapped("what", l.What),
	}
	out = append(out, p.windowsAfter(i)...)
	for j := range out {
		out[j].spans, out[j].frame = []record.Span{f.Span()}, i
	}
	out = append(out, p.problemsOf(f.Span())...)
	out = append(out, p.payloadLines(i, f)...)
	out = append(out, heading(fmt.Sprintf("payload · %s", Size(int64(f.Length)))))
	return page{lines: out, dump: p.payloadDump(f.PayloadSpan())}
}

func (p *Pane) payloadDump(s record.Span) dump {
	whole := s.Len
	s.Len = min(s.Len, dumpLimit)
	d := newDump(p.rec.Append(nil, s), 0, p.perLine())
	d.whole = whole
	return d
}

// flagText names flags with their bits.
func flagText(f inspect.Frame) string {
	if f.Flags == 0 {
		return "none"
	}
	return fmt.Sprintf("%s (0x%02x)", strings.Join(f.Flags.Names(f.Type), " "), uint8(f.Flags))
}

// mostBack is how many frames before one are looked at for the windows that it
// leaves as they are.
const mostBack = 100_000

// windowsAfter tells what both senders of DATA may still send once a frame has
// come, on the connection and on the frame's stream.
func (p *Pane) windowsAfter(i int) []line {
	var out []line
	stream := p.trace.Frames[i].Stream
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		text := "connection " + p.windowAt(i, 0, dir)
		if stream != 0 {
			text += fmt.Sprintf(" · stream %s", p.windowAt(i, stream, dir))
		}
		out = append(out, fact(render.Who(dir)+" may send", text))
	}
	if text, _ := render.Blocked(p.trace, i); text != "" {
		l := fact("stall", text)
		l.bad = true
		out = append(out, l)
	}
	return out
}

// windowAt returns a window as it is after a frame, from the newest frame up to it
// that moved the window.
func (p *Pane) windowAt(i int, stream uint32, dir record.Dir) string {
	for at := i; at >= 0 && at > i-mostBack; at-- {
		f := &p.trace.Frames[at]
		sends := f.Type == h2.Data && f.Dir == dir && (stream == 0 || f.Stream == stream)
		credits := f.Type == h2.WindowUpdate && f.Dir != dir && f.Stream == stream
		switch {
		case !sends && !credits:
		case stream == 0:
			return fmt.Sprint(f.ConnWindow)
		default:
			return fmt.Sprint(f.StreamWindow)
		}
	}
	switch {
	case i >= mostBack:
		return "unmoved for long"
	case stream != 0:
		return "as opened"
	case p.trace.Preface.Len == 0:
		return "not known: its beginning was not captured"
	}
	return fmt.Sprint(h2.DefaultWindow)
}

// problemsOf lists the rules that bytes of the wire break, with those bytes.
func (p *Pane) problemsOf(s record.Span) []line {
	const most = 50
	var out []line
	for i := range p.trace.Problems {
		pr := &p.trace.Problems[i]
		if !overlapping(s, pr.Span) && (pr.Span.Dir != s.Dir || pr.Span.Len > 0 || pr.Span.Off < s.Off || pr.Span.Off >= s.End()) {
			continue
		}
		if len(out) >= most {
			break
		}
		l := problemLine(*pr)
		cut := pr.Span
		cut.Len = min(cut.Len, 64)
		out = append(out, l)
		if cut.Len > 0 {
			out = append(out, line{name: "  its bytes", value: strings.Join(render.Hex(p.rec.Append(nil, cut), 64), " "), bad: true, spans: l.spans})
		}
	}
	if len(out) > 0 {
		out = append(append([]line{heading("broken rules")}, out...), heading("what it says"))
	}
	return out
}

// carried lists the messages that have bytes in a DATA frame or a part.
func (p *Pane) carried(s record.Span) []line {
	const most = 200
	var out []line
	for _, i := range p.messagesIn(s, most) {
		m := p.message(i)
		l := fact(render.MessageName(m), Size(m.Length)+" · "+p.preview(i, m, p.w))
		l.spans = p.trace.Spans(m)
		l.isMessage, l.message = true, i
		if m.Frame >= 0 {
			l.frame = max(m.Frame-p.trace.Forgotten.Frames, 0)
		}
		l.note = "⏎ opens the message"
		out = append(out, l)
	}
	return out
}

// messagesIn returns where the messages stand in the list that have bytes in a
// span: from one to the next, each found by a byte of it.
func (p *Pane) messagesIn(s record.Span, most int) []int {
	var out []int
	for off := s.Off; off < s.End() && len(out) < most; {
		at := p.trace.At(s.Dir, off)
		i, ok := p.listed(at)
		if !ok {
			off++
			if off > s.Off+h2.HeaderLen+256 && len(out) == 0 {
				break // there is no message in it
			}
			continue
		}
		next := off + 1
		for _, part := range p.trace.Spans(p.message(i)) {
			if part.Dir == s.Dir && part.Off <= off && off < part.End() {
				next = part.End()
			}
		}
		if len(out) == 0 || out[len(out)-1] != i {
			out = append(out, i)
		}
		off = next
	}
	return out
}

// enterFrame opens the message that the selected line, or the frame, carries.
func (p *Pane) enterFrame() {
	l, _ := p.sheet.selected()
	from := p.origin
	if l.isMessage {
		p.openAt(l.message)
		p.origin = from
		return
	}
	if l.isFrame && l.frame != p.frame {
		p.ShowFrame(l.frame)
		return
	}
	s := p.wireSpan()
	if carried := p.messagesIn(s, 1); len(carried) > 0 {
		p.openAt(carried[0])
	}
}

// wireSpan is the bytes of the frame or part in view.
func (p *Pane) wireSpan() record.Span {
	if p.part {
		return p.trace.Parts[p.frame].Span
	}
	return p.trace.Frames[p.frame].Span()
}

// partPage tells a part of HTTP/1.1.
func (p *Pane) partPage(i int) page {
	part := p.trace.Parts[i]
	l := render.Part(p.rec, p.trace, i)
	out := []line{
		heading(fmt.Sprintf("%s %s · %s bytes %s · at %s ms", l.Arrow, l.Type, part.Span.Dir, byteRange(part.Span.Off, part.Span.Len), l.At)),
		fact("length", l.Length), fact("request", l.Stream), fact("what", l.What),
	}
	for j := range out {
		out[j].spans = []record.Span{part.Span}
	}
	out = append(out, p.problemsOf(part.Span)...)
	if b := int(part.Block) - p.trace.Forgotten.Headers; part.Block >= 0 && b >= 0 && b < len(p.trace.Headers) {
		out = append(out, p.blockLines(b)...)
	} else {
		out = append(out, p.carried(part.Span)...)
	}
	out = append(out, heading("bytes · "+Size(part.Span.Len)))
	return page{lines: out, dump: p.payloadDump(part.Span)}
}
