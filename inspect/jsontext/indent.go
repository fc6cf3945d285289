package jsontext

import (
	"sort"
)

// maxIndent is how many levels are indented. Deeper lines stand at the same column:
// spaces would outgrow the text, and no screen shows them.
const maxIndent = 100

// Part is which part of a value a line of the indented text shows.
type Part uint8

// The parts.
const (
	Whole  Part = iota // a value without children, all of it
	Opens              // the key and the opening bracket
	Closes             // the closing bracket
)

// Line is one line of the indented text.
type Line struct {
	Off   int32 // in the text it came with; 0 if it came without
	Node  int32
	Depth uint16 // of the node; Part and Depth are all that the line's indentation needs
	Part  Part
	Comma bool // a comma follows
}

// Indent returns the whole text indented by two spaces, as json.Indent does it:
// every key, number and string is copied byte for byte. Several values stand on
// lines of their own. What stands between values and is none, like a comment, is
// left out. Indentation ends at 100 levels, so the text has at most 200 bytes for
// each line more than src; for a large source, Window gives a part.
func (d *Document) Indent(src []byte) ([]byte, []Line) { return d.Window(src, 0, d.Lines) }

// Window returns lines from (counted from 0) to to-1 of the indented text, and for
// each which node it shows. Its cost is that of the lines, wherever they are. from
// and to may be beyond the text.
func (d *Document) Window(src []byte, from, to int) ([]byte, []Line) {
	lines := d.LinesOf(from, to)
	var text []byte
	for i := range lines {
		if i > 0 {
			text = append(text, '\n')
		}
		lines[i].Off = int32(min(len(text), 1<<31-1)) //nolint:gosec // bounded here
		text = d.AppendLine(text, src, lines[i])
	}
	return text, lines
}

// LinesOf is Window without the text, for a viewer that draws lines itself.
func (d *Document) LinesOf(from, to int) []Line {
	from, to = max(from, 0), min(to, d.Lines)
	if from >= to {
		return nil
	}
	lines := make([]Line, 0, to-from)
	c := d.cursor(from)
	for range to - from {
		lines = append(lines, c.line())
		c.advance()
	}
	return lines
}

// AppendLine appends a line of the indented text without its line end.
func (d *Document) AppendLine(dst, src []byte, l Line) []byte {
	n := &d.Nodes[l.Node]
	for range min(int(n.Depth), maxIndent) {
		dst = append(dst, ' ', ' ')
	}
	if key := n.Key(); key.Len > 0 && l.Part != Closes {
		dst = append(dst, src[key.Off:key.End()]...)
		dst = append(dst, ':', ' ')
	}
	dst = d.appendPart(dst, src, n, l.Part)
	if l.Comma {
		dst = append(dst, ',')
	}
	return dst
}

func (d *Document) appendPart(dst, src []byte, n *Node, part Part) []byte {
	container := n.Kind == Object || n.Kind == Array
	switch {
	case part == Closes:
		return append(dst, src[n.End-1])
	case container:
		dst = append(dst, src[n.ValueStart])
		if part == Whole && n.Closed() {
			dst = append(dst, src[n.End-1])
		}
		return dst
	}
	at := len(dst)
	dst = append(dst, src[n.ValueStart:n.End]...)
	if n.Kind == Damaged {
		for i, c := range dst[at:] {
			if c == '\n' || c == '\r' {
				dst[at+i] = ' ' // one that is nested too deep keeps its line
			}
		}
	}
	return dst
}

// LineOf returns the line of the indented text that shows the byte of the source at
// off, or -1 if no value holds it.
func (d *Document) LineOf(off int) int {
	i := d.At(off)
	if i < 0 {
		return -1
	}
	n := &d.Nodes[i]
	if d.closes(int32(i)) && off == int(n.End)-1 {
		return d.closeLine(int32(i))
	}
	return int(n.Line)
}

// Offset returns the byte of the source that column col of a line shows, counted in
// bytes: that of the key or the value, or the nearest of the two.
func (d *Document) Offset(l Line, col int) int {
	n := &d.Nodes[l.Node]
	if l.Part == Closes {
		return int(n.End) - 1
	}
	col -= 2 * min(int(n.Depth), maxIndent)
	if key := n.Key(); key.Len > 0 {
		if col < key.Len {
			return key.Off + max(col, 0)
		}
		col -= key.Len + len(": ")
	}
	last := int(n.End) - 1
	if l.Part == Opens {
		last = int(n.ValueStart)
	}
	return max(min(int(n.ValueStart)+max(col, 0), last), int(n.Start))
}

// Column returns where in a line the byte of the source at off stands, counted in
// bytes: the inverse of Offset. Of what the line does not show, the nearest.
func (d *Document) Column(l Line, off int) int {
	n := &d.Nodes[l.Node]
	col := 2 * min(int(n.Depth), maxIndent)
	if l.Part == Closes {
		return col
	}
	if key := n.Key(); key.Len > 0 {
		if off < key.End() {
			return col + max(off-key.Off, 0)
		}
		col += key.Len + len(": ")
	}
	if l.Part == Opens {
		return col
	}
	return col + max(min(off, int(n.End)-1)-int(n.ValueStart), 0)
}

// closes reports whether a node has a line for its closing bracket.
func (d *Document) closes(i int32) bool {
	n := &d.Nodes[i]
	return (n.Kind == Object || n.Kind == Array) && n.Closed() && n.Next > i+1
}

// closeLine is the line before that of the next node, as far out as nothing else
// closes between them.
func (d *Document) closeLine(i int32) int {
	after := 0 // lines for brackets further out
	next := d.Nodes[i].Next
	for p := d.Nodes[i].Parent; p >= 0 && d.Nodes[p].Next == next; p = d.Nodes[p].Parent {
		if d.closes(p) {
			after++
		}
	}
	end := d.Lines
	if int(next) < len(d.Nodes) {
		end = int(d.Nodes[next].Line)
	}
	return end - after - 1
}

// cursor walks the lines of the indented text.
type cursor struct {
	d      *Document
	node   int32
	closes bool // at the line of its closing bracket
}

// cursor finds a line by a binary search over the nodes, which are in the order of
// their lines.
func (d *Document) cursor(line int) cursor {
	i := sort.Search(len(d.Nodes), func(i int) bool { return int(d.Nodes[i].Line) > line }) - 1
	c := cursor{d: d, node: int32(i)} //nolint:gosec // an index of Nodes
	for skip := line - int(d.Nodes[i].Line); skip > 0; skip-- {
		c.advance() // over the closing brackets between this node and the next
	}
	return c
}

func (c *cursor) line() Line {
	n := &c.d.Nodes[c.node]
	l := Line{Node: c.node, Depth: n.Depth}
	switch {
	case c.closes:
		l.Part = Closes
	case n.Next > c.node+1:
		l.Part = Opens
		return l
	}
	if n.Parent >= 0 {
		l.Comma = n.Next < c.d.Nodes[n.Parent].Next
	}
	return l
}

// advance goes to the next line. At the last it stays.
func (c *cursor) advance() {
	nodes := c.d.Nodes
	i := c.node
	if next := i + 1; !c.closes && nodes[i].Next > next {
		c.node = next
		return
	}
	next := nodes[i].Next
	for p := nodes[i].Parent; p >= 0 && nodes[p].Next == next; p = nodes[p].Parent {
		if c.d.closes(p) {
			c.node, c.closes = p, true
			return
		}
	}
	if int(next) < len(nodes) {
		c.node, c.closes = next, false
	}
}
