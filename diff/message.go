package diff

import (
	"bytes"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
)

// format is how a payload is compared.
type format uint8

const (
	opaque format = iota // by its bytes
	protobuf
	jsonText
	text
)

// side is one of two messages.
type side struct {
	c       *call
	m       inspect.Message
	payload []byte
	err     error // why the payload is not what was meant: still compressed, or cut
	md      protoreflect.MessageDescriptor
	format  format
	links   []inspect.Link // of a protobuf payload that is compared as JSON
}

// readSide reads a message. One that is too large is not read.
func readSide(c *call, m inspect.Message) *side {
	s := &side{c: c, m: m, md: c.Input}
	if m.Dir == record.Received {
		s.md = c.Output
	}
	if large(m) {
		return s
	}
	s.payload, s.err = c.Trace.PayloadLimit(c.Recording, m, maxPayload)
	if s.err == nil {
		s.format = s.guess()
	}
	return s
}

// guess returns how the payload is to be compared: as the trace says, or what
// the content-type says where that says nothing.
func (s *side) guess() format {
	switch s.m.Content {
	case inspect.Protobuf:
		return protobuf
	case inspect.JSON:
		return jsonText
	case inspect.Text, inspect.FieldLines:
		return text
	default:
		return s.c.contents[s.m.Dir]()
	}
}

// contentFormat returns the format that a direction's content-type stands for.
func (c *call) contentFormat(d record.Dir) format {
	role := requestHeaders
	if d == record.Received {
		role = responseHeaders
	}
	for _, f := range c.fields(role) {
		switch ct := strings.ToLower(f.value); {
		case f.key != "content-type":
		case strings.Contains(ct, "json"):
			return jsonText
		case strings.HasPrefix(ct, "text/"):
			return text
		}
	}
	return opaque
}

// size words how long the message is, and how it was sent.
func (s *side) size() string {
	words := counted(int(s.m.Have), "byte")
	if s.m.Have < s.m.Length {
		words = fmt.Sprintf("%d of %d bytes", s.m.Have, s.m.Length)
	}
	if s.m.Compressed && s.err == nil && !large(s.m) {
		return fmt.Sprintf("%s, %s compressed", counted(len(s.payload), "byte"), words)
	}
	if s.m.Compressed {
		return words + " compressed"
	}
	return words
}

func (s *side) locate(r inspect.Range) []record.Span {
	if s.links == nil {
		return append([]record.Span(nil), s.c.Trace.Locate(s.m, r)...)
	}
	i, ok := pb.LinkAt(s.links, r.Off)
	if !ok {
		return nil
	}
	return append([]record.Span(nil), s.c.Trace.Locate(s.m, s.links[i].Wire)...)
}

// value returns what the payload means. asJSON turns a protobuf message into its
// JSON, to be compared with JSON. It is nil where only the bytes can be compared.
func (s *side) value(asJSON bool) (*value, format) {
	if len(s.payload) > maxFields {
		return nil, opaque
	}
	var v *value
	var err error
	switch {
	case s.format == protobuf && asJSON:
		var body []byte
		body, s.links, err = inspect.NewPlan(s.md, s.c.Types, inspect.Options{}).JSONLinks(s.payload)
		if err == nil {
			v, err = jsonValue(body, true)
		}
	case s.format == protobuf:
		v, err = protoValue(s.payload, s.md, s.c.Types)
	case s.format == jsonText:
		v, err = jsonValue(s.payload, asJSON)
	case s.format == text:
		v, err = lineValue(s.payload)
	}
	if err != nil {
		s.err, s.links = err, nil
		return nil, opaque
	}
	return v, s.format
}

// messagePair is two messages at the same place of their calls.
type messagePair struct {
	a, b  *side
	equal bool  // the payloads, byte by byte
	from  int64 // where they begin to differ
}

func readPair(c calls, a, b inspect.Message) *messagePair {
	p := &messagePair{a: readSide(c.a, a), b: readSide(c.b, b)}
	switch {
	case !large(a) && !large(b):
		if p.equal = bytes.Equal(p.a.payload, p.b.payload); !p.equal {
			p.from = int64(firstDifference(p.a.payload, p.b.payload))
		}
	default:
		p.from, p.equal = equalBlocks(c.a, c.b, a, b)
	}
	return p
}

