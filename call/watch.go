package call

import (
	"strconv"
	"sync"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
)

// watch reads along with grpc-go for one fact that it does not tell: whether a
// status came over the wire, and which. Everything else about the bytes is for
// inspect to say, from the recording.
type watch struct {
	head    [h2.HeaderLen]byte
	have    int // bytes of head
	header  h2.Header
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
	w.header = h2.ParseHeader(w.head[:])
	w.left = int(w.header.Length)
	w.keep = w.header.Type == h2.Headers || w.header.Type == h2.Continuation
	w.payload = w.payload[:0]
	w.have = 0
}

func (w *watch) end() {
	if !w.keep {
		return
	}
	fragment := w.payload
	if w.header.Type == h2.Headers {
		w.block = w.block[:0]
		part, _, _ := h2.HeadersPart(w.header, w.payload)
		fragment = w.payload[min(part.Off, len(w.payload)):min(part.Off+part.Len, len(w.payload))]
	}
	w.block = append(w.block, fragment...)
	if len(w.block) > maxBlock {
		w.blind = true
	} else if w.header.Flags.Has(h2.EndHeaders) {
		w.decode()
	}
}

func (w *watch) decode() {
	if w.fields == nil {
		w.fields = hpack.NewDecoder()
	}
	fields, problems := w.fields.Decode(w.block)
	if len(problems) > 0 {
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
