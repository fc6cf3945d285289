package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// MaxPayload bounds what one compressed message may grow to, in bytes.
const MaxPayload = 256 << 20

// errNotKept says that bytes of a message are not held by the recording.
var errNotKept = errors.New("some of its bytes were not kept")

// Spans returns the wire bytes of a message, prefix and payload, in order. They
// lie in the DATA frames or parts that carried it. Of base64 text they are the
// characters that hold the message; a span of length 0 stands where padding
// ended a piece of it. The caller does not change them.
func (t Trace) Spans(m Message) []record.Span {
	if m.span < 0 {
		if i := -1 - m.span; i < len(t.partial) {
			return t.partial[i]
		}
		return nil
	}
	first := m.span - t.Forgotten.spans
	if first < 0 || first+m.spans > len(t.spans) {
		return nil
	}
	return t.spans[first : first+m.spans]
}

// PayloadSpans returns the wire bytes of a message's payload, without prefix.
func (t Trace) PayloadSpans(m Message) []record.Span {
	return m.locate(t.Spans(m), 0, m.Have)
}

// overhead is how many bytes stand before the payload in what the message's
// spans hold.
func (m Message) overhead() int64 {
	if m.Prefixed() {
		return envelope.PrefixLen + int64(m.skip)
	}
	return 0
}

// locate maps a range of the payload as it was sent to wire bytes.
func (m Message) locate(spans []record.Span, off, n int64) []record.Span {
	switch {
	case m.Framing == GRPCWebText:
		return textSpans(spans, m.overhead()+off, n)
	case m.Prefixed():
		return within(spans, m.overhead()+off, n)
	case off == 0 && n == m.Have:
		return spans
	default:
		return within(spans, off, n)
	}
}

// Payload returns the payload of a message, joined across DATA frames, chunks
// and base64, and decompressed. The bytes may alias the recording: they must not
// be changed. An error says why a payload cannot be decompressed, or that its
// bytes are no longer held; what could be read comes with it.
func (t Trace) Payload(rec *record.Recording, m Message) ([]byte, error) {
	return t.PayloadLimit(rec, m, MaxPayload)
}

// PayloadLimit is Payload with another limit than MaxPayload, in bytes.
func (t Trace) PayloadLimit(rec *record.Recording, m Message, limit int64) ([]byte, error) {
	codings := ""
	if m.Compressed && m.Encoding == Other {
		st, _ := t.StreamOf(m.Stream)
		codings = st.Encoding[m.Dir]
	}
	return t.payload(rec, m, codings, limit)
}

// payload is PayloadLimit; codings are the names of the message's encoding if
// that is Other.
func (t Trace) payload(rec *record.Recording, m Message, codings string, limit int64) ([]byte, error) {
	raw, err := t.Raw(rec, m)
	if err != nil || !m.Compressed {
		return raw, err
	}
	switch m.Encoding {
	case Identity:
		if e := looksLike(raw); e != Identity {
			return undo(e, raw, limit)
		}
		return raw, fmt.Errorf("message %d of stream %d is compressed, but the headers name no %s", m.Seq+1, m.Stream, encodingField(m.Framing))
	case Other:
		out, err := undoAll(codings, raw, limit)
		if err != nil {
			err = fmt.Errorf("message %d of stream %d: %s %q: %w", m.Seq+1, m.Stream, encodingField(m.Framing), codings, err)
		}
		return out, err
	default:
		return undo(m.Encoding, raw, limit)
	}
}

// undo undoes one coding.
func undo(e Encoding, raw []byte, limit int64) ([]byte, error) {
	switch e {
	case Gzip:
		return envelope.Gunzip(raw, limit)
	case Deflate:
		return envelope.Inflate(raw, limit)
	case Brotli:
		return envelope.Unbrotli(raw, limit)
	case Zstd:
		return envelope.Unzstd(raw, limit)
	case Identity:
		return raw, nil
	default:
		return raw, errors.New("a coding that is not gzip, deflate, br or zstd")
	}
}

// maxCodings bounds how many codings are undone, one over another.
const maxCodings = 4

// undoAll undoes a list of codings, the last applied first. RFC 9110 §8.4.
func undoAll(codings string, raw []byte, limit int64) ([]byte, error) {
	names := strings.Split(codings, ",")
	if len(names) > maxCodings {
		return raw, fmt.Errorf("more than %d codings, one over another", maxCodings)
	}
	for _, name := range slices.Backward(names) {
		var err error
		if raw, err = undo(encodingOf(name), raw, limit); err != nil {
			return raw, err
		}
	}
	return raw, nil
}

// looksLike tells the coding of compressed bytes that no header names.
func looksLike(raw []byte) Encoding {
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b, 8}):
		return Gzip
	case bytes.HasPrefix(raw, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	default:
		return Identity
	}
}

// Raw returns a message's payload as it was sent: joined, base64 undone, still
// compressed.
func (t Trace) Raw(rec *record.Recording, m Message) ([]byte, error) {
	spans := t.Spans(m)
	skip := m.overhead()
	if m.Framing == GRPCWebText {
		out, err := decodeText(rec, spans)
		out = out[min(skip, int64(len(out))):]
		if err == nil && int64(len(out)) < m.Have {
			err = errNotKept
		}
		out = out[:min(m.Have, int64(len(out)))]
		if err != nil {
			err = fmt.Errorf("message %d of stream %d: %w", m.Seq+1, m.Stream, err)
		}
		return out, err
	}
	if len(spans) == 1 {
		s := spans[0]
		s.Off, s.Len = s.Off+skip, max(s.Len-skip, 0)
		if b, ok := rec.View(s); ok {
			return b, nil
		}
	}
	out := make([]byte, 0, min(m.Have, 1<<20))
	for _, s := range within(spans, skip, m.Have) {
		out = rec.Append(out, s)
	}
	if int64(len(out)) < m.Have {
		return out, fmt.Errorf("message %d of stream %d: %d of its %d bytes were not kept", m.Seq+1, m.Stream, m.Have-int64(len(out)), m.Have)
	}
	return out, nil
}

// Locate maps a range of a message's payload to wire bytes. Of a compressed
// message no part of the wire is a part of the payload: all of it is returned.
func (t Trace) Locate(m Message, r Range) []record.Span {
	if m.Compressed {
		return t.PayloadSpans(m)
	}
	return m.locate(t.Spans(m), int64(r.Off), int64(r.Len))
}

// StreamOf returns the stream with an id; the newest, if an upgrade to HTTP/2
// counts anew.
func (t Trace) StreamOf(id uint32) (Stream, bool) {
	n := len(t.Streams)
	if t.sorted {
		i, ok := slices.BinarySearchFunc(t.Streams, id, func(s Stream, id uint32) int { return int(int64(s.ID) - int64(id)) })
		if !ok {
			return Stream{}, false
		}
		return t.Streams[i], true
	}
	for i := n - 1; i >= 0; i-- {
		if t.Streams[i].ID == id {
			return t.Streams[i], true
		}
	}
	return Stream{}, false
}

// Block returns the header block with an index, as Frame.Block, Part.Block and
// Status.Block give it.
func (t Trace) Block(index int) (HeaderBlock, bool) {
	i := index - t.Forgotten.Headers
	if i < 0 || i >= len(t.Headers) {
		return HeaderBlock{}, false
	}
	return t.Headers[i], true
}
