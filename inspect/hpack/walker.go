package hpack

import (
	"fmt"

	nethpack "golang.org/x/net/http2/hpack"
)

// walker is the state of decoding one block.
type walker struct {
	d        *Decoder
	block    []byte
	off      int
	fields   []Field
	problems []Problem
	full     *Block // of Walk: gets what Decode leaves out
	decoded  int    // bytes of the fields listed, as RFC 7541 §4.1 counts
	limited  bool
	stats    Stats
}

// walk reads the block and leaves its numbers in the decoder.
func (w *walker) walk() {
	d := w.d
	w.stats = Stats{Block: d.blocks, Wire: uint32(len(w.block)), Before: d.table.inserted, Base: d.base, Lost: d.lost, LimitKnown: d.maxKnown}
	for w.off < len(w.block) {
		if !w.next() {
			d.Break()
			break
		}
	}
	w.stats.Inserted = d.table.inserted - w.stats.Before
	w.stats.TableSize, w.stats.TableMax = uint32(d.table.size), uint32(d.table.max)
	w.stats.TableEntries = uint32(d.table.len())
	d.last = w.stats
	d.blocks++
}

// problem notes a broken rule from an offset up to where the reading is. It
// returns false, for what cannot go on.
func (w *walker) problem(from int, rule, format string, args ...any) bool {
	if len(w.problems) < maxProblems {
		w.problems = append(w.problems, Problem{
			Range: Range{Off: from, Len: max(w.off-from, 0)}, Rule: rule, Text: fmt.Sprintf(format, args...),
		})
	}
	return false
}

// next reads one representation; false means that the rest cannot be cut.
// RFC 7541 §6.
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
	f := Field{Rep: Indexed, Index: int(min(index, 1<<31-1))}
	e := w.lookUp(&f, index, start)
	f.Name, f.Value = e.name, e.value
	w.emit(f, start)
	return true
}

func (w *walker) literal(rep Rep, prefix uint) bool {
	start := w.off
	index, ok := w.integer(prefix)
	if !ok {
		return false
	}
	f := Field{Rep: rep, Index: int(min(index, 1<<31-1))}
	bad := false
	if index != 0 {
		f.Name = w.lookUp(&f, index, start).name
	} else if f.Name, f.HuffmanName, bad, ok = w.text(); !ok {
		return false
	}
	f.Untrusted = f.Untrusted || bad
	if f.Value, f.HuffmanValue, bad, ok = w.text(); !ok {
		return false
	}
	f.Untrusted = f.Untrusted || bad
	if rep == LiteralIndexing {
		e := entry{name: f.Name, value: f.Value, block: w.d.blocks, untrusted: f.Untrusted}
		w.evicts(start, e.size(), w.d.table.max)
		evicted, added := w.d.table.add(e)
		w.evicted(evicted, !added)
	}
	w.emit(f, start)
	return true
}

// lookUp returns the entry that a field's index names and says in the field
// whether to trust it; of an index that is not in the table the entry is empty.
func (w *walker) lookUp(f *Field, index uint64, start int) entry {
	d := w.d
	e, number, ok := d.table.at(index)
	if ok {
		f.Entry = number
		f.Untrusted = e.untrusted || number != 0 && number <= d.base
		return e
	}
	f.Untrusted = true
	switch {
	case index == 0:
		w.problem(start, "RFC 7541 §6.1", "index 0 stands for no field; a strict peer closes the connection with COMPRESSION_ERROR")
		d.damage()
	case d.lost && d.told:
	case d.lost:
		d.told = true
		w.problem(start, "recording", "index %d is from before the capture began: fields from the dynamic table are unknown until entries are added again", index)
	default:
		w.problem(start, "RFC 7541 §2.3.3",
			"index %d is not in the table, which has %d entries: the field is unknown and the table cannot be trusted; a strict peer closes the connection with COMPRESSION_ERROR",
			index, len(static)+d.table.len())
		d.damage()
	}
	return e
}

