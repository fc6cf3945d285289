package inspect

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// direction is how far the decoding of one direction is.
type direction struct {
	dir   record.Dir
	pos   int64         // where the next frame begins
	avail int64         // up to where bytes may be looked at
	at    time.Duration // when the last of those was recorded

	begun   bool // what it starts with is settled
	foreign bool // it is not HTTP/2: nothing more is decoded

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

// cut reads the whole frames that are there.
func (d *Decoder) cut(dir *direction) {
	if !dir.begun && !d.begin(dir) {
		return
	}
	for !dir.foreign && dir.avail-dir.pos >= h2.HeaderLen {
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
		d.frame(dir, s, h, payload[h2.HeaderLen:])
	}
}

// hole gives a direction up: bytes before the next frame's end are gone.
func (d *Decoder) hole(dir *direction) {
	dir.foreign = true
	d.problem(Problem{
		Span: record.Span{Dir: dir.dir, Off: dir.pos, Len: dir.avail - dir.pos}, Rule: "recording",
		Text: "bytes are missing here: what follows cannot be cut into frames",
	})
}

// begin settles what a direction starts with; false means more bytes are
// needed. What it finds does not depend on how the bytes were cut into chunks.
func (d *Decoder) begin(dir *direction) bool {
	head := d.rec.Append(nil, record.Span{Dir: dir.dir, Off: 0, Len: min(dir.avail, int64(len(h2.Preface)))})
	switch {
	case dir.dir == record.Sent && strings.HasPrefix(h2.Preface, string(head)):
		if len(head) < len(h2.Preface) {
			return false
		}
		dir.begun, dir.pos = true, int64(len(h2.Preface))
		d.t.Preface = record.Span{Dir: dir.dir, Off: 0, Len: dir.pos}
		return true
	case len(head) >= 3 && isTLS(head):
		return d.foreign(dir, 3, "these are TLS records: one side speaks TLS where the other speaks plaintext")
	case len(head) < h2.HeaderLen:
		return false
	case bytes.HasPrefix(head, []byte("HTTP/")):
		return d.foreign(dir, h2.HeaderLen, fmt.Sprintf("the server answered %s, not HTTP/2", bytes.TrimSpace(head[:8])))
	case dir.dir == record.Sent && isRequestLine(head):
		return d.foreign(dir, h2.HeaderLen, "this is an HTTP/1.x request, not HTTP/2")
	}
	if dir.dir == record.Sent {
		d.problem(Problem{
			Span: record.Span{Dir: dir.dir, Off: 0, Len: h2.HeaderLen}, Rule: "RFC 9113 §3.4",
			Text: "the connection does not begin with the client preface; decoding as frames from the first byte",
		})
	}
	dir.begun = true
	return true
}

// isTLS reports whether b begins with a TLS alert or handshake record, as a
// connection of which only one side speaks TLS does. RFC 8446 §5.1.
func isTLS(b []byte) bool { return (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3 && b[2] <= 4 }

// isRequestLine reports whether b begins with a method and a space. RFC 9112 §3.
func isRequestLine(b []byte) bool {
	i := bytes.IndexByte(b, ' ')
	return i > 0 && bytes.IndexFunc(b[:i], func(r rune) bool { return r < 'A' || r > 'Z' }) < 0
}

// foreign gives a direction up that does not speak HTTP/2.
func (d *Decoder) foreign(dir *direction, n int64, text string) bool {
	dir.begun, dir.foreign = true, true
	d.problem(Problem{Span: record.Span{Dir: dir.dir, Off: 0, Len: n}, Rule: "RFC 9113 §3.4", Text: text})
	return true
}
