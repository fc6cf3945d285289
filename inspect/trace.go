package inspect

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// MaxPayload bounds what one compressed message may grow to, in bytes.
const MaxPayload = 256 << 20

// Spans returns the wire bytes of a message, prefix and payload, in order. They
// lie in the DATA frames that carried it. The caller does not change them.
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
	spans := t.Spans(m)
	if !m.Prefixed() {
		return spans
	}
	return within(spans, envelope.PrefixLen, m.Have)
}

// Payload returns the payload of a message, joined across DATA frames and
// decompressed. The bytes may alias the recording: they must not be changed.
// An error says why a payload cannot be decompressed, or that its bytes are no
// longer held; what could be read comes with it.
func (t Trace) Payload(rec *record.Recording, m Message) ([]byte, error) {
	return t.PayloadLimit(rec, m, MaxPayload)
}

// PayloadLimit is Payload with another limit than MaxPayload, in bytes.
func (t Trace) PayloadLimit(rec *record.Recording, m Message, limit int64) ([]byte, error) {
	raw, err := t.Raw(rec, m)
	if err != nil || !m.Compressed {
		return raw, err
	}
	switch m.Encoding {
	case Gzip:
		return envelope.Gunzip(raw, limit)
	case Deflate:
		return envelope.Inflate(raw, limit)
	case Identity:
		return raw, fmt.Errorf("message %d of stream %d is compressed, but the headers name no grpc-encoding", m.Seq+1, m.Stream)
	default:
		return raw, fmt.Errorf("message %d of stream %d: its grpc-encoding is not gzip or deflate", m.Seq+1, m.Stream)
	}
}

// Raw returns a message's payload as it was sent: joined, still compressed.
func (t Trace) Raw(rec *record.Recording, m Message) ([]byte, error) {
	spans := t.Spans(m)
	skip := int64(0)
	if m.Prefixed() {
		skip = envelope.PrefixLen
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
	spans := t.PayloadSpans(m)
	if m.Compressed {
		return spans
	}
	return within(spans, int64(r.Off), int64(r.Len))
}

// Carriers returns the indexes in t.Frames of the frames whose bytes overlap
// spans of a message, in order. The cost is that of the frames from the
// message's first to its last.
func (t Trace) Carriers(m Message, spans []record.Span) []int {
	var out []int
	i := max(m.Frame-t.Forgotten.Frames, 0)
	for ; i < len(t.Frames) && len(spans) > 0; i++ {
		f := t.Frames[i].Span()
		if f.Dir != m.Dir {
			continue
		}
		for len(spans) > 0 && spans[0].End() <= f.Off {
			spans = spans[1:]
		}
		if len(spans) > 0 && spans[0].Off < f.End() {
			out = append(out, i)
		}
		for len(spans) > 0 && spans[0].End() <= f.End() {
			spans = spans[1:]
		}
	}
	return out
}

// StreamOf returns the stream with an id.
func (t Trace) StreamOf(id uint32) (Stream, bool) {
	for i := len(t.Streams) - 1; i >= 0; i-- {
		if t.Streams[i].ID == id {
			return t.Streams[i], true
		}
	}
	return Stream{}, false
}

// Block returns the header block with an index, as Frame.Block and Status.Block
// give it.
func (t Trace) Block(index int) (HeaderBlock, bool) {
	i := index - t.Forgotten.Headers
	if i < 0 || i >= len(t.Headers) {
		return HeaderBlock{}, false
	}
	return t.Headers[i], true
}
