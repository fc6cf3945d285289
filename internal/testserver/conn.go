package testserver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2 is one HTTP/2 connection, served by hand. One goroutine reads; each answer
// runs on its own.
type h2 struct {
	net  net.Conn
	mode mode

	mu      sync.Mutex // guards writing and what is below
	room    *sync.Cond // more of a window, or the end
	out     *bufio.Writer
	framer  *http2.Framer
	packer  *hpack.Encoder
	packed  bytes.Buffer
	window  int64 // of the connection
	initial int64 // of new streams
	streams map[uint32]*stream
	closed  bool

	answers sync.WaitGroup
}

// stream is one request and its answer.
type stream struct {
	conn    *h2
	id      uint32
	path    string
	body    []byte
	greeted bool // by reflection
	window  int64
	ended   bool // by a reset of either side
}

func newConn(c net.Conn, m mode) *h2 {
	h := &h2{net: c, mode: m, out: bufio.NewWriter(c), window: 65535, initial: 65535, streams: map[uint32]*stream{}}
	h.room = sync.NewCond(&h.mu)
	h.framer = http2.NewFramer(h.out, bufio.NewReader(c))
	h.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.packer = hpack.NewEncoder(&h.packed)
	return h
}

// run serves the connection until the client leaves or an answer hangs up.
func (h *h2) run(settings []http2.Setting) {
	defer h.answers.Wait()
	defer h.hangUp()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(h.net, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	h.frame(func(fr *http2.Framer) error { return fr.WriteSettings(settings...) })
	for {
		f, err := h.framer.ReadFrame()
		var bad http2.StreamError
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			return
		}
		h.take(f)
	}
}

func (h *h2) take(f http2.Frame) {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return
		}
		if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
			h.resize(int64(v))
		}
		h.frame(func(fr *http2.Framer) error { return fr.WriteSettingsAck() })
	case *http2.PingFrame:
		if !f.IsAck() {
			data := f.Data
			h.frame(func(fr *http2.Framer) error { return fr.WritePing(true, data) })
		}
	case *http2.WindowUpdateFrame:
		h.grow(f.StreamID, int64(f.Increment))
	case *http2.RSTStreamFrame:
		h.forget(f.StreamID)
	case *http2.MetaHeadersFrame:
		h.request(f)
	case *http2.DataFrame:
		h.received(f)
	}
}

// resize changes the windows of all streams (RFC 9113 §6.9.2).
func (h *h2) resize(initial int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		s.window += initial - h.initial
	}
	h.initial = initial
	h.room.Broadcast()
}

func (h *h2) grow(id uint32, by int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id == 0 {
		h.window += by
	} else if s := h.streams[id]; s != nil {
		s.window += by
	}
	h.room.Broadcast()
}

func (h *h2) forget(id uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.streams[id]; s != nil {
		s.ended = true
	}
	delete(h.streams, id)
	h.room.Broadcast()
}

func (h *h2) request(f *http2.MetaHeadersFrame) {
	h.mu.Lock()
	s := &stream{conn: h, id: f.StreamID, path: f.PseudoValue("path"), window: h.initial}
	h.streams[s.id] = s
	h.mu.Unlock()
	if f.StreamEnded() {
		h.answer(s)
	}
}

// received keeps the body and gives the client its window back.
func (h *h2) received(f *http2.DataFrame) {
	h.mu.Lock()
	s := h.streams[f.StreamID]
	h.mu.Unlock()
	if n := f.Header().Length; n > 0 {
		h.frame(func(fr *http2.Framer) error {
			if err := fr.WriteWindowUpdate(0, n); err != nil || f.StreamEnded() {
				return err
			}
			return fr.WriteWindowUpdate(f.StreamID, n)
		})
	}
	if s == nil {
		return
	}
	s.body = append(s.body, f.Data()...)
	if isReflection(s.path) {
		h.mode.schema.reflect(s, f.StreamEnded())
		return
	}
	if f.StreamEnded() {
		h.answer(s)
	}
}

func (h *h2) answer(s *stream) {
	h.answers.Add(1)
	go func() {
		defer h.answers.Done()
		if isReflection(s.path) {
			h.mode.schema.reflect(s, true)
			return
		}
		h.mode.answer(s)
		h.forget(s.id)
	}()
}

// frame writes one frame or a few and flushes. A failed write shows in the reads.
func (h *h2) frame(write func(*http2.Framer) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.locked(write)
}

func (h *h2) locked(write func(*http2.Framer) error) {
	if write(h.framer) == nil {
		_ = h.out.Flush() // see frame
	}
}

// bytes writes what no framer would.
func (h *h2) bytes(b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = h.out.Write(b) // see frame
	_ = h.out.Flush()
}

// hangUp ends the connection after what was written: a close with unread input
// would reset it, and what is under way would be lost.
func (h *h2) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	h.room.Broadcast()
	if c, ok := h.net.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		return // the client closes its side, and reading ends
	}
	_ = h.net.Close()
}

// block encodes a header block. Blocks must be sent in the order of their making.
func (h *h2) block(pairs ...string) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pack(pairs)
}

func (h *h2) pack(pairs []string) []byte {
	h.packed.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = h.packer.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}) // to memory
	}
	return bytes.Clone(h.packed.Bytes())
}

// headers sends a header block, given as names and values.
func (s *stream) headers(end bool, pairs ...string) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	block := s.conn.pack(pairs)
	s.conn.locked(func(fr *http2.Framer) error {
		return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block, EndHeaders: true, EndStream: end})
	})
}

// data sends b within the windows that the client allows.
func (s *stream) data(b []byte, end bool) {
	h := s.conn
	h.mu.Lock()
	defer h.mu.Unlock()
	for first := true; first || len(b) > 0; first = false {
		for len(b) > 0 && (h.window <= 0 || s.window <= 0) && !h.closed && !s.ended {
			h.room.Wait()
		}
		if h.closed || s.ended {
			return
		}
		n := min(int64(len(b)), 16384, max(h.window, 0), max(s.window, 0))
		part := b[:n]
		b = b[n:]
		h.window -= n
		s.window -= n
		last := end && len(b) == 0
		h.locked(func(fr *http2.Framer) error { return fr.WriteData(s.id, last, part) })
	}
}

func (s *stream) reset(code http2.ErrCode) {
	s.conn.frame(func(fr *http2.Framer) error { return fr.WriteRSTStream(s.id, code) })
}
