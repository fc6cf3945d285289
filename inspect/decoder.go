package inspect

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Limits of what a hostile peer can make a decoder hold.
const (
	maxProblems  = 10_000   // it can break a rule in every nine bytes
	maxMade      = 1000     // streams that no request opened, kept at one time
	maxFragments = 1 << 16  // frames of one header block
	maxBlock     = 64 << 20 // bytes of one header block
	maxFields    = 1 << 20  // fields of all listed header blocks
)

// Decoder turns a recording into a Trace, as the recording grows. It is not
// safe for concurrent use; the traces it returns are values and may be read
// anywhere.
type Decoder struct {
	rec       *record.Recording
	t         Trace
	dirs      [2]*direction
	sides     [2]side
	streams   map[uint32]*stream
	order     []*stream // as opened, for the snapshot
	live      []*stream // of those, the ones that have changed or may change
	h1        http1
	newest    [2]uint32 // the highest stream that was opened, by parity of its id
	made      int       // streams in order that no request opened
	fields    int       // fields of the header blocks listed
	forgot    bool      // Forget has dropped streams
	nextChunk int
	dirty     bool // the snapshot in t is old
	finished  bool
}

// NewDecoder returns a Decoder at the start of a recording.
func NewDecoder(rec *record.Recording) *Decoder {
	d := &Decoder{rec: rec, streams: map[uint32]*stream{}}
	d.dirs[record.Sent] = newDirection(record.Sent)
	d.dirs[record.Received] = newDirection(record.Received)
	return d
}

// Decode decodes the whole recording. It never fails: bytes it cannot explain
// become Problems.
func Decode(rec *record.Recording) Trace {
	t, _ := NewDecoder(rec).Advance(math.MaxInt64)
	return t
}

// Advance decodes about maxBytes more of what has been recorded, returns the
// trace so far, and whether there is more to decode now. One pass over the
// bytes: the cost depends on what is new, not on what is there.
func (d *Decoder) Advance(maxBytes int64) (t Trace, more bool) {
	// Asked before the chunks: no chunk follows the close, so a recording seen
	// closed here has shown all its chunks below.
	closeErr, closed := d.rec.Closed()
	d.nextChunk = max(d.nextChunk, d.rec.FirstChunk())
	chunks := d.rec.Chunks(d.nextChunk)
	for len(chunks) > 0 && maxBytes > 0 {
		dir := d.dirs[chunks[0].Span.Dir]
		end := chunks[0].Span.End()
		if step := end - dir.avail; step > maxBytes {
			end = dir.avail + maxBytes
		}
		maxBytes -= end - dir.avail
		dir.avail, dir.at = end, chunks[0].At
		d.cut(dir)
		if end == chunks[0].Span.End() {
			chunks = chunks[1:]
			d.nextChunk++
		}
		d.dirty = true
	}
	if closed && len(chunks) == 0 && !d.finished {
		d.finished = true
		d.finish(closeErr)
	}
	d.snapshot()
	return d.t, len(chunks) > 0
}

// Needed returns the offset of the first byte of a direction that decoding what
// is yet to come can ask for: everything before it may be discarded once the
// messages listed so far have been read.
func (d *Decoder) Needed(dir record.Dir) int64 {
	need := d.dirs[dir].begins()
	if d.dirs[dir].speaks == asHTTP1 {
		need = d.dirs[dir].parser.Needed()
	}
	if b := d.dirs[dir].block; b != nil && len(b.Fragments) > 0 {
		need = min(need, b.Fragments[0].Off)
	}
	for _, s := range d.live {
		w := &s.body[dir]
		if w.begun && len(w.spans) > 0 {
			need = min(need, w.spans[0].Off)
		}
		if w.text != nil && w.text.n > 0 {
			need = min(need, w.text.at[0])
		}
	}
	return need
}

