package inspect

import (
	"encoding/base64"
	"fmt"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// A body of application/grpc-web-text is base64 in groups of four characters
// for three bytes; each piece that was flushed ends with its own padding.
// PROTOCOL-WEB, "text-encoded". The spans of such a message hold characters:
// those of every group that has a byte of it, without padding and without what
// is no base64. A span of length 0 stands where a padded group has ended, since
// there the next character begins a group whatever came before.

// textBody is the group in progress.
type textBody struct {
	chars [4]byte
	at    [4]int64 // their offsets on the wire
	n     int
	pad   int // '=' after them
	bad   int // characters that are no base64
}

// maxBad is how many characters that are no base64 are passed over: each may
// cost a span, and a body with more is something else.
const maxBad = 1000

const notBase64 = 0xff

// sextets maps a character to its six bits. RFC 4648 §4.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = notBase64
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	return t
}()

func (d *Decoder) feedText(dir *direction, st *stream, frame int, span record.Span, data []byte) {
	w := &st.body[dir.dir]
	if w.text == nil {
		w.text = &textBody{}
	}
	t := w.text
	for i := 0; i < len(data); i++ {
		if t.bad > maxBad {
			return
		}
		off := span.Off + int64(i)
		if n := w.run(data[i:]); n > 0 {
			w.msg.At = dir.at
			w.take(record.Span{Dir: span.Dir, Off: off, Len: int64(n)})
			w.msg.Have += int64(n) / 4 * 3
			i += n - 1
			if w.msg.Have == w.msg.Length {
				d.complete(dir, st, w)
			}
			continue
		}
		c := data[i]
		switch {
		case sextets[c] != notBase64:
			if t.pad > 0 {
				d.badText(st, record.Span{Dir: dir.dir, Off: off, Len: 1}, "a group's padding is not complete")
				d.group(dir, st, frame)
			}
			t.chars[t.n], t.at[t.n] = c, off
			if t.n++; t.n == 4 {
				d.group(dir, st, frame)
			}
		case c == '=' && t.n >= 2:
			if t.pad++; t.n+t.pad == 4 {
				d.group(dir, st, frame)
			}
		default:
			d.badText(st, record.Span{Dir: dir.dir, Off: off, Len: 1}, fmt.Sprintf("%q is no base64 and is passed over", c))
			t.bad++
		}
	}
}

// run returns how many characters at the start of data are whole groups inside
// the payload of the message in progress.
func (w *body) run(data []byte) int {
	if w.text.n > 0 || !w.begun || w.have < envelope.PrefixLen {
		return 0
	}
	most := int(min(int64(len(data))/4, (w.msg.Length-w.msg.Have)/3)) * 4
	n := 0
	for n < most && sextets[data[n]] != notBase64 {
		n++
	}
	return n / 4 * 4
}

func (d *Decoder) badText(st *stream, s record.Span, text string) {
	w := &st.body[s.Dir]
	switch w.text.bad {
	case 0:
		d.problem(Problem{Span: s, Stream: st.ID, Rule: "RFC 4648 §3.3", Text: text})
	case maxBad:
		d.problem(Problem{Span: s, Stream: st.ID, Rule: "limit", Text: fmt.Sprintf("more than %d characters are no base64: the rest of the body is not read", maxBad)})
	}
}

// group hands the bytes of the group in progress to the message they belong to.
func (d *Decoder) group(dir *direction, st *stream, frame int) {
	w := &st.body[dir.dir]
	t := w.text
	var v uint32
	for _, c := range t.chars[:t.n] {
		v = v<<6 | uint32(sextets[c])
	}
	v <<= 6 * (4 - t.n)
	held := false // the group's characters are in the spans of the message in progress
	for k := range t.n - 1 {
		if !w.begun {
			w.begin(dir, st, frame, t.at[0])
			w.msg.skip = uint8(k)
			held = false
		}
		if !held {
			for _, off := range t.at[:t.n] {
				w.take(record.Span{Dir: dir.dir, Off: off, Len: 1})
			}
			held = true
		}
		w.msg.At = dir.at
		d.textByte(dir, st, byte(v>>(16-8*k)))
	}
	if t.n < 4 && w.begun {
		w.spans = append(w.spans, record.Span{Dir: dir.dir, Off: t.at[t.n-1] + 1})
	}
	t.n, t.pad = 0, 0
}

