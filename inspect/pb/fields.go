package pb

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxShownDepth bounds how deep Fields descends. It keeps the tree of a hostile
// payload small; a deeper message stays one node with a Problem.
const maxShownDepth = 100

// Fields decodes payload as a message of type md, or without a schema when md is
// nil or a placeholder. The nodes tile the payload exactly, the children of a
// message or packed node tile its Value. types may be nil. Time and memory are
// linear in the payload.
func Fields(payload []byte, md protoreflect.MessageDescriptor, types Types) []Node {
	d := fieldDecoder{src: payload, types: types}
	nodes, _, _ := d.message(span{0, len(payload)}, known(md), 0, 0)
	return nodes
}

// known gives nil for a descriptor that has nothing to say: a placeholder stands
// for a type whose file is missing, so its bytes are decoded without a schema.
func known(md protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	if md == nil || md.IsPlaceholder() {
		return nil
	}
	return md
}

type span struct{ off, end int }

func (s span) rng() Range { return Range{s.off, s.end - s.off} }

type fieldDecoder struct {
	src   []byte
	types Types
}

// message decodes the fields in at. Within a group, group is its number and end
// is the offset of its end tag, or -1 when the group is not closed. clean is
// false when some bytes in at, or in a group there, are not fields.
func (d *fieldDecoder) message(at span, md protoreflect.MessageDescriptor, group protowire.Number, depth int) (nodes []Node, end int, clean bool) {
	clean = true
	pos := at.off
	for pos < at.end {
		n, tagLen := d.tag(span{pos, at.end}, md)
		if tagLen > 0 && n.Wire == EndGroup {
			if group != 0 && n.Number == group {
				d.expandAny(nodes, md, depth)
				return nodes, pos, clean
			}
			n = d.strayEnd(n, group, tagLen)
		} else if tagLen > 0 {
			n = d.value(n, span{pos + tagLen, at.end}, depth)
		}
		clean = clean && !n.broken
		nodes = append(nodes, n)
		pos = n.Range.End()
	}
	d.expandAny(nodes, md, depth)
	return nodes, -1, clean
}

// tag reads the tag at the start of at and finds its field. Without a readable
// tag the length is 0 and the node is a gap over the rest.
func (d *fieldDecoder) tag(at span, md protoreflect.MessageDescriptor) (Node, int) {
	v, n := protowire.ConsumeVarint(d.src[at.off:at.end])
	node := Node{Range: at.rng(), Value: at.rng(), Kind: GapNode, schema: md != nil, broken: true}
	if n < 0 {
		node.Problem = "field tag: " + varintProblem(n)
		return node, 0
	}
	num, wire := v>>3, Wire(v&7)
	node.Wire = wire
	switch {
	case num == 0:
		node.Problem = "field number 0 is not allowed"
		return node, 0
	case num > uint64(protowire.MaxValidNumber):
		node.Problem = fmt.Sprintf("field number %d is above the largest, %d", num, protowire.MaxValidNumber)
		return node, 0
	}
	node.Number = protowire.Number(num)
	if wire > Fixed32 {
		node.Problem = fmt.Sprintf("field %d has wire type %d, which does not exist", num, wire)
		return node, 0
	}
	node.Kind, node.broken = FieldNode, false
	node.Range = Range{at.off, n}
	node.Problem = longVarint("tag", v, n)
	if md != nil && wire != EndGroup {
		d.findField(&node, md)
	}
	return node, n
}

// findField sets the node's field, unless its wire type does not fit: then
// parsers treat it as an unknown field, and so does the node.
func (d *fieldDecoder) findField(n *Node, md protoreflect.MessageDescriptor) {
	fd := lookupField(md, n.Number, d.types)
	if fd == nil {
		return
	}
	if n.Wire == wireOf(fd.Kind()) || n.Wire == Bytes && packable(fd) {
		n.Field = fd
		return
	}
	n.note(fmt.Sprintf("%s is a %s: wire type %s does not fit", fd.Name(), fd.Kind(), n.Wire))
}

