package inspect

import "github.com/wiregloss/wiregloss/record"

// NewBodyDecoder returns a Decoder of a recording whose received bytes are a body
// alone, without a connection around it: the gRPC messages of a file, or one
// protobuf message. Its stream is 1; Trace.Frames and Trace.Parts stay empty.
func NewBodyDecoder(rec *record.Recording, framing Framing, content Content) *Decoder {
	d := NewDecoder(rec)
	d.t.Protocol = BareBody
	st := d.open(1, 0)
	st.State = HalfClosedSent
	st.ended[record.Sent] = true
	w := &st.body[record.Received]
	w.framing, w.content = framing, content
	for _, dir := range d.dirs {
		dir.speaks = asBody
	}
	d.h1.current[record.Received] = st
	return d
}

// cutBody reads what is there of the body.
func (d *Decoder) cutBody(dir *direction) {
	st := d.h1.current[dir.dir]
	s := dir.span(dir.avail - dir.pos)
	dir.pos = dir.avail
	if st == nil || s.Len == 0 {
		return
	}
	st.Bytes[dir.dir] += s.Len
	d.feedBytes(dir, st, s)
}
