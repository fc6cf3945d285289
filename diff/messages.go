package diff

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// Bounds on the comparison of messages.
const (
	maxDetailed = 50       // sections for messages that differ, per direction
	maxFields   = 1 << 20  // bytes of a payload that is compared field by field
	maxPayload  = 16 << 20 // bytes of a payload that is decompressed
	blockBytes  = 64 << 10 // of larger ones, compared a block at a time
)

// messages compares the messages of a direction, the first with the first. Equal
// ones in a row share a section.
func (c calls) messages(d record.Dir) []Section {
	g := messageSections{calls: c, dir: d}
	inA, inB := len(c.a.places[d]), len(c.b.places[d])
	for i := range max(inA, inB) {
		switch {
		case i >= inB:
			g.only(OnlyA, i, c.a)
		case i >= inA:
			g.only(OnlyB, i, c.b)
		default:
			g.pair(i)
		}
	}
	return g.finish()
}

// messageSections gathers the sections of a direction.
type messageSections struct {
	calls
	dir      record.Dir
	sections []Section

	equal      int   // messages of the run of equal ones in progress
	equalFirst int   // its first
	equalBytes int64 // of payload

	detailed int
	rest     Counts // of what is beyond maxDetailed
	restFrom int
}

func (g *messageSections) title(i, n int) string {
	word := "request"
	if g.dir == record.Received {
		word = "response"
	}
	if g.a.single(g.dir) && g.b.single(g.dir) {
		return word + " body"
	}
	if n == 1 && (g.a.ends(g.dir, i) || g.b.ends(g.dir, i)) {
		return word + " end of stream"
	}
	if n == 1 {
		return fmt.Sprintf("%s message %d", word, i+1)
	}
	return fmt.Sprintf("%s messages %d-%d", word, i+1, i+n)
}

// single reports whether a direction has no messages but a body, if anything.
func (c *call) single(d record.Dir) bool {
	n := len(c.places[d])
	return n == 0 || n == 1 && c.message(d, 0).Framing == inspect.Whole
}

// ends reports whether the i-th message is the end-of-stream message of Connect,
// which holds status and trailers.
func (c *call) ends(d record.Dir, i int) bool { return i < len(c.places[d]) && c.message(d, i).Final() }

// flush ends the run of equal messages.
func (g *messageSections) flush() {
	if g.equal == 0 {
		return
	}
	text := counted(int(g.equalBytes), "byte")
	e := Entry{Name: "payload", A: text, B: text}
	if g.equal == 1 {
		e.SpansA = payloadSpans(g.a, g.a.message(g.dir, g.equalFirst))
		e.SpansB = payloadSpans(g.b, g.b.message(g.dir, g.equalFirst))
	} else {
		e.Name = strconv.Itoa(g.equal) + " payloads"
	}
	g.sections = append(g.sections, Section{
		Topic: Message, Title: g.title(g.equalFirst, g.equal), Entries: []Entry{e}, Unlisted: Counts{Equal: g.equal - 1},
	})
	g.equal, g.equalBytes = 0, 0
}

func payloadSpans(c *call, m inspect.Message) []record.Span {
	return append([]record.Span(nil), c.Trace.PayloadSpans(m)...)
}

// beyond counts what is too much for a section of its own.
func (g *messageSections) beyond(k Kind, i int) bool {
	if g.detailed < maxDetailed {
		g.detailed++
		return false
	}
	if g.rest == (Counts{}) {
		g.restFrom = i
	}
	g.rest[k]++
	return true
}

func (g *messageSections) pair(i int) {
	a, b := g.a.message(g.dir, i), g.b.message(g.dir, i)
	if g.alike(a, b) {
		if g.equal == 0 {
			g.equalFirst = i
		}
		g.equal++
		g.equalBytes += a.Have
		return
	}
	if g.beyond(Changed, i) {
		return
	}
	g.flush()
	out := &entries{}
	readPair(g.calls, a, b).compare(out)
	g.sections = append(g.sections, out.section(Message, g.title(i, 1)))
}

