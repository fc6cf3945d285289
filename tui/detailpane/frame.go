package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// ShowFrame shows a frame of the trace in full.
func (p *Pane) ShowFrame(i int) {
	if i < 0 || i >= len(p.trace.Frames) {
		return
	}
	p.auto = false
	p.tab, p.level, p.frame = Messages, OneFrame, i
	p.sheet = sheet{}
	p.fit()
	p.sheet.set(p.frameSheet(i))
	p.version++
}

// frameSheet tells all of one frame: its header, what its payload says, and the
// bytes.
func (p *Pane) frameSheet(i int) []line {
	f := p.trace.Frames[i]
	l := render.Frame(p.rec, p.trace, i)
	out := []line{
		heading(fmt.Sprintf("%s %s frame · %s bytes %s · at %s ms", l.Arrow, l.Type, f.Dir, byteRange(f.Off, f.Span().Len), l.At)),
		fact("length", l.Length), fact("stream", l.Stream), fact("flags", orNone(l.Flags)), fact("what", l.What),
	}
	if l.Window != "" {
		out = append(out, fact("window left", l.Window+" (connection/stream)"))
	}
	for j := range out {
		out[j].spans, out[j].frame = []record.Span{f.Span()}, i
	}
	out = append(out, p.payloadLines(f)...)
	out = append(out, heading(fmt.Sprintf("payload · %s", Size(int64(f.Length)))))
	body := f.PayloadSpan()
	body.Len = min(body.Len, dumpLimit+1)
	return append(out, dump(p.rec.Append(nil, body), 0, p.perLine())...)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// payloadLines tells what a frame's payload says, by its type.
func (p *Pane) payloadLines(f inspect.Frame) []line {
	if b, ok := p.trace.Block(int(f.Block)); ok && f.Block >= 0 {
		return blockLines(b)
	}
	span := f.PayloadSpan()
	span.Len = min(span.Len, 16<<10)
	payload := p.rec.Append(nil, span)
	switch f.Type {
	case h2.Settings:
		var out []line
		for _, s := range h2.ReadSettings(payload) {
			out = append(out, fact(s.ID.String(), fmt.Sprint(s.Value)))
		}
		return out
	case h2.GoAway:
		g, _ := h2.ReadGoAway(payload)
		return []line{fact("last stream", fmt.Sprint(g.LastStream)), fact("error", g.Code.String()), fact("debug", string(g.Debug))}
	case h2.Data:
		return p.carried(f)
	default: // the line of the frame has said it all
		return nil
	}
}

// carried lists the messages that have bytes in a DATA frame.
func (p *Pane) carried(f inspect.Frame) []line {
	const most = 200
	var out []line
	for _, i := range p.messagesOf(f, most) {
		m := p.message(i)
		l := fact(render.MessageName(m), Size(m.Length)+" · "+p.preview(i, m, p.w))
		l.spans, l.frame = p.trace.Spans(m), m.Frame
		l.note = "⏎ opens the message"
		out = append(out, l)
	}
	return out
}

// messagesOf returns the messages that have bytes in a frame. They are few or
// follow each other, so a scan from the first that reaches the frame suffices.
func (p *Pane) messagesOf(f inspect.Frame, most int) []int {
	var out []int
	lo, hi := 0, len(p.trace.Messages)
	for lo < hi { // the first message that ended no earlier than the frame came
		mid := (lo + hi) / 2
		if p.trace.Messages[mid].At < f.At {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	const span = 4096
	for i := lo; i < p.count() && i < lo+span && len(out) < most; i++ {
		m := p.message(i)
		spans := p.trace.Spans(m)
		if m.Stream == f.Stream && overlap(spans, f.Span()) {
			out = append(out, i)
		}
	}
	return out
}

// enterFrame opens the message that the selected line, or the frame, carries.
func (p *Pane) enterFrame() {
	carried := p.messagesOf(p.trace.Frames[p.frame], 200)
	l, _ := p.sheet.selected()
	for _, i := range carried {
		if l.name == render.MessageName(p.message(i)) {
			p.openAt(i)
			return
		}
	}
	if len(carried) > 0 {
		p.openAt(carried[0])
	}
}

// fieldSheet tells all of one field: its place, its type, its bytes and what they
// may mean.
func (p *Pane) fieldSheet(i int) []line {
	b := &p.body
	r := b.Rows[i]
	out := []line{
		heading(b.path(i)),
		fact("field", strings.TrimSpace(r.Number+" "+r.Name)),
		fact("type", orNone(r.Type)),
		fact("payload bytes", fmt.Sprintf("%s (%d)", byteRange(int64(r.Wire.Off), int64(r.Wire.Len)), r.Wire.Len)),
		fact("tag and length", hexText(b.Payload[r.Wire.Off:min(max(r.Value.Off, r.Wire.Off), r.Wire.End())])),
		fact("value bytes", fmt.Sprintf("%s (%d)", byteRange(int64(r.Value.Off), int64(r.Value.Len)), r.Value.Len)),
	}
	if r.Note != "" {
		out = append(out, line{name: "note", value: r.Note, bad: true})
	}
	if doc := p.fieldDoc(r); doc != "" {
		out = append(out, wrapped("comment", doc, p.w-22)...)
	}
	out = append(out, wrapped("JSON", p.fieldJSON(r), p.w-22)...)
	out = append(out, p.readings(r)...)
	out = append(out, heading("bytes"))
	return append(out, dump(b.Payload[r.Wire.Off:r.Wire.End()], int64(r.Wire.Off), p.perLine())...)
}

// fieldJSON returns all of a field's JSON, or the reading that stands for it.
func (p *Pane) fieldJSON(r render.Row) string {
	if r.Link < 0 {
		return r.JSON
	}
	j := p.body.Links[r.Link].JSON
	const most = 64 << 10
	return string(p.body.JSON[j.Off : j.Off+min(j.Len, most)])
}

func (p *Pane) fieldDoc(r render.Row) string {
	if r.Link < 0 || p.body.Links[r.Link].Field == nil {
		return ""
	}
	fd := p.body.Links[r.Link].Field
	return strings.TrimSpace(fd.ParentFile().SourceLocations().ByDescriptor(fd).LeadingComments)
}

// readings lists what the bytes of an unknown field may mean.
func (p *Pane) readings(r render.Row) []line {
	if r.Name != "?" {
		return nil
	}
	nodes := inspect.Fields(p.body.Payload, p.descriptor(p.message(p.body.index)), p.resolver())
	at := pb.NodeAt(nodes, r.Wire.Off)
	var out []line
	for _, n := range at {
		if n.Range != r.Wire {
			continue
		}
		for _, reading := range n.Readings(p.body.Payload) {
			out = append(out, fact("as "+reading.As, reading.Text))
		}
		break
	}
	return out
}
