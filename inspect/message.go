package inspect

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// body cuts one direction of a stream into messages.
type body struct {
	grpc     bool // its content-type says that messages have prefixes
	encoding Encoding
	seq      int

	begun  bool
	msg    Message // the one in progress
	prefix [envelope.PrefixLen]byte
	have   int           // bytes of prefix
	spans  []record.Span // of the one in progress
	shared int           // how many of them a trace's Partial aliases: those stay as they are
}

// begin starts a message whose first byte is in a frame.
func (w *body) begin(dir *direction, st *stream, frame int) {
	w.begun = true
	w.have = 0
	w.spans = w.spans[:0]
	if w.shared > 0 {
		w.spans, w.shared = nil, 0
	}
	w.msg = Message{Seq: w.seq, Frame: frame, Stream: st.ID, Dir: dir.dir, Encoding: w.encoding}
	if w.grpc {
		w.msg.Framing, w.msg.Content = GRPC, Protobuf
	}
}

// take adds bytes of the wire to the message in progress.
func (w *body) take(s record.Span) {
	if n := len(w.spans); n > w.shared && w.spans[n-1].End() == s.Off {
		w.spans[n-1].Len += s.Len
		return
	}
	w.spans = append(w.spans, s)
}

// progress says how far the message in progress is.
func (w *body) progress() string {
	if w.grpc && w.have < envelope.PrefixLen {
		return fmt.Sprintf("%d of the 5 bytes of its prefix", w.have)
	}
	if !w.grpc {
		return fmt.Sprintf("%d bytes of a body", w.msg.Have)
	}
	return fmt.Sprintf("%d of the %d bytes that its prefix declares", w.msg.Have, w.msg.Length)
}

// feed cuts the data of one DATA frame, which lies at span, into messages.
func (d *Decoder) feed(dir *direction, st *stream, frame int, span record.Span, data []byte) {
	w := &st.body[dir.dir]
	for len(data) > 0 {
		if !w.begun {
			w.begin(dir, st, frame)
		}
		n := int64(len(data))
		if w.grpc && w.have < envelope.PrefixLen {
			n = int64(copy(w.prefix[w.have:], data))
			w.have += int(n)
			if w.have == envelope.PrefixLen {
				d.prefixed(st, w, span)
			}
		} else {
			if w.grpc {
				n = min(n, w.msg.Length-w.msg.Have)
			}
			w.msg.Have += n
		}
		w.msg.At = dir.at
		w.take(record.Span{Dir: span.Dir, Off: span.Off, Len: n})
		span.Off, span.Len, data = span.Off+n, span.Len-n, data[n:]
		if w.grpc && w.have == envelope.PrefixLen && w.msg.Have == w.msg.Length {
			d.complete(dir, st, w)
		}
	}
}

// prefixed reads a complete prefix. gRPC-HTTP2, "Length-Prefixed-Message".
func (d *Decoder) prefixed(st *stream, w *body, span record.Span) {
	p := envelope.ReadPrefix(w.prefix[:])
	w.msg.Length = int64(p.Length)
	w.msg.Flag = p.Flag
	w.msg.Compressed = p.Flag&1 == 1
	switch {
	case p.Flag > 1:
		d.problem(Problem{Span: span, Stream: st.ID, Rule: "gRPC Length-Prefixed-Message", Text: fmt.Sprintf("the prefix's flag is 0x%02x; only 0 and 1 are defined", p.Flag)})
	case w.msg.Compressed && w.encoding == Identity:
		d.problem(Problem{Span: span, Stream: st.ID, Rule: "gRPC Compressed-Flag", Text: "a compressed message without grpc-encoding: it cannot be read"})
	}
}

// complete lists the message in progress.
func (d *Decoder) complete(dir *direction, st *stream, w *body) {
	m := w.msg
	m.At = dir.at
	m.span = d.t.Forgotten.spans + len(d.t.spans)
	m.spans = len(w.spans)
	d.t.spans = append(d.t.spans, w.spans...)
	d.t.Messages = append(d.t.Messages, m)
	w.begun = false
	w.seq++
	st.Messages[dir.dir]++
}

// endBody applies END_STREAM: a body without prefixes is complete, a message
// with one is cut.
func (d *Decoder) endBody(dir *direction, st *stream, s record.Span) {
	w := &st.body[dir.dir]
	if !w.begun {
		return
	}
	if !w.grpc {
		w.msg.Length = w.msg.Have
		d.complete(dir, st, w)
		return
	}
	d.problem(Problem{Span: s, Stream: st.ID, Rule: "gRPC Length-Prefixed-Message", Text: "the stream ended inside a message: " + w.progress()})
}
