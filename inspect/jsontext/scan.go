package jsontext

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// Scan reads a JSON text. It takes time and memory in proportion to src, whatever
// is in it: one pass, 32 bytes for each value. More than 2 GiB are refused with a
// Problem.
func Scan(src []byte) Document { return ScanUpTo(src, math.MaxInt32) }

// ScanUpTo is Scan for a text of any make: it keeps the nodes of the first most
// values, at least one. What follows them, from Document.Cut on, is read for its
// Problems and Form only, with memory for how deep it is; of the keys there it is
// not told which an object has twice.
func ScanUpTo(src []byte, most int) Document {
	if len(src) >= math.MaxInt32 {
		return Document{Cut: -1, Problems: []Problem{{Text: fmt.Sprintf("%d bytes of JSON: more than 2 GiB are not read", len(src))}}}
	}
	s := scanner{src: src, in: -1, most: max(most, 1)}
	s.doc.Cut = -1
	s.doc.Nodes = make([]Node, 0, min(expected(src), s.most))
	s.run()
	return s.doc
}

// expected guesses the number of nodes, so that a large text does not copy them
// again and again: each but the first of a container comes after a comma. Commas in
// strings make the guess too high, so it is bounded by what typical texts hold.
func expected(src []byte) int {
	n := bytes.Count(src, []byte{','}) + bytes.Count(src, []byte{'{'}) + bytes.Count(src, []byte{'['}) + 1
	return min(n, len(src)/12+8)
}

// expects is what may come next in an object, in an array or at the top level.
type expects uint8

const (
	firstOrClose expects = iota // after an opening bracket
	commaOrClose                // after a value
	value                       // after a comma
)

// scanner walks src once. Which containers are open is told by the nodes: in, its
// Parent, and so on. So the depth of the text costs no stack.
type scanner struct {
	src []byte
	pos int
	doc Document

	most    int   // nodes to keep; those beyond are of open containers, and go with them
	in      int32 // the innermost open container; -1 at the top level
	next    expects
	depth   int
	count   []int32 // how many children each open container has
	objects int     // how many of the open containers are objects
	line    int32
	comma   int // where the last comma was

	last     Range // the value of the top level that is open, or was last
	sequence bool  // a record separator was seen
	gapped   bool  // two values of the top level were on one line
	dup      duplicates
}

func (s *scanner) run() {
	if bytes.HasPrefix(s.src, []byte("\xef\xbb\xbf")) {
		s.problem(0, "byte order mark (RFC 8259 §8.1: must not be sent)")
		s.pos = 3
	}
	for s.space(); s.pos < len(s.src); s.space() {
		switch c := s.src[s.pos]; c {
		case ',':
			s.atComma()
		case ']', '}':
			s.closing(c)
		case ':':
			s.problem(s.pos, "colon that follows no key (RFC 8259 §4)")
			s.pos++
		default:
			s.item()
		}
	}
	s.end()
}

// space skips white space and, with a problem, comments; at the top level record
// separators too.
func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case class[c]&isSpace != 0:
			s.pos++
		case c == 0x1e && s.in < 0:
			s.sequence = true
			s.pos++
		case c == '/' && s.comment():
		default:
			return
		}
	}
}

// comment skips a comment of JavaScript, which people write into JSON by hand.
func (s *scanner) comment() bool {
	rest := s.src[s.pos+1:]
	if len(rest) == 0 || rest[0] != '/' && rest[0] != '*' {
		return false
	}
	s.problem(s.pos, "comment (RFC 8259 §2: JSON has none)")
	end, mark := "\n", 0
	if rest[0] == '*' {
		end, mark = "*/", 1
	}
	if i := bytes.Index(rest[mark:], []byte(end)); i >= 0 {
		s.pos += 1 + mark + i + len(end)
	} else {
		s.pos = len(s.src)
	}
	return true
}

