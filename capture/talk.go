package capture

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// maxSegment is the most that one written TCP segment carries: an IP packet has
// at most 65,535 bytes.
const maxSegment = 65_000

// talk is a recording while it is written as a TCP conversation.
type talk struct {
	rec     *record.Recording
	number  int
	ends    [2]netip.AddrPort // by the direction in which they send
	chunks  []record.Chunk
	next    int // in chunks
	opened  bool
	seq     [2]uint32
	holes   [2][]record.Span
	unsent  int64 // offset of the first byte that was not sent
	now     time.Time
	id      uint16
	buf     []byte
	frame   []byte
	comment string
}

func newTalk(rec *record.Recording, number int, used map[[2]netip.AddrPort]bool) *talk {
	t := &talk{rec: rec, number: number, chunks: rec.Chunks(0), now: rec.Meta().Start}
	if t.now.Before(time.Unix(0, 0)) { // also a time that was never set
		t.now = time.Unix(0, 0)
	}
	t.unsent = rec.Size(record.Sent)
	if s, ok := rec.Unsent(); ok {
		t.unsent = s.Off
	}
	for d := range t.holes {
		t.holes[d] = rec.Holes(record.Dir(d))
		t.seq[d] = 1000 // the same file for the same recording
	}
	t.address(used)
	t.explain()
	return t
}

// address picks the addresses of the two ends.
func (t *talk) address(used map[[2]netip.AddrPort]bool) {
	m := t.rec.Meta()
	peer, ok := parseAddress(m.Peer, m.Address)
	if !ok {
		peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 80)
	}
	local, ok := parseAddress(m.Local)
	if !ok || local.Addr().Is4() != peer.Addr().Is4() {
		local = netip.AddrPortFrom(peer.Addr(), 49152)
	}
	for tries := 0; used[[2]netip.AddrPort{local, peer}] || local == peer; tries++ {
		if tries > 1<<16 {
			break // every port of the client is taken: readers tell them apart by the SYN
		}
		local = netip.AddrPortFrom(local.Addr(), max(local.Port()+1, 1024))
	}
	used[[2]netip.AddrPort{local, peer}] = true
	t.ends = [2]netip.AddrPort{local, peer}
}

// parseAddress returns the first of texts that is an IP address and port.
func parseAddress(texts ...string) (netip.AddrPort, bool) {
	for _, text := range texts {
		if a, err := netip.ParseAddrPort(text); err == nil && a.Port() > 0 {
			return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()), true
		}
	}
	return netip.AddrPort{}, false
}

// explain writes the comment of the first packet.
func (t *talk) explain() {
	m := t.rec.Meta()
	if m.Local != t.ends[0].String() || m.Peer != t.ends[1].String() {
		t.comment = "made-up addresses; the connection was " + nameOf(m)
	} else if m.Address != "" && m.Address != m.Peer {
		t.comment = "dialed as " + m.Address
	}
	if m.TLS != nil {
		if t.comment != "" {
			t.comment += ". "
		}
		t.comment += fmt.Sprintf("this is the plaintext of a TLS connection (%s, %s, server name %q, ALPN %q)",
			m.TLS.Version, m.TLS.CipherSuite, m.TLS.ServerName, m.TLS.ALPN)
	}
}

// due is when the next packet is to be written.
func (t *talk) due() time.Time {
	if t.opened && t.next < len(t.chunks) {
		return t.at(t.chunks[t.next].At)
	}
	return t.now
}

// at is a time of the recording, or that of the last packet if it is later.
func (t *talk) at(d time.Duration) time.Time {
	start := t.rec.Meta().Start
	if start.Before(time.Unix(0, 0)) {
		start = time.Unix(0, 0)
	}
	if at := start.Add(d); at.After(t.now) {
		return at
	}
	return t.now
}

// step writes the handshake, a chunk or the end. It returns false after the end.
func (t *talk) step(w *ngWriter) bool {
	switch {
	case !t.opened:
		t.open(w)
	case t.next < len(t.chunks):
		t.now = t.due()
		t.chunk(w, t.chunks[t.next])
		t.next++
	default:
		t.close(w)
		return false
	}
	return true
}

// open writes the handshake. RFC 9293 §3.5.
func (t *talk) open(w *ngWriter) {
	t.opened = true
	first := t.now.Add(time.Hour)
	if len(t.chunks) > 0 {
		first = t.at(t.chunks[0].At)
	}
	dial := t.rec.Meta().Dial
	earliest := func(d time.Duration) time.Time {
		if at := t.now.Add(max(d, 0)); at.Before(first) {
			return at
		}
		return first
	}
	t.now = earliest(dial.DNS)
	t.segment(w, record.Sent, tcpSYN, nil)
	t.seq[record.Sent]++
	t.now = earliest(dial.Connect)
	t.segment(w, record.Received, tcpSYN|tcpACK, nil)
	t.seq[record.Received]++
	t.segment(w, record.Sent, tcpACK, nil)
}

