package inspect

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// stream is a Stream while it is being decoded.
type stream struct {
	Stream
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
	d.t.Headers = append(d.t.Headers, b)
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
	status, _ := b.Get(":status")
	switch {
	case st.headed[dir.dir]:
		b.Kind = Trailers
	case dir.dir == record.Sent:
		b.Kind = RequestHeaders
		st.request(*b)
	case len(status) == 3 && status[0] == '1':
		b.Kind = Informational
	default:
		b.Kind = ResponseHeaders
		st.HTTP, _ = strconv.Atoi(status)
	}
	if b.Kind != Informational {
		st.describe(*b)
		if dir.dir == record.Received {
			d.readStatus(st, *b, index)
		}
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
	st.request(b)
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

func (st *stream) request(b HeaderBlock) {
	st.Method, _ = b.Get(":method")
	st.Path, _ = b.Get(":path")
	ct, _ := b.Get("content-type")
	if isGRPC(ct) {
		st.RPC = RPCGRPC
	}
}

// describe sets how the body of the block's direction is to be read.
func (st *stream) describe(b HeaderBlock) {
	if st.headed[b.Dir] {
		return
	}
	st.headed[b.Dir] = true
	ct, _ := b.Get("content-type")
	st.Encoding[b.Dir], _ = b.Get("grpc-encoding")
	body := &st.body[b.Dir]
	body.grpc = isGRPC(ct)
	switch st.Encoding[b.Dir] {
	case "", "identity":
		body.encoding = Identity
	case "gzip":
		body.encoding = Gzip
	case "deflate":
		body.encoding = Deflate
	default:
		body.encoding = Other
	}
}

// isGRPC reports whether a content-type is that of gRPC over HTTP/2.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(contentType), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// readStatus reads grpc-status and what comes with it. gRPC-HTTP2, "Responses".
func (d *Decoder) readStatus(st *stream, b HeaderBlock, index int) {
	var s Status
	found := false
	for _, f := range b.Fields {
		switch f.Name {
		case "grpc-status":
			n, err := strconv.Atoi(f.Value)
			if err != nil || n < 0 {
				d.fieldProblem(b, f, "grpc-status %q is not a number", f.Value)
				n = 2 // UNKNOWN, as clients read it
			}
			s.Code, found = n, true
		case "grpc-message":
			s.Message = envelope.PercentDecode(f.Value)
		case "grpc-status-details-bin":
			raw, err := envelope.DecodeBinary(f.Value)
			if err != nil {
				d.fieldProblem(b, f, "grpc-status-details-bin is not base64: %v", err)
			}
			s.Details = raw
		}
	}
	if found {
		s.Block = index
		st.Status = &s
	}
}

func (d *Decoder) fieldProblem(b HeaderBlock, f hpack.Field, format string, args ...any) {
	d.problem(Problem{Span: b.FieldSpans(f)[0], Stream: b.Stream, Rule: "gRPC-HTTP2 Responses", Text: fmt.Sprintf(format, args...)})
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
	if dir.dir == record.Received && st.RPC == RPCGRPC && st.Status == nil {
		d.problem(Problem{
			Span: s, Stream: st.ID, Rule: "gRPC-HTTP2 Responses",
			Text: "the server ended the stream without grpc-status: clients report UNKNOWN or INTERNAL",
		})
	}
	d.dirty = true
}
