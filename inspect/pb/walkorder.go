package pb

import "slices"

// arrange puts the members in the order of the output. It is not ok when a
// field came twice, which it leaves to others.
func (m *machine) arrange(out []byte, at *members) (_ []byte, ok bool) {
	segs := m.segs[at.base:]
	for i := range segs[1:] {
		segs[i].end = segs[i+1].off
	}
	segs[len(segs)-1].end = len(out)
	sortSegs(segs)
	m.budget -= (len(out) - at.first) / 16 // copying is quick, but can happen at every level
	m.copied = append(m.copied[:0], out[at.first:]...)
	out = out[:at.first]
	for i := range segs {
		s := &segs[i]
		if i+1 < len(segs) && segs[i+1].fp == s.fp {
			if !s.absent {
				return out, false
			}
			continue // it was there after all
		}
		out = append(out, m.copied[s.off-at.first:s.end-at.first]...)
	}
	return out, true
}

// sortSegs sorts members by their place in the output, and what is absent before
// the same field.
func sortSegs(segs []seg) {
	if len(segs) > 32 {
		slices.SortFunc(segs, compareSegs)
		return
	}
	for i := 1; i < len(segs); i++ {
		s, j := segs[i], i
		for ; j > 0 && (s.fp.ord < segs[j-1].fp.ord || s.fp.ord == segs[j-1].fp.ord && compareSegs(s, segs[j-1]) < 0); j-- {
			segs[j] = segs[j-1]
		}
		segs[j] = s
	}
}

func compareSegs(a, b seg) int {
	switch n := compareFields(a.fp, b.fp); {
	case n != 0 || a.absent == b.absent:
		return n
	case a.absent:
		return -1
	}
	return 1
}
