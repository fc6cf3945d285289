package detailpane

import (
	"fmt"

	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// Marks are the frames that carried what is selected, and what to say of them.
type Marks struct {
	Frames []int  // indexes in the trace, ascending
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
		return Marks{Frames: p.framesAt(l)}
	case p.level == MessageList:
		return p.messageMarks()
	}
	return p.bodyMarks()
}

func (p *Pane) frameMarks() Marks {
	if p.tab == Messages && p.level == OneFrame {
		return Marks{Frames: []int{p.frame}}
	}
	return Marks{}
}

func (p *Pane) messageMarks() Marks {
	i := p.messages.Selected()
	if i >= p.count() {
		return Marks{}
	}
	m := p.message(i)
	return Marks{Frames: p.trace.Carriers(m, p.trace.Spans(m)), Text: render.MessageName(m) + " selected", Short: render.MessageName(m)}
}

func (p *Pane) bodyMarks() Marks {
	r, ok := p.body.selection()
	if !ok {
		return Marks{}
	}
	m := p.message(p.body.index)
	frames := p.trace.Carriers(m, p.trace.Locate(m, r))
	where := byteRange(int64(r.Off), int64(r.Len))
	return Marks{
		Frames: frames[:min(len(frames), maxMarks)],
		Text:   fmt.Sprintf("payload bytes %s selected", where),
		Short:  "bytes " + where,
	}
}

// framesAt returns the frames that hold the bytes of a line: from the first that
// can to the first that lies behind them.
func (p *Pane) framesAt(l line) []int {
	var end [2]int64
	for _, s := range l.spans {
		end[s.Dir] = max(end[s.Dir], s.End())
	}
	var out []int
	for i := l.frame; i < len(p.trace.Frames) && len(out) < maxMarks; i++ {
		f := p.trace.Frames[i]
		if overlap(l.spans, f.Span()) {
			out = append(out, i)
		}
		if end[f.Dir] > 0 && f.Off >= end[f.Dir] {
			break
		}
	}
	return out
}

// overlap reports whether any of the spans has a byte in another.
func overlap(spans []record.Span, in record.Span) bool {
	for _, s := range spans {
		if s.Dir == in.Dir && s.Off < in.End() && in.Off < s.End() {
			return true
		}
	}
	return false
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
		return []string{fmt.Sprintf("frame %d", p.frame+1)}
	case MessageList:
	}
	return nil
}