// chunk writes the bytes of a chunk, and an acknowledgment if nothing that is
// sent next does it.
func (t *talk) chunk(w *ngWriter, c record.Chunk) {
	s := c.Span
	if s.Dir == record.Sent && s.End() > t.unsent {
		s.Len = max(t.unsent-s.Off, 0)
	}
	if s.Len == 0 {
		return
	}
	for s.Len > 0 {
		n, missing := t.run(s)
		if missing {
			t.seq[s.Dir] += uint32(min(n, maxGap-1))
		} else {
			n = min(n, maxSegment)
			t.buf = t.rec.Append(t.buf[:0], record.Span{Dir: s.Dir, Off: s.Off, Len: n})
			if n = int64(len(t.buf)); n == 0 {
				return // discarded since: what was held is no more
			}
			t.segment(w, s.Dir, tcpACK|tcpPSH, t.buf)
			t.seq[s.Dir] += uint32(n)
		}
		s.Off, s.Len = s.Off+n, s.Len-n
	}
	if t.next+1 >= len(t.chunks) || t.chunks[t.next+1].Span.Dir == s.Dir {
		t.segment(w, s.Dir.Other(), tcpACK, nil)
	}
}

// run returns how many bytes at the front of s are held, or are not.
func (t *talk) run(s record.Span) (n int64, missing bool) {
	i, _ := slices.BinarySearchFunc(t.holes[s.Dir], s.Off, func(h record.Span, off int64) int { return cmp.Compare(h.End(), off+1) })
	if i == len(t.holes[s.Dir]) {
		return s.Len, false
	}
	hole := t.holes[s.Dir][i]
	if hole.Off <= s.Off {
		return min(hole.End()-s.Off, s.Len), true
	}
	return min(hole.Off-s.Off, s.Len), false
}

// close writes how the connection ended, if it did. RFC 9293 §3.6.
func (t *talk) close(w *ngWriter) {
	err, closed := t.rec.Closed()
	if !closed {
		return
	}
	first := record.Sent
	if errors.Is(err, io.EOF) {
		first = record.Received
	} else if err != nil {
		t.comment = err.Error()
		t.segment(w, record.Received, tcpRST|tcpACK, nil)
		return
	}
	for _, d := range []record.Dir{first, first.Other()} {
		t.segment(w, d, tcpFIN|tcpACK, nil)
		t.seq[d]++
	}
	t.segment(w, first, tcpACK, nil)
}

// segment writes one TCP segment; the comment goes with the first.
func (t *talk) segment(w *ngWriter, d record.Dir, flags byte, payload []byte) {
	t.id++
	from, to := t.ends[d], t.ends[d.Other()]
	t.frame = appendEthernet(t.frame[:0], from.Addr(), d)
	t.frame = appendIP(t.frame, from.Addr(), to.Addr(), tcpHeader(flags)+len(payload), t.id)
	ip := len(t.frame)
	t.frame = binary.BigEndian.AppendUint16(t.frame, from.Port())
	t.frame = binary.BigEndian.AppendUint16(t.frame, to.Port())
	t.frame = binary.BigEndian.AppendUint32(t.frame, t.seq[d])
	ack := uint32(0)
	if flags&tcpACK != 0 {
		ack = t.seq[d.Other()]
	}
	t.frame = binary.BigEndian.AppendUint32(t.frame, ack)
	t.frame = append(t.frame, byte(tcpHeader(flags)/4)<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	if flags&tcpSYN != 0 {
		t.frame = append(t.frame, 2, 4, 0xff, 0xd7, 1, 3, 3, 14) // MSS 65,495; window scale 14
	}
	t.frame = append(t.frame, payload...)
	sum := checksum(pseudoHeader(from.Addr(), to.Addr(), len(t.frame)-ip), t.frame[ip:])
	binary.BigEndian.PutUint16(t.frame[ip+16:], sum)
	w.packet(t.now, t.frame, t.comment)
	t.comment = ""
}

// tcpHeader is the length of the header that segment writes.
func tcpHeader(flags byte) int {
	if flags&tcpSYN != 0 {
		return 28
	}
	return 20
}

// appendEthernet appends a header between two locally administered addresses.
func appendEthernet(b []byte, a netip.Addr, d record.Dir) []byte {
	b = append(b, 2, 0, 0, 0, 0, byte(d.Other())+1, 2, 0, 0, 0, 0, byte(d)+1)
	if a.Is4() {
		return binary.BigEndian.AppendUint16(b, etherIPv4)
	}
	return binary.BigEndian.AppendUint16(b, etherIPv6)
}

// appendIP appends an IP header. RFC 791 §3.1, RFC 8200 §3.
func appendIP(b []byte, from, to netip.Addr, size int, id uint16) []byte {
	if !from.Is4() {
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(size))
		b = append(b, protoTCP, 64)
		return append(append(b, from.AsSlice()...), to.AsSlice()...)
	}
	at := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size+20))
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 0x40, 0, 64, protoTCP, 0, 0) // do not fragment
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(b[at+10:], checksum(0, b[at:]))
	return b
}

// pseudoHeader sums what the TCP checksum covers beside the segment. RFC 9293
// §3.1, RFC 8200 §8.1.
func pseudoHeader(from, to netip.Addr, size int) uint64 {
	sum := uint64(protoTCP) + uint64(size)
	for _, a := range []netip.Addr{from, to} {
		b := a.AsSlice()
		for i := 0; i < len(b); i += 2 {
			sum += uint64(b[i])<<8 | uint64(b[i+1])
		}
	}
	return sum
}

// checksum is the internet checksum. RFC 1071.
func checksum(sum uint64, b []byte) uint16 {
	for len(b) >= 4 {
		sum += uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	for i, c := range b {
		sum += uint64(c) << (8 * (1 - i&1))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
