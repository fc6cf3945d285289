package inspect

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// What a strict peer does about a broken rule. RFC 9113 §5.4, §8.1.1.
const (
	closesConnection = "; a strict peer closes the connection with PROTOCOL_ERROR"
	closedStream     = "; a strict peer answers with STREAM_CLOSED"
	resetsStream     = "; a strict peer resets the stream with PROTOCOL_ERROR"
)

const (
	// maxPending bounds the SETTINGS of one side that wait for their ACK, maxPings
	// its PINGs, each of which is looked for.
	maxPending = 1000
	maxPings   = 64
	// floodFrames is how many frames of one header block make a flood. No client or
	// server in use cuts a block into that many: their limits end it before.
	floodFrames = 1000
)

// limits are what one side asks of the other. Zero asks for nothing.
type limits struct {
	noPush     bool
	hasStreams bool
	hasList    bool
	streams    uint32 // MAX_CONCURRENT_STREAMS
	list       uint32 // MAX_HEADER_LIST_SIZE
}

// side is what the rules remember of the frames that one side sends.
type side struct {
	begun    bool // its first frame has been seen
	attached bool // it had sent frames before that one

	asked   limits    // by its SETTINGS up to now
	binding limits    // those of them that the other side has acknowledged
	pending []limits  // of SETTINGS without ACK, the oldest first
	pings   [][8]byte // without ACK
	loose   bool      // too many of either wait: their ACKs are not checked

	goneAway bool
	last     uint32 // of its GOAWAY
	open     int    // streams that it opened, of those that are not closed
	parts    int    // CONTINUATION frames of the block under way
}

// unseen reports whether a part of the connection before this point was not
// captured: rules about what must have come before are not applied then.
func (d *Decoder) unseen() bool {
	return d.sides[record.Sent].attached || d.sides[record.Received].attached || !d.sides[record.Sent].begun || !d.sides[record.Received].begun
}

// enter looks at the first frame of a direction. RFC 9113 §3.4: SETTINGS is what
// both sides begin with; a capture that begins later shows something else, and
// lacks the client's preface.
func (d *Decoder) enter(dir *direction, s record.Span, h h2.Header) {
	side := &d.sides[dir.dir]
	side.begun = true
	settings := h.Type == h2.Settings && !h.Flags.Has(h2.Ack)
	preface := d.t.Preface.Len > 0
	switch {
	case dir.dir == record.Sent && !preface, !settings && !preface:
		side.attached = true
		dir.hpack.Attach()
		// What its receiver allows was said in SETTINGS that are not here.
		dir.maxFrameSize = 1<<24 - 1
	case !settings:
		d.problem(Problem{
			Span: s, Stream: h.Stream, Rule: "RFC 9113 §3.4",
			Text: fmt.Sprintf("%s as the first frame of its direction, which must be SETTINGS%s", h.Type, closesConnection),
		})
	}
}

// checkOrder names a frame that its sender may not send now. What only DATA and
// header blocks can break is with those.
func (d *Decoder) checkOrder(dir *direction, s record.Span, h h2.Header, payload []byte) {
	switch h.Type {
	case h2.Headers:
		d.sides[dir.dir].parts = 0
		d.checkOpening(dir, s, h)
	case h2.PushPromise:
		d.sides[dir.dir].parts = 0
		d.checkPromise(dir, s, h, payload)
	case h2.Continuation:
		d.checkFlood(dir, s, h)
	case h2.Settings:
		d.checkSettings(dir, s, h, payload)
	case h2.Ping:
		d.checkPing(dir, s, h, payload)
	case h2.GoAway:
		d.checkGoAway(dir, s, payload)
	case h2.RSTStream, h2.WindowUpdate:
		if d.idle(h.Stream) {
			d.problem(Problem{
				Span: s, Stream: h.Stream, Rule: "RFC 9113 §5.1",
				Text: fmt.Sprintf("%s on stream %d, which is idle%s", h.Type, h.Stream, closesConnection),
			})
		}
	}
}

