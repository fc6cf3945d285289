package inspect

import (
	"encoding/base64"

	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// http1 is what both directions of an HTTP/1.1 connection know together.
type http1 struct {
	waiting   []*stream // requests whose final response has not begun, the oldest first
	current   [2]*stream
	upgrading *stream // it asked for another protocol, and the parser of its direction waits
	last      uint32  // the highest id that was given
	answers   bool    // the server answers HTTP/1.1 to an HTTP/2 preface
}

// beginHTTP1 settles that a direction speaks HTTP/1.1.
func (d *Decoder) beginHTTP1(dir *direction) {
	d.speak(dir, asHTTP1)
	src := func(off, n int64) []byte { return d.bytes(dir, record.Span{Dir: dir.dir, Off: off, Len: n}) }
	if dir.dir == record.Sent {
		dir.parser = h1.NewParser(src, false, nil)
		return
	}
	dir.parser = h1.NewParser(src, true, d.answered)
}

// cutHTTP1 reads what is there of a direction.
func (d *Decoder) cutHTTP1(dir *direction) {
	for dir.speaks == asHTTP1 {
		if dir.toHTTP2 && dir.parser.Held() {
			dir.speaks, dir.pos = undecided, dir.parser.Start()
			d.cut(dir)
			return
		}
		e, ok := dir.parser.Next(dir.avail)
		if !ok {
			break
		}
		d.element(dir, e)
	}
	if dir.speaks == asHTTP1 && dir.parser.Missing() {
		dir.pos = dir.parser.Start()
		d.hole(dir)
	}
}

// element applies what the parser found.
func (d *Decoder) element(dir *direction, e h1.Element) {
	part := Part{
		At: dir.at, Span: record.Span{Dir: dir.dir, Off: e.Start, Len: e.Off + e.Len - e.Start}, Kind: e.Kind, Block: -1,
	}
	st := d.h1.current[dir.dir]
	switch e.Kind {
	case h1.Head:
		if dir.dir == record.Sent {
			st = d.openRequest(dir)
		} else {
			st = d.h1.current[dir.dir] // as answered has just set it
		}
		part.Block = d.head(dir, st, e, part.Span)
	case h1.Trailer:
		if st != nil && len(e.Message.Fields) > 0 {
			part.Block = d.fieldSection(dir, st, e, part.Span, Trailers)
		}
	case h1.Data:
		d.contentPiece(dir, st, record.Span{Dir: dir.dir, Off: e.Off, Len: e.Len})
	case h1.Junk:
		st = nil
	default:
	}
	if st != nil {
		part.Stream = st.ID
	}
	for _, v := range e.Violations {
		at := record.Span{Dir: dir.dir, Off: e.Start + int64(v.Range.Off), Len: int64(v.Range.Len)}
		d.problem(Problem{Span: at, Stream: part.Stream, Rule: v.Rule, Text: v.Text})
	}
	if e.Done && part.Span.Len > 0 {
		d.t.partMarks.add(d.t.Forgotten.Parts+len(d.t.Parts), dir.dir, part.Span.End())
		d.t.Parts = append(d.t.Parts, part)
	}
	if st == nil {
		return
	}
	switch {
	case e.Kind == h1.Tunnel && e.Done && !st.ended[dir.dir], e.End && !e.Switched && !interim(e):
		d.endStream(dir, st, part.Span)
	}
	if e.Kind == h1.Head {
		d.negotiate(dir, st, e)
	}
}

// interim reports whether an element is the head of a response before the final one.
func interim(e h1.Element) bool {
	return e.Kind == h1.Head && e.Message.Status/100 == 1 && !e.Switched
}

// newRequest opens the next stream of the connection.
func (d *Decoder) newRequest(dir *direction) *stream {
	for {
		if _, taken := d.streams[d.h1.last+1]; !taken {
			break
		}
		d.h1.last++
	}
	d.h1.last++
	return d.open(d.h1.last, dir.at)
}

func (d *Decoder) openRequest(dir *direction) *stream {
	st := d.newRequest(dir)
	d.h1.current[dir.dir] = st
	d.h1.waiting = append(d.h1.waiting, st)
	return st
}

// answered finds the request that a response with a status answers, and returns
// its method. A response whose request is not there gets a stream of its own.
func (d *Decoder) answered(status int) string {
	dir := d.dirs[record.Received]
	if len(d.h1.waiting) == 0 {
		d.h1.waiting = append(d.h1.waiting, d.orphan(dir))
	}
	st := d.h1.waiting[0]
	if status/100 != 1 || status == 101 {
		d.h1.waiting = d.h1.waiting[1:]
	}
	d.h1.current[dir.dir] = st
	return st.Method
}

// orphan opens a stream for a response without its request. That to an HTTP/2
// preface is stream 0, which in HTTP/2 is the connection.
func (d *Decoder) orphan(dir *direction) *stream {
	var st *stream
	if _, taken := d.streams[0]; d.h1.answers && !taken {
		st = d.open(0, dir.at)
	} else {
		st = d.newRequest(dir)
	}
	st.implied = true
	st.ended[record.Sent] = true
	st.State = HalfClosedSent
	return st
}

// head applies the head of a request or response, and returns its block.
func (d *Decoder) head(dir *direction, st *stream, e h1.Element, span record.Span) int32 {
	d.t.under[dir.dir] = st.ID
	kind := RequestHeaders
	if dir.dir == record.Received {
		kind = ResponseHeaders
		if interim(e) || toHTTP2(e) {
			kind = Informational
		} else {
			st.HTTP = e.Message.Status
		}
	}
	return d.fieldSection(dir, st, e, span, kind)
}

// fieldSection lists a head or trailers as a header block.
func (d *Decoder) fieldSection(dir *direction, st *stream, e h1.Element, span record.Span, kind BlockKind) int32 {
	d.touch(st)
	b := HeaderBlock{
		At: dir.at, Dir: dir.dir, Stream: st.ID, Kind: kind, StartLine: e.Message.StartLine,
		EndStream: e.End && kind != Informational, Frame: d.t.Forgotten.Parts + len(d.t.Parts),
		Fragments: []record.Span{span}, Fields: make([]hpack.Field, len(e.Message.Fields)),
	}
	for i, f := range e.Message.Fields {
		b.Fields[i] = hpack.Field{Name: f.Name, Value: f.Value, Range: hpack.Range(f.Range)}
	}
	index := d.t.Forgotten.Headers + len(d.t.Headers)
	if kind == RequestHeaders {
		d.request(st, &b, e.Message.Method, e.Message.Target)
	}
	if kind != Informational {
		d.describe(st, &b, index)
	}
	d.limitFields(&b)
	d.listBlock(b)
	return int32(index)
}

// contentPiece hands the next bytes of content to the messages they are of.
func (d *Decoder) contentPiece(dir *direction, st *stream, s record.Span) {
	if st == nil || s.Len == 0 {
		return
	}
	st.Bytes[dir.dir] += s.Len
	d.feedBytes(dir, st, s)
}

// feedBytes feeds a span whose bytes were not read yet.
func (d *Decoder) feedBytes(dir *direction, st *stream, s record.Span) {
	const window = 64 << 10
	if st.body[dir.dir].framing == Whole {
		d.feed(dir, st, -1, s, nil)
		return
	}
	for s.Len > 0 {
		part := record.Span{Dir: s.Dir, Off: s.Off, Len: min(s.Len, window)}
		data := d.bytes(dir, part)
		if int64(len(data)) < part.Len {
			dir.pos = s.Off
			if dir.parser != nil {
				dir.pos = dir.parser.Start()
			}
			d.hole(dir)
			return
		}
		d.feed(dir, st, -1, part, data)
		s.Off, s.Len = s.Off+part.Len, s.Len-part.Len
	}
}

// negotiate applies what a head says about the protocol that follows it.
func (d *Decoder) negotiate(dir *direction, st *stream, e h1.Element) {
	m := e.Message
	if dir.dir == record.Sent {
		if _, asks := m.Get("Upgrade"); asks || m.Method == "CONNECT" {
			d.h1.upgrading = st
			dir.parser.Hold()
		}
		return
	}
	sent := d.dirs[record.Sent]
	switch {
	case toHTTP2(e):
		d.upgrade(dir, st, e)
	case e.Switched && sent.parser != nil:
		sent.parser.Release(true)
	case !interim(e) && st == d.h1.upgrading && sent.parser != nil:
		sent.parser.Release(false)
	default:
		return
	}
	d.h1.upgrading = nil
	d.cut(sent)
}

// toHTTP2 reports whether a response turns the connection into one of HTTP/2. RFC 7540 §3.2.
func toHTTP2(e h1.Element) bool {
	return e.Switched && e.Message.Status == 101 && e.Message.Has("Upgrade", "h2c")
}

// upgrade goes on as HTTP/2: the received direction from the end of the head, the
// sent one with a preface after the request, which is stream 1 and half closed.
// RFC 7540 §3.2.
func (d *Decoder) upgrade(dir *direction, st *stream, e h1.Element) {
	d.h1.waiting = nil
	one := st
	if st.ID != 1 {
		one = &stream{Stream: st.Stream, place: len(d.order), headed: [2]bool{record.Sent: true}}
		one.ID, one.State = 1, HalfClosedSent
		one.last, one.Bytes, one.Messages = [2]int{}, [2]int64{}, [2]int{}
		d.order = append(d.order, one)
	}
	one.ended[record.Sent] = true
	one.implied = true // its window was not counted from the beginning
	d.streams = map[uint32]*stream{1: one}
	d.newest = [2]uint32{0, 1}
	d.touch(one)
	d.applySettings(st)

	dir.speaks, dir.pos = asHTTP2, e.Off+e.Len
	sent := d.dirs[record.Sent]
	sent.toHTTP2 = true
	if sent.parser != nil && sent.parser.Held() {
		sent.speaks, sent.pos = undecided, sent.parser.Start()
	}
}

// applySettings applies the HTTP2-Settings field of an upgraded request: the
// payload of a SETTINGS frame in base64url. RFC 7540 §3.2.1.
func (d *Decoder) applySettings(st *stream) {
	for i := len(d.t.Headers) - 1; i >= 0; i-- {
		b := &d.t.Headers[i]
		if b.Dir != record.Sent || b.Stream != st.ID || b.Kind != RequestHeaders {
			continue
		}
		v, ok := b.Get("http2-settings")
		if !ok {
			return
		}
		payload, err := base64.RawURLEncoding.DecodeString(v)
		if err != nil || len(payload)%6 != 0 {
			d.problem(Problem{Span: b.Fragments[0], Stream: st.ID, Rule: "RFC 7540 §3.2.1", Text: "HTTP2-Settings is not the payload of a SETTINGS frame in base64url"})
			return
		}
		d.settings(d.dirs[record.Sent], h2.Header{Type: h2.Settings}, payload)
		return
	}
}

// finishHTTP1 applies the end of the connection to a direction.
func (d *Decoder) finishHTTP1(dir *direction) {
	if dir.parser.Held() && !dir.toHTTP2 {
		// Nobody answered: what follows is what it looks like.
		dir.parser.Release(false)
		d.cutHTTP1(dir)
	}
	if dir.speaks != asHTTP1 {
		return
	}
	if e, ok := dir.parser.Close(dir.avail); ok {
		d.element(dir, e)
	}
	if inside := dir.parser.Inside(dir.avail); inside != "" {
		at := dir.parser.Start()
		p := Problem{Span: record.Span{Dir: dir.dir, Off: at, Len: dir.avail - at}, Rule: "RFC 9112 §8", Text: "the connection ended " + inside}
		if st := d.h1.current[dir.dir]; st != nil {
			p.Stream = st.ID
		}
		d.problem(p)
	}
}
