package record

import (
	"errors"
	"io"
	"math"
	"sync"
	"time"
)

// Recording is the bytes of one connection in both directions, with the time of
// each read and write. It only grows, except for what is discarded. One
// goroutine per direction may append while any number read; every method may be
// called at any time.
//
// Bytes may be missing: discarded, skipped in a saved file, or lost because the
// disk was full. Their offsets stay, so what follows keeps its place. Holes
// lists them, and no method makes up bytes for them.
type Recording struct {
	meta Meta

	mu      sync.Mutex
	lanes   [2]lane
	memory  int // bytes of slabs held in memory, both directions
	spill   spill
	chunks  []Chunk
	first   int           // absolute index of chunks[0]
	changed chan struct{} // nil while nobody waits
	unsent  Span
	problem error
	cut     bool

	closed bool // the end is known: err says how
	sealed bool // nothing more is recorded
	err    error
}

// New returns an empty recording of a connection.
func New(m Meta) *Recording { return &Recording{meta: m} }

// Meta returns the facts about the connection that are not in its bytes.
func (r *Recording) Meta() Meta { return r.meta }

// Add appends one read or write, copying b, and returns its span. It records
// nothing and returns an empty span when b is empty or the recording has ended.
func (r *Recording) Add(d Dir, at time.Duration, b []byte) Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(d, at, b)
}

// addNow is Add with the time since Meta.Start. The clock is read under the lock,
// so that times never decrease in chunk order.
func (r *Recording) addNow(d Dir, b []byte) Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(d, time.Since(r.meta.Start), b)
}

func (r *Recording) add(d Dir, at time.Duration, b []byte) Span {
	l := &r.lanes[d]
	s := Span{Dir: d, Off: l.size}
	if len(b) == 0 || !r.open(d) {
		return s
	}
	s.Len = int64(len(b))
	r.put(l, b)
	r.index(Chunk{At: at, Span: s})
	return s
}

// put copies b to the end of l.
func (r *Recording) put(l *lane, b []byte) {
	for len(b) > 0 {
		if l.room() == 0 {
			r.grow(l)
		}
		b = b[l.fill(b):]
	}
}

// maxSize bounds the size of a direction, so that sums of offsets do not overflow.
const maxSize = math.MaxInt64 / 2

// Skip appends one read or write of n bytes that are not kept: a hole. It is for
// recordings put together from parts of others.
func (r *Recording) Skip(d Dir, at time.Duration, n int64) Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[d]
	s := Span{Dir: d, Off: l.size}
	if n <= 0 || n > maxSize-l.size || !r.open(d) {
		return s
	}
	s.Len = n
	l.size += n
	r.index(Chunk{At: at, Span: s})
	return s
}

// open reports whether bytes of d may still arrive. After the peer has closed
// its side we may go on writing, and those bytes are part of the truth.
func (r *Recording) open(d Dir) bool {
	if d == Sent && errors.Is(r.err, io.EOF) {
		return !r.sealed
	}
	return !r.closed
}

// index appends to the chunk index. An index that has been trimmed by Discard
// belongs to a long stream: its array is made large enough not to be replaced
// again after a few chunks.
func (r *Recording) index(c Chunk) {
	if n := len(r.chunks); n == cap(r.chunks) {
		room := max(16, 2*n)
		if r.first > 0 {
			room = max(room, 1024)
		}
		r.chunks = append(make([]Chunk, 0, room), r.chunks...)
	}
	r.chunks = append(r.chunks, c)
	r.notify()
}

// Size returns how many bytes were recorded in direction d, holes included.
func (r *Recording) Size(d Dir) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lanes[d].size
}

// Chunks returns the chunks from absolute index from on, or from FirstChunk if
// that is later. The slice is a view which must not be changed; it stays as it
// is while the recording grows.
func (r *Recording) Chunks(from int) []Chunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.chunks)
	return r.chunks[min(max(from-r.first, 0), n):n:n]
}

// FirstChunk returns the absolute index of the first chunk that Discard has left.
func (r *Recording) FirstChunk() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// Problem says why bytes could not be kept: the disk was full, or the file they
// were read from is damaged. It is nil when nothing went wrong.
func (r *Recording) Problem() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}

// fail keeps the first problem: the later ones follow from it.
func (r *Recording) fail(err error) {
	if r.problem == nil {
		r.problem = err
		r.notify()
	}
}

// Cut reports whether the recording was read from a file that ends too early.
func (r *Recording) Cut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}
