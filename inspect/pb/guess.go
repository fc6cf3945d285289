package pb

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// shapeGuess says what a LEN value without a schema looks like.
type shapeGuess uint8

const (
	looksOpaque shapeGuess = iota
	looksMessage
	looksDeep // it may be a message, but lies too deep to tell
)

// guessShape tells a message from text and other bytes. It allocates nothing.
func guessShape(b []byte, depth int) shapeGuess {
	if len(b) == 0 {
		return looksOpaque
	}
	// A line feed is the tag of a string in field 1, and its length often is a
	// printable character, too. Text seldom starts with one.
	if b[0] != '\n' && printable(b) {
		return looksOpaque
	}
	if depth+1 >= maxShownDepth {
		if b[0] == '\n' && printable(b) {
			return looksOpaque
		}
		return looksDeep
	}
	if _, ok := cleanMessage(b, 0, depth+1); ok {
		return looksMessage
	}
	return looksOpaque
}

// cleanMessage reports whether b is fields to its end; in a group, to the tag
// that ends it, and then n is the length with that tag. It is what Fields calls
// clean: LEN values are not looked into.
func cleanMessage(b []byte, group protowire.Number, depth int) (n int, ok bool) {
	for n < len(b) {
		v, l := protowire.ConsumeVarint(b[n:])
		if l < 0 || v>>3 == 0 || v>>3 > uint64(protowire.MaxValidNumber) {
			return n, false
		}
		n += l
		num := protowire.Number(v >> 3)
		switch Wire(v & 7) {
		case EndGroup:
			return n, num == group && group != 0
		case StartGroup:
			if l, ok = cleanGroup(b[n:], num, depth); !ok {
				return n, false
			}
		default:
			if l = scalarLen(b[n:], Wire(v&7)); l < 0 {
				return n, false
			}
		}
		n += l
	}
	return n, group == 0
}

// cleanGroup is cleanMessage for what follows the tag that starts group num.
func cleanGroup(b []byte, num protowire.Number, depth int) (int, bool) {
	if depth+1 >= maxShownDepth {
		_, next := skipGroup(b, span{0, len(b)}, num)
		return next, next >= 0
	}
	return cleanMessage(b, num, depth+1)
}

// scalarLen returns how long a value is that is not a group, a LEN with its
// length, or -1.
func scalarLen(b []byte, wire Wire) int {
	switch wire {
	case Varint:
		_, l := protowire.ConsumeVarint(b)
		return l
	case Fixed32:
		return fixedLen(b, 4)
	case Fixed64:
		return fixedLen(b, 8)
	case Bytes:
		size, l := protowire.ConsumeVarint(b)
		if l < 0 || size > uint64(len(b)-l) {
			return -1
		}
		return l + int(size)
	}
	return -1
}

func fixedLen(b []byte, size int) int {
	if len(b) < size {
		return -1
	}
	return size
}

// skipGroup returns the offset of the tag that ends the group num and the offset
// after it, or -1, -1. It keeps its own stack: groups can nest as deep as the
// payload is long.
func skipGroup(src []byte, at span, num protowire.Number) (end, next int) {
	open := []protowire.Number{num}
	for pos := at.off; pos < at.end; {
		num, typ, n := protowire.ConsumeTag(src[pos:at.end])
		if n < 0 {
			return -1, -1
		}
		start := pos
		pos += n
		switch typ {
		case protowire.StartGroupType:
			open = append(open, num)
		case protowire.EndGroupType:
			if open[len(open)-1] != num {
				return -1, -1
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return start, pos
			}
		default:
			if n = protowire.ConsumeFieldValue(num, typ, src[pos:at.end]); n < 0 {
				return -1, -1
			}
			pos += n
		}
	}
	return -1, -1
}
