package diff

import (
	"bytes"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// blockRole says which header blocks of a call are compared with each other.
type blockRole uint8

const (
	requestHeaders blockRole = iota
	requestTrailers
	informational
	responseHeaders
	responseTrailers
)

func roleOf(b inspect.HeaderBlock) (blockRole, bool) {
	switch {
	case b.Kind == inspect.RequestHeaders:
		return requestHeaders, true
	case b.Kind == inspect.ResponseHeaders:
		return responseHeaders, true
	case b.Kind == inspect.Informational:
		return informational, true
	case b.Kind == inspect.Trailers && b.Dir == record.Sent:
		return requestTrailers, true
	case b.Kind == inspect.Trailers:
		return responseTrailers, true
	default:
		return 0, false
	}
}

// field is a header field, however it came.
type field struct {
	name  string // as written
	key   string // pairs it with its like
	value string
	spans []record.Span
	http1 bool
	coded string // how HPACK represents it; "" for what is not HPACK
	doubt bool   // its value cannot be trusted
}

// headers compares the fields of the blocks in a role.
func (c calls) headers(title string, role blockRole) Section {
	out := &entries{}
	compareFields(out, c.a.fields(role), c.b.fields(role))
	return out.section(Headers, title)
}

// fields returns the fields of a call's blocks in a role, in order.
func (c *call) fields(role blockRole) []field {
	var out []field
	for _, i := range c.headers {
		b := c.Trace.Headers[i]
		if r, ok := roleOf(b); ok && r == role {
			out = append(out, c.blockFields(b)...)
		}
	}
	dir := record.Received
	if role == requestTrailers {
		dir = record.Sent
	}
	if m := c.trailers[dir]; m != nil && (role == requestTrailers || role == responseTrailers) {
		out = append(out, c.lineFields(*m)...)
	}
	return out
}

func (c *call) blockFields(b inspect.HeaderBlock) []field {
	http1 := c.Trace.Protocol == inspect.HTTP1 && !hasPseudo(b)
	out := make([]field, 0, len(b.Fields)+2)
	if b.StartLine != "" {
		out = c.startLine(out, b)
	}
	for _, f := range b.Fields {
		n := field{name: f.Name, value: f.Value, spans: b.FieldSpans(f), http1: http1, doubt: f.Untrusted}
		n.key = strings.ToLower(f.Name)
		if !http1 {
			n.coded = coding(f)
		} else if n.key == "host" {
			n.key = ":authority" // RFC 9113 §8.3.1
		}
		out = append(out, n)
	}
	return out
}

// hasPseudo reports whether a block is of HTTP/2, as those are that follow an
// upgrade. RFC 9113 §8.3.
func hasPseudo(b inspect.HeaderBlock) bool {
	return len(b.Fields) > 0 && strings.HasPrefix(b.Fields[0].Name, ":")
}

// coding words how HPACK represents a field, and what that costs.
func coding(f hpack.Field) string { return f.Rep.String() + ", " + counted(f.Range.Len, "byte") }

// startLine adds what the start line of HTTP/1.1 says under the names of the
// pseudo-header fields that say it in HTTP/2. RFC 9112 §3, §4; RFC 9113 §8.3.
func (c *call) startLine(out []field, b inspect.HeaderBlock) []field {
	at := c.startLineSpan(b)
	add := func(name, value string) {
		out = append(out, field{name: name, key: name, value: value, spans: at, http1: true})
	}
	first, rest, _ := strings.Cut(b.StartLine, " ")
	if b.Kind == inspect.RequestHeaders {
		add(":method", first)
		path := rest
		if i := strings.LastIndexByte(rest, ' '); i >= 0 {
			path = rest[:i]
		}
		add(":path", path)
		return out
	}
	code, _, _ := strings.Cut(rest, " ")
	add(":status", code)
	return out
}

// startLineSpan returns where a start line stands, if it can be found.
func (c *call) startLineSpan(b inspect.HeaderBlock) []record.Span {
	i := b.Frame - c.Trace.Forgotten.Parts
	if i < 0 || i >= len(c.Trace.Parts) {
		return nil
	}
	s := c.Trace.Parts[i].Span
	s.Len = min(s.Len, int64(len(b.StartLine)))
	if got := c.read(s, s.Len); string(got) != b.StartLine {
		return nil
	}
	return []record.Span{s}
}

// lineFields returns the trailers that a gRPC-Web message holds. PROTOCOL-WEB.
func (c *call) lineFields(m inspect.Message) []field {
	payload, _ := c.Trace.PayloadLimit(c.Recording, m, maxFields)
	payload = payload[:min(len(payload), maxFields)]
	var out []field
	for off := 0; off < len(payload); {
		n := bytes.IndexByte(payload[off:], '\n') + 1
		if n == 0 {
			n = len(payload) - off
		}
		name, value, _ := strings.Cut(strings.TrimRight(string(payload[off:off+n]), "\r\n"), ":")
		if name != "" {
			spans := c.Trace.Locate(m, inspect.Range{Off: off, Len: n})
			out = append(out, field{
				name: name, key: strings.ToLower(name), value: strings.TrimSpace(value), http1: true,
				spans: append([]record.Span(nil), spans...),
			})
		}
		off += n
	}
	return out
}

// compareFields pairs fields by name: first those with the same value, then the
// first of a name that is left with the first that is left there.
func compareFields(out *entries, a, b []field) {
	toB := slices.Repeat([]int{-1}, len(a))
	taken := make([]bool, len(b))
	pairFields(a, b, toB, taken, func(f field) string { return f.key + "\x00" + f.value })
	inPlace := fieldsInPlace(a, b, toB)
	equal := slices.Clone(toB)
	pairFields(a, b, toB, taken, func(f field) string { return f.key })
	for i, f := range a {
		switch j := toB[i]; {
		case j < 0:
			out.field(OnlyA, &f, nil)
		case equal[i] < 0:
			out.field(Changed, &f, &b[j])
		case !inPlace[i] && !betweenVersions(&f, &b[j]):
			out.field(Moved, &f, &b[j])
		case f.http1 && b[j].http1 && f.name != b[j].name:
			out.field(Encoded, &f, &b[j])
		default:
			out.field(Equal, &f, &b[j])
		}
	}
	for j := range b {
		if !taken[j] {
			out.field(OnlyB, nil, &b[j])
		}
	}
}

// betweenVersions reports whether a pair is a pseudo-header field and what says
// the same in HTTP/1.1: each has the place that its version gives it.
func betweenVersions(a, b *field) bool { return a.http1 != b.http1 && strings.HasPrefix(a.key, ":") }

// pairFields pairs those fields that have no pair yet, in order, by an identity.
// toB gives each field of a its place in b, or -1.
func pairFields(a, b []field, toB []int, taken []bool, identity func(field) string) {
	left := map[string][]int{}
	for j, f := range b {
		if !taken[j] {
			left[identity(f)] = append(left[identity(f)], j)
		}
	}
	for i, f := range a {
		list := left[identity(f)]
		if toB[i] >= 0 || len(list) == 0 {
			continue
		}
		toB[i], taken[list[0]] = list[0], true
		left[identity(f)] = list[1:]
	}
}

// fieldsInPlace reports of each paired field whether it stands in the same order
// among the paired ones.
func fieldsInPlace(a, b []field, toB []int) []bool {
	var ofA, ofB []int // positions of the paired ones, each in its own order
	for i, j := range toB {
		if j >= 0 {
			ofA, ofB = append(ofA, i), append(ofB, j)
		}
	}
	slices.Sort(ofB)
	keys := func(list []field, at []int) []uint64 {
		out := make([]uint64, len(at))
		for k, i := range at {
			out[k] = uint64(digest(digestSeed).text(list[i].key).text(list[i].value))
		}
		return out
	}
	runs, _ := align(keys(a, ofA), keys(b, ofB))
	in := make([]bool, len(a))
	for _, r := range runs {
		for k := range r.n {
			in[ofA[r.a+k]] = true
		}
	}
	return in
}

// field lists what became of a field.
func (e *entries) field(k Kind, a, b *field) {
	if !e.room(k) {
		e.count(k, 1)
		return
	}
	n := Entry{Kind: k}
	if b != nil {
		n.Name, n.B, n.SpansB = b.name, b.value, b.spans
	}
	if a != nil {
		n.Name, n.A, n.SpansA = a.name, a.value, a.spans
	}
	if a != nil && b != nil {
		n.Name, n.Note = pairNote(k, a, b)
		if k == Changed {
			at := firstDifference(n.A, n.B)
			n.A, n.B = cut(n.A, at, asIs), cut(n.B, at, asIs)
		}
	} else {
		n.Note = loneNote(a, b)
	}
	e.add(n)
}

// pairNote names a pair, and says what besides the value is not alike.
func pairNote(k Kind, a, b *field) (name, note string) {
	name = a.name
	switch {
	case a.name == b.name:
	case a.key == ":authority":
		name, note = a.key, sides(a.name, b.name)
	case a.http1 && b.http1:
		name, note = a.key, sides(a.name, b.name)
	default:
		name = a.key
	}
	if a.coded != "" && b.coded != "" && a.coded != b.coded && k != Changed {
		note = joined(note, sides(a.coded, b.coded))
	}
	if a.doubt || b.doubt {
		note = joined(note, "untrusted: the HPACK table before it is not known")
	}
	return name, note
}

// loneNote says why a field may have no like.
func loneNote(a, b *field) string {
	f := a
	if f == nil {
		f = b
	}
	note := ""
	if f.doubt {
		note = "untrusted: the HPACK table before it is not known"
	}
	return joined(note, f.coded)
}
