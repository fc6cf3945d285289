package diff

import "slices"

// Bounds on aligning two sequences.
const (
	maxTable = 1 << 21 // cells of one table, of four bytes
	nearest  = 32      // the first window of sequences that are too long for one table
	farthest = 1024    // the last, when too little is alike in a smaller one
	maxCells = 1 << 26 // over all tables of one alignment
)

// run is a stretch of two sequences whose elements are paired one by one.
type run struct{ a, b, n int }

// align pairs equal elements of two sequences in order, as many as can be. Of
// sequences that are too long for that, windows are aligned one after another:
// exact is then false, and equal elements that lie far apart may stay unpaired.
// align(b, a) pairs the same elements.
func align(a, b []uint64) (runs []run, exact bool) {
	if slices.Compare(a, b) <= 0 {
		return alignOrdered(a, b)
	}
	runs, exact = alignOrdered(b, a)
	for i, r := range runs {
		runs[i] = run{r.b, r.a, r.n}
	}
	return runs, exact
}

func alignOrdered(a, b []uint64) (runs []run, exact bool) {
	al := aligner{a: a, b: b}
	tail := al.commonSuffix()
	endA, endB := len(a)-tail, len(b)-tail
	exact = true
	for i, j := 0, 0; i < endA && j < endB; {
		if a[i] == b[j] {
			al.pair(i, j)
			i, j = i+1, j+1
			continue
		}
		if (endA-i)*(endB-j) <= maxTable {
			if al.spend(endA-i, endB-j) {
				al.accept(al.table(span{i, endA}, span{j, endB}), len(a)+len(b))
			}
			break
		}
		exact = false
		ok := false
		if i, j, ok = al.window(span{i, endA}, span{j, endB}); !ok {
			break
		}
	}
	for k := range tail {
		al.pair(endA+k, endB+k)
	}
	return al.runs, exact
}

// span is a half-open range of a sequence.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

type aligner struct {
	a, b  []uint64
	runs  []run
	cells int
}

func (al *aligner) commonSuffix() int {
	n := 0
	for n < len(al.a) && n < len(al.b) && al.a[len(al.a)-1-n] == al.b[len(al.b)-1-n] {
		n++
	}
	return n
}

func (al *aligner) pair(i, j int) {
	if k := len(al.runs) - 1; k >= 0 && al.runs[k].a+al.runs[k].n == i && al.runs[k].b+al.runs[k].n == j {
		al.runs[k].n++
		return
	}
	al.runs = append(al.runs, run{i, j, 1})
}

// spend takes a table's cells from what an alignment may cost.
func (al *aligner) spend(n, m int) bool {
	al.cells += n * m
	return al.cells <= maxCells
}

// window aligns the beginning of two ranges and returns where to go on. Pairs up
// to the middle of the window are final: what follows may match better with what
// lies beyond it.
func (al *aligner) window(ra, rb span) (i, j int, ok bool) {
	for size := nearest; ; size *= 2 {
		sa, sb := span{ra.from, min(ra.to, ra.from+size)}, span{rb.from, min(rb.to, rb.from+size)}
		if !al.spend(sa.len(), sb.len()) {
			return 0, 0, false
		}
		pairs := al.table(sa, sb)
		switch {
		case 2*len(pairs) < size && size < farthest:
		case len(pairs) == 0:
			return sa.to, sb.to, true
		default:
			i, j = al.accept(pairs, size/2)
			return i, j, true
		}
	}
}

// accept lists the first of these pairs and those that follow it by less than
// some elements in both sequences, and returns what is after the last of them.
func (al *aligner) accept(pairs [][2]int, near int) (i, j int) {
	for k, p := range pairs {
		if k > 0 && (p[0]-pairs[0][0] >= near || p[1]-pairs[0][1] >= near) {
			break
		}
		al.pair(p[0], p[1])
		i, j = p[0]+1, p[1]+1
	}
	return i, j
}

// table returns a longest common subsequence of two ranges.
func (al *aligner) table(sa, sb span) [][2]int {
	w := sb.len() + 1
	most := make([]int32, (sa.len()+1)*w) // most[i*w+j]: pairs in a[i:], b[j:]
	for i := sa.len() - 1; i >= 0; i-- {
		for j := sb.len() - 1; j >= 0; j-- {
			if al.a[sa.from+i] == al.b[sb.from+j] {
				most[i*w+j] = most[(i+1)*w+j+1] + 1
			} else {
				most[i*w+j] = max(most[(i+1)*w+j], most[i*w+j+1])
			}
		}
	}
	pairs := make([][2]int, 0, most[0])
	for i, j := 0, 0; i < sa.len() && j < sb.len(); {
		switch {
		case al.a[sa.from+i] == al.b[sb.from+j]:
			pairs = append(pairs, [2]int{sa.from + i, sb.from + j})
			i, j = i+1, j+1
		case most[(i+1)*w+j] >= most[i*w+j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// walk calls equal for each pair of an alignment and gap for the elements
// between them that have none, in order.
func walk(runs []run, lenA, lenB int, equal func(i, j int), gap func(a, b span)) {
	i, j := 0, 0
	for _, r := range append(runs[:len(runs):len(runs)], run{lenA, lenB, 0}) {
		if i < r.a || j < r.b {
			gap(span{i, r.a}, span{j, r.b})
		}
		for k := range r.n {
			equal(r.a+k, r.b+k)
		}
		i, j = r.a+r.n, r.b+r.n
	}
}

// FNV-1a of 64 bits. Digests only steer what is paired; whether a pair is equal
// is decided by its bytes.
const (
	digestSeed  = 14695981039346656037
	digestPrime = 1099511628211
)

type digest uint64

func (d digest) text(s string) digest {
	for i := range len(s) {
		d = (d ^ digest(s[i])) * digestPrime
	}
	return d.number(uint64(len(s)))
}

func (d digest) number(v uint64) digest {
	for range 8 {
		d = (d ^ digest(v&0xff)) * digestPrime
		v >>= 8
	}
	return d
}
