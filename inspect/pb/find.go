package pb

import "sort"

// NodeAt returns the nodes at byte off, outermost first.
func NodeAt(nodes []Node, off int) []*Node {
	var path []*Node
	for {
		// Siblings are in payload order and do not overlap.
		i := sort.Search(len(nodes), func(i int) bool { return nodes[i].Range.End() > off })
		if i == len(nodes) || off < nodes[i].Range.Off {
			return path
		}
		path = append(path, &nodes[i])
		nodes = nodes[i].Children
	}
}

// LinkAt returns the index of the innermost link at JSON offset off. Of links
// that share a JSON range it is the first.
func LinkAt(links []Link, off int) (int, bool) {
	// Links are sorted by offset, outer first, and nest: of those which hold
	// off, the last is the innermost.
	i := sort.Search(len(links), func(i int) bool { return links[i].JSON.Off > off }) - 1
	for ; i >= 0 && links[i].JSON.End() <= off; i-- {
	}
	if i < 0 {
		return 0, false
	}
	for i > 0 && links[i-1].JSON == links[i].JSON {
		i--
	}
	return i, true
}

// LinksFor returns the indices of the links with exactly the wire range r, outer
// JSON before inner.
func LinksFor(links []Link, r Range) []int {
	var found []int
	for i := range links {
		if links[i].Wire == r && r.Len > 0 {
			found = append(found, i)
		}
	}
	return found
}

// LinkOver returns the innermost link whose wire range holds r: the link of the
// very field where it has one, else of the field that it became a part of, as
// the seconds of a Timestamp do.
func LinkOver(links []Link, r Range) (int, bool) {
	best := -1
	for i := range links {
		w := links[i].Wire
		if w.Len > 0 && w.Contains(r) && (best < 0 || w.Len <= links[best].Wire.Len) {
			best = i
		}
	}
	return max(best, 0), best >= 0
}
