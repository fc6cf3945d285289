package capture

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/wiregloss/wiregloss/record"
)

// payload takes a segment in the order of the file. Its data may be overwritten
// afterwards.
func (f *flow) payload(from int, s segment) {
	h := &f.half[from]
	f.nameReordering(from, s)
	if len(h.waiting) == 0 && f.ready(from, s) {
		f.take(from, s)
	} else {
		f.wait(h, s)
	}
	f.drain()
}

// ready reports whether a segment can be recorded: the bytes before it are, and
// so is what its sender had acknowledged when it sent it.
func (f *flow) ready(from int, s segment) bool {
	o := &f.half[1-from]
	ack := s.ack
	if o.fin >= 0 {
		ack = min(ack, o.fin)
	} else if len(o.waiting) == 0 {
		ack-- // a FIN that is not in the capture may have been acknowledged
	}
	return s.off <= f.half[from].next && ack <= o.next
}

// take records a segment that is ready, as far as it is new.
func (f *flow) take(from int, s segment) {
	if next := f.half[from].next; s.off < next {
		f.compare(from, s)
		if s.end() <= next {
			return
		}
	}
	f.deliver(from, s)
}

// drain records the waiting segments of both directions that are ready, in the
// order of the file.
func (f *flow) drain() {
	for !f.gaveUp {
		best := -1
		for from := range f.half {
			w := f.half[from].waiting
			if len(w) > 0 && f.ready(from, w[0]) && (best < 0 || w[0].packet < f.half[best].waiting[0].packet) {
				best = from
			}
		}
		if best < 0 {
			return
		}
		f.takeWaiting(best)
	}
}

func (f *flow) takeWaiting(from int) {
	h := &f.half[from]
	s := h.waiting[0]
	h.waiting[0].data = nil
	h.waiting = h.waiting[1:]
	h.bytes -= len(s.data)
	f.take(from, s)
}

// nameReordering says so if a segment brings what others have waited for.
func (f *flow) nameReordering(from int, s segment) {
	h, o := &f.half[from], &f.half[1-from]
	if s.off > h.next || s.end() <= h.next {
		return
	}
	off := max(s.off, 0) // a retransmission may begin before the capture does
	p := Problem{At: s.at, Span: record.Span{Dir: f.dir(from), Off: off, Len: s.end() - off}, Packet: s.packet}
	switch {
	case len(h.waiting) > 0 && h.waiting[0].off > h.next:
		p.Text = fmt.Sprintf("packet %d stands after packet %d, which carries later bytes: they were reordered, or the first try was lost", s.packet, h.waiting[0].packet)
	case len(o.waiting) > 0 && o.waiting[0].off <= o.next && o.waiting[0].ack > h.next:
		p.Text = fmt.Sprintf("packet %d stands after packet %d, which acknowledges its bytes: the capture reordered them", s.packet, o.waiting[0].packet)
	default:
		return
	}
	f.problem(p)
}

// wait keeps a segment until it is ready, by its offset.
func (f *flow) wait(h *half, s segment) {
	s.data = bytes.Clone(s.data)
	i, _ := slices.BinarySearchFunc(h.waiting, s, func(a, b segment) int {
		if a.off <= b.off {
			return -1 // of equal offsets the first in the file comes first
		}
		return 1
	})
	h.waiting = slices.Insert(h.waiting, i, s)
	h.bytes += len(s.data)
}

// deliver records what s has from h.next on.
func (f *flow) deliver(from int, s segment) {
	h, d := &f.half[from], f.dir(from)
	if f.rec == nil {
		f.rec = record.New(f.meta())
	}
	f.last = max(f.last, s.at)
	cut := min(h.next-s.off, int64(len(s.data)))
	n := f.rec.Add(d, f.last, s.data[cut:]).Len
	if rest := s.end() - h.next - n; s.missing > 0 && rest > 0 {
		hole := f.hole(d, rest)
		f.problem(Problem{
			At: f.last, Span: hole, Packet: s.packet,
			Text: fmt.Sprintf("%d bytes were not kept: the capture cut packet %d (capture with a larger snapshot length)", rest, s.packet),
		})
		n += hole.Len
	}
	f.advance(h, n)
}

func (f *flow) advance(h *half, n int64) {
	h.next += n
	h.seq += uint32(n)
}

// hole records bytes that are not there.
func (f *flow) hole(d record.Dir, n int64) record.Span {
	if f.rec == nil {
		f.rec = record.New(f.meta())
	}
	s := f.rec.Skip(d, f.last, n)
	if f.holes++; f.holes == maxHoles {
		f.gaveUp = true
		f.problem(Problem{At: f.last, Span: s, Text: fmt.Sprintf("more than %d places without bytes: the rest of the connection is not read", maxHoles)})
	}
	return s
}

