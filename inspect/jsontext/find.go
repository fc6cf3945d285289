package jsontext

import (
	"bytes"
	"slices"
	"sort"
	"strconv"
)

// At returns the index of the innermost node that holds the byte of the source at
// off; -1 if none does, as for white space between top-level values.
func (d *Document) At(off int) int {
	i := sort.Search(len(d.Nodes), func(i int) bool { return int(d.Nodes[i].Start) > off }) - 1
	for i >= 0 && off >= int(d.Nodes[i].End) {
		i = int(d.Nodes[i].Parent)
	}
	return i
}

// Find returns the first place at or after from where text stands in a key or in a
// value that is no object or array, and the node of it. Bytes are compared as they
// are, escapes included. Both are -1 if there is none.
func (d *Document) Find(src, text []byte, from int) (node, off int) {
	for from = max(from, 0); from <= len(src) && len(text) > 0; from++ {
		i := bytes.Index(src[from:], text)
		if i < 0 {
			break
		}
		from += i
		if n := d.At(from); n >= 0 && d.holds(n, Range{from, len(text)}) {
			return n, from
		}
	}
	return -1, -1
}

// holds reports whether r lies in the key or in the value of a node.
func (d *Document) holds(node int, r Range) bool {
	n := &d.Nodes[node]
	if r.End() <= n.Key().End() {
		return true
	}
	return n.Kind != Object && n.Kind != Array && r.Off >= int(n.ValueStart) && r.End() <= int(n.End)
}

// Path returns how to get to a node from the top: address.city, tags[2] or
// ["odd key"]. Where the top level has several values it begins with #, and which
// of them, counted from 0. The path of a single value is empty.
func (d *Document) Path(src []byte, node int) string {
	var up []int32
	for i := int32(node); i >= 0; i = d.Nodes[i].Parent { //nolint:gosec // an index of Nodes
		up = append(up, i)
	}
	var path []byte
	for _, i := range slices.Backward(up) {
		n := &d.Nodes[i]
		switch key := n.Key(); {
		case n.Parent < 0 && d.Roots > 1:
			path = strconv.AppendInt(append(path, '#'), int64(n.Index()), 10)
		case n.Parent < 0:
		case n.flags&hasKey != 0:
			path = appendKey(path, src[key.Off:key.End()])
		default:
			path = strconv.AppendInt(append(path, '['), int64(n.Index()), 10)
			path = append(path, ']')
		}
	}
	return string(path)
}

// appendKey appends .key, or the key as it stands in the source in brackets.
func appendKey(path, key []byte) []byte {
	if name, ok := plain(key); ok {
		if len(path) > 0 {
			path = append(path, '.')
		}
		return append(path, name...)
	}
	return append(append(append(path, '['), key...), ']')
}

// plain takes the quotes off a key that is an identifier.
func plain(key []byte) ([]byte, bool) {
	if len(key) < 3 || key[0] != '"' || key[len(key)-1] != '"' {
		return nil, false
	}
	name := key[1 : len(key)-1]
	for i, c := range name {
		letter := c == '_' || c == '$' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || class[c]&isDigit == 0) {
			return nil, false
		}
	}
	return name, true
}
