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
	a, b := c.a.messages[d], c.b.messages[d]
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(b):
			g.only(OnlyA, i, c.a, a[i])
		case i >= len(a):
			g.only(OnlyB, i, c.b, b[i])
		default:
			g.pair(i, a[i], b[i])
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
	a, b := g.a.messages[g.dir], g.b.messages[g.dir]
	if len(a) <= 1 && len(b) <= 1 && !framed(a) && !framed(b) {
		return word + " body"
	}
	if n == 1 && (ends(a, i) || ends(b, i)) {
		return word + " end of stream"
	}
	if n == 1 {
		return fmt.Sprintf("%s message %d", word, i+1)
	}
	return fmt.Sprintf("%s messages %d-%d", word, i+1, i+n)
}

func framed(list []inspect.Message) bool { return len(list) > 0 && list[0].Framing != inspect.Whole }

// ends reports whether a list's message at i is the end-of-stream message of
// Connect, which holds status and trailers.
func ends(list []inspect.Message, i int) bool { return i < len(list) && list[i].Final() }

// flush ends the run of equal messages.
func (g *messageSections) flush() {
	if g.equal == 0 {
		return
	}
	text := counted(int(g.equalBytes), "byte")
	e := Entry{Name: "payload", A: text, B: text}
	if g.equal == 1 {
		e.SpansA = payloadSpans(g.a, g.a.messages[g.dir][g.equalFirst])
		e.SpansB = payloadSpans(g.b, g.b.messages[g.dir][g.equalFirst])
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

func (g *messageSections) pair(i int, a, b inspect.Message) {
	p := readPair(g.calls, a, b)
	if p.same() {
		if g.equal == 0 {
			g.equalFirst = i
		}
		g.equal++
		g.equalBytes += p.size
		return
	}
	if g.beyond(Changed, i) {
		return
	}
	g.flush()
	out := &entries{}
	p.compare(out)
	g.sections = append(g.sections, out.section(Message, g.title(i, 1)))
}

// only lists a message that one side alone has.
func (g *messageSections) only(k Kind, i int, c *call, m inspect.Message) {
	if g.beyond(k, i) {
		return
	}
	g.flush()
	out := &entries{}
	side := readSide(c, m)
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
