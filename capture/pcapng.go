package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Block types. draft-ietf-opsawg-pcapng §4.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
	blockSecrets   = 10
)

// Options of blocks, and the secrets type of a TLS key log.
const (
	optionEnd        = 0
	optionComment    = 1
	optionAppl       = 4  // of a section: the program that wrote it
	optionResolution = 9  // if_tsresol
	optionOffset     = 14 // if_tsoffset
	secretsTLS       = 0x544c534b
	byteOrderMagic   = 0x1a2b3c4d
)

const (
	maxInterfaces = 4096
	maxSecrets    = 16 << 20 // bytes of key logs in one file
)

func isPCAPNG(head []byte) bool {
	return len(head) >= 12 && binary.BigEndian.Uint32(head) == blockSection && sectionOrder(head) != nil
}

// sectionOrder tells the byte order of a section by its magic.
func sectionOrder(head []byte) order {
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(head[8:]):
		return binary.LittleEndian
	case binary.BigEndian.Uint32(head[8:]):
		return binary.BigEndian
	}
	return nil
}

// ngInterface is what an interface description says.
type ngInterface struct {
	link      uint16
	snap      uint32
	perSecond uint64 // units of time
	offset    int64  // seconds to add
}

// ngReader reads pcapng.
type ngReader struct {
	in         *input
	order      order
	interfaces []ngInterface
	number     int
	secrets    []byte // key log lines embedded in the file so far
	unknown    int    // packets of an interface that is not described
}

// next returns the next packet of any section and interface.
func (r *ngReader) next() (packet, error) {
	for {
		at := r.in.off
		body, kind, err := r.block()
		if err != nil {
			return packet{}, err
		}
		switch kind {
		case blockInterface:
			if !r.describe(body) {
				return packet{}, &cutError{at, "an interface description makes no sense: the file is damaged"}
			}
		case blockSecrets:
			r.keep(body)
		case blockEnhanced, blockPacket, blockSimple:
			r.number++
			p, ok := r.packet(kind, body)
			if ok {
				return p, nil
			}
			r.unknown++
		}
	}
}

// block reads one block and returns what is between its lengths. Of a kind
// that is not read the body is nil.
func (r *ngReader) block() (body []byte, kind uint32, err error) {
	at := r.in.off
	head, err := r.in.Peek(12)
	switch {
	case len(head) == 0 && errors.Is(err, io.EOF):
		return nil, 0, io.EOF
	case len(head) < 12:
		return nil, 0, r.cut(at)
	case binary.BigEndian.Uint32(head) == blockSection:
		if r.order = sectionOrder(head); r.order == nil {
			return nil, 0, &cutError{at, "a section has no byte order: the file is damaged"}
		}
		r.interfaces = r.interfaces[:0]
	}
	kind = r.order.Uint32(head)
	size := r.order.Uint32(head[4:])
	if size < 12 || size%4 != 0 {
		return nil, 0, &cutError{at, fmt.Sprintf("a block claims %d bytes: the file is damaged", size)}
	}
	switch kind {
	case blockInterface, blockSecrets, blockEnhanced, blockPacket, blockSimple:
	default:
		if r.in.skip(int64(size)) != nil {
			return nil, 0, r.cut(at)
		}
		return nil, kind, nil
	}
	if size > maxPacket+4096 {
		return nil, 0, &cutError{at, fmt.Sprintf("a block claims %d bytes: the file is damaged", size)}
	}
	all, err := r.in.take(int(size))
	if err != nil {
		return nil, 0, r.cut(at)
	}
	if r.order.Uint32(all[size-4:]) != size {
		return nil, 0, &cutError{at, "a block does not end with its length: the file is damaged"}
	}
	return all[8 : size-4], kind, nil
}

func (r *ngReader) cut(at int64) error {
	return &cutError{at, fmt.Sprintf("the file ends after packet %d inside a block that begins", r.number)}
}