// Forget drops from the index what t lists, which nobody will look at again,
// and the streams that have ended. Later traces count it in Forgotten.
func (d *Decoder) Forget(t Trace) {
	f := &d.t.Forgotten
	drop(&d.t.Frames, &f.Frames, t.Forgotten.Frames+len(t.Frames))
	drop(&d.t.Parts, &f.Parts, t.Forgotten.Parts+len(t.Parts))
	drop(&d.t.Headers, &f.Headers, t.Forgotten.Headers+len(t.Headers))
	drop(&d.t.Messages, &f.Messages, t.Forgotten.Messages+len(t.Messages))
	drop(&d.t.Problems, &f.Problems, t.Forgotten.Problems+len(t.Problems))
	drop(&d.t.spans, &f.spans, t.Forgotten.spans+len(t.spans))
	d.t.frameMarks.drop(f.Frames)
	d.t.partMarks.drop(f.Parts)
	d.t.blockMarks.drop(f.Headers)
	d.fields = 0
	for _, b := range d.t.Headers {
		d.fields += len(b.Fields)
	}
	gone := func(s *stream) bool { return s.State == Closed || s.State == Reset }
	d.live = slices.DeleteFunc(d.live, gone)
	d.order = slices.DeleteFunc(d.order, func(s *stream) bool {
		if !gone(s) {
			return false
		}
		if d.streams[s.ID] == s {
			delete(d.streams, s.ID)
		}
		if s.made {
			d.made--
		}
		d.forgot = true
		return true
	})
	for i, s := range d.order {
		s.place = i
	}
	d.t.Streams = nil // all of it is made again
	d.dirty = true
}

// touch notes that a stream has changed.
func (d *Decoder) touch(st *stream) {
	d.dirty = true
	if !st.live && !st.lost {
		st.live = true
		d.live = append(d.live, st)
	}
}

// listBlock lists a header block.
func (d *Decoder) listBlock(b HeaderBlock) {
	d.t.blockMarks.add(d.t.Forgotten.Headers+len(d.t.Headers), b.Dir, b.extent().End())
	d.t.Headers = append(d.t.Headers, b)
}

// drop removes entries before an absolute index. The rest moves to a new array
// when the list grows next, so the old one is freed.
func drop[T any](list *[]T, forgotten *int, before int) {
	n := min(before-*forgotten, len(*list))
	if n <= 0 {
		return
	}
	*list = (*list)[n:]
	*forgotten += n
}

// snapshot renews the parts of the trace that do not only grow.
func (d *Decoder) snapshot() {
	if !d.dirty {
		return
	}
	d.dirty = false
	slices.SortFunc(d.live, func(a, b *stream) int { return a.place - b.place })
	d.snapshotStreams()
	d.t.Partial, d.t.partial = nil, nil
	for _, s := range d.live {
		for dir := range s.body {
			if w := &s.body[dir]; w.begun {
				m := w.msg
				m.span, m.spans = -1-len(d.t.partial), len(w.spans)
				w.shared = len(w.spans)
				d.t.Partial = append(d.t.Partial, m)
				d.t.partial = append(d.t.partial, w.spans[:len(w.spans):len(w.spans)])
			}
		}
	}
	d.live = slices.DeleteFunc(d.live, func(s *stream) bool {
		s.live = s.State != Closed && s.State != Reset || s.body[0].begun || s.body[1].begun
		return !s.live
	})
	for i, dir := range d.dirs {
		at := dir.begins()
		d.t.Tail[i] = record.Span{Dir: dir.dir, Off: at, Len: dir.avail - at}
	}
}

// snapshotStreams renews the list of streams: older traces keep theirs.
func (d *Decoder) snapshotStreams() {
	old := d.t.Streams
	changed := func(s *stream) bool { return s.place >= len(old) || old[s.place] != s.Stream }
	if len(old) == len(d.order) && !slices.ContainsFunc(d.live, changed) {
		return
	}
	streams := make([]Stream, len(d.order))
	if n := copy(streams, old); n == 0 {
		for i, s := range d.order {
			streams[i] = s.Stream
		}
	}
	for _, s := range d.live {
		streams[s.place] = s.Stream
	}
	sorted := d.t.sorted || len(old) == 0
	for i := max(len(old), 1); i < len(streams) && sorted; i++ {
		sorted = streams[i-1].ID < streams[i].ID
	}
	d.t.Streams, d.t.sorted = streams, sorted
}

