package record

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"time"
)

// ReadFile reads a file written by File.WriteTo. A file that ends too early is
// read up to there, and Cut says so. A damaged file is read up to the damage: the
// result then comes with a *DamageError. Anything else is ErrFormat.
func ReadFile(rd io.Reader) (*File, error) {
	r := &fileReader{in: bufio.NewReaderSize(rd, blockBytes), file: &File{}}
	if err := r.magic(); err != nil {
		return nil, err
	}
	for {
		done, err := r.block()
		switch {
		case errors.Is(err, errCut):
			r.file.cut = true
			r.markCut()
			return r.file, nil
		case err != nil:
			r.markCut()
			return r.file, err
		case done:
			return r.file, nil
		}
	}
}

// errCut says that the file ends too early.
var errCut = errors.New("cut")

type fileReader struct {
	in      *bufio.Reader
	file    *File
	at      int64 // of the block being read
	next    int64 // after what was read
	payload bytes.Buffer
	recs    []*reading
}

// reading is a recording that is being read.
type reading struct {
	*Recording
	holes  int
	inHole [2]bool // the last entry of this direction was a hole
	ended  bool
}

func (r *fileReader) damage(format string, args ...any) error {
	return &DamageError{Offset: r.at, Reason: fmt.Sprintf(format, args...)}
}

// markCut marks the recordings whose end was not reached.
func (r *fileReader) markCut() {
	for _, rec := range r.recs {
		if !rec.ended {
			rec.mu.Lock()
			rec.cut = true
			rec.mu.Unlock()
		}
	}
}

// magic checks how the file begins.
func (r *fileReader) magic() error {
	head := make([]byte, len(Magic))
	n, err := io.ReadFull(r.in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read recording: %w", err)
	}
	r.next = int64(n)
	text := string(head[:n])
	switch {
	case text == Magic:
		return nil
	case n > 0 && strings.HasPrefix(Magic, text):
		return nil // cut: reading the first block will say so
	case strings.HasPrefix(text, magicName):
		version, _, _ := strings.Cut(strings.TrimPrefix(text, magicName), "\n")
		return fmt.Errorf("recording format %q was written by a newer wiregloss: this one reads format 1", version)
	}
	return ErrFormat
}

// full reads len(b) bytes.
func (r *fileReader) full(b []byte) error {
	n, err := io.ReadFull(r.in, b)
	r.next += int64(n)
	return cutOr(err)
}

func cutOr(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	return fmt.Errorf("read recording: %w", err)
}

// block reads one block. done is true after the end mark.
func (r *fileReader) block() (done bool, err error) {
	r.at = r.next
	var head [blockHeader]byte
	if err := r.full(head[:]); err != nil {
		return false, err
	}
	kind, size := head[0], binary.LittleEndian.Uint32(head[1:])
	if binary.LittleEndian.Uint32(head[5:]) != crc32.Checksum(head[:5], castagnoli) {
		return false, r.damage("the header of a block does not match its checksum")
	}
	if limit, ok := payloadLimits[kind]; ok && size > limit {
		return false, r.damage("a block of kind %q has %d bytes, at most %d are allowed", kind, size, limit)
	}
	err = r.readPayload(int64(size))
	if errors.Is(err, errCut) && kind == kindChunks {
		// The chunks before the cut are there, if unchecked.
		if err := r.chunks(r.payload.Bytes(), true); err != nil {
			return false, err
		}
	}
	if err != nil {
		return false, err
	}
	return r.take(kind, r.payload.Bytes())
}

var payloadLimits = map[byte]uint32{
	kindRecording: maxJSONPayload,
	kindChunks:    maxChunksPayload,
	kindEnd:       maxJSONPayload,
	kindFileEnd:   0,
}

