package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
)

// costLines tells what the bytes were spent on: of each direction of the
// connection and of the call, then of each field of the call's messages.
func (p *Pane) costLines() []line {
	var out []line
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		out = append(out, p.wireCost(dir)...)
	}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		out = append(out, p.fieldCost(dir)...)
	}
	return out
}

// wireCost tells the parts of what one side sent.
func (p *Pane) wireCost(dir record.Dir) []line {
	if !p.survey.ok {
		return []line{heading(render.Arrow(dir) + " " + dir.String()), computing("what the bytes were spent on")}
	}
	s := &p.survey.sides[dir]
	whole := s.cost.Sum()
	out := []line{heading(fmt.Sprintf("%s %s · %s on the connection", render.Arrow(dir), dir, render.Plural(whole, "byte")))}
	if whole == 0 {
		return out
	}
	call := map[string]int64{}
	for _, r := range render.CostRows(s.callCost) {
		call[r.Name] = r.Bytes
	}
	byCall := s.callCost.Sum() > 0
	head := fmt.Sprintf("%9s %5s  %s", "bytes", "share", cell.Spaces(barCells))
	if byCall {
		head += fmt.Sprintf("  %9s", "this call")
	}
	out = append(out, line{columns: true, name: "part", value: head})
	for _, r := range render.CostRows(s.cost) {
		l := fact(r.Name, "")
		l.value = fmt.Sprintf("%9d %5s  %s", r.Bytes, render.Share(r.Bytes, whole), bar(r.Bytes, whole))
		if byCall {
			l.value += fmt.Sprintf("  %9d", call[r.Name])
		}
		l.note = costNotes[r.Name]
		out = append(out, l)
	}
	return out
}

// costNotes say what the parts of a cost are.
var costNotes = map[string]string{
	"framing":          "the 9 bytes before each HTTP/2 frame; of HTTP/1.1 what stands around chunks",
	"header fields":    "header blocks: HPACK, or the text of HTTP/1.1",
	"message prefixes": "flag and length before each message, 5 bytes",
	"message payloads": "messages as they were sent, compressed or not",
	"control frames":   "payloads of SETTINGS, PING, WINDOW_UPDATE and the like",
	"not decoded":      "what is no frame yet, or no HTTP",
}

// fieldCost tells what each field of the call's messages of a direction took.
func (p *Pane) fieldCost(dir record.Dir) []line {
	v := &p.profile
	s := &v.sides[dir]
	title := fmt.Sprintf("%s fields of the call's messages", render.Arrow(dir))
	if s.name != "" {
		title += " · " + s.name
	}
	title += fmt.Sprintf(" · %s, %s", render.Plural(s.messages, "message"), render.Plural(s.bytes, "byte"))
	out := []line{heading(title)}
	if !v.whole {
		from := firstOf(p.trace, v.stream)
		out = append(out, line{value: fmt.Sprintf("computing… %s", render.Share(int64(v.next-from), int64(len(p.trace.Messages)-from)))})
	}
	if s.left > 0 {
		out = append(out, line{value: render.Plural(int64(s.left), "message") + " not counted: not protobuf, or not readable", warn: true})
	}
	if s.bytes == 0 {
		return out
	}
	wide := p.w >= 96
	head := fmt.Sprintf("%9s %5s  %s %8s %8s %9s", "bytes", "share", cell.Spaces(barCells), "tag", "length", "value")
	if wide {
		head += fmt.Sprintf(" %9s", "count")
	}
	out = append(out, line{columns: true, name: "field", value: head})
	for _, c := range s.costs {
		l := line{name: strings.Repeat(" ", min(c.Depth, 8)) + lastStep(c)}
		l.value = fmt.Sprintf("%9d %5s  %s %8d %8d %9d", c.Total(), render.Share(c.Total(), s.bytes), bar(c.Total(), s.bytes), c.Tag, c.Length, c.Value)
		if wide {
			l.value += fmt.Sprintf(" %9d", c.Count)
		}
		l.note = costNote(c)
		l.copied = render.Escape(c.Path)
		out = append(out, l)
	}
	return out
}

// lastStep is the last name of a path: those before it stand above.
func lastStep(c pb.Cost) string {
	path := render.Escape(c.Path)
	if c.Depth > 0 && !strings.HasSuffix(path, "]") {
		path = path[strings.LastIndexByte(path, '.')+1:]
	}
	return path
}

func costNote(c pb.Cost) string {
	text := render.Escape(c.Path)
	if c.Field != nil {
		text += " · " + render.TypeName(c.Field)
	}
	if c.Count > 0 {
		text += fmt.Sprintf(" · %s, %.1f bytes each", render.Plural(c.Count, "occurrence"), float64(c.Total())/float64(c.Count))
	}
	return text
}

// barCells is how wide a bar is.
const barCells = 10

// bar draws a part of a whole in eighths of a cell.
func bar(part, whole int64) string {
	if whole <= 0 || part <= 0 {
		return cell.Spaces(barCells)
	}
	eighths := int(min(max(part*8*barCells/whole, 1), 8*barCells))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return cell.Fit(text, barCells)
}

// tabSubject says what the tab in view is about.
func (p *Pane) tabSubject() string {
	s, ok := p.stream()
	if !ok || p.tab == TLS {
		return ""
	}
	text := fmt.Sprintf("stream %d", s.ID)
	if p.trace.Protocol == inspect.HTTP1 {
		text = fmt.Sprintf("request %d", s.ID)
	}
	if s.Method != "" || s.Path != "" {
		text += " · " + render.Escape(strings.TrimSpace(s.Method+" "+s.Path))
	}
	if s.RPC != inspect.NoRPC {
		text += " · " + s.RPC.String()
	}
	return text
}
