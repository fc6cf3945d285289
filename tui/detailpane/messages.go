package detailpane

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// descriptor returns the type of a message, by its stream's path; nil if the
// schema does not know it.
func (p *Pane) descriptor(m inspect.Message) protoreflect.MessageDescriptor {
	if p.types == nil || m.Content != inspect.Protobuf || m.Final() {
		return nil
	}
	s, ok := p.trace.StreamOf(m.Stream)
	if !ok {
		return nil
	}
	rpc, ok := p.types.RPC(s.Path)
	switch {
	case !ok:
		return nil
	case m.Dir == record.Sent:
		return rpc.Method.Input()
	}
	return rpc.Method.Output()
}

// resolver returns where the types are found that a payload names itself.
func (p *Pane) resolver() inspect.Types {
	if p.types == nil || p.types.Types == nil {
		return nil
	}
	return p.types.Types
}

// previews holds the JSON of messages that were drawn, and the plans and schemas
// to make it.
type previews struct {
	text    map[int]string
	plans   map[protoreflect.FullName]*inspect.Plan
	schemas map[protoreflect.FullName]*render.Schema
}

// schema returns what lays out messages of a type, which may be nil. A job may use
// it.
func (p *Pane) schema(md protoreflect.MessageDescriptor) *render.Schema {
	v := &p.previews
	name := protoreflect.FullName("")
	if md != nil {
		name = md.FullName()
	}
	s, ok := v.schemas[name]
	if !ok {
		s = render.NewSchema(md, p.resolver())
		if v.schemas == nil {
			v.schemas = map[protoreflect.FullName]*render.Schema{}
		}
		v.schemas[name] = s
	}
	return s
}

// A preview is made of messages of at most previewBytes, and at most keptPreviews
// are kept: enough for the screens that a person looks at.
const (
	previewBytes = 64 << 10
	keptPreviews = 2048
)

// preview returns a message's JSON on one line.
func (p *Pane) preview(i int, m inspect.Message, room int) string {
	v := &p.previews
	if s, ok := v.text[i]; ok {
		return s
	}
	if m.Have < m.Length {
		return fmt.Sprintf("%d of %d bytes have come", m.Have, m.Length)
	}
	s := p.compact(m)
	if len(s) > 4*room { // a preview is one line: more is never seen
		s = strings.ToValidUTF8(s[:4*room], "")
	}
	s = render.Escape(s)
	if len(v.text) >= keptPreviews || v.text == nil {
		v.text = make(map[int]string, keptPreviews)
	}
	v.text[i] = s
	return s
}

func (p *Pane) compact(m inspect.Message) string {
	if m.Length > previewBytes {
		return ""
	}
	payload, err := p.trace.PayloadLimit(p.rec, m, previewBytes)
	if err != nil {
		return err.Error()
	}
	if md := p.descriptor(m); md != nil {
		out, err := p.plan(md).AppendJSON(nil, payload)
		if err == nil {
			return string(out)
		}
	}
	if len(payload) == 0 {
		return "empty"
	}
	if m.Content == inspect.JSON || m.Content == inspect.Text || m.Content == inspect.FieldLines {
		return oneLine(string(payload[:min(len(payload), 4<<10)]))
	}
	payload = payload[:min(len(payload), 1<<10)]
	return render.Hex(payload, len(payload))[0]
}

func (p *Pane) plan(md protoreflect.MessageDescriptor) *inspect.Plan {
	v := &p.previews
	plan, ok := v.plans[md.FullName()]
	if !ok {
		plan = inspect.NewPlan(md, p.resolver(), inspect.Options{})
		if v.plans == nil {
			v.plans = map[protoreflect.FullName]*inspect.Plan{}
		}
		v.plans[md.FullName()] = plan
	}
	return plan
}

// The columns of the list: "message 1000000" fits.
const timeCells, nameCells, sizeCells = 9, 16, 9

// messageLine draws one line of the list.
func (p *Pane) messageLine(i int, sel, focused bool, th *theme.Theme) string {
	m := p.message(i)
	arrow := th.Received
	if m.Dir == record.Sent {
		arrow = th.Sent
	}
	mark := " "
	if sel {
		mark = th.Mark.Render("▌")
	}
	name := cell.Fit(render.MessageName(m), nameCells)
	if sel && focused {
		name = th.Selected.Render(name)
	}
	head := mark + cell.Right(render.Millis(m.At), timeCells) + " " + arrow.Render(render.Arrow(m.Dir)) + " " +
		name + cell.Right(Size(m.Length), sizeCells) + "  "
	room := max(p.w-timeCells-nameCells-sizeCells-6, 0)
	return head + th.Faint.Render(cell.Cut(p.preview(i, m, max(room, 1)), room))
}

// Size words a number of bytes.
func Size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
