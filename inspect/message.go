package inspect

import (
	"fmt"
	"slices"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// body cuts one direction of a stream into messages.
type body struct {
	shape
	seq   int
	ended bool // a message that ends the stream was listed

	begun  bool
	msg    Message // the one in progress
	first  int64   // where it begins on the wire
	prefix [envelope.PrefixLen]byte
	have   int           // bytes of prefix
	spans  []record.Span // of the one in progress
	shared int           // how many of them a trace's Partial aliases: those stay as they are

	text  *textBody
	event eventBody
}

// begin starts a message whose first byte is in a frame and at an offset.
func (w *body) begin(dir *direction, st *stream, frame int, first int64) {
	w.begun, w.first = true, first
	w.have = 0
	w.spans = w.spans[:0]
	if w.shared > 0 {
		w.spans, w.shared = nil, 0
	}
	w.msg = Message{
		Seq: w.seq, Frame: frame, Stream: st.ID, Dir: dir.dir,
		Framing: w.framing, Content: w.content, Compressed: w.compressed, Encoding: w.encoding,
	}
}

// take adds bytes of the wire to the message in progress.
func (w *body) take(s record.Span) {
	if n := len(w.spans); n > 0 && w.spans[n-1].Len > 0 && w.spans[n-1].End() == s.Off {
		if w.shared == n {
			w.spans, w.shared = slices.Clone(w.spans), 0
		}
		w.spans[n-1].Len += s.Len
		return
	}
	w.spans = append(w.spans, s)
}

// progress says how far the message in progress is.
func (w *body) progress() string {
	switch {
	case w.framing == Event:
		return fmt.Sprintf("%d bytes of an event, and no empty line", w.msg.Have)
	case !w.prefixed():
		return fmt.Sprintf("%d bytes of a body", w.msg.Have)
	case w.have < envelope.PrefixLen:
		return fmt.Sprintf("%d of the 5 bytes of its prefix", w.have)
	default:
		return fmt.Sprintf("%d of the %d bytes that its prefix declares", w.msg.Have, w.msg.Length)
	}
}

// feed cuts the data of one frame or part, which lies at span, into messages.
// Of a Whole body the data is not looked at and may be nil.
func (d *Decoder) feed(dir *direction, st *stream, frame int, span record.Span, data []byte) {
	d.touch(st)
	w := &st.body[dir.dir]
	switch w.framing {
	case Whole:
		if span.Len == 0 {
			return
		}
		if !w.begun {
			w.begin(dir, st, frame, span.Off)
		}
		w.msg.At = dir.at
		w.msg.Have += span.Len
		w.take(span)
	case GRPCWebText:
		d.feedText(dir, st, frame, span, data)
	case Event:
		d.feedEvents(dir, st, frame, span, data)
	default:
		d.feedPrefixed(dir, st, frame, span, data)
	}
}

func (d *Decoder) feedPrefixed(dir *direction, st *stream, frame int, span record.Span, data []byte) {
	w := &st.body[dir.dir]
	for len(data) > 0 {
		if !w.begun {
			w.begin(dir, st, frame, span.Off)
		}
		n := int64(len(data))
		if w.have < envelope.PrefixLen {
			n = int64(copy(w.prefix[w.have:], data))
			w.have += int(n)
			if w.have == envelope.PrefixLen {
				d.readPrefix(dir, st, w)
			}
		} else {
			n = min(n, w.msg.Length-w.msg.Have)
			w.msg.Have += n
		}
		w.msg.At = dir.at
		w.take(record.Span{Dir: span.Dir, Off: span.Off, Len: n})
		span.Off, span.Len, data = span.Off+n, span.Len-n, data[n:]
		if w.have == envelope.PrefixLen && w.msg.Have == w.msg.Length {
			d.complete(dir, st, w)
		}
	}
}

// prefixRules are what the documents say about the flag of each framing.
var prefixRules = [...]struct {
	rule    string
	defined uint8
	text    string
}{
	GRPC:        {"gRPC Length-Prefixed-Message", 0x01, "only 0 and 1 are defined"},
	GRPCWeb:     {"PROTOCOL-WEB Message framing", 0x81, "only the bits 0x01 (compressed) and 0x80 (trailers) are defined"},
	GRPCWebText: {"PROTOCOL-WEB Message framing", 0x81, "only the bits 0x01 (compressed) and 0x80 (trailers) are defined"},
	Connect:     {"Connect Enveloped-Message", 0x03, "only the bits 0x01 (compressed) and 0x02 (end of stream) are defined"},
}

// readPrefix reads a complete prefix. gRPC-HTTP2, "Length-Prefixed-Message".
func (d *Decoder) readPrefix(dir *direction, st *stream, w *body) {
	span := record.Span{Dir: dir.dir, Off: w.first, Len: 1} // of the flag
	p := envelope.ReadPrefix(w.prefix[:])
	w.msg.Length = int64(p.Length)
	w.msg.Flag = p.Flag
	w.msg.Compressed = p.Flag&1 == 1
	r := &prefixRules[w.framing]
	switch {
	case p.Flag&^r.defined != 0:
		d.problem(Problem{Span: span, Stream: st.ID, Rule: r.rule, Text: fmt.Sprintf("the prefix's flag is 0x%02x; %s", p.Flag, r.text)})
	case w.msg.Compressed && w.encoding == Identity:
		d.problem(Problem{Span: span, Stream: st.ID, Rule: "gRPC Compressed-Flag", Text: "a compressed message without " + encodingField(w.framing) + ": how to read it is not said"})
	}
	if w.ended {
		d.problem(Problem{Span: span, Stream: st.ID, Rule: r.rule, Text: "a message after the one that ends the stream: clients do not read it"})
	}
	if w.msg.Final() {
		w.msg.Content = JSON
		if w.framing != Connect {
			w.msg.Content = FieldLines
		}
	}
}

// encodingField is the header field that names how messages are compressed.
func encodingField(f Framing) string {
	switch f {
	case GRPC, GRPCWeb, GRPCWebText:
		return "grpc-encoding"
	case Connect:
		return "connect-content-encoding"
	default:
		return "content-encoding"
	}
}

// complete lists the message in progress.
func (d *Decoder) complete(dir *direction, st *stream, w *body) {
	m := w.msg
	m.At = dir.at
	m.span = d.t.Forgotten.spans + len(d.t.spans)
	m.spans = len(w.spans)
	index := d.t.Forgotten.Messages + len(d.t.Messages)
	m.chain(&d.t, index, st.last[dir.dir])
	d.t.spans = append(d.t.spans, w.spans...)
	d.t.Messages = append(d.t.Messages, m)
	st.last[dir.dir] = index + 1
	w.begun = false
	w.seq++
	st.Messages[dir.dir]++
	d.dirty = true
	switch {
	case m.Final():
		w.ended = true
		d.readFinal(st, m)
	case st.RPC == RPCConnect && dir.dir == record.Received && m.Framing == Whole && m.Content == JSON && st.HTTP != 200:
		d.readConnectError(st, m)
	}
}

// endBody applies the end of a body: a whole one is complete, a message with a
// prefix is cut.
func (d *Decoder) endBody(dir *direction, st *stream, s record.Span) {
	d.touch(st)
	w := &st.body[dir.dir]
	if w.framing == GRPCWebText {
		d.endText(dir, st, s)
	}
	if !w.begun {
		return
	}
	switch w.framing {
	case Whole:
		w.msg.Length = w.msg.Have
		d.complete(dir, st, w)
	case Event:
		d.endEvents(dir, st, s)
	default:
		d.problem(Problem{Span: s, Stream: st.ID, Rule: prefixRules[w.framing].rule, Text: "the stream ended inside a message: " + w.progress()})
	}
}
