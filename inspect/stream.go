package inspect

import (
	"fmt"
	"strconv"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// stream is a Stream while it is being decoded.
type stream struct {
	Stream
	place    int      // in Decoder.order
	live     bool     // in Decoder.live
	spent    [2]int64 // of each direction's initial window, less what updates gave back
	body     [2]body
	ended    [2]bool // END_STREAM seen
	headed   [2]bool // final header block seen
	implied  bool    // made up for a frame without HEADERS before it
	made     bool    // counts in Decoder.made
	lost     bool    // not listed, and what comes on it is not followed
	reported bool
	counted  bool   // in side.open
	declared [2]int // content-length + 1, by Dir; 0 if there is none or it was checked
}

// beginBlock starts a field section. RFC 9113 §6.2, §6.6.
func (d *Decoder) beginBlock(dir *direction, index int, h h2.Header, fragment record.Span, promised uint32) {
	dir.promised = promised
	dir.blockLen = fragment.Len
	dir.block = &HeaderBlock{
		Dir: dir.dir, Stream: h.Stream, Frame: index, Fragments: []record.Span{fragment},
		EndStream: h.Type == h2.Headers && h.Flags.Has(h2.EndStream),
	}
	if h.Type == h2.PushPromise {
		dir.block.Kind = Promise
	}
}

// continuation adds a fragment. RFC 9113 §6.10.
func (d *Decoder) continuation(dir *direction, s record.Span, h h2.Header) int32 {
	if dir.block == nil {
		d.problem(Problem{
			Span: s, Stream: h.Stream, Rule: "RFC 9113 §6.10",
			Text: "CONTINUATION without a header block before it; later table entries of this direction cannot be trusted",
		})
		dir.hpack.Break()
		return -1
	}
	if h.Length > 0 && d.fits(dir, s, h) {
		dir.block.Fragments = append(dir.block.Fragments, blockSpan(s, h2.Part{Len: int(h.Length)}))
		dir.blockLen += int64(h.Length)
	}
	return d.endBlock(dir, h)
}

// fits reports whether one more fragment of the direction's block can be kept,
// and says once that it cannot.
func (d *Decoder) fits(dir *direction, s record.Span, h h2.Header) bool {
	if len(dir.block.Fragments) < maxFragments && dir.blockLen+int64(h.Length) <= maxBlock {
		return true
	}
	if dir.blockLen <= maxBlock {
		dir.blockLen = maxBlock + 1
		d.problem(Problem{
			Span: s, Stream: h.Stream, Rule: "limit",
			Text: fmt.Sprintf("the header block is longer than %d bytes or %d frames: the rest is not read", maxBlock, maxFragments),
		})
		dir.hpack.Break()
	}
	return false
}

// abandonBlock closes a header block that another frame interrupts.
func (d *Decoder) abandonBlock(dir *direction, s record.Span, h h2.Header) {
	d.problem(Problem{
		Span: s, Stream: h.Stream, Rule: "RFC 9113 §4.3",
		Text: fmt.Sprintf("%s on stream %d inside the header block of stream %d, which lacks END_HEADERS", h.Type, h.Stream, dir.block.Stream),
	})
	d.decodeBlock(dir)
	dir.hpack.Break()
}

// endBlock decodes the block if this frame ends it, and returns its index or -1.
func (d *Decoder) endBlock(dir *direction, h h2.Header) int32 {
	if !h.Flags.Has(h2.EndHeaders) {
		return -1
	}
	return d.decodeBlock(dir)
}

// decodeBlock lists the direction's block and applies it to its stream.
func (d *Decoder) decodeBlock(dir *direction) int32 {
	b := *dir.block
	dir.block = nil
	b.At = dir.at
	var raw []byte
	for _, s := range b.Fragments {
		raw = d.rec.Append(raw, s)
	}
	fields, problems := dir.hpack.Decode(raw)
	b.Fields, b.HPACK = fields, dir.hpack.Last()
	for _, p := range problems {
		at := within(b.Fragments, int64(p.Range.Off), max(int64(p.Range.Len), 1))
		if len(at) == 0 {
			at = b.Fragments[len(b.Fragments)-1:]
		}
		d.problem(Problem{Span: at[0], Stream: b.Stream, Rule: p.Rule, Text: p.Text})
	}
	index := d.t.Forgotten.Headers + len(d.t.Headers)
	if b.Kind == Promise {
		d.promise(dir, b)
	} else {
		d.applyBlock(dir, &b, index)
	}
	d.checkFields(dir, &b)
	d.limitFields(&b)
	d.listBlock(b)
	return int32(index)
}

// applyBlock says what a block is for and tells its stream. RFC 9113 §8.1.
func (d *Decoder) applyBlock(dir *direction, b *HeaderBlock, index int) {
	st, ok := d.streams[b.Stream]
	switch {
	case ok && st.ended[dir.dir]:
		d.problem(Problem{Span: b.Fragments[0], Stream: b.Stream, Rule: "RFC 9113 §5.1", Text: "HEADERS after END_STREAM: the stream is closed for its sender"})
	case ok:
	case dir.dir == record.Sent:
		st = d.open(b.Stream, dir.at)
	default:
		st = d.makeUp(b.Stream, dir.at, b.Fragments[0])
	}
	d.touch(st)
	status, _ := b.Get(":status")
	switch {
	case st.headed[dir.dir]:
		b.Kind = Trailers
	case dir.dir == record.Sent:
		b.Kind = RequestHeaders
		method, _ := b.Get(":method")
		path, _ := b.Get(":path")
		d.request(st, b, method, path)
	case len(status) == 3 && status[0] == '1':
		b.Kind = Informational
	default:
		b.Kind = ResponseHeaders
		st.HTTP, _ = strconv.Atoi(status)
	}
	if b.Kind != Informational {
		d.describe(st, b, index)
	}
	if b.EndStream {
		d.endStream(dir, st, b.Fragments[0])
	}
}

// promise opens the stream that a PUSH_PROMISE announces. RFC 9113 §8.4.1.
func (d *Decoder) promise(dir *direction, b HeaderBlock) {
	if _, ok := d.streams[dir.promised]; ok {
		d.problem(Problem{
			Span: b.Fragments[0], Stream: b.Stream, Rule: "RFC 9113 §6.6",
			Text: fmt.Sprintf("the promised stream %d is open already: the promise is not followed", dir.promised),
		})
		return
	}
	st := d.makeUp(dir.promised, dir.at, b.Fragments[0])
	st.implied = false
	method, _ := b.Get(":method")
	path, _ := b.Get(":path")
	d.request(st, &b, method, path)
}

// limitFields leaves out the fields of a block that is one too many to keep: a
// byte of HPACK can stand for a field, whose place in the index takes many.
func (d *Decoder) limitFields(b *HeaderBlock) {
	if d.fields += len(b.Fields); d.fields <= maxFields {
		return
	}
	d.fields -= len(b.Fields)
	b.Fields = nil
	d.problem(Problem{
		Span: b.Fragments[0], Stream: b.Stream, Rule: "limit",
		Text: fmt.Sprintf("more than %d header fields on the connection: those of this block are not listed", maxFields),
	})
}

// request notes what a request's block says of its stream.
func (d *Decoder) request(st *stream, b *HeaderBlock, method, path string) {
	st.Method, st.Path = method, path
	st.RPC = callOf(b, path)
	var problem string
	st.Timeout, st.Timed, problem = timeoutOf(b, st.RPC)
	if problem != "" {
		d.problem(Problem{Span: b.Fragments[0], Stream: st.ID, Rule: "gRPC-HTTP2 Timeout", Text: problem + ": servers answer with an error or wait without end"})
	}
}

// describe sets how the body of the block's direction is to be read, and reads
// the status of a call.
func (d *Decoder) describe(st *stream, b *HeaderBlock, index int) {
	if !st.headed[b.Dir] {
		st.headed[b.Dir] = true
		st.Content[b.Dir], _ = b.Get("content-type")
		if w := &st.body[b.Dir]; w.begun {
			// What came before the headers that say how to read it is a message of its own.
			w.msg.Length = w.msg.Have
			d.complete(d.dirs[b.Dir], st, w)
		}
		st.body[b.Dir].shape, st.Encoding[b.Dir] = shapeOf(b)
	}
	if b.Dir == record.Received {
		d.readStatus(st, b, index)
	}
}

// endStream applies END_STREAM. RFC 9113 §5.1.
func (d *Decoder) endStream(dir *direction, st *stream, s record.Span) {
	d.endBody(dir, st, s)
	st.ended[dir.dir] = true
	switch {
	case st.State == Reset:
	case st.ended[dir.dir.Other()]:
		st.State, st.Ended = Closed, dir.at
	case dir.dir == record.Sent:
		st.State = HalfClosedSent
	default:
		st.State = HalfClosedRecvd
	}
	if dir.dir == record.Received {
		d.checkFinal(st, s)
	}
	d.touch(st)
}
