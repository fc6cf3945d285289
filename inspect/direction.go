package inspect

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// speech is what a direction speaks.
type speech uint8

const (
	undecided speech = iota // too few bytes to tell
	asHTTP2
	asHTTP1
	asBody    // the bytes of one body, without a connection
	asNothing // nothing that can be decoded, or no more
)

// direction is how far the decoding of one direction is.
type direction struct {
	dir   record.Dir
	pos   int64         // where the next frame begins
	avail int64         // up to where bytes may be looked at
	at    time.Duration // when the last of those was recorded

	speaks  speech
	parser  *h1.Parser // of HTTP/1.1
	toHTTP2 bool       // an upgrade: HTTP/2 follows when parser is held

	hpack    *hpack.Decoder
	block    *HeaderBlock // begun, without END_HEADERS yet
	promised uint32       // with block: the stream that a PUSH_PROMISE announced
	blockLen int64        // bytes of its fragments

	window       int64  // what the sender of this direction may still send on the connection
	initial      int64  // the window of a new stream of this direction
	maxFrameSize uint32 // what this direction's receiver allows

	scratch []byte
}

func newDirection(dir record.Dir) *direction {
	return &direction{
		dir: dir, hpack: hpack.NewDecoder(),
		window: h2.DefaultWindow, initial: h2.DefaultWindow, maxFrameSize: h2.DefaultMaxFrameSize,
	}
}

func (dir *direction) span(n int64) record.Span {
	return record.Span{Dir: dir.dir, Off: dir.pos, Len: n}
}

// bytes returns the bytes of a span; they are valid until the next call.
func (d *Decoder) bytes(dir *direction, s record.Span) []byte {
	if b, ok := d.rec.View(s); ok {
		return b
	}
	dir.scratch = d.rec.Append(dir.scratch[:0], s)
	return dir.scratch
}

// begins is where what is in progress begins: all before it is listed.
func (dir *direction) begins() int64 {
	switch dir.speaks {
	case asHTTP1:
		return dir.parser.Start()
	case asBody:
		return dir.avail
	default:
		return dir.pos
	}
}

// cut decodes what is there.
func (d *Decoder) cut(dir *direction) {
	if dir.speaks == undecided && !d.begin(dir) {
		return
	}
	switch dir.speaks {
	case asHTTP2:
		d.cutFrames(dir)
	case asHTTP1:
		d.cutHTTP1(dir)
		if dir.speaks == asHTTP2 { // upgraded
			d.cutFrames(dir)
		}
	case asBody:
		d.cutBody(dir)
	case undecided, asNothing:
	}
}

// cutFrames reads the whole frames that are there.
func (d *Decoder) cutFrames(dir *direction) {
	for dir.speaks == asHTTP2 && dir.avail-dir.pos >= h2.HeaderLen {
		head := d.bytes(dir, dir.span(h2.HeaderLen))
		if len(head) < h2.HeaderLen {
			d.hole(dir)
			return
		}
		h := h2.ParseHeader(head)
		size := h2.HeaderLen + int64(h.Length)
		if dir.avail-dir.pos < size {
			return
		}
		s := dir.span(size)
		payload := d.bytes(dir, s)
		if int64(len(payload)) < size {
			d.hole(dir)
			return
		}
		dir.pos += size
		d.t.frameMarks.add(d.t.Forgotten.Frames+len(d.t.Frames), dir.dir, dir.pos)
		d.frame(dir, s, h, payload[h2.HeaderLen:])
	}
}

// hole gives a direction up: bytes before the next frame's end are gone.
func (d *Decoder) hole(dir *direction) {
	dir.speaks = asNothing
	d.problem(Problem{
		Span: record.Span{Dir: dir.dir, Off: dir.pos, Len: dir.avail - dir.pos}, Rule: "recording",
		Text: "bytes are missing here: what follows cannot be decoded",
	})
}

