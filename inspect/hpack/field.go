// Package hpack walks HPACK header blocks (RFC 7541) and keeps what a client
// library throws away: the byte range of each field, how it was represented,
// and which table entry it used.
package hpack

import "fmt"

// Range is a range of bytes in a header block.
type Range struct{ Off, Len int }

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
	Name, Value  string // untrusted text
	Range        Range  // its bytes in the block
	Rep          Rep
	Index        int  // the table index used, for the field or its name; 0 if none
	HuffmanName  bool // the name was a Huffman-coded literal
	HuffmanValue bool
	// Untrusted is set when it came from the dynamic table after an error had
	// made the table's state unknown.
	Untrusted bool
}

// Size is what the field counts in a table and against a header list limit. RFC 7541 §4.1.
func (f Field) Size() int { return len(f.Name) + len(f.Value) + entryOverhead }

// String returns "name: value".
func (f Field) String() string { return fmt.Sprintf("%s: %s", f.Name, f.Value) }

// entryOverhead is the estimated cost of an entry beyond its bytes. RFC 7541 §4.1.
const entryOverhead = 32
