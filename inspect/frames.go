package inspect

import (
	"fmt"
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// frame lists a whole frame and applies what it says.
func (d *Decoder) frame(dir *direction, s record.Span, h h2.Header, payload []byte) {
	f := Frame{
		At: dir.at, Off: s.Off, Length: h.Length, Stream: h.Stream, Dir: dir.dir, Type: h.Type, Flags: h.Flags, Block: -1,
	}
	if !d.sides[dir.dir].begun {
		d.enter(dir, s, h)
	}
	for _, v := range h2.Check(h, payload, h2.Context{FromClient: dir.dir == record.Sent, MaxFrameSize: dir.maxFrameSize}) {
		d.problem(Problem{Span: s, Stream: h.Stream, Rule: v.Rule, Text: v.Text})
	}
	if dir.block != nil && (h.Type != h2.Continuation || h.Stream != dir.block.Stream) {
		id := dir.block.Stream
		d.abandonBlock(dir, s, h)
		d.settle(dir, s, id)
	}
	if h.Type != h2.Data {
		d.checkOrder(dir, s, h, payload)
	}
	index := d.t.Forgotten.Frames + len(d.t.Frames)
	switch h.Type {
	case h2.Data:
		d.data(dir, &f, index, s, h, payload)
	case h2.Headers:
		part, _, _ := h2.HeadersPart(h, payload)
		d.beginBlock(dir, index, h, blockSpan(s, part), 0)
		f.Block = d.endBlock(dir, h)
	case h2.PushPromise:
		promised, part := h2.PromisePart(h, payload)
		d.beginBlock(dir, index, h, blockSpan(s, part), promised)
		f.Block = d.endBlock(dir, h)
	case h2.Continuation:
		f.Block = d.continuation(dir, s, h)
	case h2.Settings:
		d.settings(dir, h, payload)
	case h2.WindowUpdate:
		d.windowUpdate(dir, &f, s, payload)
	case h2.RSTStream:
		d.rstStream(dir, h, payload)
	}
	switch h.Type {
	case h2.Headers, h2.Continuation, h2.RSTStream:
		d.settle(dir, s, h.Stream)
	case h2.Data:
		if h.Flags.Has(h2.EndStream) {
			d.settle(dir, s, h.Stream)
		}
	}
	d.t.Frames = append(d.t.Frames, f)
}

// blockSpan returns the wire span of a part of a frame's payload.
func blockSpan(frame record.Span, p h2.Part) record.Span {
	return record.Span{Dir: frame.Dir, Off: frame.Off + h2.HeaderLen + int64(p.Off), Len: int64(p.Len)}
}

// data applies a DATA frame: windows, then messages. RFC 9113 §5.2, §6.1.
func (d *Decoder) data(dir *direction, f *Frame, index int, s record.Span, h h2.Header, payload []byte) {
	// Padding counts against the windows too.
	dir.window -= int64(h.Length)
	st := d.stream(h.Stream, dir.at, s)
	st.spent[dir.dir] += int64(h.Length)
	f.ConnWindow, f.StreamWindow = clamp(dir.window), clamp(dir.left(st))
	if st.lost {
		return
	}
	if !st.headed[dir.dir] && !st.reported && !d.unseen() {
		st.reported = true
		d.problem(Problem{Span: s, Stream: h.Stream, Rule: "RFC 9113 §5.1", Text: "DATA before any HEADERS of its stream and direction: what it holds is unknown" + closesConnection})
	}
	d.checkEnded(dir, st, s, h)
	d.checkWindows(dir, st, s, h)
	part := h2.DataPart(h, payload)
	st.Bytes[dir.dir] += int64(part.Len)
	span := blockSpan(s, part)
	end := min(part.Off+part.Len, len(payload))
	d.feed(dir, st, index, span, payload[min(part.Off, end):end])
	if h.Flags.Has(h2.EndStream) {
		d.endStream(dir, st, s)
	}
}

// checkEnded names a frame that comes after its sender has ended the stream.
func (d *Decoder) checkEnded(dir *direction, st *stream, s record.Span, h h2.Header) {
	what := ""
	switch {
	case st.ended[dir.dir]:
		what = " after END_STREAM: the stream is closed for its sender"
	case st.State == Reset && st.ResetBy == dir.dir:
		what = " after RST_STREAM of the same side: the stream is closed for its sender"
	default:
		return
	}
	d.problem(Problem{Span: s, Stream: h.Stream, Rule: "RFC 9113 §5.1", Text: h.Type.String() + what + closedStream})
}

func (d *Decoder) checkWindows(dir *direction, st *stream, s record.Span, h h2.Header) {
	if h.Length == 0 || d.unseen() {
		return
	}
	const consequence = "; a strict peer answers with FLOW_CONTROL_ERROR"
	if dir.window < 0 && dir.window+int64(h.Length) >= 0 {
		d.problem(Problem{Span: s, Stream: h.Stream, Rule: "RFC 9113 §6.9.1", Text: fmt.Sprintf("DATA of %d bytes exceeds the connection's window by %d%s", h.Length, -dir.window, consequence)})
	}
	if w := dir.left(st); w < 0 && w+int64(h.Length) >= 0 && !st.implied {
		d.problem(Problem{Span: s, Stream: h.Stream, Rule: "RFC 9113 §6.9.1", Text: fmt.Sprintf("DATA of %d bytes exceeds the stream's window by %d%s", h.Length, -w, consequence)})
	}
}

// settings applies parameters to the other direction's sender. RFC 9113 §6.5.
func (d *Decoder) settings(dir *direction, h h2.Header, payload []byte) {
	if h.Flags.Has(h2.Ack) {
		return
	}
	other := d.dirs[dir.dir.Other()]
	for _, s := range h2.ReadSettings(payload) {
		switch s.ID {
		case h2.HeaderTableSize:
			other.hpack.AllowTableSize(s.Value)
		case h2.MaxFrameSize:
			if s.Value >= h2.DefaultMaxFrameSize {
				other.maxFrameSize = min(s.Value, 1<<24-1)
			}
		case h2.InitialWindowSize:
			// RFC 9113 §6.9.2: it adjusts every open stream, never the connection.
			other.initial = int64(s.Value)
		}
	}
}

// windowUpdate adds to what the other direction's sender may send. RFC 9113 §6.9.
func (d *Decoder) windowUpdate(dir *direction, f *Frame, s record.Span, payload []byte) {
	n, ok := h2.ReadWindowUpdate(payload)
	if !ok {
		return
	}
	other := d.dirs[dir.dir.Other()]
	var window int64
	if f.Stream == 0 {
		other.window += int64(n)
		window = other.window
	} else {
		st, known := d.streams[f.Stream]
		if !known {
			return // ended and forgotten, or never opened: allowed for a while after closing, §5.1
		}
		st.spent[other.dir] -= int64(n)
		window = other.left(st)
		f.StreamWindow = clamp(window)
	}
	if window > 1<<31-1 {
		d.problem(Problem{Span: s, Stream: f.Stream, Rule: "RFC 9113 §6.9.1", Text: fmt.Sprintf("the window grows to %d, more than 2^31-1; a strict peer answers with FLOW_CONTROL_ERROR", window)})
	}
	f.ConnWindow = clamp(other.window)
}

func (d *Decoder) rstStream(dir *direction, h h2.Header, payload []byte) {
	st, ok := d.streams[h.Stream]
	if !ok || st.State == Closed || st.State == Reset {
		return
	}
	st.State, st.Ended, st.ResetBy = Reset, dir.at, dir.dir
	st.ResetCode, _ = h2.ReadRSTStream(payload)
	d.touch(st)
}

func clamp(w int64) int32 { return int32(max(min(w, 1<<31-1), -1<<31)) }

// left returns how much DATA this direction's sender may still send on a stream.
func (dir *direction) left(st *stream) int64 { return dir.initial - st.spent[dir.dir] }

// stream returns the stream with an id; one that no HEADERS opened is made up,
// so that its bytes are shown.
func (d *Decoder) stream(id uint32, at time.Duration, s record.Span) *stream {
	if st, ok := d.streams[id]; ok {
		return st
	}
	return d.makeUp(id, at, s)
}

// open lists a stream.
func (d *Decoder) open(id uint32, at time.Duration) *stream {
	st := &stream{Stream: Stream{ID: id, Opened: at}, place: len(d.order)}
	d.streams[id] = st
	d.order = append(d.order, st)
	d.touch(st)
	d.newest[id&1] = max(d.newest[id&1], id)
	return st
}

// makeUp opens a stream that no request of its own opened. Two get one that is
// not listed: frames under way on a stream that was closed and forgotten, which
// RFC 9113 §5.1 allows, and those of a peer that names more streams than can be
// kept.
func (d *Decoder) makeUp(id uint32, at time.Duration, s record.Span) *stream {
	late := d.forgot && id != 0 && id <= d.newest[id&1]
	if late || d.made >= maxMade {
		if !late && d.made == maxMade {
			d.made++
			d.problem(Problem{Span: s, Stream: id, Rule: "limit", Text: fmt.Sprintf("more than %d streams that no request opened: the rest is not followed", maxMade)})
		}
		return &stream{Stream: Stream{ID: id, Opened: at}, lost: true}
	}
	st := d.open(id, at)
	st.made, st.implied = true, true
	d.made++
	return st
}