// describe adds an interface. draft-ietf-opsawg-pcapng §4.2.
func (r *ngReader) describe(b []byte) bool {
	if len(b) < 8 || len(r.interfaces) == maxInterfaces {
		return false
	}
	i := ngInterface{link: r.order.Uint16(b), snap: r.order.Uint32(b[4:]), perSecond: 1e6}
	r.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optionResolution && len(v) == 1:
			i.perSecond = resolution(v[0])
		case code == optionOffset && len(v) == 8:
			i.offset = int64(r.order.Uint64(v))
		}
	})
	r.interfaces = append(r.interfaces, i)
	return true
}

// resolution is the units per second that if_tsresol stands for.
func resolution(v byte) uint64 {
	base, power := uint64(10), v
	if v&0x80 != 0 {
		base, power = 2, v&0x7f
	}
	n := uint64(1)
	for range power {
		if n > math.MaxUint64/base {
			return 1e6 // nothing measures that: take the default
		}
		n *= base
	}
	return n
}

// options calls f for each option of a block.
func (r *ngReader) options(b []byte, f func(code uint16, v []byte)) {
	for len(b) >= 4 {
		code, size := r.order.Uint16(b), int(r.order.Uint16(b[2:]))
		if code == optionEnd || size > len(b)-4 {
			return
		}
		f(code, b[4:4+size])
		b = b[min(4+(size+3)&^3, len(b)):]
	}
}

// keep takes TLS key log lines. draft-ietf-opsawg-pcapng §4.7.
func (r *ngReader) keep(b []byte) {
	if len(b) < 8 || r.order.Uint32(b) != secretsTLS {
		return
	}
	lines := b[8:]
	lines = lines[:min(int(min(r.order.Uint32(b[4:]), maxPacket)), len(lines))]
	if len(r.secrets)+len(lines) < maxSecrets {
		r.secrets = append(append(r.secrets, lines...), '\n')
	}
}

// packet reads the three kinds of packet block. draft-ietf-opsawg-pcapng §4.3,
// §4.4 and appendix A.
func (r *ngReader) packet(kind uint32, b []byte) (packet, bool) {
	if kind == blockSimple {
		return r.simple(b)
	}
	if len(b) < 20 {
		return packet{}, false
	}
	index := r.order.Uint32(b)
	if kind == blockPacket {
		index = uint32(r.order.Uint16(b))
	}
	size := r.order.Uint32(b[12:])
	if uint64(index) >= uint64(len(r.interfaces)) || uint64(size) > uint64(len(b)-20) {
		return packet{}, false
	}
	i := &r.interfaces[index]
	p := packet{number: r.number, link: i.link, length: int(min(r.order.Uint32(b[16:]), math.MaxInt32)), data: b[20 : 20+size]}
	p.at = nanoseconds(uint64(r.order.Uint32(b[4:]))<<32|uint64(r.order.Uint32(b[8:])), i.perSecond)
	if i.offset > 0 && i.offset < math.MaxInt32 && p.at < math.MaxInt64/2 {
		p.at += i.offset * 1e9
	}
	if rest := b[20+size:]; len(rest) >= 8 {
		r.options(rest[min(int(-size&3), len(rest)):], func(code uint16, v []byte) {
			if code == optionComment && p.comment == "" {
				p.comment = string(v)
			}
		})
	}
	return p, true
}

// simple reads a Simple Packet Block: no time, the first interface.
func (r *ngReader) simple(b []byte) (packet, bool) {
	if len(b) < 4 || len(r.interfaces) == 0 {
		return packet{}, false
	}
	i := &r.interfaces[0]
	length := r.order.Uint32(b)
	size := min(length, uint32(len(b)-4))
	if i.snap > 0 {
		size = min(size, i.snap)
	}
	return packet{number: r.number, link: i.link, length: int(min(length, math.MaxInt32)), data: b[4 : 4+size]}, true
}
