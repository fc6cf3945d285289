package inspect

import (
	"sort"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// every is how many entries of a list share a mark.
const every = 64

// mark is where both directions were before an entry whose index is a multiple
// of every: the end of what was listed of each. Entries of one direction do not
// overlap and stand in the order of their offsets, so the one that holds an
// offset is among the entries after the last mark that is not beyond it.
type mark [2]int64

// marks are those of one list, from the one of its first entry that is kept on.
type marks struct {
	list  []mark
	first int // how many were dropped
	end   mark
}

// add notes an entry that is about to be listed at an absolute index.
func (k *marks) add(index int, dir record.Dir, end int64) {
	if index%every == 0 {
		k.list = append(k.list, k.end)
	}
	k.end[dir] = max(k.end[dir], end)
}

// drop forgets the marks of entries before an absolute index.
func (k *marks) drop(before int) {
	drop(&k.list, &k.first, before/every)
}

// from returns the absolute indexes of the first entry that can hold an offset
// and of the one after the last.
func (k *marks) from(dir record.Dir, off int64) (first, end int) {
	i := sort.Search(len(k.list), func(i int) bool { return k.list[i][dir] > off }) - 1
	i = max(i, 0) + k.first
	return i * every, (i + 1) * every
}

// find returns the index in a list of the entry whose bytes hold an offset, or
// -1. span tells where the bytes of an entry are, at least from its first to its
// last.
func find[T any](list []T, forgotten int, k *marks, dir record.Dir, off int64, span func(*T) record.Span) int {
	first, end := k.from(dir, off)
	for i := max(first-forgotten, 0); i < min(end-forgotten, len(list)); i++ {
		if s := span(&list[i]); s.Dir == dir && s.End() > off {
			if s.Off <= off {
				return i
			}
			return -1
		}
	}
	return -1
}

// FrameAt returns the index in t.Frames of the frame that has a byte; -1 if none has.
func (t Trace) FrameAt(dir record.Dir, off int64) int {
	return find(t.Frames, t.Forgotten.Frames, &t.frameMarks, dir, off, func(f *Frame) record.Span { return f.Span() })
}

// PartAt returns the index in t.Parts of the part that has a byte; -1 if none has.
func (t Trace) PartAt(dir record.Dir, off int64) int {
	return find(t.Parts, t.Forgotten.Parts, &t.partMarks, dir, off, func(p *Part) record.Span { return p.Span })
}

// blockAt returns the index in t.Headers of the block that has a byte; -1 if none has.
func (t Trace) blockAt(dir record.Dir, off int64) int {
	return find(t.Headers, t.Forgotten.Headers, &t.blockMarks, dir, off, func(b *HeaderBlock) record.Span { return b.extent() })
}

// extent is from the first byte of a block's fragments to the last.
func (b *HeaderBlock) extent() record.Span {
	first := b.Fragments[0]
	return record.Span{Dir: b.Dir, Off: first.Off, Len: b.Fragments[len(b.Fragments)-1].End() - first.Off}
}

// Carriers returns the indexes in t.Frames of the frames whose bytes overlap
// spans of a message, in order. The cost is that of a search for each span.
func (t Trace) Carriers(_ Message, spans []record.Span) []int {
	return overlapping(spans, t.FrameAt, func(i int) int64 { return t.Frames[i].Span().End() })
}

// PartsOf is Carriers for HTTP/1.1: indexes in t.Parts. Of content that is not
// complete there is no part yet.
func (t Trace) PartsOf(_ Message, spans []record.Span) []int {
	return overlapping(spans, t.PartAt, func(i int) int64 { return t.Parts[i].Span.End() })
}

func overlapping(spans []record.Span, at func(record.Dir, int64) int, end func(int) int64) []int {
	var out []int
	for _, s := range spans {
		for off := s.Off; off < s.End(); {
			i := at(s.Dir, off)
			if i < 0 {
				break
			}
			if len(out) == 0 || out[len(out)-1] != i {
				out = append(out, i)
			}
			off = end(i)
		}
	}
	return out
}

// A message knows how far back the one before it in its stream and direction is,
// and one further back: as in a skew-binary list, from any message a search goes
// back over n others in a number of steps that grows as log n. back and jump
// count in listed messages; 0 is none.

// chain sets them for a message about to be listed. last is 1 + the index of the
// one before it, or 0.
func (m *Message) chain(t *Trace, index, last int) {
	if last == 0 {
		return
	}
	m.back = distance(index, last-1)
	m.jump = m.back
	before, ok := t.message(last - 1)
	if !ok || before.jump == 0 {
		return
	}
	far, ok := t.message(last - 1 - int(before.jump))
	if !ok || far.jump == 0 {
		return
	}
	further := last - 1 - int(before.jump) - int(far.jump)
	if end, ok := t.message(further); ok && before.Seq-far.Seq == far.Seq-end.Seq {
		m.jump = distance(index, further)
	}
}

// distance is how far apart two indexes are, or 0 if that is too far to keep.
func distance(a, b int) uint32 {
	if d := a - b; int64(d) < 1<<32 {
		return uint32(d)
	}
	return 0
}

// message returns the message with an absolute index.
func (t *Trace) message(index int) (*Message, bool) {
	i := index - t.Forgotten.Messages
	if i < 0 || i >= len(t.Messages) {
		return nil, false
	}
	return &t.Messages[i], true
}

// endOf returns where the last byte of a message with an absolute index ends;
// false if the message is not kept.
func (t *Trace) endOf(index int) (int64, bool) {
	m, ok := t.message(index)
	if !ok {
		return 0, false
	}
	spans := t.Spans(*m)
	if len(spans) == 0 {
		return 0, false
	}
	return spans[len(spans)-1].End(), true
}

// messageIn returns the absolute index of the first message of a stream and
// direction that ends after an offset, last being the index of its last; false
// if there is none.
func (t *Trace) messageIn(last int, off int64) (int, bool) {
	after := func(back uint32, from int) bool {
		end, ok := t.endOf(from - int(back))
		return back > 0 && ok && end > off
	}
	if end, ok := t.endOf(last); !ok || end <= off {
		return 0, false
	}
	for {
		m, _ := t.message(last)
		switch {
		case after(m.jump, last):
			last -= int(m.jump)
		case after(m.back, last):
			last -= int(m.back)
		default:
			return last, true
		}
	}
}

// MessageAt returns the message that has a byte of the wire, complete or in
// progress, and the offset of the byte in its payload as it was sent; -1 if the
// byte is of the prefix. Of base64 it is the first byte that the character holds.
// A character that ends one message and begins the next is said to be of the first.
func (t Trace) MessageAt(dir record.Dir, off int64) (m Message, payloadOff int64, ok bool) {
	_, m, ok = t.messageAt(dir, off)
	if !ok {
		return m, 0, false
	}
	r := m.payloadRange(t.Spans(m), off)
	return m, r.off, true
}

// messageAt returns also the absolute index; -1 of a message in progress.
func (t *Trace) messageAt(dir record.Dir, off int64) (int, Message, bool) {
	if st, ok := t.StreamOf(t.streamAt(dir, off)); ok && st.last[dir] > 0 {
		if i, ok := t.messageIn(st.last[dir]-1, off); ok {
			m, _ := t.message(i)
			if holds(t.Spans(*m), off) {
				return i, *m, true
			}
		}
	}
	for _, m := range t.Partial {
		if m.Dir == dir && holds(t.Spans(m), off) {
			return -1, m, true
		}
	}
	return -1, Message{}, false
}

// streamAt returns the id of the stream whose frame or part has a byte. Content
// that is not complete is of the last stream that has begun.
func (t *Trace) streamAt(dir record.Dir, off int64) uint32 {
	if i := t.FrameAt(dir, off); i >= 0 {
		return t.Frames[i].Stream
	}
	if i := t.PartAt(dir, off); i >= 0 {
		return t.Parts[i].Stream
	}
	return t.under[dir]
}

// holds reports whether spans in order hold an offset.
func holds(spans []record.Span, off int64) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].End() > off })
	return i < len(spans) && spans[i].Off <= off
}

