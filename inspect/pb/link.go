package pb

import (
	"bytes"
	"math"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Link ties a range of a JSON text to the bytes of the payload that made it.
type Link struct {
	JSON   Range  // the member with its key, or the array element, without the comma after it
	Wire   Range  // tag, length and value; an element alone in a packed field; no bytes for a default
	Value  Range  // the value alone
	Path   string // as in address.city, tags[2], labels["k"]
	Depth  int    // how many JSON objects and arrays enclose it; 0 for the members of the whole text
	Number protoreflect.FieldNumber
	Field  protoreflect.FieldDescriptor
}

// JSONLinks returns the JSON of payload, indented by two spaces, and the links
// from its ranges to the payload, sorted by JSON offset, outer before inner.
//
// A repeated field, a map and a merged message have a link for each occurrence
// on the wire, all with the JSON range of the member; every element, map entry,
// map key and map value has its own besides. A map key's link has the JSON range
// of the key. The value field of an Any links to the object it became. What has
// no text of its own, as the seconds of a Timestamp or a scalar that a later one
// replaces, has no link. Indents and paths stop growing at 100
// levels, paths at 500 bytes as well.
func (p *Plan) JSONLinks(payload []byte) ([]byte, []Link, error) {
	m := p.c.machine()
	defer p.c.release(m)
	m.lk = &m.linker
	m.lk.reset(len(payload))
	if m.out = m.lk.text; cap(m.out) < len(payload) {
		m.out = make([]byte, 0, 4*min(len(payload), math.MaxInt/8)+2)
	}
	if err := m.run(p.root, payload); err != nil {
		return nil, nil, err
	}
	text := m.out
	if m.lk.text = text; cap(text) <= maxKeptText {
		text = bytes.Clone(text)
	} else {
		m.lk.text = nil
	}
	return text, m.lk.links(), nil
}

// maxPathDepth bounds indents and paths, which would otherwise make the output
// of a deeply nested payload grow with the square of its depth.
const maxPathDepth = 100

// maxPathBytes bounds a path whose steps are long, which map keys can be.
const maxPathBytes = 500

// maxKeptText bounds the text and the paths that are kept for the next run.
const maxKeptText = 32 * maxKept

// found is a Link before it has a text for its path. It has one pointer, where a
// Link has three: each costs while the garbage collector runs.
type found struct {
	fp         *fieldPlan
	json, end  int
	path       span // in names
	start, off int32
	stop, next int32
	depth      int32
}

// linker gathers links while a machine writes indented JSON. It is scratch that
// the next run uses again, and what is returned is copied in its final size; but
// a text that is too large to be kept is returned itself.
type linker struct {
	found []found
	names []byte // paths, one after another; one that goes on with another shares its bytes
	path  span   // in names: where the machine is
	text  []byte
	steps int // in path, also those left out
	cut   int // steps that were left out
	depth int // JSON objects and arrays that are open
	size  int // of the payload
}

func (lk *linker) reset(size int) {
	*lk = linker{found: lk.found[:0], names: lk.names[:0], text: lk.text[:0], size: size}
}

// links returns the links. Their paths are parts of one string.
func (lk *linker) links() []Link {
	links, names := make([]Link, len(lk.found)), string(lk.names)
	for i := range lk.found {
		f, l := &lk.found[i], &links[i]
		l.JSON = Range{f.json, f.end - f.json}
		l.Wire = Range{int(f.start), int(f.next - f.start)}
		l.Value = Range{int(f.off), int(f.stop - f.off)}
		l.Path = names[f.path.off:f.path.end]
		l.Depth = int(f.depth)
		l.Number = f.fp.num
		l.Field = f.fp.fd
	}
	return links
}

// mark is where a member or element began.
type mark struct {
	from, to   int  // its links
	value, end int  // the links of a map entry's value
	path       span // the path before it
}

// step begins a step of the path and returns whether it may be written behind
// names; then enter ends it. The path before is what leave needs.
func (lk *linker) step(size int) (before span, ok bool) {
	before = lk.path
	lk.steps++
	if lk.cut > 0 {
		lk.cut++
		return before, false
	}
	if n := before.end - before.off; before.end != len(lk.names) {
		lk.names = append(lk.names, lk.names[before.off:before.end]...)
		lk.path = span{len(lk.names) - n, len(lk.names)}
	}
	if lk.steps > maxPathDepth || lk.path.end-lk.path.off+size > maxPathBytes {
		lk.names = append(lk.names, "…"...)
		lk.cut = 1
		lk.path.end = len(lk.names)
		return before, false
	}
	return before, true
}

// name adds the step of a member to the path.
func (lk *linker) name(name string) span {
	before, ok := lk.step(len(name))
	if ok {
		if before.off < before.end {
			lk.names = append(lk.names, '.')
		}
		lk.names = append(lk.names, name...)
		lk.path.end = len(lk.names)
	}
	return before
}

// element adds the step of element n of a list.
func (lk *linker) element(n int) span {
	before, ok := lk.step(0)
	if ok {
		lk.names = append(appendUint(append(lk.names, '['), uint64(n)), ']')
		lk.path.end = len(lk.names)
	}
	return before
}

// key adds the step of a map entry.
func (lk *linker) key(src []byte, fp *fieldPlan, it mapItem) span {
	before, ok := lk.step(int(it.key.end - it.key.off))
	if ok {
		lk.names = append(appendKeyText(append(lk.names, '['), src, fp, it), ']')
		lk.path.end = len(lk.names)
	}
	return before
}

// leave takes a step back.
func (lk *linker) leave(before span) {
	lk.steps--
	lk.cut = max(lk.cut-1, 0)
	lk.path = before
}

// begin adds a link for JSON that starts at offset json.
func (lk *linker) begin(json int, e *entry, fp *fieldPlan) {
	if len(lk.found) == cap(lk.found) {
		lk.grow(int(e.start))
	}
	lk.found = append(lk.found, found{
		fp: fp, json: json, path: lk.path, depth: int32(lk.depth - 1),
		start: e.start, off: e.off, stop: e.end, next: e.next,
	})
}

// grow makes room for more links. As many are still to come for each byte of the
// payload as have come up to byte at, or else as many as there are.
func (lk *linker) grow(at int) {
	n := len(lk.found)
	more := max(n, 64)
	if n >= 1024 && at > 0 {
		more = min(8*n, int(1.1*float64(n)*float64(lk.size-at)/float64(at))+1024)
	}
	lk.found = slices.Grow(lk.found, more)
}

// finish sets where the JSON of links from to to ends.
func (lk *linker) finish(from, to, json int) {
	for i := from; i < to; i++ {
		lk.found[i].end = json
	}
}

func (m *machine) open(c byte) {
	m.out = append(m.out, c)
	if m.lk != nil {
		m.lk.depth++
	}
}

func (m *machine) close(c byte) {
	if m.lk != nil {
		m.lk.depth--
		if last := m.out[len(m.out)-1]; last != '{' && last != '[' {
			m.newline()
		}
	}
	m.out = append(m.out, c)
}

// first reports whether nothing stands in the object or array yet. A value
// cannot end in a bracket that opens.
func (m *machine) first() bool {
	last := m.out[len(m.out)-1]
	return last == '{' || last == '['
}

const indents = "\n                                                                                                    " +
	"                                                                                                    "

func (m *machine) newline() {
	m.out = append(m.out, indents[:1+2*min(m.lk.depth, maxPathDepth)]...)
}

// separate puts what stands between two members or elements, and returns where
// the next one starts.
func (m *machine) separate() int {
	if !m.first() {
		m.out = append(m.out, ',')
	}
	if m.lk != nil {
		m.newline()
	}
	return len(m.out)
}

// member writes the name of field fp, which occurs as the entries i to j: none
// for a default.
func (m *machine) member(fp *fieldPlan, i, j int) mark {
	if m.lk == nil {
		key := fp.key
		if m.first() {
			key = key[1:]
		}
		m.out = append(m.out, key...)
		return mark{}
	}
	at := m.separate()
	m.out = append(append(m.out, fp.key[1:]...), ' ')
	k := mark{from: len(m.lk.found), path: m.lk.name(fp.name)}
	if i == j {
		m.lk.begin(at, &entry{}, fp)
	}
	for ; i < j; i++ {
		m.lk.begin(at, &m.entries[i], fp)
	}
	k.to = len(m.lk.found)
	return k
}

func (m *machine) endMember(k mark) {
	if m.lk != nil {
		m.lk.finish(k.from, k.to, len(m.out))
		m.lk.finish(k.value, k.end, len(m.out))
		m.lk.leave(k.path)
	}
}

// element begins element n of a list.
func (m *machine) element(e *entry, n int) mark {
	at := m.separate()
	if m.lk == nil {
		return mark{}
	}
	k := mark{from: len(m.lk.found), path: m.lk.element(n)}
	m.lk.begin(at, e, e.fp)
	k.to = len(m.lk.found)
	return k
}

// key writes the key of map entry it.
func (m *machine) key(fp *fieldPlan, it mapItem) (mark, error) {
	at := m.separate()
	if !m.appendKey(fp, it) {
		return mark{}, fail(int(it.key.off), "map key is not valid UTF-8")
	}
	end := len(m.out)
	m.out = append(m.out, ':')
	if m.lk == nil {
		return mark{}, nil
	}
	m.out = append(m.out, ' ')
	lk := m.lk
	k := mark{from: len(lk.found), path: lk.key(m.src, fp, it)}
	whole := &m.entries[it.wire]
	lk.begin(at, whole, whole.fp)
	k.to = len(lk.found)
	if it.key.fp != nil {
		lk.begin(at, &it.key, fp)
		lk.finish(k.to, k.to+1, end)
	}
	k.value = len(lk.found)
	m.itemLinks(whole.fp.mapValue, it)
	k.end = len(lk.found)
	return k, nil
}

// itemLinks adds the links of a map entry's value, which is written next.
func (m *machine) itemLinks(fp *fieldPlan, it mapItem) {
	lo := it.lo
	if fp.shape == scalarShape && lo < it.hi {
		lo = it.hi - 1
	}
	for i := lo; i < it.hi; i++ {
		m.lk.begin(len(m.out), &m.entries[i], fp)
	}
	if lo == it.hi {
		m.lk.begin(len(m.out), &entry{}, fp)
	}
}

// object adds the link of an Any's value field to the object it becomes.
func (m *machine) object(content entry) mark {
	if m.lk == nil {
		return mark{}
	}
	k := mark{from: len(m.lk.found), path: m.lk.path}
	if content.fp != nil {
		m.lk.begin(len(m.out), &content, content.fp)
	}
	k.to = len(m.lk.found)
	m.lk.steps++
	if m.lk.cut > 0 {
		m.lk.cut++
	}
	return k
}

// anyMember writes a name that an Any's object has besides its fields.
func (m *machine) anyMember(fp *fieldPlan, name string, e entry) mark {
	at := m.separate()
	m.out = append(m.out, '"')
	m.out = append(m.out, name...)
	m.out = append(m.out, '"', ':')
	if m.lk == nil {
		return mark{}
	}
	m.out = append(m.out, ' ')
	k := mark{from: len(m.lk.found), path: m.lk.name(name)}
	m.lk.begin(at, &e, fp)
	k.to = len(m.lk.found)
	return k
}
