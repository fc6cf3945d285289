package diff

import "github.com/wiregloss/wiregloss/inspect"

// Pair pairs the calls of two captures: the first call of a path with the first
// of that path there, the second with the second. A pair holds positions in a
// and b, in the order of a and then of b; -1 stands where a call is only on the
// other side. One call on each side is a pair whatever the paths, so that a gRPC
// call can be compared with its REST form.
func Pair(a, b []Side) [][2]int {
	if len(a) == 1 && len(b) == 1 {
		return [][2]int{{0, 0}}
	}
	var known streamIndex
	left := map[string][]int{}
	for j, s := range b {
		path := known.path(s)
		left[path] = append(left[path], j)
	}
	pairs := make([][2]int, 0, max(len(a), len(b)))
	taken := make([]bool, len(b))
	for i, s := range a {
		path := known.path(s)
		j := -1
		if list := left[path]; len(list) > 0 {
			j, left[path] = list[0], list[1:]
			taken[j] = true
		}
		pairs = append(pairs, [2]int{i, j})
	}
	for j, found := range taken {
		if !found {
			pairs = append(pairs, [2]int{-1, j})
		}
	}
	return pairs
}

// streamIndex finds streams by id in the traces that it has seen: the calls of a
// capture share a trace, and may be many.
type streamIndex struct {
	of   *inspect.Stream // the first stream of the last trace
	ids  map[uint32]*inspect.Stream
	size int
}

// path returns what pairs a call: its method and path.
func (x *streamIndex) path(s Side) string {
	list := s.Trace.Streams
	if len(list) == 0 {
		return ""
	}
	if x.of != &list[0] || x.size != len(list) {
		x.of, x.size, x.ids = &list[0], len(list), make(map[uint32]*inspect.Stream, len(list))
		for i := range list {
			x.ids[list[i].ID] = &list[i]
		}
	}
	if st := x.ids[s.Stream]; st != nil {
		return st.Method + " " + st.Path
	}
	return ""
}
