// Package jsontext finds the values of a JSON text and where each stands in its
// bytes, so that a JSON body can be shown beside its bytes as a protobuf message
// can. It follows RFC 8259 and never fails: bytes that are no JSON become a
// Problem at their offset, and what follows them is still read.
//
//	doc := jsontext.Scan(body)
//	node := doc.At(off)                        // the value that a byte belongs to
//	fmt.Println(doc.Path(body, node))          // address.city
//	text, lines := doc.Window(body, 1000, 1050) // fifty lines of it, indented
//
// A text may hold several values, one after the other or one on each line; see
// Form. Nodes hold offsets and no bytes: every method that needs the bytes takes
// what Scan was given.
package jsontext

// MaxDepth is how deep objects and arrays may be nested, as in encoding/json. What
// is deeper is one Damaged node.
const MaxDepth = 10000

// MaxProblems is how many problems a Document keeps.
const MaxProblems = 1000

// Kind is what a value is.
type Kind uint8

// The kinds of RFC 8259 §3, and Damaged for bytes that are none of them: a Problem
// says why. The value of a Damaged node is empty if a key has none.
const (
	Damaged Kind = iota
	Object
	Array
	String
	Number
	Bool
	Null
)

var kindNames = [...]string{"damaged", "object", "array", "string", "number", "bool", "null"}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "damaged"
}

// Range is a range of bytes of the source.
type Range struct{ Off, Len int }

// End returns the offset of the first byte after the range.
func (r Range) End() int { return r.Off + r.Len }

// Node is one value of the text, with its key if it is a member of an object. It
// takes 32 bytes; offsets are of the source.
type Node struct {
	Start      int32 // of the key, or of the value where there is no key
	ValueStart int32
	End        int32 // after the value
	label      int32 // the end of the key, or the index in the array or among the top-level values
	Parent     int32 // index of the object or array that it is in; -1 at the top level
	Next       int32 // index of the first node that is not inside this one
	Line       int32 // its first line in the indented text
	Depth      uint16
	Kind       Kind
	flags      flags
}

type flags uint8

const (
	hasKey   flags = 1 << iota
	unclosed       // an object or array without its closing bracket
)

// Range returns the bytes of the member with its key, or of the element.
func (n Node) Range() Range { return Range{int(n.Start), int(n.End - n.Start)} }

// Value returns the bytes of the value.
func (n Node) Value() Range { return Range{int(n.ValueStart), int(n.End - n.ValueStart)} }

// Key returns the bytes of the key with its quotes. It is empty if there is none.
func (n Node) Key() Range {
	if n.flags&hasKey == 0 {
		return Range{int(n.Start), 0}
	}
	return Range{int(n.Start), int(n.label - n.Start)}
}

// Index returns the place of an element in its array, or of a value among those of
// the top level. It is -1 for a member of an object that has a key.
func (n Node) Index() int {
	if n.flags&hasKey != 0 {
		return -1
	}
	return int(n.label)
}

// Closed reports whether an object or array has its closing bracket.
func (n Node) Closed() bool { return n.flags&unclosed == 0 }

// Problem is something that RFC 8259 forbids, or warns of.
type Problem struct {
	Off  int    // of the byte in the source
	Text string // what is wrong, and the section of the RFC
	// Note is set if the text is JSON all the same, but its readers may differ:
	// keys given twice, halves of surrogate pairs.
	Note bool
}

// Form is how the values of a text follow each other.
type Form uint8

// The forms.
const (
	Empty        Form = iota // no value at all
	Single                   // one value: JSON
	Lines                    // each value on a line of its own: NDJSON, JSON Lines
	Concatenated             // one after the other
	Sequence                 // each after a record separator: RFC 7464
)

var formNames = [...]string{"no value", "JSON", "one JSON value per line", "JSON values one after the other", "JSON text sequence (RFC 7464)"}

// String returns what the form is called.
func (f Form) String() string {
	if int(f) < len(formNames) {
		return formNames[f]
	}
	return formNames[Empty]
}

// Document is what Scan found.
type Document struct {
	Nodes    []Node    // in the order of the text, each before what is in it
	Problems []Problem // in the order found, which is nearly that of the text; at most MaxProblems
	Unkept   int       // problems beyond MaxProblems
	Roots    int       // how many values the top level has
	Lines    int       // how many lines the indented text of Nodes has
	Form     Form

	// Cut is the offset of the first value that ScanUpTo made no node of; -1 if
	// Nodes has them all. An object or array that is not whole has the children
	// before Cut.
	Cut int
}

// Valid reports whether the text is RFC 8259 JSON: one value, and no problem but
// notes.
func (d *Document) Valid() bool {
	for _, p := range d.Problems {
		if !p.Note {
			return false
		}
	}
	return d.Form == Single && d.Unkept == 0
}
