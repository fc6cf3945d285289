package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// packet is one captured packet. Its bytes are valid until the next is read.
type packet struct {
	number  int    // in the file, from 1
	at      int64  // nanoseconds since 1970 UTC
	link    uint16 // LINKTYPE_ value
	data    []byte
	length  int    // on the wire; more than len(data) if the capture cut it
	comment string // what the file says about it
}

// packetReader reads packets until an error: io.EOF at the end of the file, or
// a *cutError.
type packetReader interface {
	next() (packet, error)
}

// cutError says where a packet file ends or stops to make sense.
type cutError struct {
	off  int64 // in the file, decompressed
	text string
}

func (e *cutError) Error() string { return fmt.Sprintf("%s at byte %d", e.text, e.off) }

// maxPacket bounds the bytes of one packet, and of one block of a pcapng file
// that holds one.
const maxPacket = 16 << 20

// order is the byte order of a file.
type order interface {
	Uint16(b []byte) uint16
	Uint32(b []byte) uint32
	Uint64(b []byte) uint64
}

// The first four bytes of a pcap file, in the order of the machine that wrote it.
const (
	pcapMicro    = 0xa1b2c3d4
	pcapNano     = 0xa1b23c4d
	pcapModified = 0xa1b2cd34 // 8 more bytes in each packet header
)

// pcapOrder tells byte order and kind of a pcap file.
func pcapOrder(head []byte) (o order, magic uint32) {
	if len(head) < 4 {
		return nil, 0
	}
	for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
		switch magic := o.Uint32(head); magic {
		case pcapMicro, pcapNano, pcapModified:
			return o, magic
		}
	}
	return nil, 0
}

func isPCAP(head []byte) bool {
	_, magic := pcapOrder(head)
	return magic != 0
}

// pcapReader reads the classic format, draft-ietf-opsawg-pcap.
type pcapReader struct {
	in     *input
	order  order
	unit   int64 // nanoseconds per unit of the second time field
	header int   // bytes before a packet's data
	link   uint16
	number int
}

func newPCAP(in *input) (*pcapReader, error) {
	head, err := in.take(24)
	if err != nil {
		return nil, &cutError{in.off, "the file ends inside its header"}
	}
	r := &pcapReader{in: in, unit: 1000, header: 16}
	var magic uint32
	r.order, magic = pcapOrder(head)
	switch magic {
	case pcapNano:
		r.unit = 1
	case pcapModified:
		r.header = 24
	}
	r.link = uint16(r.order.Uint32(head[20:])) // the upper bits tell of a frame check sequence
	return r, nil
}

func (r *pcapReader) next() (packet, error) {
	at := r.in.off
	head, err := r.in.take(r.header)
	if err != nil {
		return packet{}, r.end(at, err)
	}
	r.number++
	p := packet{number: r.number, link: r.link}
	seconds, fraction := r.order.Uint32(head), r.order.Uint32(head[4:])
	p.at = int64(seconds)*1e9 + int64(fraction)*r.unit
	size, length := r.order.Uint32(head[8:]), r.order.Uint32(head[12:])
	if size > maxPacket {
		return packet{}, &cutError{at, fmt.Sprintf("packet %d claims %d bytes: the file is damaged", r.number, size)}
	}
	p.length = int(min(length, math.MaxInt32))
	p.data, err = r.in.take(int(size))
	if err != nil && size > 0 {
		return packet{}, r.end(at, io.ErrUnexpectedEOF)
	}
	return p, nil
}

func (r *pcapReader) end(at int64, err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return &cutError{at, fmt.Sprintf("the file ends inside packet %d, which begins", max(r.number, 1))}
}

// nanoseconds converts a time in units of 1/perSecond. Times that do not fit
// are the last that do.
func nanoseconds(t, perSecond uint64) int64 {
	seconds, rest := t/perSecond, t%perSecond
	if seconds >= math.MaxInt64/1_000_000_000 {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(rest, 1e9)
	fraction, _ := bits.Div64(hi, lo, perSecond) // rest < perSecond, so it fits
	return int64(seconds)*1e9 + int64(fraction)
}
