package call

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
)

// watch reads along with grpc-go for the facts that it does not tell: which
// statuses came over the wire, what the server's SETTINGS and GOAWAY say, and the
// page that came where gRPC was expected. Everything else about the bytes is for
// inspect to say, from the recording.
type watch struct {
	head    [h2.HeaderLen]byte
	have    int // bytes of head
	header  h2.Header
	left    int    // bytes of payload to come
	keep    bool   // they are looked at
	payload []byte // of the frame
	block   []byte // of this and earlier frames
	fields  *hpack.Decoder
	blind   bool // the header compression was lost track of

	mu       sync.Mutex
	statuses map[int]int // received and not claimed, by code
	seen     bool
	status   int // the last
	headers  bool
	encoding string // grpc-encoding of the last response
	settings []h2.Setting
	goAway   *h2.GoingAway
	page     *page
}

// page is the beginning of an answer that is not gRPC. full is closed when there
// is no more to come, or enough.
type page struct {
	stream      uint32
	status      string
	contentType string
	body        []byte
	full        chan struct{}
	isFull      bool
}

const (
	maxBlock    = 16 << 20 // more than grpc-go accepts as a header list
	maxPage     = 512
	maxCodes    = 64   // distinct codes that are counted; gRPC has 17
	maxSettings = 64   // entries; RFC 9113 has 6
	maxDebug    = 1024 // bytes of a GOAWAY that are kept
)

// grpcStatus returns the last grpc-status that was received.
func (w *watch) grpcStatus() (code int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.seen
}

// claim takes away one received status of a code; false if there is none.
func (w *watch) claim(code int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.statuses[code] == 0 {
		return false
	}
	w.statuses[code]--
	return true
}

// answered reports whether any response began.
func (w *watch) answered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.headers
}

// sentAway returns the last GOAWAY.
func (w *watch) sentAway() (h2.GoingAway, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.goAway == nil {
		return h2.GoingAway{}, false
	}
	return *w.goAway, true
}

// replyEncoding returns the grpc-encoding of the last response that has one.
func (w *watch) replyEncoding() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.encoding
}

// noStreams reports whether the server's SETTINGS allow no stream at the moment.
func (w *watch) noStreams() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	none := false
	for _, s := range w.settings {
		if s.ID == h2.MaxConcurrentStreams {
			none = s.Value == 0
		}
	}
	return none
}

// settingsDetail lists the server's first SETTINGS.
func (w *watch) settingsDetail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.settings) == 0 {
		return "SETTINGS without a value"
	}
	var b strings.Builder
	b.WriteString("SETTINGS")
	for i, s := range w.settings {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s %d", s.ID, s.Value)
	}
	return b.String()
}

// goAwayText words a GOAWAY; its debug data is a stranger's.
func goAwayText(g h2.GoingAway) string {
	text := "GOAWAY " + g.Code.String()
	if len(g.Debug) > 0 {
		text += fmt.Sprintf(" %q", g.Debug[:min(len(g.Debug), 200)])
	}
	return text
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
	w.payload = w.payload[:0]
	w.have = 0
	switch w.header.Type {
	case h2.Headers, h2.Continuation:
		w.keep = true
	case h2.Settings:
		w.keep = w.left <= maxSettings*6 && !w.header.Flags.Has(h2.Ack)
	case h2.GoAway:
		w.keep = w.left <= maxDebug
	case h2.Data:
		w.keep = w.page != nil && !w.page.isFull && w.page.stream == w.header.Stream && w.left <= 1<<20
	default:
		w.keep = false
	}
}

func (w *watch) end() {
	if !w.keep {
		return
	}
	switch w.header.Type {
	case h2.Settings:
		w.mu.Lock()
		w.settings = append(w.settings, h2.ReadSettings(w.payload)...)
		w.settings = w.settings[max(0, len(w.settings)-maxSettings):]
		w.mu.Unlock()
	case h2.GoAway:
		if g, ok := h2.ReadGoAway(w.payload); ok {
			g.Debug = bytes.Clone(g.Debug)
			w.mu.Lock()
			w.goAway = &g
			w.mu.Unlock()
		}
	case h2.Data:
		w.readPage()
	default:
		w.fragment()
	}
}

// readPage keeps the beginning of a body that is no gRPC.
func (w *watch) readPage() {
	part := h2.DataPart(w.header, w.payload)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.page
	body := w.payload[min(part.Off, len(w.payload)):min(part.Off+part.Len, len(w.payload))]
	p.body = append(p.body, body[:min(len(body), maxPage-len(p.body))]...)
	if len(p.body) == maxPage || w.header.Flags.Has(h2.EndStream) {
		p.end()
	}
}

// end says that no more of the page is kept.
func (p *page) end() {
	if !p.isFull {
		p.isFull = true
		close(p.full)
	}
}

// fragment joins the parts of a header block.
func (w *watch) fragment() {
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
	var status, contentType string
	w.mu.Lock()
	defer w.mu.Unlock()
	w.headers = true
	for _, f := range fields {
		switch f.Name {
		case ":status":
			status = f.Value
		case "content-type":
			contentType = f.Value
		case "grpc-encoding":
			w.encoding = f.Value
		case "grpc-status":
			w.count(f.Value)
		}
	}
	if status != "" && status[0] != '1' && !strings.HasPrefix(contentType, "application/grpc") {
		w.page = &page{stream: w.header.Stream, status: status, contentType: contentType, full: make(chan struct{})}
	}
	if w.page != nil && w.page.stream == w.header.Stream && w.header.Flags.Has(h2.EndStream) {
		w.page.end() // it has no body, or trailers end it
	}
}

func (w *watch) count(value string) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return
	}
	code := int(n)
	w.seen, w.status = true, code
	if w.statuses == nil {
		w.statuses = map[int]int{}
	}
	if _, known := w.statuses[code]; known || len(w.statuses) < maxCodes {
		w.statuses[code]++
	}
}
