package pb

import (
	"math"
	"strconv"

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
// replaces, has no link. Indents and paths stop growing at 100 levels.
func (p *Plan) JSONLinks(payload []byte) ([]byte, []Link, error) {
	m := p.c.machine()
	defer p.c.release(m)
	m.lk = &linker{}
	m.out = make([]byte, 0, 4*min(len(payload), math.MaxInt/8)+2)
	if err := m.run(p.root, payload); err != nil {
		return nil, nil, err
	}
	return m.out, m.lk.links, nil
}

// maxPathDepth bounds indents and paths, which would otherwise make the output
// of a deeply nested payload grow with the square of its depth.
const maxPathDepth = 100

// linker gathers links while a machine writes indented JSON.
type linker struct {
	links []Link
	path  []byte
	steps int // in path, also those left out
	depth int // JSON objects and arrays that are open
}

// mark is where a member or element began.
type mark struct {
	from, to   int // its links
	value, end int // the links of a map entry's value
	path       int // length of the path before it
}

// push adds a step to the path: ".name", "[2]".
func (lk *linker) push(step string) int {
	before := len(lk.path)
	lk.steps++
	switch {
	case lk.steps > maxPathDepth+1:
	case lk.steps == maxPathDepth+1:
		lk.path = append(lk.path, "…"...)
	case before == 0 && step[0] == '.':
		lk.path = append(lk.path, step[1:]...)
	default:
		lk.path = append(lk.path, step...)
	}
	return before
}

func (lk *linker) pop(path int) {
	lk.steps--
	lk.path = lk.path[:path]
}

// begin adds a link for JSON that starts at offset json.
func (lk *linker) begin(json int, e entry, path string, fd protoreflect.FieldDescriptor) {
	lk.links = append(lk.links, Link{
		JSON:   Range{json, 0},
		Wire:   Range{int(e.start), int(e.next - e.start)},
		Value:  Range{int(e.off), int(e.end - e.off)},
		Path:   path,
		Depth:  lk.depth - 1,
		Number: fd.Number(),
		Field:  fd,
	})
}

// end sets where the JSON of links from to to ends.
func (lk *linker) end(from, to, json int) {
	for i := from; i < to; i++ {
		lk.links[i].JSON.Len = json - lk.links[i].JSON.Off
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
	m.out = append(m.out, fp.key[1:]...)
	m.out = append(m.out, ' ')
	k := mark{from: len(m.lk.links), path: m.lk.push("." + fp.name)}
	path := string(m.lk.path)
	if i == j {
		m.lk.begin(at, entry{}, path, fp.fd)
	}
	for ; i < j; i++ {
		m.lk.begin(at, m.entries[i], path, fp.fd)
	}
	k.to = len(m.lk.links)
	return k
}

func (m *machine) endMember(k mark) {
	if m.lk != nil {
		m.lk.end(k.from, k.to, len(m.out))
		m.lk.end(k.value, k.end, len(m.out))
		m.lk.pop(k.path)
	}
}

// element begins element n of a list.
func (m *machine) element(e entry, n int) mark {
	at := m.separate()
	if m.lk == nil {
		return mark{}
	}
	k := mark{from: len(m.lk.links), path: m.lk.push("[" + strconv.Itoa(n) + "]")}
	m.lk.begin(at, e, string(m.lk.path), e.fp.fd)
	k.to = len(m.lk.links)
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
	k := mark{from: len(lk.links), path: lk.push("[" + keyText(m.src, fp, it) + "]")}
	path, whole := string(lk.path), m.entries[it.wire]
	lk.begin(at, whole, path, whole.fp.fd)
	k.to = len(lk.links)
	if it.key.fp != nil {
		lk.begin(at, it.key, path, fp.fd)
		lk.end(k.to, k.to+1, end)
	}
	k.value = len(lk.links)
	m.itemLinks(whole.fp.mapValue, it, path)
	k.end = len(lk.links)
	return k, nil
}

// itemLinks adds the links of a map entry's value, which is written next.
func (m *machine) itemLinks(fp *fieldPlan, it mapItem, path string) {
	lo := it.lo
	if fp.shape == scalarShape && lo < it.hi {
		lo = it.hi - 1
	}
	for i := lo; i < it.hi; i++ {
		m.lk.begin(len(m.out), m.entries[i], path, fp.fd)
	}
	if lo == it.hi {
		m.lk.begin(len(m.out), entry{}, path, fp.fd)
	}
}

// object adds the link of an Any's value field to the object it becomes.
func (m *machine) object(content entry) mark {
	if m.lk == nil {
		return mark{}
	}
	k := mark{from: len(m.lk.links), path: len(m.lk.path)}
	if content.fp != nil {
		m.lk.begin(len(m.out), content, string(m.lk.path), content.fp.fd)
	}
	k.to = len(m.lk.links)
	m.lk.steps++
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
	k := mark{from: len(m.lk.links), path: m.lk.push("." + name)}
	m.lk.begin(at, e, string(m.lk.path), fp.fd)
	k.to = len(m.lk.links)
	return k
}