// idle reports whether a stream was not opened yet, and no later one was either,
// which would have closed it. RFC 9113 §5.1.1.
func (d *Decoder) idle(id uint32) bool {
	if id == 0 || id <= d.newest[id&1] || d.unseen() || d.made >= maxMade {
		return false
	}
	_, known := d.streams[id]
	return !known
}

// checkOpening checks the stream of a HEADERS frame. RFC 9113 §5.1, §5.1.1.
func (d *Decoder) checkOpening(dir *direction, s record.Span, h h2.Header) {
	say := func(rule, format string, args ...any) {
		d.problem(Problem{Span: s, Stream: h.Stream, Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
	st, known := d.streams[h.Stream]
	gone := d.forgot && h.Stream <= d.newest[h.Stream&1]
	switch {
	case h.Stream == 0 || gone || d.made >= maxMade:
	case known:
		if st.State == Reset && st.ResetBy == dir.dir {
			say("RFC 9113 §5.1", "HEADERS after RST_STREAM of the same side%s", closedStream)
		}
	case dir.dir == record.Sent && h.Stream%2 == 0:
		say("RFC 9113 §5.1.1", "HEADERS of a client on stream %d; it opens odd ones only%s", h.Stream, closesConnection)
	case d.unseen():
	case dir.dir == record.Sent && h.Stream < d.newest[1]:
		say("RFC 9113 §5.1.1", "HEADERS open stream %d after stream %d, which closed it%s", h.Stream, d.newest[1], closesConnection)
	case dir.dir == record.Sent:
		d.checkConcurrent(dir, s, h.Stream)
	default:
		say("RFC 9113 §5.1", "HEADERS of a server on stream %d, which no request or promise opened%s", h.Stream, closesConnection)
	}
}

// checkConcurrent names a stream that is one too many. RFC 9113 §5.1.2.
func (d *Decoder) checkConcurrent(dir *direction, s record.Span, id uint32) {
	l := d.sides[dir.dir.Other()].binding
	if open := d.sides[dir.dir].open; l.hasStreams && open >= int(l.streams) {
		d.problem(Problem{
			Span: s, Stream: id, Rule: "RFC 9113 §5.1.2",
			Text: fmt.Sprintf("stream %d is open beside %d others, MAX_CONCURRENT_STREAMS is %d; a strict peer resets it with REFUSED_STREAM or PROTOCOL_ERROR", id, open, l.streams),
		})
	}
}

// checkPromise checks which streams a PUSH_PROMISE is about. RFC 9113 §6.6, §8.4.
func (d *Decoder) checkPromise(dir *direction, s record.Span, h h2.Header, payload []byte) {
	say := func(rule, format string, args ...any) {
		d.problem(Problem{Span: s, Stream: h.Stream, Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
	if d.sides[dir.dir.Other()].binding.noPush {
		say("RFC 9113 §8.4", "PUSH_PROMISE though the client's ENABLE_PUSH is 0%s", closesConnection)
	}
	if d.unseen() || h.Stream == 0 {
		return
	}
	promised, _ := h2.PromisePart(h, payload)
	if _, known := d.streams[promised]; !known && promised != 0 && promised%2 == 0 && promised <= d.newest[0] {
		say("RFC 9113 §5.1.1", "promised stream %d is not above stream %d, promised before%s", promised, d.newest[0], closesConnection)
	}
	st, known := d.streams[h.Stream]
	switch {
	case !known && d.idle(h.Stream):
		say("RFC 9113 §6.6", "PUSH_PROMISE on stream %d, which is idle%s", h.Stream, closesConnection)
	case known && (h.Stream%2 == 0 || st.ended[dir.dir]):
		say("RFC 9113 §6.6", "PUSH_PROMISE on stream %d, on which its sender has ended or never was asked%s", h.Stream, closesConnection)
	}
}

// checkFlood names a header block of very many frames. RFC 9113 §10.5.1.
func (d *Decoder) checkFlood(dir *direction, s record.Span, h h2.Header) {
	if dir.block == nil {
		return
	}
	side := &d.sides[dir.dir]
	if side.parts++; side.parts == floodFrames {
		d.problem(Problem{
			Span: s, Stream: h.Stream, Rule: "RFC 9113 §10.5.1",
			Text: fmt.Sprintf("a header block of more than %d CONTINUATION frames: a flood; a strict peer closes the connection with ENHANCE_YOUR_CALM", floodFrames),
		})
	}
}

// checkSettings pairs SETTINGS with their ACK, from which on they bind: those of
// one side are acknowledged in order. RFC 9113 §6.5.3.
func (d *Decoder) checkSettings(dir *direction, s record.Span, h h2.Header, payload []byte) {
	own, other := &d.sides[dir.dir], &d.sides[dir.dir.Other()]
	if !h.Flags.Has(h2.Ack) {
		own.ask(payload)
		return
	}
	switch {
	case len(other.pending) > 0:
		other.binding = other.pending[0]
		other.pending = other.pending[1:]
	case !other.loose && !d.unseen():
		d.problem(Problem{Span: s, Rule: "RFC 9113 §6.5.3", Text: "ACK of SETTINGS that were not sent" + closesConnection})
	}
}

// ask notes what SETTINGS ask for.
func (side *side) ask(payload []byte) {
	for ; len(payload) >= 6; payload = payload[6:] {
		v := h2.ReadSettings(payload[:6])[0]
		switch v.ID {
		case h2.EnablePush:
			side.asked.noPush = v.Value == 0
		case h2.MaxConcurrentStreams:
			side.asked.hasStreams, side.asked.streams = true, v.Value
		case h2.MaxHeaderListSize:
			side.asked.hasList, side.asked.list = true, v.Value
		}
	}
	if len(side.pending) >= maxPending {
		side.loose = true
		return
	}
	side.pending = append(side.pending, side.asked)
}

// checkPing names an ACK whose PING was not sent. RFC 9113 §6.7.
func (d *Decoder) checkPing(dir *direction, s record.Span, h h2.Header, payload []byte) {
	own, other := &d.sides[dir.dir], &d.sides[dir.dir.Other()]
	data, _, ok := h2.ReadPing(payload)
	if !ok {
		return
	}
	if !h.Flags.Has(h2.Ack) {
		if len(own.pings) >= maxPings {
			own.loose = true
			return
		}
		own.pings = append(own.pings, data)
		return
	}
	for i, sent := range other.pings {
		if sent == data {
			other.pings = append(other.pings[:i], other.pings[i+1:]...)
			return
		}
	}
	if !other.loose && !d.unseen() {
		d.problem(Problem{Span: s, Rule: "RFC 9113 §6.7", Text: fmt.Sprintf("ACK of a PING that was not sent: no PING with %x waits for one; most peers ignore it", data)})
	}
}

// checkGoAway names a GOAWAY that takes back what an earlier one said. RFC 9113 §6.8.
func (d *Decoder) checkGoAway(dir *direction, s record.Span, payload []byte) {
	g, ok := h2.ReadGoAway(payload)
	if !ok {
		return
	}
	side := &d.sides[dir.dir]
	if side.goneAway && g.LastStream > side.last {
		d.problem(Problem{
			Span: s, Rule: "RFC 9113 §6.8",
			Text: fmt.Sprintf("GOAWAY raises its last stream from %d to %d, so what was sent again elsewhere may run twice; some peers close the connection with PROTOCOL_ERROR", side.last, g.LastStream),
		})
	}
	side.goneAway, side.last = true, g.LastStream
}

// settle counts a stream as open until both sides have ended it, and checks its
// lengths when one has. It is called after each frame that may have changed that.
func (d *Decoder) settle(dir *direction, s record.Span, id uint32) {
	st, ok := d.streams[id]
	if !ok {
		return
	}
	own := record.Sent
	if id%2 == 0 {
		own = record.Received
	}
	done := st.State == Closed || st.State == Reset
	switch {
	case !st.counted && !done:
		st.counted = true
		d.sides[own].open++
	case st.counted && done:
		st.counted = false
		d.sides[own].open--
	}
	if st.ended[dir.dir] && st.State != Reset {
		d.checkBodyLength(dir, st, s)
	}
}
