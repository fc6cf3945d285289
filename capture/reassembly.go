package capture

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// payload takes a segment in the order of the file. Its data may be overwritten
// afterwards.
func (f *flow) payload(from int, s segment) {
	if f.blocked(from) {
		s.data = bytes.Clone(s.data)
		f.held = append(f.held, held{from, s})
		f.heldBytes += len(s.data)
		return
	}
	f.push(from, s)
}

// blocked reports whether what from sent has to wait: its receiver has not been
// seen to send bytes that from has acknowledged, and may be answering.
func (f *flow) blocked(from int) bool {
	h := &f.half[from]
	return f.half[1-from].unseen() > 0 && len(h.waiting) == 0 && h.unseen() == 0
}

// push records a segment, or keeps it until what is before it is there.
func (f *flow) push(from int, s segment) {
	h := &f.half[from]
	switch {
	case s.off > h.next:
		f.wait(h, s)
	case s.end() <= h.next:
		f.compare(from, s)
	default:
		if s.off < h.next {
			f.compare(from, s)
		}
		f.deliver(from, s)
		f.drain(from, s)
	}
}

// wait keeps a segment that is after a gap, in order.
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

// drain records what waited for the segment that filler brought.
func (f *flow) drain(from int, filler segment) {
	h := &f.half[from]
	n := 0
	for n < len(h.waiting) && h.waiting[n].off <= h.next && !f.gaveUp {
		s := h.waiting[n]
		s.at = max(s.at, filler.at)
		if n == 0 && filler.packet > s.packet {
			f.problem(Problem{
				At: filler.at, Span: record.Span{Dir: f.dir(from), Off: filler.off, Len: filler.end() - filler.off}, Packet: filler.packet,
				Text: fmt.Sprintf("packet %d stands after packet %d, which carries the bytes that follow: they were reordered, or the first try was lost", filler.packet, s.packet),
			})
		}
		h.bytes -= len(s.data)
		n++
		if s.end() <= h.next {
			f.compare(from, s)
			continue
		}
		if s.off < h.next {
			f.compare(from, s)
		}
		f.deliver(from, s)
	}
	h.waiting = slices.Delete(h.waiting, 0, n)
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
// too much waits for. Then it takes what was held back.
func (f *flow) settle(all bool) {
	if f.open() {
		f.grace++
	} else {
		f.grace = 0
		f.release()
	}
	for (all || f.grace > gracePeriod || f.full()) && f.lose(all || f.full()) {
		f.release()
	}
	if f.grace > gracePeriod {
		f.grace = 0
	}
	if f.gaveUp {
		f.half[0].waiting, f.half[1].waiting, f.held = nil, nil, nil
	}
}

// open reports whether bytes were acknowledged that are not there.
func (f *flow) open() bool { return f.half[0].unseen() > 0 || f.half[1].unseen() > 0 }

func (f *flow) full() bool {
	return len(f.half[0].waiting)+len(f.half[1].waiting)+len(f.held) > maxSegments ||
		f.half[0].bytes+f.half[1].bytes+f.heldBytes > maxWaiting
}

// release takes the segments that were held back, as far as nothing holds them
// back again.
func (f *flow) release() {
	if len(f.held) == 0 {
		return
	}
	queue := f.held
	f.held, f.heldBytes = nil, 0
	for _, s := range queue {
		if f.blocked(s.from) {
			f.held = append(f.held, s)
			f.heldBytes += len(s.data)
			continue
		}
		f.push(s.from, s.segment)
	}
}

// lose records one gap as a hole: the earlier one of the two directions. Gaps
// that nobody acknowledged count only if any is set.
func (f *flow) lose(any bool) bool {
	best, bestAt := -1, time.Duration(0)
	for from := range f.half {
		h := &f.half[from]
		if f.gaveUp || h.unseen() == 0 && (len(h.waiting) == 0 || !any) {
			continue
		}
		at := f.last
		if len(h.waiting) > 0 {
			at = h.waiting[0].at
		}
		if best < 0 || at < bestAt {
			best, bestAt = from, at
		}
	}
	if best >= 0 {
		f.loseIn(best)
	}
	return best >= 0
}

func (f *flow) loseIn(from int) {
	if f.client < 0 {
		f.chooseClient(from, nil)
	}
	h := &f.half[from]
	p := Problem{Text: "acknowledged by the receiver, but not in the capture"}
	gap := h.unseen()
	if len(h.waiting) > 0 {
		next := h.waiting[0]
		if gap == 0 {
			gap, p.Text = next.off-h.next, "never seen, and not acknowledged in the capture"
		}
		gap = min(gap, next.off-h.next)
		p.Packet = next.packet
		f.last = max(f.last, next.at)
	} else if len(f.held) > 0 {
		p.Packet = f.held[0].packet
		f.last = max(f.last, f.held[0].at)
	}
	p.Text = fmt.Sprintf("%d bytes are missing: %s", gap, p.Text)
	p.At, p.Span = f.last, f.hole(f.dir(from), gap)
	f.advance(h, gap)
	f.problem(p)
	f.drain(from, segment{at: f.last})
}
