// Package hpack walks HPACK header blocks (RFC 7541) and keeps what a client
// library throws away: the byte range of each field, how it was represented,
// which table entry it used and which block had added that, what the block did
// to the dynamic table, and what all of it cost.
//
//	d := hpack.NewDecoder()
//	fields, problems := d.Decode(block)
//	for _, f := range fields { name, value := f.Parts(block) … }
package hpack

import "fmt"

// Range is a range of bytes in a header block.
type Range struct{ Off, Len int }

// end returns the offset of the first byte after the range.
func (r Range) end() int { return r.Off + r.Len }

// Rep is how a field was represented. RFC 7541 §6.
type Rep uint8

// The representations.
const (
	Indexed           Rep = iota // §6.1
	LiteralIndexing              // §6.2.1: added to the dynamic table
	LiteralNoIndexing            // §6.2.2
	LiteralNever                 // §6.2.3: sensitive, never to be indexed
)

var repNames = [...]string{"indexed", "literal, added to table", "literal", "literal, never indexed"}

// String returns a short name.
func (r Rep) String() string { return repNames[r] }

// Field is a decoded header field.
type Field struct {
	Name, Value  string // untrusted text; "" too if it is unknown, and Untrusted is set
	Range        Range  // its bytes in the block
	Index        int    // the table index used, for the field or its name; 0 if none
	Entry        uint32 // the number of the dynamic table's entry used, see Entry.Number; 0 if none
	Rep          Rep
	HuffmanName  bool // the name was a Huffman-coded literal
	HuffmanValue bool
	// Untrusted is set when a part of it cannot be known: it came from an entry
	// of the dynamic table that was added before an error or before the capture
	// began, or its own bytes are wrong.
	Untrusted bool
}

// Size is what the field counts in a table and against a header list limit. RFC 7541 §4.1.
func (f Field) Size() int { return len(f.Name) + len(f.Value) + entryOverhead }

// Decoded is the length of name and value in bytes, to compare with Range.Len,
// which is what they cost on the wire.
func (f Field) Decoded() int { return len(f.Name) + len(f.Value) }

// String returns "name: value".
func (f Field) String() string { return fmt.Sprintf("%s: %s", f.Name, f.Value) }

// Parts returns the bytes of the block that stand for the field's name and for
// its value: an index, or a string with its length. Of an indexed field both are
// the whole field. The block is the one that the field was decoded from.
func (f Field) Parts(block []byte) (name, value Range) {
	if f.Rep == Indexed || f.Range.Len < 1 || f.Range.Off < 0 || f.Range.end() > len(block) {
		return f.Range, f.Range
	}
	prefix := uint(4)
	if f.Rep == LiteralIndexing {
		prefix = 6
	}
	w := walker{d: &Decoder{}, block: block[:f.Range.end()], off: f.Range.Off}
	if _, ok := w.integer(prefix); !ok {
		return f.Range, f.Range
	}
	if f.Index == 0 {
		w.skipText()
	}
	name = Range{Off: f.Range.Off, Len: w.off - f.Range.Off}
	return name, Range{Off: w.off, Len: f.Range.end() - w.off}
}

// entryOverhead is the estimated cost of an entry beyond its bytes. RFC 7541 §4.1.
const entryOverhead = 32