func lookupField(md protoreflect.MessageDescriptor, num protowire.Number, types Types) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByNumber(num); fd != nil {
		return fd
	}
	if types == nil || !md.ExtensionRanges().Has(num) {
		return nil
	}
	xt, err := types.FindExtensionByNumber(md.FullName(), num)
	if err != nil || xt == nil {
		return nil
	}
	return xt.TypeDescriptor()
}

// note adds a problem to those already there.
func (n *Node) note(problem string) {
	switch {
	case problem == "":
	case n.Problem == "":
		n.Problem = problem
	default:
		n.Problem += "; " + problem
	}
}

// gap turns the node into a gap over all of at, keeping what its tag said.
func (n Node) gap(at span, problem string) Node {
	n.Kind, n.Children, n.Message, n.broken = GapNode, nil, nil, true
	n.Range = Range{n.Range.Off, at.end - n.Range.Off}
	n.Value = Range{at.off, at.end - at.off}
	n.note(problem)
	return n
}

func (d *fieldDecoder) strayEnd(n Node, group protowire.Number, tagLen int) Node {
	at := span{n.Range.Off + tagLen, n.Range.Off + tagLen}
	if group == 0 {
		return n.gap(at, fmt.Sprintf("end of group %d without its start", n.Number))
	}
	return n.gap(at, fmt.Sprintf("end of group %d inside group %d", n.Number, group))
}

// value decodes the value of n, which starts at.off.
func (d *fieldDecoder) value(n Node, at span, depth int) Node {
	switch n.Wire {
	case Varint:
		return d.varint(n, at)
	case Fixed32:
		return fixed(n, at, 4)
	case Fixed64:
		return fixed(n, at, 8)
	case Bytes:
		return d.bytes(n, at, depth)
	default:
		return d.group(n, at, depth)
	}
}

func (d *fieldDecoder) varint(n Node, at span) Node {
	v, l := protowire.ConsumeVarint(d.src[at.off:at.end])
	if l < 0 {
		return n.gap(at, "value: "+varintProblem(l))
	}
	n.note(longVarint("value", v, l))
	if n.Field != nil {
		n.note(tooWide(n.Field.Kind(), v))
	}
	return n.ends(span{at.off, at.off + l})
}

// ends sets where the value is and with it the whole field.
func (n Node) ends(value span) Node {
	n.Value = value.rng()
	n.Range.Len = value.end - n.Range.Off
	return n
}

func fixed(n Node, at span, size int) Node {
	if at.end-at.off < size {
		return n.gap(at, fmt.Sprintf("%s value needs %d bytes, %d remain", n.Wire, size, at.end-at.off))
	}
	return n.ends(span{at.off, at.off + size})
}

func (d *fieldDecoder) bytes(n Node, at span, depth int) Node {
	size, l := protowire.ConsumeVarint(d.src[at.off:at.end])
	if l < 0 {
		return n.gap(at, "length: "+varintProblem(l))
	}
	n.note(longVarint("length", size, l))
	at.off += l
	if size > uint64(at.end-at.off) {
		return n.gap(at, fmt.Sprintf("declares %d bytes, %d remain", size, at.end-at.off))
	}
	at.end = at.off + int(size)
	n = n.ends(at)
	switch {
	case n.Field == nil:
		d.guess(&n, at, depth)
	case n.Field.Message() != nil:
		d.descend(&n, at, n.Field.Message(), depth)
	case packable(n.Field):
		d.packed(&n, at)
	case n.Field.Kind() == protoreflect.StringKind && !utf8.Valid(d.src[at.off:at.end]):
		n.note("not valid UTF-8")
	}
	return n
}

// descend decodes a message value.
func (d *fieldDecoder) descend(n *Node, at span, md protoreflect.MessageDescriptor, depth int) {
	if depth+1 >= maxShownDepth {
		n.note(tooDeep)
		return
	}
	n.Message = known(md)
	n.Children, _, _ = d.message(at, n.Message, 0, depth+1)
}

var tooDeep = fmt.Sprintf("nested deeper than %d levels: not decoded further", maxShownDepth)

// guess decodes a value without a schema: printable text stays text, and what
// parses wholly as a message is one.
func (d *fieldDecoder) guess(n *Node, at span, depth int) {
	if at.off == at.end || printable(d.src[at.off:at.end]) {
		return
	}
	if depth+1 >= maxShownDepth {
		n.note(tooDeep)
		return
	}
	if children, _, clean := d.message(at, nil, 0, depth+1); clean {
		n.Children = children
	}
}

