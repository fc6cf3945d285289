package pb

import "sync"

// nodeArena hands out the nodes of one tree. Nodes of a message that is still
// open wait on a stack; when it ends they move, as one run, into a slab. So a
// tree takes a few large allocations instead of several for each message.
type nodeArena struct {
	stack []Node
	high  int    // most nodes that were on the stack
	slab  []Node // nodes that are still free
	next  int    // size of the next slab
}

const (
	minSlab      = 8
	maxSlab      = 1024
	maxKeptStack = 4096
)

// take moves the nodes from base up off the stack and returns them, without
// room to grow.
func (a *nodeArena) take(base int) []Node {
	n := len(a.stack) - base
	if n == 0 {
		return nil
	}
	a.high = max(a.high, len(a.stack))
	if base == 0 && n > maxKeptStack {
		// The stack has become the list itself: a copy would double the memory.
		nodes := a.stack[:n:n]
		a.stack, a.high = nil, 0
		return nodes
	}
	nodes := a.alloc(n)
	copy(nodes, a.stack[base:])
	a.stack = a.stack[:base]
	return nodes
}

// alloc returns n nodes which are not used elsewhere.
func (a *nodeArena) alloc(n int) []Node {
	if n > len(a.slab) {
		if n >= a.next/4 && n > minSlab {
			return make([]Node, n)
		}
		a.next = min(2*max(a.next, minSlab/2), maxSlab)
		a.slab = make([]Node, max(a.next, n))
	}
	nodes := a.slab[:n:n]
	a.slab = a.slab[n:]
	return nodes
}

// expect makes the arena ready for a tree of about n nodes.
func (a *nodeArena) expect(n int) { a.next = min(max(n, minSlab), maxSlab) / 2 }

// release lets go of everything that belongs to a tree.
func (a *nodeArena) release() {
	if cap(a.stack) > maxKeptStack {
		a.stack = nil
	} else {
		clear(a.stack[:a.high])
		a.stack = a.stack[:0]
	}
	a.slab, a.high = nil, 0
}

// decoders keeps decoders between calls for their stack and their tables.
var decoders = sync.Pool{New: func() any { return new(fieldDecoder) }}