// sizeUpdate reads a dynamic table size update. RFC 7541 §6.3.
func (w *walker) sizeUpdate() bool {
	d, start := w.d, w.off
	size, ok := w.integer(5)
	if !ok {
		return false
	}
	if w.stats.Fields > 0 {
		w.problem(start, "RFC 7541 §4.2", "a table size update must come first in its block")
	}
	if size > uint64(d.allowed) {
		w.problem(start, "RFC 7541 §6.3", "table size %d is more than the %d that SETTINGS allow; a strict peer closes the connection with COMPRESSION_ERROR", size, d.allowed)
	}
	w.stats.Updates++
	if w.full != nil && len(w.full.Updates) < maxFields {
		w.full.Updates = append(w.full.Updates, SizeUpdate{Range: Range{Off: start, Len: w.off - start}, Size: size})
	}
	limit := int(min(size, maxTable))
	w.evicts(start, 0, limit)
	d.maxKnown = true
	w.evicted(d.table.resize(limit), limit < entryOverhead)
	return true
}

// evicts lists what makes room for extra bytes under a limit.
func (w *walker) evicts(by, extra, limit int) {
	if w.full == nil {
		return
	}
	t := &w.d.table
	for i := range t.overflow(extra, limit) {
		if len(w.full.Evicted) >= maxFields {
			return
		}
		w.full.Evicted = append(w.full.Evicted, Eviction{Entry: w.d.entry(t.evicted + i), By: Range{Off: by, Len: w.off - by}})
	}
}

// evicted counts evictions, and says whether the table must be empty now. They
// begin with the oldest: once an entry that is known goes, all that the encoder
// had before it is gone.
func (w *walker) evicted(n int, empty bool) {
	d := w.d
	w.stats.Evicted += uint32(n)
	newest := d.table.inserted - uint32(d.table.len()) // of those that are gone
	if d.maxKnown && (empty || n > 0 && newest > d.base) {
		d.lost, d.told, d.partial = false, false, false
	}
}

func (w *walker) emit(f Field, start int) {
	f.Range = Range{Off: start, Len: w.off - start}
	w.stats.Fields++
	w.stats.Decoded = uint32(min(uint64(w.stats.Decoded)+uint64(f.Decoded()), 1<<32-1))
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

// tooLarge stands for an integer that no index or length can be.
const tooLarge = 1 << 62

// integer reads an integer with a prefix of n bits; false means that the block
// ends inside it. RFC 7541 §5.1.
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
		if shift <= 35 {
			v += uint64(b&0x7f) << shift
		}
		if b&0x80 != 0 {
			continue
		}
		if shift > 35 {
			w.d.damage()
			w.problem(start, "RFC 7541 §5.1", "an integer is longer than any index or length can be; a strict peer closes the connection with COMPRESSION_ERROR")
			v = tooLarge
		}
		return v, true
	}
}

// text reads a string literal. Of one whose Huffman code is bad the end is known
// but not the text; not ok means that the block ends inside it. RFC 7541 §5.2.
func (w *walker) text() (s string, huffman, bad, ok bool) {
	start := w.off
	raw, huffman, ok := w.rawText()
	if !ok || !huffman {
		return string(raw), huffman, false, ok
	}
	s, err := nethpack.HuffmanDecodeToString(raw)
	if err != nil {
		w.d.damage()
		w.problem(start, "RFC 7541 §5.2", "invalid Huffman code in a string of %d bytes: its text is unknown; a strict peer closes the connection with COMPRESSION_ERROR", len(raw))
	}
	return s, true, err != nil, true
}

// rawText reads a string literal's length and returns its bytes as they are.
func (w *walker) rawText() (raw []byte, huffman, ok bool) {
	if w.off >= len(w.block) {
		return nil, false, w.problem(w.off, "RFC 7541 §5.2", "the block ends where a string should begin")
	}
	start := w.off
	huffman = w.block[w.off]&0x80 != 0
	n, ok := w.integer(7)
	if !ok {
		return nil, huffman, false
	}
	if n > uint64(len(w.block)-w.off) {
		left := len(w.block) - w.off
		w.off = len(w.block)
		return nil, huffman, w.problem(start, "RFC 7541 §5.2", "a string of %d bytes, but only %d are left in the block", n, left)
	}
	raw = w.block[w.off : w.off+int(n)]
	w.off += int(n)
	return raw, huffman, true
}

// skipText moves past a string literal.
func (w *walker) skipText() { _, _, _ = w.rawText() }
