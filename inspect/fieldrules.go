package inspect

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// sectionCheck checks the fields of one block. RFC 9113 §8.2, §8.3. Each rule is
// named once in a block, at the first field that breaks it.
type sectionCheck struct {
	d       *Decoder
	b       *HeaderBlock
	said    map[string]bool
	regular bool // a field that is no pseudo-header has come
	pseudo  [pseudoHeaders]int
	unknown bool // some field is not known: what seems to be missing may be it
}

// The pseudo-headers. RFC 9113 §8.3.1, §8.3.2; RFC 8441 §4.
const (
	pseudoMethod = iota
	pseudoScheme
	pseudoPath
	pseudoAuthority
	pseudoProtocol
	pseudoStatus
	pseudoHeaders
)

var pseudoNames = [pseudoHeaders]string{":method", ":scheme", ":path", ":authority", ":protocol", ":status"}

// checkFields names what makes a block's message malformed. RFC 9113 §8.1.1.
func (d *Decoder) checkFields(dir *direction, b *HeaderBlock) {
	if d.unseen() && b.Kind != Promise && b.EndStream && len(b.Fields) > 0 {
		// The block before it was not captured.
		if f := b.Fields[0]; !f.Untrusted && !strings.HasPrefix(f.Name, ":") {
			b.Kind = Trailers
		}
	}
	c := sectionCheck{d: d, b: b}
	for i := range b.Fields {
		f := &b.Fields[i]
		if f.Untrusted {
			c.unknown = true
			continue
		}
		c.field(f)
	}
	limited := int(b.HPACK.Fields) > len(b.Fields)
	if !c.unknown && !limited {
		c.whole()
	}
	c.place()
	if l := d.sides[dir.dir.Other()].binding; l.hasList && b.HPACK.ListSize() > uint64(l.list) {
		d.problem(Problem{
			Span: b.Fragments[0], Stream: b.Stream, Rule: "RFC 9113 §10.5.1",
			Text: fmt.Sprintf("a field section of %d bytes, MAX_HEADER_LIST_SIZE is %d; a strict peer answers with 431 or resets the stream", b.HPACK.ListSize(), l.list),
		})
	}
}

// say names a rule that a field breaks, or the block if there is no field.
func (c *sectionCheck) say(rule string, f *hpack.Field, format string, args ...any) {
	if c.said[rule] {
		return
	}
	if c.said == nil {
		c.said = map[string]bool{}
	}
	c.said[rule] = true
	at := c.b.Fragments[:1]
	if f != nil {
		at = c.b.FieldSpans(*f)
	}
	c.d.problem(Problem{Span: at[0], Stream: c.b.Stream, Rule: "RFC 9113 §" + rule, Text: fmt.Sprintf(format, args...) + resetsStream})
}

// field checks one field by itself and its place among the others.
func (c *sectionCheck) field(f *hpack.Field) {
	name := f.Name
	if strings.HasPrefix(name, ":") {
		c.pseudoHeader(f)
	} else {
		c.regular = true
		c.name(f)
		c.connectionField(f)
	}
	if badValue(f.Value) {
		c.say("8.2.1", f, "the value of %.64q begins or ends with a space, or has a NUL, CR or LF: malformed", name)
	}
	if name == "content-length" {
		c.contentLength(f)
	}
}

// name checks a name's bytes. RFC 9113 §8.2.1.
func (c *sectionCheck) name(f *hpack.Field) {
	if f.Name == "" {
		c.say("8.2.1", f, "a field without a name: malformed")
		return
	}
	for i := range len(f.Name) {
		switch b := f.Name[i]; {
		case b >= 'A' && b <= 'Z':
			c.say("8.2.1", f, "the name %.64q has upper-case letters: malformed", f.Name)
			return
		case b <= ' ' || b >= 0x7f || b == ':':
			c.say("8.2.1", f, "the name %.64q has a byte that names may not have: malformed", f.Name)
			return
		}
	}
}

// badValue reports whether a value has bytes that none may have. RFC 9113 §8.2.1.
func badValue(v string) bool {
	if v == "" {
		return false
	}
	if first, last := v[0], v[len(v)-1]; first == ' ' || first == '\t' || last == ' ' || last == '\t' {
		return true
	}
	for i := range len(v) {
		if b := v[i]; b <= '\r' && (b == 0 || b == '\r' || b == '\n') {
			return true
		}
	}
	return false
}

// connectionField names fields that are about an HTTP/1.1 connection. RFC 9113 §8.2.2.
func (c *sectionCheck) connectionField(f *hpack.Field) {
	switch f.Name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		c.say("8.2.2", f, "%q is about an HTTP/1.1 connection: malformed", f.Name)
	case "te":
		if !strings.EqualFold(f.Value, "trailers") {
			c.say("8.2.2", f, "te is %.64q; only \"trailers\" may be sent: malformed", f.Value)
		}
	}
}

