// Package inspect decodes a recording: bytes in, frames, header blocks,
// messages and their problems out. Decoding is pure (no clock, disk or network)
// and never fails: bytes it cannot explain become Problems at their offsets, and
// what follows is decoded if it can be. It needs no schema; a message descriptor
// enters only at Fields and NewPlan.
//
//	d := inspect.NewDecoder(rec)
//	t, more := d.Advance(1 << 20)
//	for _, m := range t.Messages { payload, err := t.Payload(rec, m) … }
package inspect

import (
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// Trace is what a recording's bytes mean: an index of spans, never a copy of
// the bytes. Frames, Parts, Headers, Messages and Problems only grow: the lists
// of an older Trace are a prefix of a newer one's. The rest is a snapshot.
type Trace struct {
	Protocol Protocol    // what the connection speaks, as far as its bytes tell
	Preface  record.Span // the client's 24 bytes, RFC 9113 §3.4; Len 0 if absent
	Frames   []Frame     // of HTTP/2, in the order in which they were complete
	Parts    []Part      // of HTTP/1.1, likewise
	Headers  []HeaderBlock
	Messages []Message
	Problems []Problem

	Partial []Message      // begun, not finished: Have says how far
	Streams []Stream       // in the order in which they were opened
	Tail    [2]record.Span // per direction, the bytes at the end that are no whole frame

	// Forgotten says how many entries Decoder.Forget dropped from the front of
	// each list. Indexes in this package (Message.Frame, Frame.Block…) count from
	// the first entry ever, so entry i is at i - Forgotten.
	Forgotten Counts

	sorted bool      // Streams are in the order of their ids
	under  [2]uint32 // per direction, the stream whose content is in progress in HTTP/1.1

	frameMarks, partMarks, blockMarks marks

	spans   []record.Span   // Message.span: the wire spans of the messages
	partial [][]record.Span // of Partial, whose Message.span is -1 - index
}

// Counts counts entries of the lists of a Trace.
type Counts struct{ Frames, Parts, Headers, Messages, Problems, spans int }

// Protocol is what a connection speaks.
type Protocol uint8

// The protocols. One that upgrades (RFC 9110 §7.8) is HTTP1 and has Frames too.
const (
	Unsettled Protocol = iota // too few bytes to tell
	HTTP2
	HTTP1
	BareBody // no connection: the body of one message or of a sequence of them
	Foreign  // none of these: its bytes are not decoded
)

// Part is an element of an HTTP/1.1 message at its bytes; parts tile their
// direction. RFC 9112 §2.1.
type Part struct {
	At     time.Duration // when its last byte was recorded
	Span   record.Span
	Kind   h1.Kind
	Stream uint32 // counts requests from 1, as Stream.ID does
	Block  int32  // index of the header block that this part is; -1 if none
}

// Frame is one HTTP/2 frame. RFC 9113 §4.1.
type Frame struct {
	At     time.Duration // when its last byte was recorded, from Meta.Start
	Off    int64         // of its header's first byte, in its direction's bytes
	Length uint32        // RFC 9113 Length: the header's 9 bytes are not counted
	Stream uint32        // 0 is the connection
	Dir    record.Dir
	Type   h2.Type
	Flags  h2.Flags
	Block  int32 // index of the header block that this frame ends; -1 if none

	// ConnWindow and StreamWindow are what remains for the sender of DATA after
	// this frame, in bytes: of a DATA frame its own sender's windows, of a
	// WINDOW_UPDATE the windows of its receiver. Else 0. RFC 9113 §5.2.
	ConnWindow, StreamWindow int32
}

// Span returns the frame's bytes, header included.
func (f Frame) Span() record.Span {
	return record.Span{Dir: f.Dir, Off: f.Off, Len: h2.HeaderLen + int64(f.Length)}
}

// PayloadSpan returns the frame's bytes after its header.
func (f Frame) PayloadSpan() record.Span {
	return record.Span{Dir: f.Dir, Off: f.Off + h2.HeaderLen, Len: int64(f.Length)}
}

// BlockKind says what a header block is for.
type BlockKind uint8

// The kinds of header block. RFC 9113 §8.1.
const (
	RequestHeaders BlockKind = iota
	ResponseHeaders
	Informational // a 1xx response before the final one
	Trailers
	Promise // in a PUSH_PROMISE
)

// HeaderBlock is a field section: one HEADERS or PUSH_PROMISE frame and the
// CONTINUATION frames that follow it.
type HeaderBlock struct {
	At        time.Duration // when its last byte was recorded
	Dir       record.Dir
	Stream    uint32
	Kind      BlockKind
	EndStream bool
	StartLine string        // of HTTP/1.1, untrusted text: "GET /pets HTTP/1.1"; "" in HTTP/2 and of trailers
	Frame     int           // index of the frame that began it; in HTTP/1.1 of the part
	Fragments []record.Span // the HPACK bytes, padding and priority excluded
	Fields    []hpack.Field // Range counts in the joined fragments; in HTTP/1.1 Rep says nothing
	HPACK     hpack.Stats   // what the block cost and did to the dynamic table; of HTTP/2
}

// Get returns the value of the first field with a name, in any case.
func (b HeaderBlock) Get(name string) (string, bool) {
	for i := range b.Fields {
		if f := &b.Fields[i]; len(f.Name) == len(name) && (f.Name == name || strings.EqualFold(f.Name, name)) {
			return f.Value, true
		}
	}
	return "", false
}

// FieldSpans returns the wire bytes of a field: one span, or more where a
// CONTINUATION cuts it.
func (b HeaderBlock) FieldSpans(f hpack.Field) []record.Span {
	return within(b.Fragments, int64(f.Range.Off), int64(f.Range.Len))
}

// Encoding is how a message's payload is compressed.
type Encoding uint8

// The encodings that can be undone; Other names one that cannot.
const (
	Identity Encoding = iota
	Gzip
	Deflate
	Brotli
	Zstd
	Other // or several, one over another
)

// Framing is how a body is cut into messages.
type Framing uint8

// The framings.
const (
	Whole       Framing = iota // the body is one message
	GRPC                       // each with a prefix of five bytes. gRPC-HTTP2
	GRPCWeb                    // likewise; flag 0x80 marks the trailers. PROTOCOL-WEB
	GRPCWebText                // the same in base64
	Connect                    // likewise; flag 0x02 marks the end of the stream. Connect protocol
	Event                      // server-sent events, each up to its blank line. HTML §9.2
)

// Content is what a message's payload holds, as its headers say.
type Content uint8

// The contents.
const (
	Opaque     Content = iota // unknown
	Protobuf                  // one message
	JSON                      // any +json too
	Text                      // readable: XML, HTML, forms, plain text
	FieldLines                // lines "name: value": the trailers of gRPC-Web
)

// Message is one message of a stream and direction: a gRPC message with its
// prefix, an event, or a whole body.
type Message struct {
	At         time.Duration // when its last byte was recorded
	Length     int64         // of the payload as sent: what the prefix declares
	Have       int64         // how many of the payload's bytes are there; Length once complete
	Seq        int           // counts from 0 in its stream and direction
	Frame      int           // index of the frame its first byte is in; -1 without frames: PartsOf tells the parts
	Stream     uint32
	Dir        record.Dir
	Framing    Framing
	Content    Content
	Flag       uint8 // the prefix's
	Compressed bool  // by the prefix's flag, or by content-encoding
	Encoding   Encoding

	skip        uint8  // GRPCWebText: bytes that the first base64 group holds before the message
	back, jump  uint32 // to messages before it; see chain
	span, spans int    // into Trace.spans: prefix and payload on the wire
}

// Prefixed reports whether the message has a prefix of five bytes.
func (m Message) Prefixed() bool { return m.Framing >= GRPC && m.Framing <= Connect }

// Final reports whether the message ends its stream instead of holding one of its
// messages: the trailers of gRPC-Web, the end-of-stream message of Connect.
func (m Message) Final() bool {
	switch m.Framing {
	case GRPCWeb, GRPCWebText:
		return m.Flag&0x80 != 0
	case Connect:
		return m.Flag&0x02 != 0
	default:
		return false
	}
}

// Problem is a broken rule, at its bytes.
type Problem struct {
	Span   record.Span
	Stream uint32
	Rule   string // "RFC 9113 §6.9"
	Text   string // what is wrong, and the consequence
}

// StreamState is how far a stream is. RFC 9113 §5.1, seen from both ends.
type StreamState uint8

// The states of a stream.
const (
	Open            StreamState = iota
	HalfClosedSent              // the client has ended its side
	HalfClosedRecvd             // the server has ended its side
	Closed                      // both ended
	Reset                       // RST_STREAM
)

// Stream is one request and its response.
type Stream struct {
	ID       uint32
	State    StreamState
	Method   string // :method
	Path     string // :path
	Opened   time.Duration
	Ended    time.Duration // when State became Closed or Reset
	RPC      RPC           // as the request's content-type says
	HTTP     int           // :status of the final response; 0 before it
	Status   *Status       // gRPC status from the wire; nil before it, or without one
	Messages [2]int        // complete ones, by Dir
	Bytes    [2]int64      // of DATA payload, by Dir
	Timeout  time.Duration // grpc-timeout or connect-timeout-ms, if Timed
	Timed    bool
	Encoding [2]string // grpc-encoding, connect-content-encoding or content-encoding, by Dir
	Content  [2]string // content-type, by Dir

	TrailersOnly bool // the answer's status is in its first header block: there is no message

	ResetBy   record.Dir // with State Reset
	ResetCode h2.ErrCode

	last [2]int // by Dir, 1 + index of its last message; 0 if there is none
}

// Deadline is how a call stands to the time that its client gave it.
type Deadline struct {
	Timeout time.Duration // from when the request began
	Elapsed time.Duration // until the stream ended, or until now
	Margin  time.Duration // what was left; negative if it took longer
}

// Deadline compares grpc-timeout or connect-timeout-ms with the time that has
// passed, now counting as Opened does. It returns false if the request names none.
func (s Stream) Deadline(now time.Duration) (Deadline, bool) {
	if s.State == Closed || s.State == Reset {
		now = s.Ended
	}
	elapsed := now - s.Opened
	return Deadline{Timeout: s.Timeout, Elapsed: elapsed, Margin: s.Timeout - elapsed}, s.Timed
}

// RPC is the remote procedure call protocol of a stream.
type RPC uint8

// The protocols of calls.
const (
	NoRPC RPC = iota
	RPCGRPC
	RPCWeb
	RPCConnect
)

// String returns "grpc", "grpc-web", "connect" or "".
func (r RPC) String() string { return [...]string{"", "grpc", "grpc-web", "connect"}[r] }

// Status is a gRPC status as it came on the wire: in a header block, in the
// trailers of gRPC-Web, or as the error of Connect.
type Status struct {
	Code    int
	Message string // percent-decoded; untrusted text
	Details []byte // grpc-status-details-bin, base64 undone: a google.rpc.Status
	Block   int    // index of the header block; -1 if it came in a message
}
