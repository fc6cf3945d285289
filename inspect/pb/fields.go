package pb

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxShownDepth bounds how deep Fields descends. It keeps the tree of a hostile
// payload small; a deeper message stays one node with a Problem.
const maxShownDepth = 100

// MaxNodes is how many nodes Fields makes of one payload, give or take one for
// each level of nesting. A field can be two bytes and a packed element one, where
// a Node is above a hundred: a payload of many megabytes would fill the memory.
const MaxNodes = 1 << 18

// Fields decodes payload as a message of type md, or without a schema when md is
// nil or a placeholder. The nodes tile the payload exactly, the children of a
// message or packed node tile its Value. types may be nil. Time is linear in the
// payload, and so is memory up to MaxNodes: what follows them in each message
// that is open then becomes one node that is NotLaidOut.
func Fields(payload []byte, md protoreflect.MessageDescriptor, types Types) []Node {
	return fieldsUpTo(MaxNodes, payload, md, types)
}

func fieldsUpTo(most int, payload []byte, md protoreflect.MessageDescriptor, types Types) []Node {
	d := newFieldDecoder(payload, md, types)
	d.most, d.left = most, most
	defer d.release()
	nodes, _, _ := d.message(span{0, len(payload)}, d.root, 0, 0)
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

// fieldDecoder makes the nodes of one payload.
type fieldDecoder struct {
	src  []byte
	root *fieldTable // of the last call, too: the next message is likely of the same type
	tables
	nodeArena
	nodeBudget
}

func newFieldDecoder(payload []byte, md protoreflect.MessageDescriptor, types Types) *fieldDecoder {
	d := decoders.Get().(*fieldDecoder)
	d.src = payload
	d.reset(types)
	if d.root == nil || d.root.md != md {
		d.root = d.tables.message(md)
	}
	d.expect(len(payload) / 8)
	return d
}

// release gives the decoder back. It keeps nothing of the payload or its tree.
func (d *fieldDecoder) release() {
	d.nodeArena.release()
	d.src = nil
	d.reset(nil)
	decoders.Put(d)
}

// message decodes the fields in at. Within a group, group is its number and end
// is the offset of its end tag, or -1 when the group is not closed. clean is
// false when some bytes in at, or in a group there, are not fields.
func (d *fieldDecoder) message(at span, t *fieldTable, group protowire.Number, depth int) (nodes []Node, end int, clean bool) {
	base := len(d.stack)
	end, clean = -1, true
	for pos := at.off; pos < at.end; {
		if !d.spend() {
			end = d.rest(span{pos, at.end}, t, group)
			break
		}
		n := Node{Kind: GapNode, schema: t != nil, broken: true}
		f, tagLen := d.tag(&n, span{pos, at.end}, t)
		if tagLen > 0 && n.Wire == EndGroup {
			if group != 0 && n.Number == group {
				end = pos
				break
			}
			n.strayEnd(group, tagLen)
		} else if tagLen > 0 {
			d.value(&n, f, span{pos + tagLen, at.end}, depth)
		}
		clean = clean && !n.broken
		d.stack = append(d.stack, n)
		pos = n.Range.End()
	}
	nodes = d.take(base)
	if t != nil && t.any {
		d.expandAny(nodes, depth)
	}
	if t != nil && t.set {
		d.expandSet(nodes, t, depth)
	}
	return nodes, end, clean
}

// tag reads the tag at the start of at into n and finds its field. Without a
// readable tag the length is 0 and the node is a gap over the rest.
func (d *fieldDecoder) tag(n *Node, at span, t *fieldTable) (*tableField, int) {
	v, l := uint64(d.src[at.off]), 1
	if v >= 0x80 {
		v, l = protowire.ConsumeVarint(d.src[at.off:at.end])
	}
	n.Range, n.Value = at.rng(), at.rng()
	if l < 0 {
		n.Problem = "field tag: " + varintProblem(l)
		return nil, 0
	}
	num, wire := v>>3, Wire(v&7)
	n.Wire = wire
	if n.Problem = tagProblem(num, wire); n.Problem != "" {
		if num != 0 && num <= uint64(protowire.MaxValidNumber) {
			n.Number = protowire.Number(num)
		}
		return nil, 0
	}
	n.Number = protowire.Number(num)
	n.Kind, n.broken = FieldNode, false
	n.Range.Len = l
	if l > 1 {
		n.Problem = longVarint("tag", v, l)
	}
	if t != nil && wire != EndGroup {
		return d.findField(n, t), l
	}
	return nil, l
}

// tagProblem says why a tag is not one.
func tagProblem(num uint64, wire Wire) string {
	switch {
	case num == 0:
		return "field number 0 is not allowed"
	case num > uint64(protowire.MaxValidNumber):
		return fmt.Sprintf("field number %d is above the largest, %d", num, protowire.MaxValidNumber)
	case wire > Fixed32:
		return fmt.Sprintf("field %d has wire type %d, which does not exist", num, wire)
	}
	return ""
}

// findField sets the node's field, unless its wire type does not fit: then
// parsers treat it as an unknown field, and so does the node.
func (d *fieldDecoder) findField(n *Node, t *fieldTable) *tableField {
	f := d.field(t, n.Number)
	if f == nil {
		return nil
	}
	if f.fits(n.Wire) {
		n.Field = f.fd
		return f
	}
	n.note(fmt.Sprintf("%s is a %s: wire type %s does not fit", f.fd.Name(), f.fd.Kind(), n.Wire))
	return nil
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
func (n *Node) gap(at span, problem string) {
	n.Kind, n.Children, n.Message, n.broken = GapNode, nil, nil, true
	n.Range.Len = at.end - n.Range.Off
	n.Value = at.rng()
	n.note(problem)
}

// ends sets where the value is and with it the whole field.
func (n *Node) ends(value span) {
	n.Value = value.rng()
	n.Range.Len = value.end - n.Range.Off
}

func (n *Node) strayEnd(group protowire.Number, tagLen int) {
	at := span{n.Range.Off + tagLen, n.Range.Off + tagLen}
	if group == 0 {
		n.gap(at, fmt.Sprintf("end of group %d without its start", n.Number))
		return
	}
	n.gap(at, fmt.Sprintf("end of group %d inside group %d", n.Number, group))
}