// textByte adds one byte to the message in progress, and lists it if it is complete.
func (d *Decoder) textByte(dir *direction, st *stream, b byte) {
	w := &st.body[dir.dir]
	if w.have < envelope.PrefixLen {
		w.prefix[w.have] = b
		if w.have++; w.have == envelope.PrefixLen {
			d.readPrefix(dir, st, w)
		}
	} else {
		w.msg.Have++
	}
	if w.have == envelope.PrefixLen && w.msg.Have == w.msg.Length {
		d.complete(dir, st, w)
	}
}

// endText reads a last group without padding, which some encoders leave out.
func (d *Decoder) endText(dir *direction, st *stream, s record.Span) {
	w := &st.body[dir.dir]
	t := w.text
	if t == nil || t.n == 0 {
		return
	}
	d.problem(Problem{Span: s, Stream: st.ID, Rule: "RFC 4648 §3.2", Text: fmt.Sprintf("the body ends with %d characters of a group of 4, without padding", t.n)})
	if t.n >= 2 {
		d.group(dir, st, -1)
	}
	t.n, t.pad = 0, 0
}

// segment is a run of whole groups, of which the last may be short.
type segment []record.Span

// segments cuts the spans of a message where a padded group has ended.
func segments(spans []record.Span) []segment {
	var out []segment
	first := 0
	for i, s := range spans {
		if s.Len == 0 {
			out = append(out, spans[first:i])
			first = i + 1
		}
	}
	if first < len(spans) {
		out = append(out, spans[first:])
	}
	return out
}

// size returns how many characters a segment has, and how many bytes they stand for.
func (g segment) size() (chars, bytes int64) {
	for _, s := range g {
		chars += s.Len
	}
	return chars, chars/4*3 + max(chars%4-1, 0)
}

// textSpans maps a range of the bytes that spans of characters stand for to the
// characters that hold them: three bytes are four characters, and each byte is
// in two.
func textSpans(spans []record.Span, off, n int64) []record.Span {
	var out []record.Span
	for _, g := range segments(spans) {
		if n <= 0 {
			break
		}
		chars, bytes := g.size()
		if off >= bytes {
			off -= bytes
			continue
		}
		part := min(bytes-off, n)
		last := off + part - 1
		from, to := off/3*4+off%3, last/3*4+last%3+2
		out = append(out, within(g, from, min(to, chars)-from)...)
		off, n = 0, n-part
	}
	return out
}

// textBytes maps a character on the wire to the bytes that it has a part in, as
// a range of all that spans stand for.
func textBytes(spans []record.Span, wire int64) (off, n int64, ok bool) {
	var before int64
	for _, g := range segments(spans) {
		_, bytes := g.size()
		var at int64 // characters of the segment before s
		for _, s := range g {
			if s.Off <= wire && wire < s.End() {
				c := at + wire - s.Off
				first := c/4*3 + max(c%4-1, 0)
				end := min(c/4*3+min(c%4+1, 3), bytes)
				return before + first, max(end-first, 0), true
			}
			at += s.Len
		}
		before += bytes
	}
	return 0, 0, false
}

// decodeText returns the bytes that spans of characters stand for.
func decodeText(rec *record.Recording, spans []record.Span) ([]byte, error) {
	var out, chars []byte
	for _, g := range segments(spans) {
		chars = chars[:0]
		for _, s := range g {
			chars = rec.Append(chars, s)
		}
		size, _ := g.size()
		if int64(len(chars)) < size {
			return out, errNotKept
		}
		if len(chars)%4 == 1 {
			chars = chars[:len(chars)-1]
		}
		var err error
		if out, err = base64.RawStdEncoding.AppendDecode(out, chars); err != nil {
			return out, fmt.Errorf("base64: %w", err)
		}
	}
	return out, nil
}
