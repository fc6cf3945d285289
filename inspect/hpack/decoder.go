package hpack

import (
	"fmt"

	nethpack "golang.org/x/net/http2/hpack"
)

// defaultTableSize is the table size before SETTINGS. RFC 9113 §6.5.2.
const defaultTableSize = 4096

// Limits of one block: what lies beyond is walked, so that the table stays
// right, but not listed.
const (
	maxFields  = 1 << 16
	maxDecoded = 16 << 20
	// maxProblems is far more than a block has that anyone looks at; a hostile
	// one can break a rule with every byte.
	maxProblems = 100
)

// Problem is a broken rule at its bytes in the block.
type Problem struct {
	Range Range
	Rule  string
	Text  string
}

// Decoder walks the header blocks of one direction of one connection, in order.
type Decoder struct {
	table   table
	allowed int  // the largest table size that the peer's SETTINGS allow
	broken  bool // an error has made the table's state unknown
}

// NewDecoder returns a Decoder with an empty table of the default size.
func NewDecoder() *Decoder {
	return &Decoder{table: table{max: defaultTableSize}, allowed: defaultTableSize}
}

// AllowTableSize says that SETTINGS_HEADER_TABLE_SIZE n was sent to the encoder.
// The smaller of old and new binds only once the encoder has seen it, which
// nobody can tell from here: so the allowance only grows. RFC 9113 §4.3.1.
func (d *Decoder) AllowTableSize(n uint32) {
	d.allowed = max(d.allowed, int(min(n, 1<<30)))
}

// Break marks the table's state as unknown: bytes of a block are missing.
func (d *Decoder) Break() { d.broken = true }

// Decode walks one complete block. It never fails: at the first byte that
// cannot be read it stops, says so, and marks what later blocks take from the
// dynamic table as untrusted.
func (d *Decoder) Decode(block []byte) ([]Field, []Problem) {
	w := walker{d: d, block: block}
	for w.off < len(block) {
		if !w.next() {
			d.broken = true
			break
		}
	}
	return w.fields, w.problems
}

// walker is the state of decoding one block.
type walker struct {
	d        *Decoder
	block    []byte
	off      int
	fields   []Field
	problems []Problem
	decoded  int
	limited  bool
}

func (w *walker) problem(from int, rule, format string, args ...any) bool {
	if len(w.problems) >= maxProblems {
		return false
	}
	w.problems = append(w.problems, Problem{
		Range: Range{Off: from, Len: max(len(w.block)-from, 0)}, Rule: rule, Text: fmt.Sprintf(format, args...),
	})
	return false
}

// next reads one representation. RFC 7541 §6.
func (w *walker) next() bool {
	switch b := w.block[w.off]; {
	case b&0x80 != 0:
		return w.indexed()
	case b&0xc0 == 0x40:
		return w.literal(LiteralIndexing, 6)
	case b&0xe0 == 0x20:
		return w.sizeUpdate()
	case b&0xf0 == 0x10:
		return w.literal(LiteralNever, 4)
	default:
		return w.literal(LiteralNoIndexing, 4)
	}
}

func (w *walker) indexed() bool {
	start := w.off
	index, ok := w.integer(7)
	if !ok {
		return false
	}
	e, ok := w.d.table.at(index)
	if !ok {
		return w.problem(start, "RFC 7541 §2.3.3",
			"index %d is not in the table, which has %d entries: the rest of this block cannot be read",
			index, len(static)+w.d.table.len())
	}
	w.emit(Field{Name: e.name, Value: e.value, Rep: Indexed, Index: int(index)}, start)
	return true
}

func (w *walker) literal(rep Rep, prefix uint) bool {
	start := w.off
	index, ok := w.integer(prefix)
	if !ok {
		return false
	}
	f := Field{Rep: rep, Index: int(min(index, 1<<31-1))}
	if index != 0 {
		e, ok := w.d.table.at(index)
		if !ok {
			return w.problem(start, "RFC 7541 §2.3.3", "name index %d is not in the table: the rest of this block cannot be read", index)
		}
		f.Name = e.name
	} else if f.Name, f.HuffmanName, ok = w.text(); !ok {
		return false
	}
	if f.Value, f.HuffmanValue, ok = w.text(); !ok {
		return false
	}
	if rep == LiteralIndexing {
		w.d.table.add(entry{f.Name, f.Value})
	}
	w.emit(f, start)
	return true
}

// sizeUpdate reads a dynamic table size update. RFC 7541 §6.3.
func (w *walker) sizeUpdate() bool {
	start := w.off
	size, ok := w.integer(5)
	if !ok {
		return false
	}
	if len(w.fields) > 0 {
		w.problem(start, "RFC 7541 §4.2", "a table size update must come first in its block")
	}
	if size > uint64(w.d.allowed) {
		w.problem(start, "RFC 7541 §6.3", "table size %d is more than the %d that SETTINGS allow", size, w.d.allowed)
	}
	w.d.table.resize(int(min(size, 1<<30)))
	return true
}

func (w *walker) emit(f Field, start int) {
	f.Range = Range{Off: start, Len: w.off - start}
	f.Untrusted = w.d.broken && f.Index > len(static)
	w.decoded += f.Size()
	if w.limited {
		return
	}
	if len(w.fields) >= maxFields || w.decoded > maxDecoded {
		w.limited = true
		w.problem(start, "limit", "more than %d fields or %d decoded bytes in one block: the rest is not listed", maxFields, maxDecoded)
		return
	}
	w.fields = append(w.fields, f)
}

// integer reads an integer with a prefix of n bits. RFC 7541 §5.1.
func (w *walker) integer(n uint) (uint64, bool) {
	start := w.off
	limit := uint64(1)<<n - 1
	v := uint64(w.block[w.off]) & limit
	w.off++
	if v < limit {
		return v, true
	}
	for shift := uint(0); ; shift += 7 {
		if w.off >= len(w.block) {
			return 0, w.problem(start, "RFC 7541 §5.1", "the block ends inside an integer")
		}
		b := w.block[w.off]
		w.off++
		if shift > 35 {
			return 0, w.problem(start, "RFC 7541 §5.1", "an integer is longer than any index or length can be")
		}
		v += uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v, true
		}
	}
}

// text reads a string literal. RFC 7541 §5.2.
func (w *walker) text() (s string, huffman, ok bool) {
	if w.off >= len(w.block) {
		return "", false, w.problem(w.off, "RFC 7541 §5.2", "the block ends where a string should begin")
	}
	start := w.off
	huffman = w.block[w.off]&0x80 != 0
	n, ok := w.integer(7)
	if !ok {
		return "", huffman, false
	}
	if n > uint64(len(w.block)-w.off) {
		return "", huffman, w.problem(start, "RFC 7541 §5.2", "a string of %d bytes, but only %d are left in the block", n, len(w.block)-w.off)
	}
	raw := w.block[w.off : w.off+int(n)]
	w.off += int(n)
	if !huffman {
		return string(raw), false, true
	}
	s, err := nethpack.HuffmanDecodeToString(raw)
	if err != nil {
		return "", true, w.problem(start, "RFC 7541 §5.2", "invalid Huffman code in a string of %d bytes", n)
	}
	return s, true, true
}
