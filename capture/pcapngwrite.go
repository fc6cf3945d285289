package capture

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// WritePCAPNG writes recordings as one pcapng file: for each an Ethernet, IP and
// TCP conversation made up around the recorded bytes, with handshake,
// acknowledgments and, if the recording ended, its end. A chunk becomes one
// segment, or several if it is longer than an IP packet can be; times are those
// of the chunks, in nanoseconds.
//
// Addresses are those of Meta where they are IP addresses; for unix sockets and
// names they are on loopback, and a packet comment names them. Bytes that were
// not sent are left out. A hole is written as segments that the capture lost,
// so that readers name the gap; one longer than 1 GiB as 1 GiB, which is as far as
// sequence numbers reach. Recordings of TLS connections hold plaintext: a packet
// comment says so.
//
// Wireshark tells HTTP/2 on ports of HTTP by the client preface. On others it has
// to be told: tshark -d tcp.port==50051,http2, or "Decode As…". A comment of the
// file says so with the ports at hand.
func WritePCAPNG(w io.Writer, recs []*record.Recording) error {
	out := &ngWriter{w: bufio.NewWriter(w)}
	var queue talks
	used := map[[2]netip.AddrPort]bool{}
	for i, rec := range recs {
		queue = append(queue, newTalk(rec, i, used))
	}
	out.begin(queue.comment())
	heap.Init(&queue)
	for len(queue) > 0 && out.err == nil {
		t := queue[0]
		if !t.step(out) {
			heap.Pop(&queue)
			continue
		}
		heap.Fix(&queue, 0)
	}
	if err := out.w.Flush(); out.err == nil && err != nil {
		out.err = err
	}
	if out.err != nil {
		return fmt.Errorf("write pcapng: %w", out.err)
	}
	return nil
}

// ngWriter writes blocks.
type ngWriter struct {
	w     *bufio.Writer
	block []byte
	err   error
}

// begin writes the section and interface blocks. draft-ietf-opsawg-pcapng §4.1,
// §4.2.
func (w *ngWriter) begin(comment string) {
	b := w.open(blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, 1) // version 1.0
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1) // the length is not told
	b = appendOption(b, optionComment, comment)
	b = appendOption(b, optionAppl, "wiregloss")
	w.close(appendOption(b, optionEnd, ""))
	b = w.open(blockInterface)
	b = binary.LittleEndian.AppendUint16(b, linkEthernet)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, 0) // packets are not cut
	b = appendOption(b, optionResolution, "\x09")
	w.close(appendOption(b, optionEnd, ""))
}

// packet writes an Enhanced Packet Block. draft-ietf-opsawg-pcapng §4.3.
func (w *ngWriter) packet(at time.Time, data []byte, comment string) {
	stamp := uint64(max(at.UnixNano(), 0))
	b := w.open(blockEnhanced)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = pad4(append(b, data...))
	if comment != "" {
		b = appendOption(appendOption(b, optionComment, comment), optionEnd, "")
	}
	w.close(b)
}

// open begins a block; its length is not known yet.
func (w *ngWriter) open(kind uint32) []byte {
	return append(binary.LittleEndian.AppendUint32(w.block[:0], kind), 0, 0, 0, 0)
}

func (w *ngWriter) close(b []byte) {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)+4))
	copy(b[4:8], b[len(b)-4:])
	w.block = b
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

func appendOption(b []byte, code uint16, v string) []byte {
	v = v[:min(len(v), 0xffff)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
	return pad4(append(b, v...))
}

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// talks is a heap of conversations, that with the next packet first.
type talks []*talk

// comment is what to know about the file.
func (q talks) comment() string {
	text := "Written from recordings of application bytes: Ethernet, IP and TCP headers are made up."
	told := map[uint16]bool{80: true, 8080: true}
	for _, t := range q {
		port := t.ends[1].Port()
		if head := t.rec.Append(nil, record.Span{Len: 3}); !told[port] && string(head) == preface[:3] && len(told) < 20 {
			told[port] = true
			text += fmt.Sprintf(" To decode HTTP/2: -d tcp.port==%d,http2.", port)
		}
	}
	return text
}

func (q talks) Len() int { return len(q) }
func (q talks) Less(i, j int) bool {
	if a, b := q[i].due(), q[j].due(); !a.Equal(b) {
		return a.Before(b)
	}
	return q[i].number < q[j].number
}
func (q talks) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *talks) Push(x any) { *q = append(*q, x.(*talk)) }

// Pop is for container/heap.
func (q *talks) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
