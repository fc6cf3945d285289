package pb

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// value decodes the value of n, which starts at.off. f is the field of n.Field;
// both are nil without one.
func (d *fieldDecoder) value(n *Node, f *tableField, at span, depth int) {
	switch n.Wire {
	case Varint:
		d.varint(n, at)
	case Fixed32:
		n.fixed(at, 4)
	case Fixed64:
		n.fixed(at, 8)
	case Bytes:
		d.bytes(n, f, at, depth)
	default:
		d.group(n, f, at, depth)
	}
}

func (d *fieldDecoder) varint(n *Node, at span) {
	var v uint64
	l := 1
	if at.off < at.end && d.src[at.off] < 0x80 {
		v = uint64(d.src[at.off])
	} else if v, l = protowire.ConsumeVarint(d.src[at.off:at.end]); l < 0 {
		n.gap(at, "value: "+varintProblem(l))
		return
	} else {
		n.note(longVarint("value", v, l))
	}
	// Every type but bool has room for a single byte.
	if n.Field != nil && v > 1 {
		n.note(tooWide(n.Field.Kind(), v))
	}
	n.ends(span{at.off, at.off + l})
}

func (n *Node) fixed(at span, size int) {
	if at.end-at.off < size {
		n.gap(at, fmt.Sprintf("%s value needs %d bytes, %d remain", n.Wire, size, at.end-at.off))
		return
	}
	n.ends(span{at.off, at.off + size})
}

func (d *fieldDecoder) bytes(n *Node, f *tableField, at span, depth int) {
	size, l := protowire.ConsumeVarint(d.src[at.off:at.end])
	if l < 0 {
		n.gap(at, "length: "+varintProblem(l))
		return
	}
	if l > 1 {
		n.note(longVarint("length", size, l))
	}
	at.off += l
	if size > uint64(at.end-at.off) {
		n.gap(at, fmt.Sprintf("declares %d bytes, %d remain", size, at.end-at.off))
		return
	}
	at.end = at.off + int(size)
	n.ends(at)
	switch {
	case f == nil:
		d.guess(n, at, depth)
	case f.message != nil:
		d.descend(n, at, d.sub(f), depth)
	case f.packable:
		d.packed(n, f, at)
	case f.text && !utf8.Valid(d.src[at.off:at.end]):
		n.note("not valid UTF-8")
	}
}

// descend decodes a message value.
func (d *fieldDecoder) descend(n *Node, at span, t *fieldTable, depth int) {
	if depth+1 >= maxShownDepth {
		n.note(tooDeep)
		return
	}
	if d.left <= 0 && at.off < at.end {
		n.cut = true
		n.note(d.problem(at.end - at.off))
		return
	}
	if t != nil {
		n.Message = t.md
	}
	n.Children, _, _ = d.message(at, t, 0, depth+1)
}

var tooDeep = fmt.Sprintf("nested deeper than %d levels: not decoded further", maxShownDepth)

// guess decodes a value without a schema: printable text stays text, and what
// parses wholly as a message is one.
func (d *fieldDecoder) guess(n *Node, at span, depth int) {
	switch shape := guessShape(d.src[at.off:at.end], depth); shape {
	case looksDeep:
		n.note(tooDeep)
	case looksMessage:
		n.Children, _, _ = d.message(at, nil, 0, depth+1)
	}
}

func (d *fieldDecoder) group(n *Node, f *tableField, at span, depth int) {
	if depth+1 >= maxShownDepth {
		d.skippedGroup(n, at)
		return
	}
	var t *fieldTable
	if f != nil {
		if t = d.sub(f); t != nil {
			n.Message = t.md
		}
	}
	children, end, clean := d.message(at, t, n.Number, depth+1)
	n.Children, n.broken = children, !clean
	if end < 0 {
		n.ends(at)
		n.broken = true
		n.note(fmt.Sprintf("group %d has no end", n.Number))
		return
	}
	_, _, tagLen := protowire.ConsumeTag(d.src[end:at.end])
	n.Value = Range{at.off, end - at.off}
	n.Range.Len = end + tagLen - n.Range.Off
}

