package record

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

// blockBytes is about how much one block of chunks holds: what is in memory at a
// time, and what is lost when a block is damaged.
const blockBytes = 64 << 10

// WriteTo writes the file format: one recording after another, then the sections.
// Of a file that is cut the bytes survive rather than what names them.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	fw := &fileWriter{w: w}
	fw.write([]byte(Magic))
	for i, r := range f.Recordings {
		fw.recording(i, r)
	}
	for _, s := range f.Sections {
		payload := binary.AppendUvarint(nil, uint64(len(s.Name)))
		payload = append(payload, s.Name...)
		fw.block(kindSection, append(payload, s.Data...))
	}
	fw.block(kindFileEnd, nil)
	if fw.err != nil {
		return fw.n, fmt.Errorf("write recording: %w", fw.err)
	}
	return fw.n, nil
}

// fileWriter writes blocks and remembers the first error.
type fileWriter struct {
	w   io.Writer
	n   int64
	err error
	out []byte // a finished block, kept for its memory
}

func (w *fileWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	w.n += int64(n)
	w.err = err
}

func (w *fileWriter) block(kind byte, payload []byte) {
	if uint64(len(payload)) > math.MaxUint32 && w.err == nil {
		w.err = fmt.Errorf("a section of %d bytes is too large for the file format, which takes 4 GiB", len(payload))
	}
	if w.err == nil {
		w.out = appendBlock(w.out[:0], kind, payload)
		w.write(w.out)
	}
}

func (w *fileWriter) jsonBlock(kind byte, number int, v any) {
	text, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.block(kind, append(binary.AppendUvarint(nil, uint64(number)), text...))
}

// snapshot is a recording at one moment. Its bytes may still be discarded.
type snapshot struct {
	chunks  []Chunk
	sizes   [2]int64
	unsent  Span
	problem error
	err     error
	closed  bool
	cut     bool
}

func (r *Recording) snapshot() *snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &snapshot{
		chunks: r.chunks[:len(r.chunks):len(r.chunks)],
		sizes:  [2]int64{r.lanes[Sent].size, r.lanes[Received].size},
		unsent: r.unsent, problem: r.problem, err: r.err, closed: r.closed, cut: r.cut,
	}
}

func (w *fileWriter) recording(number int, r *Recording) {
	s := r.snapshot()
	w.jsonBlock(kindRecording, number, toJSON(r.meta))
	c := &chunkWriter{w: w, rec: r, number: number}
	var next [2]int64
	for _, chunk := range s.chunks {
		d := chunk.Span.Dir
		// Chunks that left the index with their bytes stand as one hole.
		c.chunk(chunk.At, Span{Dir: d, Off: next[d], Len: chunk.Span.Off - next[d]})
		c.chunk(chunk.At, chunk.Span)
		next[d] = chunk.Span.End()
	}
	for d, size := range s.sizes {
		c.chunk(0, Span{Dir: Dir(d), Off: next[d], Len: size - next[d]})
	}
	c.flush()
	w.jsonBlock(kindEnd, number, s.end())
}

// chunkWriter gathers entries into blocks.
type chunkWriter struct {
	w       *fileWriter
	rec     *Recording
	number  int
	payload []byte
	bytes   []byte
	at      time.Duration // of the entry before in this block
}

func (c *chunkWriter) flush() {
	if len(c.payload) > 0 {
		c.w.block(kindChunks, c.payload)
	}
	c.payload, c.at = c.payload[:0], 0
}

// chunk writes one chunk: held bytes and holes as entries of their own, in pieces
// that fit a block.
func (c *chunkWriter) chunk(at time.Duration, s Span) {
	continued := byte(0)
	for s.Len > 0 && c.w.err == nil {
		room := blockBytes - len(c.payload)
		if room < firstSlab {
			c.flush()
			room = blockBytes
		}
		c.bytes = c.rec.Append(c.bytes[:0], Span{Dir: s.Dir, Off: s.Off, Len: min(s.Len, int64(room))})
		n, flags := int64(len(c.bytes)), continued
		if n == 0 {
			n = c.rec.hole(s)
			flags |= entryHole
		}
		c.entry(flags, at, s.Dir, n)
		c.payload = append(c.payload, c.bytes...)
		s.Off, s.Len, continued = s.Off+n, s.Len-n, entryContinued
	}
}

func (c *chunkWriter) entry(flags byte, at time.Duration, d Dir, n int64) {
	if len(c.payload) == 0 {
		c.payload = binary.AppendUvarint(c.payload, uint64(c.number))
	}
	if d == Received {
		flags |= entryReceived
	}
	c.payload = append(c.payload, flags)
	if flags&entryContinued == 0 {
		c.payload = binary.AppendVarint(c.payload, int64(at-c.at))
		c.at = at
	}
	c.payload = binary.AppendUvarint(c.payload, uint64(n))
}
