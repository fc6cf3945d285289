package testserver

import (
	"encoding/binary"
	"io"
	"net"
	"strings"

	"golang.org/x/net/http2"
)

// mode is one way to behave.
type mode struct {
	help        string
	tls, mutual bool
	settings    func(index int) []http2.Setting // nil for none
	schema      schema
	answer      func(*stream) // to a finished request
	raw         func(net.Conn)
}

func (m mode) serve(c net.Conn, index int) {
	if m.raw != nil {
		m.raw(c)
		return
	}
	h := newConn(c, m)
	var settings []http2.Setting
	if m.settings != nil {
		settings = m.settings(index)
	}
	h.run(settings)
}

var modes = map[string]mode{
	"ok":       {help: "answers", answer: ok},
	"tls":      {help: "answers over TLS", tls: true, answer: ok},
	"tls-mtls": {help: "answers over TLS whoever shows a client certificate", tls: true, mutual: true, answer: ok},
	"trailers-only": {help: "answers NOT_FOUND in one HEADERS frame", answer: func(s *stream) {
		s.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "5", "grpc-message", "no user %2242%22")
	}},
	"rst-after-header":   {help: "RST_STREAM after the response headers", answer: rstAfterHeader},
	"rst-during-data":    {help: "RST_STREAM in the middle of a message", answer: rstDuringData},
	"rst-after-data":     {help: "RST_STREAM after a message, instead of trailers", answer: rstAfterData},
	"goaway":             {help: "GOAWAY after a message, then hangs up", answer: goaway},
	"no-trailers":        {help: "ends the stream with DATA", answer: noTrailers},
	"half-frame":         {help: "hangs up in the middle of a frame", answer: halfFrame},
	"half-message":       {help: "trailers in the middle of a message", answer: halfMessage},
	"huge-length":        {help: "declares a message of 1 GB and sends 16 bytes of it", answer: hugeLength},
	"ping-flood":         {help: "1000 PING frames before the message", answer: pingFlood},
	"data-padding":       {help: "padded HEADERS and DATA frames", answer: padded},
	"compressed-garbage": {help: "a message marked gzip which is not", answer: compressedGarbage},
	"bomb":               {help: "a gzip message of 1 MB that is 1 GiB", answer: bomb},
	"escapes":            {help: "control and bidirectional characters in everything", schema: schema{doc: nasty}, answer: escapes},
	"no-reflection":      {help: "answers, but offers no reflection", schema: schema{none: true}, answer: ok},
	"broken-reflection":  {help: "lists a service whose file it does not have", schema: schema{broken: true}, answer: ok},
	"max-streams": {help: "allows no stream on any connection but the first", answer: ok, settings: func(index int) []http2.Setting {
		if index == 0 {
			return nil
		}
		return []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: 0}}
	}},
	"http1":           {help: "answers HTTP/1.1 400", raw: http1},
	"plain-tcp-close": {help: "accepts and hangs up", raw: func(net.Conn) {}},
	"silent":          {help: "accepts and says nothing", raw: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }}, // until the client leaves
}

// http1 waits for the first bytes, so that hanging up does not reset the
// connection before its answer was read.
func http1(c net.Conn) {
	_, _ = c.Read(make([]byte, 4096)) // whatever it is
	_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite() // the client sees the end after the answer
	}
	_, _ = io.Copy(io.Discard, c)
}

// prefixed puts the gRPC prefix before a message.
func prefixed(compressed bool, msg []byte) []byte {
	b := make([]byte, 5, 5+len(msg))
	if compressed {
		b[0] = 1
	}
	binary.BigEndian.PutUint32(b[1:], uint32(len(msg)))
	return append(b, msg...)
}

func (s *stream) hello() {
	s.headers(false, ":status", "200", "content-type", "application/grpc", "x-mode", "test")
}

func (s *stream) goodbye() { s.headers(true, "grpc-status", "0") }

func ok(s *stream) {
	s.hello()
	for range s.replies() {
		s.data(prefixed(false, reply("hello")), false)
	}
	s.goodbye()
}

