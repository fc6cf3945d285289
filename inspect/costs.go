package inspect

import (
	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Cost is what bytes of the wire were spent on. Its sum is exactly the bytes that
// it is about.
type Cost struct {
	Preface int64 // the client's 24 bytes
	Framing int64 // the nine bytes before each frame; of HTTP/1.1 what stands around chunks
	Padding int64 // with the octet that says how much
	Fields  int64 // header blocks: HPACK, or the text of HTTP/1.1
	Prefix  int64 // what stands before each message, five bytes as a rule
	Payload int64 // of messages as they were sent, compressed or not
	Control int64 // payloads of SETTINGS, PING, WINDOW_UPDATE and so on, priorities, promises
	Opaque  int64 // not decoded: what is no frame yet, or no HTTP
}

// Sum returns the bytes of all.
func (c Cost) Sum() int64 {
	return c.Preface + c.Framing + c.Padding + c.Fields + c.Prefix + c.Payload + c.Control + c.Opaque
}

// HPACKTotals sums up the header blocks of one side.
type HPACKTotals struct {
	Blocks, Fields              int
	Inserted, Evicted, Updates  int   // entries of the dynamic table; its size updates
	Wire                        int64 // bytes of the blocks
	Decoded                     int64 // bytes of names and values
	TableSize, TableMax, Listed int64 // the table now: bytes, its limit, entries
}

// Saved returns how many bytes fewer the blocks took than their names and values
// have; it can be negative.
func (h HPACKTotals) Saved() int64 { return h.Decoded - h.Wire }

func (h *HPACKTotals) add(b *HeaderBlock) {
	if b.HPACK.Wire == 0 {
		return // of HTTP/1.1, or empty
	}
	s := b.HPACK
	h.Blocks++
	h.Fields += int(s.Fields)
	h.Inserted += int(s.Inserted)
	h.Evicted += int(s.Evicted)
	h.Updates += int(s.Updates)
	h.Wire += int64(s.Wire)
	h.Decoded += int64(s.Decoded)
	h.TableSize, h.TableMax, h.Listed = int64(s.TableSize), int64(s.TableMax), int64(s.TableEntries)
}

type directionCost struct {
	cost    Cost // with prefixes in Payload
	prefix  int64
	control Cost // the part of cost that is the connection's own
	types   [256]int
	bytes   [256]int64
	hpack   HPACKTotals
}

// cost takes in what a frame's bytes are.
func (l *Ledger) cost(f *Frame, a *account, buf *[64]byte) {
	d := &l.costs[f.Dir]
	d.types[f.Type]++
	d.bytes[f.Type] += h2.HeaderLen + int64(f.Length)
	c := Cost{Framing: h2.HeaderLen}
	n := int64(f.Length)
	padded := f.Flags.Has(h2.Padded)
	switch {
	case f.Type == h2.Continuation, f.Type == h2.Headers && !padded && !f.Flags.Has(h2.PriorityF):
		c.Fields = n
	case f.Type == h2.Data && !padded:
		c.Payload = n
	case f.Type == h2.Data, f.Type == h2.Headers, f.Type == h2.PushPromise:
		c.mixed(f, l.payload(f, buf[:0], 16))
	default:
		c.Control = n
	}
	d.cost.add(c)
	if a == nil {
		d.control.add(c)
		return
	}
	a.cost[f.Dir].add(c)
}

// mixed cuts the payload of a frame with padding, a priority or a promise.
func (c *Cost) mixed(f *Frame, payload []byte) {
	h := h2.Header{Length: f.Length, Type: f.Type, Flags: f.Flags, Stream: f.Stream}
	n := int64(f.Length)
	var part h2.Part
	switch f.Type {
	case h2.Headers:
		part, _, _ = h2.HeadersPart(h, payload)
	case h2.PushPromise:
		_, part = h2.PromisePart(h, payload)
	default:
		part = h2.DataPart(h, payload)
	}
	content := min(int64(part.Len), n)
	if f.Type == h2.Data {
		c.Payload = content
	} else {
		c.Fields = content
	}
	rest := n - content
	if f.Flags.Has(h2.Padded) && len(payload) > 0 {
		c.Padding = min(rest, 1+int64(payload[0]))
	}
	c.Control = rest - c.Padding
}

func (c *Cost) add(o Cost) {
	c.Preface += o.Preface
	c.Framing += o.Framing
	c.Padding += o.Padding
	c.Fields += o.Fields
	c.Prefix += o.Prefix
	c.Payload += o.Payload
	c.Control += o.Control
	c.Opaque += o.Opaque
}

// part takes in what a part of an HTTP/1.1 message is.
func (l *Ledger) part(p Part) {
	c := &l.costs[p.Span.Dir].cost
	switch p.Kind {
	case h1.Head, h1.Trailer:
		c.Fields += p.Span.Len
	case h1.Data:
		c.Payload += p.Span.Len
	case h1.ChunkSize, h1.ChunkEnd, h1.LastChunk:
		c.Framing += p.Span.Len
	case h1.Tunnel, h1.Junk:
		// What an upgrade leads to may be decoded as frames: what is not shows in the sum.
	}
}

// message takes in how many bytes of its DATA stand before a message's payload.
func (l *Ledger) message(t Trace, m *Message) {
	n := prefixLen(t, *m)
	l.costs[m.Dir].prefix += n
	if a, ok := l.streams[m.Stream]; ok {
		a.cost[m.Dir].Prefix += n
	}
}

// prefixLen returns how many more bytes a message has on the wire than its payload.
func prefixLen(t Trace, m Message) int64 {
	if !m.Prefixed() {
		return 0
	}
	n := -m.Have
	for _, s := range t.Spans(m) {
		n += s.Len
	}
	return max(n, 0)
}

// Cost returns what the bytes of one side were spent on, of which Sum is
// Recording.Size as of the newest trace. A message that has only begun counts as
// payload with its prefix.
func (l *Ledger) Cost(dir record.Dir) Cost {
	c := l.costs[dir].cost
	c.Prefix = min(l.costs[dir].prefix, c.Payload)
	c.Payload -= c.Prefix
	if dir == record.Sent {
		c.Preface = l.trace.Preface.Len
	}
	c.Opaque = l.trace.Tail[dir].End() - c.Sum()
	return c
}

// StreamCost returns what the bytes of one side on one stream were spent on; not ok
// for a stream that has no account of its own.
func (l *Ledger) StreamCost(stream uint32, dir record.Dir) (Cost, bool) {
	a, ok := l.streams[stream]
	if !ok {
		return Cost{}, false
	}
	c := a.cost[dir]
	c.Prefix = min(c.Prefix, c.Payload)
	c.Payload -= c.Prefix
	return c, true
}

// ConnectionCost returns what frames on stream 0 cost one side: SETTINGS, PING,
// GOAWAY and the WINDOW_UPDATEs of the connection.
func (l *Ledger) ConnectionCost(dir record.Dir) Cost { return l.costs[dir].control }

// Frames returns how many frames of a type one side has sent, and their bytes with
// their headers.
func (l *Ledger) Frames(dir record.Dir, t h2.Type) (count int, bytes int64) {
	return l.costs[dir].types[t], l.costs[dir].bytes[t]
}

// HPACK sums up the header blocks of one side. HeaderBlock.HPACK has the numbers of
// each.
func (l *Ledger) HPACK(dir record.Dir) HPACKTotals { return l.costs[dir].hpack }

// Unpacked compares the payloads of a stream's listed messages of one side as sent
// with what they are decompressed, in bytes; unknown counts those that could not be
// and are in neither sum. The cost is that of decompressing them, each up to
// limit bytes.
func (t Trace) Unpacked(rec *record.Recording, stream uint32, dir record.Dir, limit int64) (sent, plain int64, unknown int) {
	for _, m := range t.Messages {
		if m.Stream != stream || m.Dir != dir {
			continue
		}
		if !m.Compressed {
			sent, plain = sent+m.Length, plain+m.Length
			continue
		}
		b, err := t.PayloadLimit(rec, m, limit)
		if err != nil {
			unknown++
			continue
		}
		sent, plain = sent+m.Length, plain+int64(len(b))
	}
	return sent, plain, unknown
}
