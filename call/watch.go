package call

import (
	"encoding/binary"
	"strconv"
	"sync"

	"golang.org/x/net/http2/hpack"
)

// watch reads along with grpc-go for one fact that it does not tell: whether a
// status came over the wire, and which. Everything else about the bytes is for
// inspect to say, from the recording.
type watch struct {
	head    [9]byte
	have    int    // bytes of head
	left    int    // bytes of payload to come
	keep    bool   // they belong to a header block
	payload []byte // of the frame
	block   []byte // of this and earlier frames
	fields  *hpack.Decoder
	blind   bool // the header compression was lost track of

	mu     sync.Mutex
	seen   bool
	status int
}

// The frames that matter (RFC 9113 §6.2, §6.10) and their flags.
const (
	frameHeaders      = 1
	frameContinuation = 9
	flagEndHeaders    = 0x4
	flagPadded        = 0x8
	flagPriority      = 0x20
)

// maxBlock is more than grpc-go accepts as a header list.
const maxBlock = 16 << 20

// grpcStatus returns the last grpc-status that was received.
func (w *watch) grpcStatus() (code int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.seen
}

// read takes the next bytes that were received.
func (w *watch) read(b []byte) {
	for len(b) > 0 && !w.blind {
		if w.left == 0 {
			n := copy(w.head[w.have:], b)
			w.have += n
			b = b[n:]
			if w.have < len(w.head) {
				return
			}
			w.begin()
		}
		n := min(w.left, len(b))
		if w.keep {
			w.payload = append(w.payload, b[:n]...)
		}
		b = b[n:]
		if w.left -= n; w.left == 0 {
			w.end()
		}
	}
}

func (w *watch) begin() {
	w.left = int(binary.BigEndian.Uint32(w.head[:]) >> 8)
	w.keep = w.head[3] == frameHeaders || w.head[3] == frameContinuation
	w.payload = w.payload[:0]
	w.have = 0
}

func (w *watch) end() {
	if !w.keep {
		return
	}
	flags, p := w.head[4], w.payload
	if w.head[3] == frameHeaders {
		w.block = w.block[:0]
		if flags&flagPadded != 0 && len(p) > 0 {
			pad := int(p[0])
			p = p[1:max(1, len(p)-pad)]
		}
		if flags&flagPriority != 0 {
			p = p[min(5, len(p)):]
		}
	}
	w.block = append(w.block, p...)
	if len(w.block) > maxBlock {
		w.blind = true
	} else if flags&flagEndHeaders != 0 {
		w.decode()
	}
}

func (w *watch) decode() {
	if w.fields == nil {
		w.fields = hpack.NewDecoder(4096, nil)
	}
	fields, err := w.fields.DecodeFull(w.block)
	if err != nil {
		w.blind = true
		return
	}
	for _, f := range fields {
		if f.Name != "grpc-status" {
			continue
		}
		if n, err := strconv.ParseUint(f.Value, 10, 31); err == nil {
			w.mu.Lock()
			w.seen, w.status = true, int(n)
			w.mu.Unlock()
		}
	}
}