// byteRange is a range of a payload as it was sent.
type byteRange struct{ off, n int64 }

// payloadRange maps a byte of the wire to the payload; off is -1 in the prefix.
func (m Message) payloadRange(spans []record.Span, wire int64) byteRange {
	var off, n int64
	if m.Framing == GRPCWebText {
		off, n, _ = textBytes(spans, wire)
	} else {
		for _, s := range spans {
			if s.Off <= wire && wire < s.End() {
				off, n = off+wire-s.Off, 1
				break
			}
			off += s.Len
		}
	}
	end := min(off+n-m.overhead(), m.Have)
	off = max(off-m.overhead(), 0)
	if end <= off {
		return byteRange{off: -1}
	}
	return byteRange{off: off, n: end - off}
}

// MessagesIn returns the messages that have bytes in a DATA frame, in their order:
// the way back from Carriers. The last one may go on in later frames; partial says
// that it is one of t.Partial. The cost is that of a search and of what is found.
func (t Trace) MessagesIn(f Frame) (out []Message, partial bool) {
	off, end := f.Off+h2.HeaderLen, f.Span().End()
	if f.Flags.Has(h2.Padded) {
		off++ // the pad length octet
	}
	for off < end {
		index, m, ok := t.messageAt(f.Dir, off)
		if !ok || m.Stream != f.Stream {
			break
		}
		out, partial = append(out, m), index < 0
		// Those that end in one frame stand side by side.
		for i := index - t.Forgotten.Messages + 1; index >= 0 && i < len(t.Messages); i++ {
			next := t.Messages[i]
			spans := t.Spans(next)
			if next.Stream != f.Stream || next.Dir != f.Dir || len(spans) == 0 || spans[0].Off >= end {
				break
			}
			m = next
			out = append(out, m)
		}
		spans := t.Spans(m)
		if len(spans) == 0 {
			break
		}
		off = max(spans[len(spans)-1].End(), off+1)
	}
	return out, partial
}