func (s *scanner) atComma() {
	switch {
	case s.in < 0:
		s.problem(s.pos, "comma between top-level values (RFC 8259 §2: one value makes a text)")
	case s.next != commaOrClose:
		s.problem(s.pos, "comma where a value should be (RFC 8259 §4, §5)")
	}
	s.next, s.comma = value, s.pos
	s.pos++
}

// closing closes the innermost container of that bracket, and with a problem those
// within it that are still open.
func (s *scanner) closing(c byte) {
	open := s.objects
	kind := Object
	if c == ']' {
		open, kind = s.depth-s.objects, Array
	}
	if open == 0 {
		s.problem(s.pos, "%c that closes nothing (RFC 8259 §2)", c)
		s.pos++
		return
	}
	if s.next == value {
		s.problem(s.comma, "comma before %c (RFC 8259 §4, §5)", c)
	}
	for s.doc.Nodes[s.in].Kind != kind {
		s.problem(s.pos, "%c closes an outer %v: the %v opened at offset %d is not closed", c, kind, s.doc.Nodes[s.in].Kind, s.doc.Nodes[s.in].ValueStart)
		s.leave(false)
	}
	s.pos++
	s.leave(true)
}

// leave ends the innermost container before pos.
func (s *scanner) leave(closed bool) {
	at := s.in
	n := &s.doc.Nodes[at]
	n.End, n.Next = int32(s.pos), int32(len(s.doc.Nodes))
	if !closed {
		n.flags |= unclosed
	} else if n.Next > at+1 {
		s.line++ // that of the bracket
	}
	if n.Kind == Object {
		s.objects--
		s.duplicateKeys(s.in, int(s.count[s.depth-1]))
	}
	s.depth--
	s.count = s.count[:s.depth]
	s.in = n.Parent
	s.next = commaOrClose
	if s.in < 0 {
		s.last.Len = s.pos - s.last.Off
	}
	if int(at) >= s.most {
		s.doc.Nodes = s.doc.Nodes[:at]
	}
}

// end closes what is open at the end of the bytes.
func (s *scanner) end() {
	if s.in >= 0 {
		n := s.doc.Nodes[s.in]
		s.problem(len(s.src), "the bytes end inside the %v opened at offset %d, %d deep: cut off?", n.Kind, n.ValueStart, s.depth)
	}
	for s.in >= 0 {
		s.leave(false)
	}
	s.doc.Lines = int(s.line)
	switch {
	case s.doc.Roots > 0 && s.sequence:
		s.doc.Form = Sequence
	case s.doc.Roots == 1:
		s.doc.Form = Single
	case s.doc.Roots > 1 && !s.gapped:
		s.doc.Form = Lines
	case s.doc.Roots > 1:
		s.doc.Form = Concatenated
	}
	if s.doc.Roots == 0 {
		s.problem(len(s.src), "no JSON value")
	}
}

// item reads a member of an object, or a value elsewhere.
func (s *scanner) item() {
	if s.in >= 0 && s.next == commaOrClose {
		s.problem(s.pos, "comma missing before this (RFC 8259 §4, §5)")
	}
	n := Node{Start: int32(s.pos), Parent: s.in, Line: s.line, Depth: uint16(s.depth)}
	if s.in < 0 {
		n.label = int32(s.doc.Roots)
		s.root()
	} else {
		n.label = s.count[s.depth-1]
		s.count[s.depth-1]++
	}
	if len(s.doc.Nodes) < s.most {
		s.line++
	}
	s.next = commaOrClose
	if s.in >= 0 && s.doc.Nodes[s.in].Kind == Object && !s.key(&n) {
		n.ValueStart, n.End, n.Next = int32(s.pos), int32(s.pos), int32(len(s.doc.Nodes)+1)
		s.add(n)
		return
	}
	s.value(n)
}

