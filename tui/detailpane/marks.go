package detailpane

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// Marks are the frames that carried what is selected, and what to say of them.
type Marks struct {
	Frames []int  // indexes in the trace, ascending
	Parts  []int  // likewise, of HTTP/1.1
	Text   string // "payload bytes 3-16 selected"
	Short  string // "bytes 3-16"
}

// maxMarks bounds how many frames are looked for: a selection of a huge message
// lies in thousands of frames, of which a screen shows a few.
const maxMarks = 20_000

// Marks returns the frames that carried what is selected.
func (p *Pane) Marks() Marks {
	switch {
	case p.rec == nil:
		return Marks{}
	case p.tab != Messages || p.level == OneFrame:
		l, ok := p.sheet.selected()
		if !ok || len(l.spans) == 0 {
			return p.frameMarks()
		}
		return Marks{Frames: p.framesAt(l), Parts: p.partsAt(l)}
	case p.level == MessageList:
		return p.messageMarks()
	}
	return p.bodyMarks()
}

func (p *Pane) frameMarks() Marks {
	switch {
	case p.tab != Messages || p.level != OneFrame:
		return Marks{}
	case p.part:
		return Marks{Parts: []int{p.frame}}
	}
	return Marks{Frames: []int{p.frame}}
}

func (p *Pane) messageMarks() Marks {
	i := p.messages.Selected()
	if i >= p.count() {
		return Marks{}
	}
	m := p.message(i)
	spans := p.trace.Spans(m)
	return Marks{Frames: p.trace.Carriers(m, spans), Parts: p.trace.PartsOf(m, spans), Text: render.MessageName(m) + " selected", Short: render.MessageName(m)}
}

func (p *Pane) bodyMarks() Marks {
	r, ok := p.body.selection()
	if !ok {
		return Marks{}
	}
	m := p.message(p.body.index)
	spans := p.trace.Locate(m, r)
	frames, parts := p.trace.Carriers(m, spans), p.trace.PartsOf(m, spans)
	where := byteRange(int64(r.Off), int64(r.Len))
	return Marks{
		Frames: frames[:min(len(frames), maxMarks)], Parts: parts[:min(len(parts), maxMarks)],
		Text:  fmt.Sprintf("payload bytes %s selected", where),
		Short: "bytes " + where,
	}
}

// framesAt returns the frames that hold the bytes of a line.
func (p *Pane) framesAt(l line) []int {
	out := p.trace.Carriers(inspect.Message{}, l.spans)
	return out[:min(len(out), maxMarks)]
}

// partsAt returns the parts that do.
func (p *Pane) partsAt(l line) []int {
	out := p.trace.PartsOf(inspect.Message{}, l.spans)
	return out[:min(len(out), maxMarks)]
}

// overlapping reports whether two spans share a byte.
func overlapping(s, in record.Span) bool {
	return s.Dir == in.Dir && s.Off < in.End() && in.Off < s.End()
}

// copied is what the user wants on the clipboard: the bytes as hex, the value,
// or the JSON, by the column in focus.
func (p *Pane) copied() intent.Intent {
	if p.tab != Messages || p.level > OneMessage {
		l, ok := p.sheet.selected()
		if !ok {
			return nil
		}
		if l.copied == "" {
			l.copied = l.value
		}
		return intent.CopyText{What: "line", Text: l.copied}
	}
	if p.level == MessageList {
		return p.copiedMessage()
	}
	i, ok := p.body.selected()
	if !ok {
		return nil
	}
	r := p.body.Rows[i]
	switch p.column {
	case Bytes:
		return intent.CopyText{What: "bytes", Text: hexText(p.body.Payload[r.Wire.Off:r.Wire.End()])}
	case JSON:
		return intent.CopyText{What: "JSON", Text: p.fieldJSON(r)}
	default:
		return intent.CopyText{What: "value", Text: p.valueText(i)}
	}
}

func (p *Pane) copiedMessage() intent.Intent {
	i := p.messages.Selected()
	if i >= p.count() {
		return nil
	}
	return intent.CopyText{What: "message", Text: p.compact(p.message(i))}
}

// valueText is the value of a row without its name: a string without quotes.
func (p *Pane) valueText(i int) string {
	r := p.body.Rows[i]
	if r.Link < 0 || r.Folds {
		return r.JSON
	}
	text := p.fieldJSON(r)
	name := jsonName(text)
	return unquote(text[name:])
}

// Traffic says how much went each way, in words or in signs.
func (p *Pane) Traffic(words bool) string {
	if p.rec == nil {
		return ""
	}
	sent, received := Size(p.rec.Size(record.Sent)), Size(p.rec.Size(record.Received))
	if words {
		return sent + " sent · " + received + " received"
	}
	return "→ " + sent + " ← " + received
}

// Crumbs names the levels from the exchange to what is shown.
func (p *Pane) Crumbs() []string {
	if p.rec == nil {
		return nil
	}
	if p.tab != Messages {
		return []string{p.tabNames()[p.tab]}
	}
	switch p.level {
	case OneMessage:
		if p.body.ok {
			return []string{render.MessageName(p.message(p.body.index))}
		}
	case OneField:
		i, _ := p.body.selected()
		return []string{render.MessageName(p.message(p.body.index)), cell.Middle(render.Escape(p.body.path(i)), 24)}
	case OneFrame:
		if p.part {
			return []string{fmt.Sprintf("part %d", p.frame+1)}
		}
		return []string{fmt.Sprintf("frame %d", p.frame+1)}
	case MessageList:
	}
	return nil
}
