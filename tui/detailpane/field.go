package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// fieldPage tells all of one field: its place, its type, its bytes and what they
// may mean.
func (p *Pane) fieldPage(i int) page {
	b := &p.body
	r := b.Rows[i]
	before := "tag and length"
	if p.message(b.index).Content != inspect.Protobuf {
		before = "before the value"
	}
	out := []line{
		heading(b.path(i)),
		fact("field", strings.TrimSpace(r.Number+" "+r.Name)),
		fact("type", orNone(r.Type)),
		fact("payload bytes", fmt.Sprintf("%s (%d)", byteRange(int64(r.Wire.Off), int64(r.Wire.Len)), r.Wire.Len)),
		fact(before, hexText(b.Payload[r.Wire.Off:min(max(r.Value.Off, r.Wire.Off), r.Wire.End(), r.Wire.Off+64)])),
		fact("value bytes", fmt.Sprintf("%s (%d)", byteRange(int64(r.Value.Off), int64(r.Value.Len)), r.Value.Len)),
	}
	if r.Note != "" {
		out = append(out, line{name: "note", value: r.Note, bad: true})
	}
	if doc := p.fieldDoc(r); doc != "" {
		out = append(out, wrapped("comment", strings.ReplaceAll(doc, "\n ", "\n")))
	}
	out = append(out, wrapped("JSON", p.fieldJSON(r)))
	out = append(out, p.readings(r)...)
	out = append(out, heading("bytes"))
	return page{lines: out, dump: newDump(b.Payload[r.Wire.Off:r.Wire.End()], int64(r.Wire.Off), p.perLine())}
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

// mostRead is how large a field may be for its readings to be looked for.
const mostRead = 256 << 10

// readings lists every plausible reading of a field's bytes, the likeliest first,
// whatever the schema says of it.
func (p *Pane) readings(r render.Row) []line {
	if p.message(p.body.index).Content != inspect.Protobuf || r.Wire.Len > mostRead {
		return nil
	}
	raw := p.body.Payload[r.Wire.Off:r.Wire.End()]
	nodes := inspect.Fields(raw, nil, nil)
	if len(nodes) != 1 || nodes[0].Kind != pb.FieldNode || r.Number == "·" || r.Number == "" {
		return nil // an element of a packed list has no tag of its own; a gap is no field
	}
	out := []line{heading("what the value can be read as without a schema, the likeliest first")}
	for _, reading := range nodes[0].Readings(raw) {
		out = append(out, wrapped("as "+reading.As, reading.Text))
	}
	if len(out) == 1 {
		return nil
	}
	return out
}

// inferSkeleton infers a .proto file from the messages of the direction of the one
// in view, and has it copied.
func (p *Pane) inferSkeleton() {
	i, ok := p.inView()
	if !ok || p.message(i).Content != inspect.Protobuf {
		return
	}
	m := p.message(i)
	s, _ := p.trace.StreamOf(m.Stream)
	rec, t, epoch := p.rec, p.trace, p.epoch
	p.later(func() Result { return inferred{rec: rec, epoch: epoch, text: skeleton(rec, t, s, m)} })
}

// Limits of the messages that a skeleton is inferred from.
const (
	skeletonMessages = 20_000
	skeletonBytes    = 64 << 20
)

func skeleton(rec *record.Recording, t inspect.Trace, s inspect.Stream, like inspect.Message) string {
	k := pb.NewSkeleton(render.SkeletonName(s.Path, like.Dir))
	var size int64
	_, to, until := span(t, like.Stream)
	n := 0
	for i := firstOf(t, like.Stream); i < len(t.Messages) && n < skeletonMessages && size < skeletonBytes; i++ {
		m := &t.Messages[i]
		if until && m.At > to {
			break
		}
		if m.Stream != like.Stream || m.Dir != like.Dir || m.Content != inspect.Protobuf || m.Final() {
			continue
		}
		if payload, err := t.PayloadLimit(rec, *m, skeletonBytes); err == nil {
			k.Add(payload)
			size += int64(len(payload))
			n++
		}
	}
	return k.Proto()
}

type inferred struct {
	rec   *record.Recording
	epoch int
	text  string
}

func (s inferred) deliver(p *Pane) intent.Intent {
	if s.rec != p.rec || s.epoch != p.epoch {
		return nil
	}
	return intent.CopyText{What: "proto skeleton", Text: s.text}
}
