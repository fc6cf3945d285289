package render

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// SchemaOf returns what lays out a message.
type SchemaOf func(inspect.Message) *Schema

// ByteText returns the chain that one byte of the wire belongs to: frame or part,
// stream, header field or message, field and JSON value, and where on the wire all
// of that value is. Nothing is searched for from the start: the cost is that of
// looking up an offset and of laying out one message.
func ByteText(rec *record.Recording, t inspect.Trace, dir record.Dir, off int64, schema SchemaOf, showSecrets bool) string {
	c := chain{rec: rec, t: t, secrets: showSecrets}
	b := rec.Append(nil, record.Span{Dir: dir, Off: off, Len: 1})
	if len(b) == 0 {
		return fmt.Sprintf("%s byte %d was not recorded: there are %d\n", dir, off, rec.Size(dir))
	}
	c.line("%s byte %d · %02x", dir, off, b[0])
	p := t.At(dir, off)
	c.carrier(p, off)
	if block, ok := t.Block(p.Block); ok && p.Block >= 0 {
		c.block(block, p.Field)
	}
	m, payloadOff, ok := t.MessageAt(dir, off)
	if !ok {
		return c.b.String()
	}
	c.stream(m.Stream)
	if payloadOff < 0 {
		c.fact("message", "%s, byte of its prefix", MessageName(m))
		return c.b.String()
	}
	c.fact("message", "%s, byte %d of the %d of its payload%s", MessageName(m), payloadOff, m.Length, compressedWord(m))
	payload, err := t.Payload(rec, m)
	if err != nil || m.Compressed {
		return c.b.String() // no byte of the wire is one of the message
	}
	body := schema(m).LayoutContent(m.Content, payload)
	if i := body.rowAt(int(payloadOff)); i >= 0 {
		c.row(&body, i, m)
	}
	return c.b.String()
}

// PathText returns where the JSON value or field with a path is on the wire, in
// one message; "" if the message has none.
func PathText(rec *record.Recording, t inspect.Trace, m inspect.Message, path string, schema *Schema) string {
	payload, err := t.Payload(rec, m)
	if err != nil {
		return ""
	}
	c := chain{rec: rec, t: t}
	body := schema.LayoutContent(m.Content, payload)
	for i, r := range body.Rows {
		if r.Link < 0 || body.Links[r.Link].Path != path {
			continue
		}
		c.line("%s · %s · %s · stream %d", Escape(path), m.Dir, MessageName(m), m.Stream)
		c.row(&body, i, m)
	}
	return c.b.String()
}

func compressedWord(m inspect.Message) string {
	if !m.Compressed {
		return ""
	}
	return ", which is compressed"
}

// rowAt returns the innermost row that has a byte of the payload; -1 if none has.
func (body *Body) rowAt(off int) int {
	found := -1
	for i := range body.Rows {
		if w := body.Rows[i].Wire; w.Off <= off && off < w.End() {
			found = i
		}
	}
	return found
}

// chain is the text of a chain while it is written.
type chain struct {
	rec     *record.Recording
	t       inspect.Trace
	secrets bool
	b       strings.Builder
}

func (c *chain) line(format string, args ...any) { fmt.Fprintf(&c.b, format+"\n", args...) }

func (c *chain) fact(name, format string, args ...any) {
	c.line("  %-8s %s", name, fmt.Sprintf(format, args...))
}

// carrier says which frame or part has the byte.
func (c *chain) carrier(p inspect.Place, off int64) {
	if i := p.Frame - c.t.Forgotten.Frames; p.Frame >= 0 && i >= 0 && i < len(c.t.Frames) {
		f := c.t.Frames[i]
		where := ""
		if off < f.Off+h2.HeaderLen {
			where = ", in its header: " + headerPart(off-f.Off)
		}
		c.fact("frame", "%s, frame %d, %s, %s ms%s", f.Type, p.Frame+1, spanText(f.Span()), Millis(f.At), where)
	}
	if i := p.Part - c.t.Forgotten.Parts; p.Part >= 0 && i >= 0 && i < len(c.t.Parts) {
		part := c.t.Parts[i]
		c.fact("part", "%s, %s, %s ms", part.Kind, spanText(part.Span), Millis(part.At))
	}
}

// headerPart names the field of a frame header that a byte is of. RFC 9113 §4.1.
func headerPart(at int64) string {
	switch {
	case at < 3:
		return "length"
	case at == 3:
		return "type"
	case at == 4:
		return "flags"
	default:
		return "stream identifier"
	}
}

func (c *chain) stream(id uint32) {
	if s, ok := c.t.StreamOf(id); ok && c.t.Protocol != inspect.BareBody {
		c.fact("stream", "%d, %s", id, Escape(strings.TrimSpace(s.Method+" "+s.Path)))
	}
}

func (c *chain) block(b inspect.HeaderBlock, field int) {
	c.stream(b.Stream)
	c.fact("block", "%s", blockNames[b.Kind])
	if field < 0 || field >= len(b.Fields) {
		return
	}
	f := b.Fields[field]
	c.fact("field", "%s: %s", Escape(f.Name), HeaderValue(f.Name, f.Value, c.secrets))
	if b.StartLine == "" && b.HPACK.Wire > 0 {
		c.fact("", "%s, %s for %d%s", f.Rep, plural(int64(f.Range.Len), "byte"), f.Decoded(), fieldOrigin(c.t, b, f))
	}
	c.wire(b.FieldSpans(f))
}

// row says which field or value a row is, and where on the wire.
func (c *chain) row(body *Body, i int, m inspect.Message) {
	r := &body.Rows[i]
	c.fact("field", "%s%s, payload bytes %d-%d", rowPath(body, i), typeWord(r), r.Wire.Off, r.Wire.End()-1)
	if r.Link >= 0 {
		l := body.Links[r.Link].JSON
		text := string(body.JSON[l.Off:l.End()])
		if first, _, more := strings.Cut(text, "\n"); more {
			text = first + " …"
		}
		c.fact("JSON", "%s", Escape(text))
	}
	spans := c.t.Locate(m, r.Wire)
	c.wire(spans)
	var names []string
	for _, at := range c.t.Carriers(m, spans) {
		names = append(names, frameName(c.t, at+c.t.Forgotten.Frames))
	}
	for _, at := range c.t.PartsOf(m, spans) {
		names = append(names, c.t.Parts[at].Kind.String())
	}
	const most = 8
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("… %d in all", len(names)))
	}
	if len(names) > 0 {
		c.fact("in", "%s", strings.Join(names, "; "))
	}
}

func typeWord(r *Row) string {
	if r.Type == "" {
		return ""
	}
	return " " + r.Type
}

// rowPath names a row by those that it is in, as numbers and names have it.
func rowPath(body *Body, i int) string {
	var steps []string
	for ; i >= 0 && len(steps) < 100; i = body.Rows[i].Parent {
		r := &body.Rows[i]
		step := strings.TrimSpace(r.Number + " " + r.Name)
		if step != "" {
			steps = append([]string{step}, steps...)
		}
	}
	if len(steps) == 0 {
		return "the whole"
	}
	return strings.Join(steps, " / ")
}

func (c *chain) wire(spans []record.Span) {
	words := make([]string, len(spans))
	for i, s := range spans {
		words[i] = spanText(s)
	}
	if len(words) > 0 {
		c.fact("wire", "%s", strings.Join(words, ", "))
	}
}

func spanText(s record.Span) string { return fmt.Sprintf("%s bytes %d-%d", s.Dir, s.Off, s.End()-1) }