// compare lists how the messages differ.
func (p *messagePair) compare(out *entries) {
	p.compression(out)
	if cutA, cutB := p.a.m.Have < p.a.m.Length, p.b.m.Have < p.b.m.Length; cutA != cutB || cutA && p.a.m.Length != p.b.m.Length {
		out.add(Entry{Kind: Changed, Name: "length", A: p.a.size(), B: p.b.size(), Note: "of what the prefix declares"})
	}
	if a, b := p.a.m, p.b.m; a.Flag != b.Flag && a.Compressed == b.Compressed {
		out.add(Entry{Kind: Changed, Name: "prefix flag", A: fmt.Sprintf("0x%02x", a.Flag), B: fmt.Sprintf("0x%02x", b.Flag)})
	}
	before := out.differences()
	switch {
	case p.equal:
		p.whole(out, Equal, sides(reason(p.a.err), reason(p.b.err)))
	case p.values(out):
		if out.differences() == before {
			p.whole(out, Encoded, "all values are equal, written in other bytes from offset "+fmt.Sprint(p.from)+" on")
		}
	default:
		p.bytes(out)
	}
}

// compression tells how the messages were compressed, if not alike.
func (p *messagePair) compression(out *entries) {
	a, b := p.a.m, p.b.m
	if !a.Compressed && !b.Compressed {
		return
	}
	e := Entry{Kind: Encoded, Name: "compression", A: p.a.compression(), B: p.b.compression()}
	if a.Compressed && b.Compressed && a.Encoding == b.Encoding {
		if !p.equal || (calls{p.a.c, p.b.c}).equalRaw(a, b) {
			return
		}
		e.Note = "another compressor or level"
	}
	e.SpansA, e.SpansB = payloadSpans(p.a.c, a), payloadSpans(p.b.c, b)
	out.add(e)
}

func (s *side) compression() string {
	if !s.m.Compressed {
		return "none, " + s.size()
	}
	name := s.c.stream.Encoding[s.m.Dir]
	if name == "" {
		name = "unnamed"
	}
	return name + ", " + s.size()
}

// whole lists the payloads as one entry.
func (p *messagePair) whole(out *entries, k Kind, note string) {
	out.add(Entry{
		Kind: k, Name: "payload", A: p.a.size(), B: p.b.size(), Note: note,
		SpansA: payloadSpans(p.a.c, p.a.m), SpansB: payloadSpans(p.b.c, p.b.m),
	})
}

// values compares what the payloads mean; false if only bytes can be compared.
func (p *messagePair) values(out *entries) bool {
	c := comparison{out: out, a: p.a.locate, b: p.b.locate}
	if f := [2]format{p.a.format, p.b.format}; f == [2]format{protobuf, jsonText} || f == [2]format{jsonText, protobuf} {
		if p.a.md == nil || p.b.md == nil {
			return false
		}
		c.how = across
	} else if f[0] != f[1] {
		return false
	}
	va, fa := p.a.value(c.how == across)
	vb, _ := p.b.value(c.how == across)
	if va == nil || vb == nil {
		return false
	}
	if c.how == across {
		p.whole(out, Encoded, sides(p.a.format.String(), p.b.format.String()))
	} else if fa == text {
		c.how = textual
	}
	c.values("", va, vb)
	return true
}

// String returns the format in words.
func (f format) String() string { return [...]string{"bytes", "protobuf", "JSON", "text"}[f] }

// bytes says where payloads that have no fields to compare begin to differ.
func (p *messagePair) bytes(out *entries) {
	e := Entry{Kind: Changed, Name: "bytes", A: p.a.from(p.from), B: p.b.from(p.from)}
	e.SpansA, e.SpansB = p.a.spansFrom(p.from), p.b.spansFrom(p.from)
	switch {
	case p.a.err != nil || p.b.err != nil:
		e.Note = sides(reason(p.a.err), reason(p.b.err))
	case p.a.format != p.b.format:
		e.Note = sides(p.a.format.String(), p.b.format.String())
	case p.a.format != opaque:
		e.Note = fmt.Sprintf("too large to compare by fields: over %d bytes", maxFields)
	}
	out.add(e)
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// from words the message's bytes from an offset on.
func (s *side) from(off int64) string {
	if large(s.m) {
		return fmt.Sprintf("%s, differs from offset %d on", s.size(), off)
	}
	return bytesFrom(s.payload, int(off))
}

func (s *side) spansFrom(off int64) []record.Span {
	if large(s.m) {
		return nil
	}
	return s.locate(inspect.Range{Off: int(off), Len: min(shownBytes, max(len(s.payload)-int(off), 0))})
}