// Place is what one byte of the wire belongs to. Indexes count from the first
// entry ever, as everywhere in this package; -1 is none.
type Place struct {
	Frame   int
	Part    int
	Block   int // header block
	Field   int // of the block, in its Fields
	Message int
	Partial int   // in Trace.Partial: a message in progress
	Payload Range // of the message, as it was sent, which the byte has a part in; Len 0 in its prefix
}

// At returns what a byte of a direction belongs to. The cost grows as the
// logarithm of what is listed.
func (t Trace) At(dir record.Dir, off int64) Place {
	p := Place{Frame: -1, Part: -1, Block: -1, Field: -1, Message: -1, Partial: -1}
	if i := t.FrameAt(dir, off); i >= 0 {
		p.Frame = i + t.Forgotten.Frames
	}
	if i := t.PartAt(dir, off); i >= 0 {
		p.Part = i + t.Forgotten.Parts
	}
	if i := t.blockAt(dir, off); i >= 0 && holds(t.Headers[i].Fragments, off) {
		p.Block, p.Field = i+t.Forgotten.Headers, t.Headers[i].fieldAt(off)
		return p
	}
	index, m, ok := t.messageAt(dir, off)
	if !ok {
		return p
	}
	p.Message = index
	if index < 0 {
		p.Partial = -1 - m.span
	}
	if r := m.payloadRange(t.Spans(m), off); r.off >= 0 {
		p.Payload = Range{Off: int(r.off), Len: int(r.n)}
	}
	return p
}

// fieldAt returns the index of the field that has a byte, or -1.
func (b *HeaderBlock) fieldAt(off int64) int {
	at := 0
	for _, s := range b.Fragments {
		if off < s.End() {
			at += int(off - s.Off)
			break
		}
		at += int(s.Len)
	}
	i := sort.Search(len(b.Fields), func(i int) bool { return b.Fields[i].Range.Off+b.Fields[i].Range.Len > at })
	if i < len(b.Fields) && b.Fields[i].Range.Off <= at {
		return i
	}
	return -1
}
