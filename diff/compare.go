package diff

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// comparison compares two values part by part.
type comparison struct {
	out  *entries
	a, b locate
	how  pairing
}

// pairing says what is compared with what.
type pairing uint8

const (
	alike   pairing = iota // two payloads of the same format
	across                 // JSON with what a protobuf message is as JSON
	textual                // lines
)

// locate maps a range of a payload to the wire.
type locate func(inspect.Range) []record.Span

func (l locate) spans(v *value) []record.Span {
	if v == nil || l == nil {
		return nil
	}
	var out []record.Span
	for _, r := range v.ranges() {
		out = append(out, l(r)...)
	}
	return out
}

// entry lists what became of a pair. a or b is nil where there is none.
func (c *comparison) entry(k Kind, path string, a, b *value, note string) {
	if !c.out.room(k) {
		c.out.count(k, 1)
		return
	}
	e := Entry{Kind: k, Name: named(path), SpansA: c.a.spans(a), SpansB: c.b.spans(b), Note: note}
	switch {
	case a == nil:
		e.B = b.text(0)
	case b == nil:
		e.A = a.text(0)
	default:
		e.A, e.B = texts(a, b)
	}
	c.out.add(e)
}

// named gives the path of a whole payload a name.
func named(path string) string {
	if path == "" {
		return "payload"
	}
	return strings.TrimPrefix(path, ".")
}

// values compares two values at the same path.
func (c *comparison) values(path string, a, b *value) {
	a, b = gathered(a, b)
	switch {
	case c.how == across && a.form == scalar && b.form == scalar && a.id == b.id && a.words != b.words:
		c.entry(Encoded, path, a, b, "as text on one side")
	case a.form != b.form || a.words != b.words:
		if bytes.Equal(a.raw, b.raw) && len(a.raw) > 0 {
			c.entry(Equal, path, a, b, "read in two ways")
		} else {
			c.entry(Changed, path, a, b, "")
		}
	case a.form == scalar:
		c.scalars(path, a, b)
	case a.form == ordered:
		c.lists(path, a, b)
	default:
		c.keyed(path, a, b)
	}
}

// gathered makes a list of one of a value that is repeated on the other side,
// where no schema says that it may be.
func gathered(a, b *value) (*value, *value) {
	if !a.loose || !b.loose || (a.form == ordered) == (b.form == ordered) {
		return a, b
	}
	one := func(v *value) *value {
		if v.form == ordered {
			return v
		}
		w := &value{form: ordered, loose: true, how: oneByOne, raw: v.raw, at: v.at, parts: []value{*v}}
		w.seal()
		return w
	}
	return one(a), one(b)
}

func (c *comparison) scalars(path string, a, b *value) {
	note := sides(a.odd, b.odd)
	switch {
	case a.id != b.id:
		c.entry(Changed, path, a, b, note)
	case a.odd != b.odd || !bytes.Equal(a.raw, b.raw):
		if a.odd == b.odd {
			note = sides(hexNote(a.raw), hexNote(b.raw))
		}
		c.entry(Encoded, path, a, b, note)
	default:
		c.entry(Equal, path, a, b, note)
	}
}

func hexNote(raw []byte) string { return "bytes " + cut(string(raw[:min(len(raw), 24)]), 0, hexed) }

// keyed compares parts by key; the k-th of a key on one side is the k-th of that
// key on the other.
func (c *comparison) keyed(path string, a, b *value) {
	if len(a.parts) == 0 && len(b.parts) == 0 {
		c.entry(Equal, path, a, b, "")
		return
	}
	if a.odd != b.odd {
		c.entry(Encoded, path, a, b, sides(a.odd, b.odd))
	}
	in := map[string][]int{}
	for j := range b.parts {
		in[b.parts[j].key] = append(in[b.parts[j].key], j)
	}
	taken := make([]bool, len(b.parts))
	var common []int // positions in b of what both have, in the order of a
	for i := range a.parts {
		p := &a.parts[i]
		list := in[p.key]
		if len(list) == 0 {
			c.only(OnlyA, path+stepOf(p, p), p)
			continue
		}
		q := &b.parts[list[0]]
		in[p.key], taken[list[0]] = list[1:], true
		common = append(common, list[0])
		c.values(path+stepOf(p, q), p, q)
	}
	for j := range b.parts {
		if !taken[j] {
			c.only(OnlyB, path+stepOf(&b.parts[j], &b.parts[j]), &b.parts[j])
		}
	}
	if !slices.IsSorted(common) {
		c.entry(Encoded, named(path)+" (order)", a, b, "the same keys in another order")
	}
}

