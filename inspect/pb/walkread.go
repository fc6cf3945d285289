package pb

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// tagAt reads the tag at pos and returns the offset after it, -1 if there is none.
func tagAt(src []byte, pos int) (tag uint64, next int) {
	if pos+1 < len(src) {
		b, c := src[pos], src[pos+1]
		if b < 0x80 {
			return uint64(b), pos + 1
		}
		if c < 0x80 {
			return uint64(b&0x7f) | uint64(c)<<7, pos + 2
		}
	}
	return varintAt(src, pos)
}

// varintAt reads the varint at pos and returns the offset after it, or -1.
func varintAt(src []byte, pos int) (v uint64, next int) {
	v, n := protowire.ConsumeVarint(src[pos:])
	if n < 0 {
		return 0, -1
	}
	return v, pos + n
}

// read reads the value at pos: its number, or its length when it has one; where
// its content begins and where it ends. The end is -1 when it is damaged.
func (m *machine) read(wire Wire, pos, end int) (val uint64, off, next int) {
	src := m.src[:end]
	switch wire {
	case Varint, Bytes:
		if pos < len(src) && src[pos] < 0x80 {
			val, next = uint64(src[pos]), pos+1
		} else if val, next = varintAt(src, pos); next < 0 {
			return 0, 0, -1
		}
		off = pos
		if wire == Bytes {
			if val > uint64(end-next) {
				return 0, 0, -1
			}
			off, next = next, next+int(val)
		}
		return val, off, next
	case Fixed32:
		if end-pos >= 4 {
			return uint64(binary.LittleEndian.Uint32(src[pos:])), pos, pos + 4
		}
	case Fixed64:
		if end-pos >= 8 {
			return binary.LittleEndian.Uint64(src[pos:]), pos, pos + 8
		}
	case StartGroup, EndGroup: // no value
	}
	return 0, 0, -1
}
