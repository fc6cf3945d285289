package record

import (
	"slices"
	"sort"
)

const (
	// firstSlab keeps a unary call cheap: most need no second slab.
	firstSlab = 4 << 10
	slabSize  = 64 << 10
	// memoryLimit is how much of both directions stays in memory before the
	// oldest slabs move to the spill file.
	memoryLimit = 8 << 20
)

// slab is a run of bytes of one direction. It never moves and is never used
// again for other bytes, so that a View of it stays valid for as long as its
// holder keeps it.
type slab struct {
	off  int64
	n    int    // bytes in use
	buf  []byte // nil when the bytes are in the spill file
	slot int    // where there
}

func (s *slab) end() int64 { return s.off + int64(s.n) }

// lane is the bytes of one direction: slabs in order of their offsets. What lies
// between two of them is a hole.
type lane struct {
	base    int64 // everything before was discarded
	size    int64
	slabs   []slab
	spilled int // slabs[:spilled] are in the spill file
	last    int // where find looks first
}

// room returns how many bytes fit after the last byte without a new slab.
func (l *lane) room() int {
	if len(l.slabs) == 0 {
		return 0
	}
	s := &l.slabs[len(l.slabs)-1]
	if s.end() != l.size {
		return 0 // a hole follows it
	}
	return len(s.buf) - s.n
}

// fill copies what fits of b into the last slab.
func (l *lane) fill(b []byte) int {
	s := &l.slabs[len(l.slabs)-1]
	n := copy(s.buf[s.n:], b)
	s.n += n
	l.size += int64(n)
	return n
}

// find returns the index of the slab that holds the byte at off.
func (l *lane) find(off int64) (int, bool) {
	if off < l.base || off >= l.size {
		return 0, false
	}
	if i := l.last; i < len(l.slabs) && l.slabs[i].off <= off && off < l.slabs[i].end() {
		return i, true
	}
	i := sort.Search(len(l.slabs), func(i int) bool { return off < l.slabs[i].end() })
	if i == len(l.slabs) || off < l.slabs[i].off {
		return 0, false
	}
	l.last = i
	return i, true
}

// run returns how many bytes from off on are held, up to n.
func (l *lane) run(off, n int64) int64 {
	i, ok := l.find(off)
	if !ok || n <= 0 {
		return 0
	}
	end := l.slabs[i].end()
	for i++; i < len(l.slabs) && l.slabs[i].off == end && end-off < n; i++ {
		end = l.slabs[i].end()
	}
	return min(end-off, n)
}

// remove takes slab i out of the lane, which leaves a hole.
func (l *lane) remove(i int) {
	if i < l.spilled {
		l.spilled--
	}
	l.slabs = slices.Delete(l.slabs, i, i+1)
}

// holes returns the spans of the lane that are not held.
func (l *lane) holes(d Dir) []Span {
	var holes []Span
	var at int64
	for i := range l.slabs {
		from := max(l.slabs[i].off, l.base)
		if from > at {
			holes = append(holes, Span{Dir: d, Off: at, Len: from - at})
		}
		at = max(l.slabs[i].end(), l.base)
	}
	if at < l.size {
		holes = append(holes, Span{Dir: d, Off: at, Len: l.size - at})
	}
	return holes
}

// hole returns how long the hole at the start of s is, within s.
func (r *Recording) hole(s Span) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[s.Dir]
	from := max(s.Off, l.base)
	i := sort.Search(len(l.slabs), func(i int) bool { return from < l.slabs[i].end() })
	if i < len(l.slabs) {
		return min(max(l.slabs[i].off, from)-s.Off, s.Len)
	}
	return s.Len
}