// replies is how many messages the method answers with.
func (s *stream) replies() int {
	if strings.HasSuffix(s.path, "/Stream") || strings.HasSuffix(s.path, "/Chat") {
		return 3
	}
	return 1
}

func rstAfterHeader(s *stream) {
	s.hello()
	s.reset(http2.ErrCodeInternal)
}

func rstDuringData(s *stream) {
	s.hello()
	msg := prefixed(false, reply("hello"))
	s.data(msg[:len(msg)/2], false)
	s.reset(http2.ErrCodeCancel)
}

func rstAfterData(s *stream) {
	s.hello()
	s.data(prefixed(false, reply("hello")), false)
	s.reset(http2.ErrCodeEnhanceYourCalm)
}

func goaway(s *stream) {
	s.hello()
	s.data(prefixed(false, reply("hello")), false)
	s.conn.frame(func(fr *http2.Framer) error {
		return fr.WriteGoAway(s.id, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
	})
	s.conn.hangUp()
}

func noTrailers(s *stream) {
	s.hello()
	s.data(prefixed(false, reply("hello")), true)
}

func halfFrame(s *stream) {
	s.hello()
	msg := prefixed(false, reply("hello"))
	header := []byte{0, 0, byte(len(msg) + 100), byte(http2.FrameData), 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(header[5:], s.id)
	s.conn.bytes(append(header, msg...))
	s.conn.hangUp()
}

func halfMessage(s *stream) {
	s.hello()
	msg := prefixed(false, reply("hello"))
	s.data(msg[:len(msg)/2], false)
	s.goodbye()
}

func hugeLength(s *stream) {
	s.hello()
	msg := make([]byte, 5+16)
	binary.BigEndian.PutUint32(msg[1:], 1_000_000_000)
	s.data(msg, false)
	s.goodbye()
}

func pingFlood(s *stream) {
	s.hello()
	for i := range 1000 {
		var payload [8]byte
		binary.BigEndian.PutUint64(payload[:], uint64(i))
		s.conn.frame(func(fr *http2.Framer) error { return fr.WritePing(false, payload) })
	}
	s.data(prefixed(false, reply("hello")), false)
	s.goodbye()
}

func padded(s *stream) {
	block := s.conn.block(":status", "200", "content-type", "application/grpc")
	s.conn.frame(func(fr *http2.Framer) error {
		return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block, EndHeaders: true, PadLength: 17})
	})
	msg := prefixed(false, reply("hello"))
	for i, b := range msg { // each byte in a frame of its own, with as much padding as its place
		s.conn.frame(func(fr *http2.Framer) error { return fr.WriteDataPadded(s.id, false, []byte{b}, make([]byte, i)) })
	}
	s.goodbye()
}

func compressedGarbage(s *stream) {
	s.headers(false, ":status", "200", "content-type", "application/grpc", "grpc-encoding", "gzip")
	s.data(prefixed(true, []byte("\x1f\x8bthis is not gzip")), false)
	s.goodbye()
}

// nasty are characters that must not reach a terminal: ESC sequences, OSC 52 (which
// writes the clipboard), BEL, C1 controls and bidirectional overrides.
const nasty = "\x1b[2J\x1b[31mred \x1b]52;c;aGk=\x07 \u009b1m \u202eevil\u202c \u2066x\u2069 \x00 end"

func escapes(s *stream) {
	if strings.HasSuffix(s.path, "/Fail") {
		s.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "3", "grpc-message", percent(nasty))
		return
	}
	// HTTP/2 fields cannot hold C0 controls (RFC 9113 §8.2.1); the others they can.
	s.headers(false, ":status", "200", "content-type", "application/grpc", "x-c1", "a\u009b1mb", "x-bidi", "a\u202eb", "x-nasty-bin", base64(nasty))
	s.data(prefixed(false, reply(nasty)), false)
	s.headers(true, "grpc-status", "0", "grpc-message", percent(nasty), "x-bidi-trailer", "a\u202eb")
}