func (d *Decoder) problem(p Problem) {
	switch n := d.t.Forgotten.Problems + len(d.t.Problems); {
	case n < maxProblems:
		d.t.Problems = append(d.t.Problems, p)
	case n == maxProblems:
		d.t.Problems = append(d.t.Problems, Problem{Span: p.Span, Rule: "limit", Text: fmt.Sprintf("more than %d problems: the rest is not listed", maxProblems)})
	}
}

// finish adds the problems that only the end of the connection shows.
func (d *Decoder) finish(closeErr error) {
	if s, ok := d.rec.Unsent(); ok {
		d.problem(Problem{Span: s, Rule: "transport", Text: fmt.Sprintf("a write failed: these %d bytes were never sent", s.Len)})
	}
	if closeErr != nil && !errors.Is(closeErr, io.EOF) {
		d.problem(Problem{Rule: "transport", Text: "the connection broke: " + closeErr.Error()})
	}
	for _, dir := range d.dirs {
		d.finishDirection(dir)
	}
	slices.SortFunc(d.live, func(a, b *stream) int { return a.place - b.place })
	for _, s := range d.live {
		for dir := range s.body {
			d.finishBody(s, record.Dir(dir))
		}
	}
}

// finishDirection applies the end of the connection to a direction.
func (d *Decoder) finishDirection(dir *direction) {
	if dir.speaks == undecided && dir.avail > dir.pos && d.dirs[dir.dir.Other()].speaks == asHTTP1 && !dir.toHTTP2 {
		d.beginHTTP1(dir)
		d.cutHTTP1(dir)
	}
	switch dir.speaks {
	case asHTTP1:
		d.finishHTTP1(dir)
	case asBody:
		if st := d.h1.current[dir.dir]; st != nil {
			d.endBody(dir, st, record.Span{Dir: dir.dir, Off: dir.avail})
		}
	case asHTTP2, undecided:
		if b := dir.block; b != nil {
			d.problem(Problem{
				Span: b.Fragments[0], Stream: b.Stream, Rule: "RFC 9113 §6.10",
				Text: "the connection ended inside a header block: no frame with END_HEADERS came",
			})
		}
		d.finishTail(dir)
	case asNothing:
	}
}

// finishBody names a message that the end of the connection cuts.
func (d *Decoder) finishBody(s *stream, dir record.Dir) {
	w := &s.body[dir]
	if !w.begun || s.State == Reset || s.ended[dir] || len(w.spans) == 0 || d.dirs[dir].speaks == asBody {
		return
	}
	rule := "RFC 9113 §8.1"
	switch {
	case w.prefixed():
		rule = prefixRules[w.framing].rule
	case d.dirs[dir].speaks == asHTTP1:
		return // said where the content is cut
	}
	d.problem(Problem{Span: w.spans[0], Stream: s.ID, Rule: rule, Text: "the connection ended inside a message: " + w.progress()})
}

// finishTail names what the last bytes of a direction were the beginning of.
func (d *Decoder) finishTail(dir *direction) {
	n := dir.avail - dir.pos
	if n == 0 {
		return
	}
	p := Problem{Span: record.Span{Dir: dir.dir, Off: dir.pos, Len: n}, Rule: "RFC 9113 §4.1"}
	if head := d.rec.Append(nil, record.Span{Dir: dir.dir, Off: dir.pos, Len: min(n, h2.HeaderLen)}); len(head) == h2.HeaderLen {
		h := h2.ParseHeader(head)
		p.Stream = h.Stream
		p.Text = fmt.Sprintf("the connection ended inside a %s frame: %d of its %d bytes", h.Type, n, h2.HeaderLen+int64(h.Length))
	} else {
		p.Text = fmt.Sprintf("the connection ended inside a frame header: %d of its %d bytes", n, h2.HeaderLen)
	}
	d.problem(p)
}
