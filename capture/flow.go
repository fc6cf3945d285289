package capture

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// Limits of one connection.
const (
	maxWaiting  = 8 << 20 // bytes that wait for a gap before them to be filled
	maxSegments = 4096    // packets that wait
	maxGap      = 1 << 30 // the largest window: RFC 7323 §2.3
	maxHoles    = 4096    // what a recording file can hold
	maxProblems = 1000    // named one by one
	gracePeriod = 64      // packets after which bytes that were acknowledged and not seen are taken as not captured
)

// flow rebuilds what the two applications of one TCP connection have read.
//
// Bytes are recorded when the application could read them: with the packet that
// made them contiguous. A gap is a loss once the receiver has acknowledged it,
// for then the bytes were on the wire and the capture missed them; but packets may
// stand in the file in another order than on the wire, so a few are awaited.
// Until that is settled, what the receiver answers is held back: a reply stands
// never before its request.
type flow struct {
	ends   [2]endpoint
	client int // index in ends; -1 while it is not known
	rec    *record.Recording
	start  int64         // of the first packet, nanoseconds since 1970
	last   time.Duration // of the last chunk
	opened time.Duration // between SYN and the answer to it
	half   [2]half       // by sender
	grace  int           // packets seen since a gap was acknowledged

	comment  string // of the first packet
	guess    string // why client is which end; empty if the handshake tells
	problems []Problem
	unlisted int
	holes    int
	clock    bool  // named that time runs backwards
	gaveUp   bool  // the rest is not read
	closed   bool  // how it ended is known:
	closeErr error // as record.Recording.Close takes it
	ended    bool  // closed by both, or reset
}

// half is one direction. Offsets count from the first byte after the SYN.
type half struct {
	known   bool
	syn     bool
	isn     uint32
	seq     uint32 // sequence number of offset next
	next    int64  // everything before is recorded, or a hole
	acked   int64  // what the receiver has acknowledged
	fin     int64  // offset of the FIN; -1 before it
	waiting []segment
	bytes   int // in waiting
}

// segment is what a packet carried.
type segment struct {
	off     int64
	data    []byte
	missing int   // bytes after data that the capture cut
	ack     int64 // what its sender had acknowledged of the other direction
	at      time.Duration
	packet  int
}

func (s segment) end() int64 { return s.off + int64(len(s.data)+s.missing) }

func newFlow(s *segmentHeader, p *packet) *flow {
	f := &flow{ends: [2]endpoint{s.source, s.dest}, client: -1, start: p.at, comment: p.comment}
	f.half[0].fin, f.half[1].fin = -1, -1
	return f
}

// restarts reports whether a packet begins another connection between the same
// ports: a SYN with another initial sequence number. RFC 9293 §3.4.1.
func (f *flow) restarts(from int, s *segmentHeader) bool {
	h := &f.half[from]
	return s.flags&(tcpSYN|tcpACK) == tcpSYN && h.known && (!h.syn || h.isn != s.seq)
}

// packet takes the next packet of the connection, sent by end from.
func (f *flow) packet(from int, s *segmentHeader, p *packet) {
	if f.gaveUp {
		return
	}
	h, o := &f.half[from], &f.half[1-from]
	at := max(time.Duration(p.at-f.start), 0)
	if at < f.last && !f.clock {
		f.clock = true
		f.problem(Problem{At: at, Packet: p.number, Text: fmt.Sprintf("packet %d is dated %v before one that precedes it in the file: it counts as simultaneous", p.number, f.last-at)})
	}
	seq := s.seq
	if s.flags&tcpSYN != 0 {
		f.handshake(from, s, at)
		seq++
	}
	if !h.known {
		h.known, h.seq = true, seq
	}
	ack := int64(0)
	if s.flags&tcpACK != 0 {
		ack = o.acknowledge(s.ack)
	}
	off := h.next + int64(int32(seq-h.seq))
	if off-h.next > maxGap {
		f.problem(Problem{At: at, Packet: p.number, Text: fmt.Sprintf("packet %d has sequence number %d, outside of any window: it is not read", p.number, s.seq)})
		return
	}
	if h.fin >= 0 && off >= h.fin && len(s.payload) > 0 {
		f.problem(Problem{At: at, Packet: p.number, Text: fmt.Sprintf("packet %d carries bytes after its sender had ended: they are not read", p.number)})
		return
	}
	if len(s.payload)+s.missing > 0 && s.flags&tcpRST == 0 { // RFC 9293 §3.5.3: those of a RST are a remark
		f.chooseClient(from, s.payload)
		f.payload(from, segment{off: off, data: s.payload, missing: s.missing, ack: ack, at: at, packet: p.number})
	}
	f.end(from, s.flags, off+int64(len(s.payload)+s.missing))
	f.settle(false)
}