// compare looks at bytes that came again. The first ones stand, as they do for
// most receivers; others are named.
func (f *flow) compare(from int, s segment) {
	h, d := &f.half[from], f.dir(from)
	if s.off < 0 { // from before the capture began
		drop := min(-s.off, int64(len(s.data)))
		s.off, s.data = s.off+drop, s.data[drop:]
	}
	// RFC 9293 §3.8.4: a keep-alive may carry one byte of anything.
	again := s.data[:max(min(int64(len(s.data)), h.next-s.off), 0)]
	if f.rec == nil || len(again) == 0 || len(s.data) == 1 && s.off == h.next-1 {
		return
	}
	span := record.Span{Dir: d, Off: s.off, Len: int64(len(again))}
	first := f.rec.Append(nil, span)
	if len(first) < len(again) {
		f.problem(Problem{
			At: f.last, Span: span, Packet: s.packet,
			Text: fmt.Sprintf("packet %d brings bytes that were taken as lost before: it stands too late in the file", s.packet),
		})
	}
	for i := range first {
		if first[i] != again[i] {
			span.Off, span.Len = s.off+int64(i), int64(len(again)-i)
			f.problem(Problem{
				At: f.last, Span: span, Packet: s.packet,
				Text: fmt.Sprintf("packet %d sends these bytes again with other content: 0x%02x was 0x%02x; the first ones are kept", s.packet, again[i], first[i]),
			})
			return
		}
	}
}

// settle declares gaps that will not be filled as losses: all of them at the
// end of the file, else those that were acknowledged a while ago and those that
// too much waits for.
func (f *flow) settle(all bool) {
	if f.half[0].unseen() == 0 && f.half[1].unseen() == 0 {
		f.grace = 0
	} else {
		f.grace++
	}
	for (all || f.grace > gracePeriod || f.full()) && f.lose(all || f.full()) {
		f.drain()
	}
	if f.grace > gracePeriod {
		f.grace = 0
	}
	if f.gaveUp {
		f.half[0].waiting, f.half[1].waiting = nil, nil
	}
}

func (f *flow) full() bool {
	return len(f.half[0].waiting)+len(f.half[1].waiting) > maxSegments || f.half[0].bytes+f.half[1].bytes > maxWaiting
}

// lose records one gap as a hole: that before the earlier packet, if both
// directions have one. Gaps that nobody acknowledged count only if unacknowledged
// is set.
func (f *flow) lose(unacknowledged bool) bool {
	best, bestPacket, stuck := -1, 0, -1
	for from := range f.half {
		h := &f.half[from]
		switch {
		case f.gaveUp:
		case h.unseen() > 0 || unacknowledged && h.gap() > 0:
			if packet := f.firstAfter(from); best < 0 || packet < bestPacket {
				best, bestPacket = from, packet
			}
		case unacknowledged && len(h.waiting) > 0:
			stuck = from
		}
	}
	switch {
	case best >= 0:
		f.loseIn(best)
	case stuck >= 0:
		f.takeWaiting(stuck) // it acknowledges what nobody sends
	}
	return best >= 0 || stuck >= 0
}

// gap returns how many bytes are missing before the next one that is there, or
// before what was acknowledged.
func (h *half) gap() int64 {
	gap := h.unseen()
	if len(h.waiting) > 0 && (gap == 0 || h.waiting[0].off-h.next < gap) {
		gap = max(h.waiting[0].off-h.next, 0)
	}
	return gap
}

// firstAfter returns the first packet in the file that waits for a gap of half
// from.
func (f *flow) firstAfter(from int) int {
	first := math.MaxInt
	for i := range f.half {
		if w := f.half[i].waiting; len(w) > 0 && (i == from || !f.ready(i, w[0])) {
			first = min(first, w[0].packet)
		}
	}
	return first
}

func (f *flow) loseIn(from int) {
	if f.client < 0 {
		f.chooseClient(from, nil)
	}
	h := &f.half[from]
	why := "never seen, and not acknowledged in the capture"
	if h.unseen() > 0 {
		why = "acknowledged by the receiver, but not in the capture"
	}
	gap := h.gap()
	p := Problem{Text: fmt.Sprintf("%s missing: %s", are(gap, "byte"), why)}
	if p.Packet = f.firstAfter(from); p.Packet == math.MaxInt {
		p.Packet = 0
	}
	if len(h.waiting) > 0 {
		f.last = max(f.last, h.waiting[0].at)
	}
	p.At, p.Span = f.last, f.hole(f.dir(from), gap)
	f.advance(h, gap)
	f.problem(p)
}

// are returns "1 byte is" or "2 bytes are".
func are(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return fmt.Sprintf("%d %ss are", n, thing)
}
