package record

import (
	"sync"
	"time"
)

// Recording is the bytes of one connection in both directions, with the time of
// each read and write. It only grows. One goroutine per direction may append
// while any number read.
type Recording struct {
	meta Meta

	mu      sync.Mutex
	lanes   [2]lane
	chunks  []Chunk
	first   int // index of chunks[0] since the recording began
	changed chan struct{}
	closed  bool
	err     error
	unsent  int64
	problem error
	cut     bool
}

type lane struct {
	base int64
	buf  []byte
}

// New returns an empty recording of a connection.
func New(m Meta) *Recording { return &Recording{meta: m} }

// Meta returns the facts about the connection that are not in its bytes.
func (r *Recording) Meta() Meta { return r.meta }

// Add appends one read or write, copying b.
func (r *Recording) Add(d Dir, at time.Duration, b []byte) Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Span{d, int64(len(r.lanes[d].buf)), int64(len(b))}
	r.lanes[d].buf = append(r.lanes[d].buf, b...)
	r.chunks = append(r.chunks, Chunk{at, s})
	r.notify()
	return s
}

func (r *Recording) notify() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Size returns how many bytes were recorded in direction d, discarded ones included.
func (r *Recording) Size(d Dir) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.lanes[d].buf))
}

// Base returns the offset before which the bytes of d were discarded.
func (r *Recording) Base(d Dir) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lanes[d].base
}

// Append appends the bytes of s to dst. It stops at the end of the recording and
// at the first byte that is not held.
func (r *Recording) Append(dst []byte, s Span) []byte {
	b, _ := r.View(s)
	return append(dst, b...)
}

// View returns the bytes of s without copying, if they lie in one slab.
func (r *Recording) View(s Span) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[s.Dir]
	if s.Off < l.base || s.Len < 0 || s.Len > int64(len(l.buf))-s.Off {
		return nil, false
	}
	return l.buf[s.Off:s.End():s.End()], true
}

// Held reports whether every byte of s is there.
func (r *Recording) Held(s Span) bool {
	_, ok := r.View(s)
	return ok
}

// Holes returns the spans of d that were recorded but are not held, in order.
func (r *Recording) Holes(d Dir) []Span {
	if b := r.Base(d); b > 0 {
		return []Span{{d, 0, b}}
	}
	return nil
}

// Chunks returns the chunks from index from on. The slice must not be changed.
func (r *Recording) Chunks(from int) []Chunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := min(max(from-r.first, 0), len(r.chunks))
	return r.chunks[i:len(r.chunks):len(r.chunks)]
}

// FirstChunk returns the index of the first chunk that is still held.
func (r *Recording) FirstChunk() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// Discard frees the bytes of d before an offset.
func (r *Recording) Discard(d Dir, before int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lanes[d].base = max(r.lanes[d].base, before)
}

// Unsent returns the trailing bytes of Sent that a short or failed write never
// handed to the kernel.
func (r *Recording) Unsent() (Span, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Span{Sent, int64(len(r.lanes[Sent].buf)) - r.unsent, r.unsent}, r.unsent > 0
}

// Changed returns a channel that is closed at the next change.
func (r *Recording) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

// Closed returns how the connection ended: nil if by us, io.EOF if by the peer,
// else the error. ok is false while it is open.
func (r *Recording) Closed() (err error, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err, r.closed
}

// Close marks the end of the connection. The first call wins.
func (r *Recording) Close(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed, r.err = true, err
		r.notify()
	}
}

// Problem says why bytes were lost that should have been kept; nil if none were.
func (r *Recording) Problem() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}

// Cut reports whether the recording was read from a file that ends too early.
func (r *Recording) Cut() bool { return r.cut }

// Release frees the bytes and the spill file.
func (r *Recording) Release() {
	for _, d := range []Dir{Sent, Received} {
		r.Discard(d, r.Size(d))
	}
}