// handshake notes who opened the connection. RFC 9293 §3.5.
func (f *flow) handshake(from int, s *segmentHeader, at time.Duration) {
	h := &f.half[from]
	if h.syn || h.next > 0 {
		return // sent again
	}
	h.syn, h.known, h.isn, h.seq = true, true, s.seq, s.seq+1
	if s.flags&tcpACK == 0 {
		f.client = from
		return
	}
	f.client, f.opened = 1-from, at
}

// acknowledge notes an acknowledgment of what h's sender sent, and returns it as
// an offset.
func (h *half) acknowledge(ack uint32) int64 {
	if !h.known || !h.syn && h.next == 0 && len(h.waiting) == 0 {
		h.known, h.seq = true, ack // the capture begins here
		return 0
	}
	off := h.next + int64(int32(ack-h.seq))
	if off-h.next > maxGap {
		return 0 // of nothing that was sent
	}
	h.acked = max(h.acked, off)
	return off
}

// unseen returns how many acknowledged bytes are missing before the next one
// that is there. A single one at the end may be the FIN, which takes a number, too.
func (h *half) unseen() int64 {
	acked := h.acked
	if h.fin >= 0 {
		acked = min(acked, h.fin)
	}
	n := acked - h.next
	switch {
	case len(h.waiting) > 0 && h.waiting[0].off <= h.next:
		return 0
	case n > 1 || n == 1 && len(h.waiting) > 0:
		return n
	}
	return 0
}

// end notes how the connection ends: by whom first, and when for both.
func (f *flow) end(from int, flags byte, off int64) {
	if flags&(tcpFIN|tcpRST) == 0 {
		return
	}
	h := &f.half[from]
	if flags&tcpFIN != 0 && h.fin < 0 && off >= h.next {
		h.fin = off
	}
	f.ended = f.ended || flags&tcpRST != 0 || f.half[1-from].fin >= 0
	if f.closed {
		return
	}
	f.closed = true
	switch byClient := from == f.clientEnd(); {
	case flags&tcpRST != 0 && byClient:
		f.closeErr = errors.New("the client reset the connection")
	case flags&tcpRST != 0:
		f.closeErr = errors.New("connection reset by peer")
	case !byClient:
		f.closeErr = io.EOF
	}
}

// clientEnd is the client, guessed by the ports if nothing else tells: a server
// listens on a port that is known for it, or on the lower one.
func (f *flow) clientEnd() int {
	if f.client >= 0 {
		return f.client
	}
	first, second := f.ends[0].port, f.ends[1].port
	if a, b := isServerPort(first), isServerPort(second); a != b {
		if a {
			return 1
		}
		return 0
	}
	if second > first {
		return 1
	}
	return 0
}

// isServerPort knows the ports of servers that lie where clients have theirs.
func isServerPort(p uint16) bool { return p < 1024 || p >= 50051 && p <= 50060 }

// chooseClient decides at the first payload who the client is, if the
// handshake is not in the capture.
func (f *flow) chooseClient(from int, payload []byte) {
	if f.client >= 0 {
		return
	}
	switch {
	case opensAsClient(payload):
		f.client, f.guess = from, "its first bytes are those of a client"
	case opensAsServer(payload):
		f.client, f.guess = 1-from, "the first bytes of the other side are those of a server"
	default:
		f.client, f.guess = f.clientEnd(), "of its port"
	}
}

func (f *flow) dir(from int) record.Dir {
	if from == f.client {
		return record.Sent
	}
	return record.Received
}

func (f *flow) problem(p Problem) {
	if len(f.problems) == maxProblems {
		f.unlisted++
		return
	}
	f.problems = append(f.problems, p)
}

// meta are the facts about the connection.
func (f *flow) meta() record.Meta {
	local, peer := f.ends[f.client].String(), f.ends[1-f.client].String()
	return record.Meta{
		Start: time.Unix(0, f.start).UTC(), Network: "tcp", Address: peer, Local: local, Peer: peer,
		Dial: record.Dial{Connect: f.opened},
	}
}

// String returns the endpoint as host:port.
func (e endpoint) String() string {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port).String()
}

// finish settles what is open and returns the connection; nil if no byte was
// carried.
func (f *flow) finish() *Connection {
	f.settle(true)
	if f.rec == nil {
		return nil
	}
	if f.closed {
		f.rec.Close(f.closeErr)
	}
	c := &Connection{Recording: f.rec, Name: nameOf(f.rec.Meta()), Problems: f.problems}
	if f.comment != "" {
		c.Notes = append(c.Notes, "the file says: "+f.comment)
	}
	if !f.half[f.client].syn && !f.half[1-f.client].syn {
		c.Notes = append(c.Notes, fmt.Sprintf("the capture begins after this connection did: %s was taken for the client, because %s", f.ends[f.client], f.guess))
	}
	if f.unlisted > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d more problems of this connection are not listed", f.unlisted))
	}
	return c
}
