package pb

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// nodeBudget is how many nodes of a tree may still be made.
type nodeBudget struct{ most, left int }

// spend takes one node, and reports whether there was one left.
func (b *nodeBudget) spend() bool {
	if b.left <= 0 {
		return false
	}
	b.left--
	return true
}

// problem words what is left out: size bytes.
func (b *nodeBudget) problem(size int) string {
	return fmt.Sprintf("more than %d fields: the last %s are not laid out", b.most, plural(size, "byte"))
}

// rest puts one node on the stack for what the budget leaves of a message, or of
// the group with that number, and returns where the group's end tag is, or -1.
// Such bytes are not damaged: nobody looked.
func (d *fieldDecoder) rest(at span, t *fieldTable, group protowire.Number) (end int) {
	end = -1
	if group != 0 {
		if end, _ = skipGroup(d.src, at, group); end >= 0 {
			at.end = end
		}
	}
	if at.off < at.end {
		d.stack = append(d.stack, d.restNode(at, t != nil))
	}
	return end
}

func (d *fieldDecoder) restNode(at span, schema bool) Node {
	return Node{
		Kind: GapNode, Range: at.rng(), Value: at.rng(), Problem: d.problem(at.end - at.off),
		schema: schema, cut: true,
	}
}

// NotLaidOut reports whether the node stands for bytes that were not decoded
// because the payload has more than MaxNodes fields: a gap, but no damage. A
// field whose value was not decoded for that reason is one, too.
func (n Node) NotLaidOut() bool { return n.cut }

// LaidOut reports whether nodes, which Fields gave, leave out nothing because
// there was too much.
func LaidOut(nodes []Node) bool {
	for i := range nodes {
		if nodes[i].cut || !LaidOut(nodes[i].Children) {
			return false
		}
	}
	return true
}