// readPayload reads a payload and checks it. The buffer grows with what is there,
// whatever the length claims.
func (r *fileReader) readPayload(size int64) error {
	r.payload.Reset()
	n, err := io.CopyN(&r.payload, r.in, size)
	r.next += n
	if err != nil {
		return cutOr(err)
	}
	var check [blockCheck]byte
	if err := r.full(check[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(check[:]) != crc32.Checksum(r.payload.Bytes(), castagnoli) {
		return r.damage("a block of %d bytes does not match its checksum", size)
	}
	return nil
}

func (r *fileReader) take(kind byte, p []byte) (done bool, err error) {
	switch kind {
	case kindRecording:
		return false, r.begin(p)
	case kindChunks:
		return false, r.chunks(p, false)
	case kindEnd:
		return false, r.end(p)
	case kindSection:
		return false, r.section(p)
	case kindFileEnd:
		return true, r.fileEnd()
	}
	if skippable(kind) {
		return false, nil
	}
	return false, r.damage("a block of unknown kind %q, perhaps of a newer wiregloss", kind)
}

func (r *fileReader) begin(p []byte) error {
	number, n := binary.Uvarint(p)
	if n <= 0 || number != uint64(len(r.recs)) {
		return r.damage("a recording has number %d instead of %d", number, len(r.recs))
	}
	if len(r.recs) == maxRecordings {
		return r.damage("more than %d recordings", maxRecordings)
	}
	var meta metaJSON
	if err := json.Unmarshal(p[n:], &meta); err != nil {
		return r.damage("the facts about a connection: %v", err)
	}
	rec := New(meta.meta())
	r.recs = append(r.recs, &reading{Recording: rec})
	r.file.Recordings = append(r.file.Recordings, rec)
	return nil
}

// numbered finds the recording that a block belongs to.
func (r *fileReader) numbered(p []byte) (*reading, []byte, error) {
	number, n := binary.Uvarint(p)
	if n <= 0 || number >= uint64(len(r.recs)) || r.recs[number].ended {
		return nil, nil, r.damage("a block belongs to recording %d, which is not open", number)
	}
	return r.recs[number], p[n:], nil
}

func (r *fileReader) end(p []byte) error {
	rec, p, err := r.numbered(p)
	if err != nil {
		return err
	}
	var end endJSON
	if err := json.Unmarshal(p, &end); err != nil {
		return r.damage("the end of a recording: %v", err)
	}
	if !end.apply(rec.Recording) {
		return r.damage("the end of a recording does not fit its bytes")
	}
	rec.ended = true
	return nil
}

func (r *fileReader) section(p []byte) error {
	size, n := binary.Uvarint(p)
	if n <= 0 || size > uint64(len(p)-n) {
		return r.damage("the name of a section is longer than the section")
	}
	name, data := p[n:n+int(size)], p[n+int(size):]
	r.file.Sections = append(r.file.Sections, Section{Name: string(name), Data: bytes.Clone(data)})
	return nil
}

func (r *fileReader) fileEnd() error {
	for i, rec := range r.recs {
		if !rec.ended {
			return r.damage("the file ends before recording %d does", i)
		}
	}
	r.at = r.next
	if _, err := r.in.ReadByte(); err == nil {
		return r.damage("bytes after the end of the file")
	}
	return nil
}

// chunks takes the entries of a block. If the block is cut it takes what is
// there of the last one.
func (r *fileReader) chunks(p []byte, cut bool) error {
	rec, p, err := r.numbered(p)
	if err != nil {
		if cut {
			return nil // not even the number is there
		}
		return err
	}
	var at time.Duration
	for len(p) > 0 {
		e, rest, ok := parseEntry(p, at)
		if !ok && cut {
			return nil
		}
		if !ok || e.flags&^entryKnown != 0 || e.size == 0 {
			return r.damage("a chunk that makes no sense")
		}
		at = e.at
		data := rest[:0]
		if e.flags&entryHole == 0 {
			if e.size > uint64(len(rest)) && !cut {
				return r.damage("a chunk of %d bytes in a block that has %d left", e.size, len(rest))
			}
			data = rest[:min(e.size, uint64(len(rest)))]
		}
		if !rec.take(e, data) {
			return r.damage("a chunk that does not fit the ones before")
		}
		p = rest[len(data):]
	}
	return nil
}

// entry is the head of one chunk entry.
type entry struct {
	flags byte
	at    time.Duration
	size  uint64
}

// parseEntry parses the head of an entry. ok is false if it is not all there.
func parseEntry(p []byte, before time.Duration) (e entry, rest []byte, ok bool) {
	e = entry{flags: p[0], at: before}
	p = p[1:]
	if e.flags&entryContinued == 0 {
		delta, n := binary.Varint(p)
		if n <= 0 {
			return e, nil, false
		}
		e.at, p = before+time.Duration(delta), p[n:]
	}
	size, n := binary.Uvarint(p)
	if n <= 0 {
		return e, nil, false
	}
	e.size = size
	return e, p[n:], true
}

// take appends an entry with its bytes, or a hole.
func (r *reading) take(e entry, data []byte) bool {
	d := Sent
	if e.flags&entryReceived != 0 {
		d = Received
	}
	size := int64(len(data))
	hole := e.flags&entryHole != 0
	if hole {
		size = int64(min(e.size, math.MaxInt64))
	} else if size == 0 {
		return true // cut right after the head
	}
	// Bytes after a hole begin a new slab: many small holes would cost far more
	// memory than the file has bytes.
	if hole && !r.inHole[d] {
		r.holes++
	}
	r.inHole[d] = hole
	if r.holes > maxHoles {
		return false
	}
	if e.flags&entryContinued != 0 {
		return r.extend(d, size, data)
	}
	if hole {
		return r.Skip(d, e.at, size).Len == size
	}
	return r.Add(d, e.at, data).Len == size
}

// extend makes the last chunk longer: by data, or by a hole of that size. Nobody
// else has seen the chunk yet.
func (r *Recording) extend(d Dir, size int64, data []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.chunks)
	if n == 0 || r.chunks[n-1].Span.Dir != d || size > maxSize-r.lanes[d].size {
		return false
	}
	r.chunks[n-1].Span.Len += size
	if len(data) == 0 {
		r.lanes[d].size += size
		return true
	}
	r.put(&r.lanes[d], data)
	return true
}