// speak settles what a direction speaks, and with it the connection: the client
// has the say, unless what it speaks cannot be decoded.
func (d *Decoder) speak(dir *direction, as speech) {
	dir.speaks = as
	if dir.toHTTP2 {
		return // Protocol says what the connection began with
	}
	p := Foreign
	switch as {
	case asHTTP2:
		p = HTTP2
	case asHTTP1:
		p = HTTP1
	default:
	}
	if d.t.Protocol == Unsettled || d.t.Protocol == Foreign || dir.dir == record.Sent && p != Foreign {
		d.t.Protocol = p
	}
}

// firstText is how many bytes tell HTTP/1.1 from HTTP/2: a frame header. If they
// are all text, they are none: its length would be over two million.
const firstText = h2.HeaderLen

// begin settles what a direction starts with; false means more bytes are
// needed. What it finds does not depend on how the bytes were cut into chunks.
func (d *Decoder) begin(dir *direction) bool {
	head := d.rec.Append(nil, dir.span(min(dir.avail-dir.pos, int64(len(h2.Preface)))))
	switch {
	case dir.dir == record.Sent && strings.HasPrefix(h2.Preface, string(head)):
		if len(head) < len(h2.Preface) {
			return false
		}
		d.t.Preface = dir.span(int64(len(head)))
		dir.pos += int64(len(head))
		d.speak(dir, asHTTP2)
		return true
	case len(head) >= 3 && isTLS(head):
		d.speak(dir, asNothing)
		d.wrongProtocol(dir, 3, "these are TLS records: one side speaks TLS where the other speaks plaintext")
		return true
	case len(head) < firstText:
		return false
	case isText(head[:firstText]) && !dir.toHTTP2:
		d.beginText(dir, head)
		return true
	}
	return d.beginBinary(dir, head)
}

// beginText begins with HTTP/1.1, which the other direction may not speak.
func (d *Decoder) beginText(dir *direction, head []byte) {
	if d.dirs[dir.dir.Other()].speaks == asHTTP2 && dir.dir == record.Received {
		d.h1.answers = true
		if bytes.HasPrefix(head, []byte("HTTP/")) {
			d.wrongProtocol(dir, firstText, fmt.Sprintf("the server answered %s, not HTTP/2", bytes.TrimSpace(head[:8])))
		} else {
			d.wrongProtocol(dir, firstText, "the server answered with text that is not HTTP/2")
		}
	}
	d.beginHTTP1(dir)
}

// beginBinary begins with HTTP/2 frames, or with what was under way in an
// HTTP/1.1 connection when the recording began.
func (d *Decoder) beginBinary(dir *direction, head []byte) bool {
	h := h2.ParseHeader(head)
	settings := h.Type == h2.Settings && h.Stream == 0 && h.Length%6 == 0
	switch other := d.dirs[dir.dir.Other()]; {
	case other.speaks == asHTTP1 && !settings && !dir.toHTTP2:
		d.beginHTTP1(dir)
		return true
	case other.speaks == asHTTP1 && !dir.toHTTP2:
		d.wrongProtocol(dir, h2.HeaderLen, "these are HTTP/2 frames, and the other side speaks HTTP/1.1")
	case dir.dir == record.Sent:
		d.wrongProtocol(dir, h2.HeaderLen, "the connection does not begin with the client preface; decoding as frames from the first byte")
	}
	d.speak(dir, asHTTP2)
	return true
}

// isTLS reports whether b begins with a TLS alert or handshake record, as a
// connection of which only one side speaks TLS does. RFC 8446 §5.1.
func isTLS(b []byte) bool { return (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3 && b[2] <= 4 }

// isText reports whether b is printable ASCII and line ends.
func isText(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// wrongProtocol names what a direction begins with that it should not. RFC 9113 §3.4.
func (d *Decoder) wrongProtocol(dir *direction, n int64, text string) {
	s := dir.span(n)
	d.problem(Problem{Span: s, Rule: "RFC 9113 §3.4", Text: text})
}