// root notes a value of the top level: whether a line of its own is its place.
func (s *scanner) root() {
	if last := s.doc.Roots - 1; last >= 0 && !s.gapped {
		start, end := s.last.Off, s.last.End()
		s.gapped = bytes.IndexByte(s.src[end:s.pos], '\n') < 0 || bytes.IndexByte(s.src[start:end], '\n') >= 0
	}
	s.last.Off = s.pos
	s.doc.Roots++
}

// key reads a key and its colon, and reports whether a value follows.
func (s *scanner) key(n *Node) bool {
	switch c := s.src[s.pos]; c {
	case '{', '[':
		s.problem(s.pos, "key missing (RFC 8259 §4)")
		return true
	case '"':
		s.str()
	default:
		s.word()
		s.problem(int(n.Start), "key that is no string in double quotes (RFC 8259 §4)")
	}
	n.label, n.flags = int32(s.pos), n.flags|hasKey
	end := s.pos
	s.space()
	colon := s.pos < len(s.src) && s.src[s.pos] == ':'
	if colon {
		s.pos++
		s.space()
	}
	if s.pos < len(s.src) && class[s.src[s.pos]]&isStop == 0 {
		if !colon {
			s.problem(s.pos, "colon missing after the key (RFC 8259 §4)")
		}
		return true
	}
	if s.pos < len(s.src) { // else what is said of the end is enough
		s.problem(s.pos, "value missing after the key (RFC 8259 §4)")
	}
	if !colon {
		s.pos = end // white space after the key is no part of the member
	}
	return false
}

// value reads a value, or opens it if it is an object or array.
func (s *scanner) value(n Node) {
	n.ValueStart = int32(s.pos)
	switch c := s.src[s.pos]; c {
	case '{', '[':
		if s.depth < MaxDepth {
			s.open(n, c)
			return
		}
		s.problem(s.pos, "nested more than %d deep: not opened", MaxDepth)
		s.skip()
	case '"':
		n.Kind = String
		s.str()
	default:
		n.Kind = s.scalar()
	}
	n.End, n.Next = int32(s.pos), int32(len(s.doc.Nodes)+1)
	if s.in < 0 {
		s.last.Len = s.pos - s.last.Off
	}
	s.add(n)
}

func (s *scanner) open(n Node, c byte) {
	n.Kind = Array
	if c == '{' {
		n.Kind = Object
		s.objects++
	}
	s.in = int32(len(s.doc.Nodes))
	if s.add(n); int(s.in) == len(s.doc.Nodes) {
		s.doc.Nodes = append(s.doc.Nodes, n) // for as long as it is open
	}
	s.depth++
	s.count = append(s.count, 0)
	s.next = firstOrClose
	s.pos++
}

// add appends a node, if there may be one more. Where the guess was too low, the
// room for the rest follows from what the text had so far.
func (s *scanner) add(n Node) {
	if len(s.doc.Nodes) >= s.most {
		if s.doc.Cut < 0 {
			s.doc.Cut = int(n.Start)
		}
		return
	}
	if used := len(s.doc.Nodes); used == cap(s.doc.Nodes) {
		rest := float64(len(s.src)-s.pos) * float64(used) / float64(max(s.pos, 1))
		more := int(min(rest*1.1, float64(len(s.src)-s.pos))) + 8
		s.doc.Nodes = slices.Grow(s.doc.Nodes, min(more, s.most-used))
	}
	s.doc.Nodes = append(s.doc.Nodes, n)
}

// problem formats only what is kept: bytes that are all damage stay cheap.
func (s *scanner) problem(off int, format string, args ...any) {
	if len(s.doc.Problems) < MaxProblems {
		s.doc.Problems = append(s.doc.Problems, Problem{Off: off, Text: fmt.Sprintf(format, args...)})
	} else {
		s.doc.Unkept++
	}
}

func (s *scanner) note(off int, format string, args ...any) {
	before := len(s.doc.Problems)
	if s.problem(off, format, args...); len(s.doc.Problems) > before {
		s.doc.Problems[before].Note = true
	}
}