// skippedGroup finds the end of a group that lies too deep to be decoded.
func (d *fieldDecoder) skippedGroup(n *Node, at span) {
	n.note(tooDeep)
	end, next := skipGroup(d.src, at, n.Number)
	if next < 0 {
		n.ends(at)
		n.broken = true
		n.note(fmt.Sprintf("group %d has no end", n.Number))
		return
	}
	n.Value = Range{at.off, end - at.off}
	n.Range.Len = next - n.Range.Off
}

// packed decodes the elements of a packed repeated field.
func (d *fieldDecoder) packed(n *Node, f *tableField, at span) {
	count := packedCount(d.src[at.off:at.end], f.wire)
	n.Children = d.alloc(min(count, max(d.left, 0)+1)) // one more for what is left out
	i := 0
	for pos := at.off; pos < at.end; i++ {
		e := &n.Children[i]
		if !d.spend() {
			*e = d.restNode(span{pos, at.end}, true)
			i++
			break
		}
		*e = Node{Number: n.Number, Wire: f.wire, Kind: ElementNode, Field: n.Field, schema: true}
		e.Range.Off = pos
		d.value(e, f, span{pos, at.end}, maxShownDepth)
		pos = e.Range.End()
	}
	n.Children = n.Children[:i:i] // a broken element takes the rest
}

// packedCount returns how many elements the bytes hold.
func packedCount(b []byte, wire Wire) int {
	switch wire {
	case Fixed32:
		return (len(b) + 3) / 4
	case Fixed64:
		return (len(b) + 7) / 8
	}
	n := 0
	for _, c := range b {
		n += int(^c >> 7)
	}
	if len(b) > 0 && b[len(b)-1] >= 0x80 {
		n++ // the last one is cut off
	}
	return n
}

// expandAny decodes the value of a google.protobuf.Any whose type is known; of
// another it is decoded like a field without a schema.
func (d *fieldDecoder) expandAny(nodes []Node, depth int) {
	var url []byte
	for i := range nodes {
		if n := &nodes[i]; n.Field != nil && n.Number == 1 && n.Kind == FieldNode {
			url = d.src[n.Value.Off:n.Value.End()]
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if n.Field == nil || n.Number != 2 || n.Kind != FieldNode {
			continue
		}
		at := span{n.Value.Off, n.Value.End()}
		if t := d.url(url); t != nil {
			d.descend(n, at, t, depth)
		} else if len(url) > 0 {
			d.guess(n, at, depth)
			n.note(fmt.Sprintf("type %q is not in the schema", cutText(string(url))))
		}
	}
}

// cutText bounds what a problem quotes from a payload.
func cutText(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	cut := maxQuoted
	for cut > maxQuoted-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

const maxQuoted = 256

// expandSet decodes the items of a MessageSet, whose content is the extension
// that the item names. The item and its content get the extension as Field.
func (d *fieldDecoder) expandSet(nodes []Node, t *fieldTable, depth int) {
	for i := range nodes {
		item := &nodes[i]
		if item.Number != 1 || item.Wire != StartGroup || item.Kind != FieldNode || item.Field != nil {
			continue
		}
		id := setItemID(item.Children, d.src)
		if id == 0 {
			continue
		}
		fd := lookupField(t.md, id, d.types)
		if fd == nil || fd.Message() == nil {
			continue
		}
		item.Field = fd
		for j := range item.Children {
			if n := &item.Children[j]; isSetContent(n) {
				n.Field, n.Children = fd, nil
				d.descend(n, span{n.Value.Off, n.Value.End()}, d.tables.message(fd.Message()), depth+1)
			}
		}
	}
}

// setItemID returns the extension number that a MessageSet item names, or 0.
func setItemID(children []Node, src []byte) protowire.Number {
	id := protowire.Number(0)
	for i := range children {
		n := &children[i]
		if n.Number != 2 || n.Wire != Varint || n.Kind != FieldNode {
			continue
		}
		if v, _ := protowire.ConsumeVarint(src[n.Value.Off:n.Value.End()]); v <= uint64(1<<31-1) {
			id = protowire.Number(v)
		}
	}
	return id
}

func isSetContent(n *Node) bool { return n.Number == 3 && n.Wire == Bytes && n.Kind == FieldNode }