// alike reports whether two messages were sent alike: the same bytes with the
// same coding, both whole or cut at the same place.
func (c calls) alike(a, b inspect.Message) bool {
	if a.Compressed != b.Compressed || a.Encoding != b.Encoding || a.Flag != b.Flag || a.Have != b.Have || a.Length != b.Length {
		return false
	}
	return c.equalRaw(a, b)
}

// equalRaw reports whether two messages sent the same bytes. Bytes that were not
// kept are not equal to any.
func (c calls) equalRaw(a, b inspect.Message) bool {
	if large(a) || large(b) {
		_, equal := equalBlocks(c.a, c.b, a, b)
		return equal
	}
	x, errA := c.a.Trace.Raw(c.a.Recording, a)
	y, errB := c.b.Trace.Raw(c.b.Recording, b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

// only lists a message that one side alone has.
func (g *messageSections) only(k Kind, i int, c *call) {
	if g.beyond(k, i) {
		return
	}
	g.flush()
	out := &entries{}
	side := readSide(c, c.message(g.dir, i))
	v, format := side.value(false)
	if v == nil {
		v, format = &value{words: hexed, id: string(side.payload), at: inspect.Range{Len: len(side.payload)}}, opaque
	}
	cmp := comparison{out: out}
	if format == text {
		cmp.how = textual
	}
	if k == OnlyA {
		cmp.a = side.locate
	} else {
		cmp.b = side.locate
	}
	cmp.only(k, "", v)
	out.note = "only " + k.String()[len("only "):] + ": " + side.size()
	g.sections = append(g.sections, out.section(Message, g.title(i, 1)))
}

// finish returns the sections, with one for what has been counted only.
func (g *messageSections) finish() []Section {
	g.flush()
	if g.rest != (Counts{}) {
		word := g.title(g.restFrom, 1)
		g.sections = append(g.sections, Section{
			Topic: Message, Title: word + " and later", Unlisted: g.rest,
			Note: fmt.Sprintf("the first %d messages that differ are shown in detail; of the rest %d differ, %d are only in A, %d only in B",
				maxDetailed, g.rest[Changed], g.rest[OnlyA], g.rest[OnlyB]),
		})
	}
	return g.sections
}

// large reports whether a message is too large to be held.
func large(m inspect.Message) bool { return m.Have > maxPayload }

// equalBlocks compares what two messages sent, a block at a time, and returns
// the first offset at which they differ.
func equalBlocks(a, b *call, ma, mb inspect.Message) (at int64, equal bool) {
	ra, rb := blocks{c: a, spans: a.Trace.PayloadSpans(ma)}, blocks{c: b, spans: b.Trace.PayloadSpans(mb)}
	for {
		x, y := ra.next(), rb.next()
		n := min(len(x), len(y))
		if !bytes.Equal(x[:n], y[:n]) {
			return at + int64(firstDifference(x[:n], y[:n])), false
		}
		at += int64(n)
		if n == 0 {
			return at, len(x) == len(y)
		}
		ra.take(n)
		rb.take(n)
	}
}

// blocks reads spans a block at a time.
type blocks struct {
	c     *call
	spans []record.Span
	taken int64 // of spans[0]
	buf   []byte
	rest  []byte
}

func (b *blocks) next() []byte {
	for len(b.rest) == 0 && len(b.spans) > 0 {
		s := b.spans[0]
		s.Off, s.Len = s.Off+b.taken, min(s.Len-b.taken, blockBytes)
		b.buf = b.c.Recording.Append(b.buf[:0], s)
		b.rest = b.buf
		if b.taken += s.Len; b.taken >= b.spans[0].Len {
			b.spans, b.taken = b.spans[1:], 0
		}
	}
	return b.rest
}

func (b *blocks) take(n int) { b.rest = b.rest[n:] }