// stepOf returns the step of a pair; a name is better than a number.
func stepOf(a, b *value) string {
	step := a.step
	if _, err := strconv.Atoi(step); err == nil {
		step = b.step
	}
	if strings.HasPrefix(step, "[") {
		return step
	}
	return "." + step
}

// only lists what one side alone has, leaf by leaf.
func (c *comparison) only(k Kind, path string, v *value) {
	if v.zero {
		c.one(Encoded, k, path, v, "the default value is on the wire: its absence means the same")
		return
	}
	if len(v.parts) == 0 {
		c.one(k, k, path, v, v.odd)
		return
	}
	for i := range v.parts {
		p := &v.parts[i]
		step := c.place(i, i)
		if v.form == keyed {
			step = stepOf(p, p)
		}
		c.only(k, path+step, p)
	}
}

// one lists an entry of what only the side that of tells has.
func (c *comparison) one(k, of Kind, path string, v *value, note string) {
	if of == OnlyA {
		c.entry(k, path, v, nil, note)
	} else {
		c.entry(k, path, nil, v, note)
	}
}

// lists compares lists so that an element more is one difference.
func (c *comparison) lists(path string, a, b *value) {
	if len(a.parts) == 0 && len(b.parts) == 0 {
		c.entry(Equal, path, a, b, "")
		return
	}
	before := c.out.differences()
	runs, exact := align(sums(a.parts), sums(b.parts))
	movedA, movedB := movedParts(runs, a.parts, b.parts)
	at := func(i, j int) string { return path + c.place(i, j) }
	walk(
		runs, len(a.parts), len(b.parts),
		func(i, j int) { c.values(at(i, j), &a.parts[i], &b.parts[j]) },
		func(sa, sb span) { c.gap(at, a.parts, b.parts, sa, sb, movedA, movedB) },
	)
	if !exact {
		c.out.note = "long lists are aligned piece by piece: what moved far is told as removed and added"
	}
	if a.how != b.how && c.out.differences() == before {
		c.entry(Encoded, path, a, b, sides(a.how, b.how))
	}
}

// place is the step to an element: where the sides differ, both places.
func (c *comparison) place(i, j int) string {
	before, after := "[", "]"
	if c.how == textual {
		before, after = "line ", ""
		i, j = i+1, j+1
	}
	if i == j {
		return before + strconv.Itoa(i) + after
	}
	return before + strconv.Itoa(i) + "→" + strconv.Itoa(j) + after
}

func sums(parts []value) []uint64 {
	out := make([]uint64, len(parts))
	for i := range parts {
		out[i] = uint64(parts[i].sum)
	}
	return out
}

// movedParts pairs equal elements that an alignment has left over.
func movedParts(runs []run, a, b []value) (toB, toA map[int]int) {
	left := map[digest][]int{}
	walk(runs, len(a), len(b), func(int, int) {}, func(_, sb span) {
		for j := sb.from; j < sb.to; j++ {
			left[b[j].sum] = append(left[b[j].sum], j)
		}
	})
	toB, toA = map[int]int{}, map[int]int{}
	walk(runs, len(a), len(b), func(int, int) {}, func(sa, _ span) {
		for i := sa.from; i < sa.to; i++ {
			if list := left[a[i].sum]; len(list) > 0 {
				toB[i], toA[list[0]] = list[0], i
				left[a[i].sum] = list[1:]
			}
		}
	})
	return toB, toA
}

// gap compares the elements between two aligned ones: those that moved, then
// what resembles each other, then the rest.
func (c *comparison) gap(at func(i, j int) string, a, b []value, sa, sb span, movedA, movedB map[int]int) {
	var restA, restB []int
	for i := sa.from; i < sa.to; i++ {
		if j, ok := movedA[i]; ok {
			c.entry(Moved, at(i, j), &a[i], &b[j], "")
		} else {
			restA = append(restA, i)
		}
	}
	for j := sb.from; j < sb.to; j++ {
		if _, ok := movedB[j]; !ok {
			restB = append(restB, j)
		}
	}
	for _, p := range pairUp(a, b, restA, restB) {
		switch {
		case p[1] < 0:
			c.only(OnlyA, at(p[0], p[0]), &a[p[0]])
		case p[0] < 0:
			c.only(OnlyB, at(p[1], p[1]), &b[p[1]])
		default:
			c.values(at(p[0], p[1]), &a[p[0]], &b[p[1]])
		}
	}
}