// pseudoHeader checks a pseudo-header's name and place. RFC 9113 §8.3.
func (c *sectionCheck) pseudoHeader(f *hpack.Field) {
	which := -1
	for i, name := range pseudoNames {
		if f.Name == name {
			which = i
		}
	}
	kind := c.b.Kind
	response := kind == ResponseHeaders || kind == Informational
	switch {
	case kind == Trailers:
		c.say("8.1", f, "the pseudo-header %.64q in trailers: malformed", f.Name)
		return
	case which < 0:
		c.say("8.3", f, "the pseudo-header %.64q is not defined: malformed", f.Name)
		return
	case response != (which == pseudoStatus):
		c.say("8.3", f, "the pseudo-header %q in the wrong kind of message: malformed", f.Name)
		return
	case c.regular:
		c.say("8.3", f, "the pseudo-header %q after other fields: malformed", f.Name)
	}
	if c.pseudo[which]++; c.pseudo[which] == 2 {
		c.say("8.3", f, "the pseudo-header %q twice: malformed", f.Name)
	}
}

// whole checks what only all fields together tell.
func (c *sectionCheck) whole() {
	switch c.b.Kind {
	case RequestHeaders, Promise:
		c.request()
	case ResponseHeaders, Informational:
		c.response()
	case Trailers:
	}
}

// request checks a request's pseudo-headers. RFC 9113 §8.3.1, §8.5; RFC 8441 §4.
func (c *sectionCheck) request() {
	method, _ := c.b.Get(":method")
	if c.pseudo[pseudoMethod] == 0 {
		c.say("8.3.1", nil, "a request without :method: malformed")
		return
	}
	if method == "CONNECT" && c.pseudo[pseudoProtocol] == 0 {
		if c.pseudo[pseudoScheme] > 0 || c.pseudo[pseudoPath] > 0 || c.pseudo[pseudoAuthority] == 0 {
			c.say("8.5", nil, "CONNECT has :authority, and neither :scheme nor :path: malformed")
		}
		return
	}
	for _, which := range []int{pseudoScheme, pseudoPath} {
		if c.pseudo[which] == 0 {
			c.say("8.3.1", nil, "a request without %s: malformed", pseudoNames[which])
		}
	}
	scheme, _ := c.b.Get(":scheme")
	path, _ := c.b.Get(":path")
	if (scheme == "http" || scheme == "https") && c.pseudo[pseudoPath] > 0 && !strings.HasPrefix(path, "/") && (path != "*" || method != "OPTIONS") {
		c.say("8.3.1", nil, ":path is %.64q, which does not begin with a slash: malformed", path)
	}
	authority, hasAuthority := c.b.Get(":authority")
	if host, ok := c.b.Get("host"); ok && hasAuthority && !strings.EqualFold(host, authority) {
		c.say("8.3.1", nil, "host %.64q is not :authority %.64q: a server may take either", host, authority)
	}
	if (scheme == "http" || scheme == "https") && strings.Contains(authority, "@") {
		c.say("8.3.1", nil, ":authority %.64q has user information", authority)
	}
	if c.b.Kind == Promise && method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "TRACE" {
		c.say("8.4", nil, "a promised request with the method %.64q, which is not safe", method)
	}
}

// response checks a response's status. RFC 9113 §8.3.2, §8.6.
func (c *sectionCheck) response() {
	status, ok := c.b.Get(":status")
	n, err := strconv.Atoi(status)
	switch {
	case !ok:
		c.say("8.3.2", nil, "a response without :status: malformed")
	case err != nil || len(status) != 3 || n < 100 || n > 999:
		c.say("8.3.2", nil, ":status %.64q is not a number of three digits: malformed", status)
	case n == 101:
		c.say("8.6", nil, ":status 101: HTTP/2 has no upgrade: malformed")
	}
}

// place checks what a block is allowed to be at its place in the stream. RFC 9113 §8.1.
func (c *sectionCheck) place() {
	switch {
	case c.b.Kind == Informational && c.b.EndStream:
		c.say("8.1", nil, "an informational response ends the stream: malformed")
	case c.b.Kind == Trailers && !c.b.EndStream && !c.d.unseen():
		c.say("8.1", nil, "a second field section without END_STREAM: malformed")
	}
}

// contentLength notes what the message declares. RFC 9110 §8.6.
func (c *sectionCheck) contentLength(f *hpack.Field) {
	st, ok := c.d.streams[c.b.Stream]
	if !ok || c.b.Kind != RequestHeaders && c.b.Kind != ResponseHeaders {
		return
	}
	n, err := strconv.ParseUint(f.Value, 10, 63)
	declared := &st.declared[c.b.Dir]
	switch {
	case err != nil || f.Value[0] == '+':
		c.say("8.1.1", f, "content-length %.64q is not a number: malformed", f.Value)
	case *declared != 0 && uint64(*declared)-1 != n:
		c.say("8.1.1", f, "content-length %d after %d: malformed", n, *declared-1)
	case n < math.MaxInt:
		*declared = int(n) + 1
	}
}

// checkBodyLength compares what a side has sent on a stream that it ended with
// its content-length. RFC 9113 §8.1.1.
func (d *Decoder) checkBodyLength(dir *direction, st *stream, s record.Span) {
	declared := st.declared[dir.dir] - 1
	st.declared[dir.dir] = 0
	none := dir.dir == record.Received && (st.Method == "HEAD" || st.HTTP == 304 || st.HTTP == 204)
	if declared < 0 || int64(declared) == st.Bytes[dir.dir] || none && st.Bytes[dir.dir] == 0 || st.lost {
		return
	}
	d.problem(Problem{
		Span: s, Stream: st.ID, Rule: "RFC 9113 §8.1.1",
		Text: fmt.Sprintf("content-length is %d, the DATA frames have %d bytes: malformed%s", declared, st.Bytes[dir.dir], resetsStream),
	})
}