func (d *fieldDecoder) group(n Node, at span, depth int) Node {
	if depth+1 >= maxShownDepth {
		return d.skippedGroup(n, at)
	}
	if n.Field != nil {
		n.Message = known(n.Field.Message())
	}
	children, end, clean := d.message(at, n.Message, n.Number, depth+1)
	n.Children, n.broken = children, !clean
	if end < 0 {
		n = n.ends(at)
		n.broken = true
		n.note(fmt.Sprintf("group %d has no end", n.Number))
		return n
	}
	_, _, tagLen := protowire.ConsumeTag(d.src[end:at.end])
	n.Value = Range{at.off, end - at.off}
	n.Range.Len = end + tagLen - n.Range.Off
	return n
}

// skippedGroup finds the end of a group that lies too deep to be decoded.
func (d *fieldDecoder) skippedGroup(n Node, at span) Node {
	n.note(tooDeep)
	end, next := skipGroup(d.src, at, n.Number)
	if next < 0 {
		n = n.ends(at)
		n.broken = true
		n.note(fmt.Sprintf("group %d has no end", n.Number))
		return n
	}
	n.Value = Range{at.off, end - at.off}
	n.Range.Len = next - n.Range.Off
	return n
}

// skipGroup returns the offset of the tag that ends the group num and the offset
// after it, or -1, -1. It keeps its own stack: groups can nest as deep as the
// payload is long.
func skipGroup(src []byte, at span, num protowire.Number) (end, next int) {
	open := []protowire.Number{num}
	for pos := at.off; pos < at.end; {
		num, typ, n := protowire.ConsumeTag(src[pos:at.end])
		if n < 0 {
			return -1, -1
		}
		start := pos
		pos += n
		switch typ {
		case protowire.StartGroupType:
			open = append(open, num)
		case protowire.EndGroupType:
			if open[len(open)-1] != num {
				return -1, -1
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return start, pos
			}
		default:
			if n = protowire.ConsumeFieldValue(num, typ, src[pos:at.end]); n < 0 {
				return -1, -1
			}
			pos += n
		}
	}
	return -1, -1
}

// packed decodes the elements of a packed repeated field.
func (d *fieldDecoder) packed(n *Node, at span) {
	wire := wireOf(n.Field.Kind())
	elem := Node{Number: n.Number, Wire: wire, Kind: ElementNode, Field: n.Field, schema: true}
	n.Children = make([]Node, 0, packedCount(d.src[at.off:at.end], wire))
	for pos := at.off; pos < at.end; {
		e := elem
		e.Range.Off = pos
		e = d.value(e, span{pos, at.end}, maxShownDepth)
		n.Children = append(n.Children, e)
		pos = e.Range.End()
	}
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
	return n
}

// expandAny decodes the value of a google.protobuf.Any whose type is known; of
// another it is decoded like a field without a schema.
func (d *fieldDecoder) expandAny(nodes []Node, md protoreflect.MessageDescriptor, depth int) {
	if md == nil || md.FullName() != "google.protobuf.Any" {
		return
	}
	url := ""
	for i := range nodes {
		if n := &nodes[i]; n.Field != nil && n.Number == 1 && n.Wire == Bytes {
			url = string(d.src[n.Value.Off:n.Value.End()])
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if n.Field == nil || n.Number != 2 || n.Wire != Bytes {
			continue
		}
		at := span{n.Value.Off, n.Value.End()}
		if mt := d.findMessage(url); mt != nil {
			d.descend(n, at, mt, depth)
		} else if url != "" {
			d.guess(n, at, depth)
			n.note(fmt.Sprintf("type %q is not in the schema", url))
		}
	}
}

func (d *fieldDecoder) findMessage(url string) protoreflect.MessageDescriptor {
	if url == "" || d.types == nil {
		return nil
	}
	mt, err := d.types.FindMessageByURL(url)
	if err != nil || mt == nil {
		return nil
	}
	return mt.Descriptor()
}
