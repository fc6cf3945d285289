package pb

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// packedTypes are the ways to read packed bytes. Floats count only where all of
// them are usual, fixed integers are likely only where all of them are small.
var packedTypes = []struct {
	as   string
	wire Wire
	text func(uint64) string
	ok   func(uint64) bool
	max  uint64 // the largest likely value
}{
	{"packed double", Fixed64, func(v uint64) string { return floatText(floatOf(v, Fixed64), 64) }, func(v uint64) bool { return v == 0 || usualFloat(floatOf(v, Fixed64)) }, math.MaxUint64},
	{"packed float", Fixed32, func(v uint64) string { return floatText(floatOf(v, Fixed32), 32) }, func(v uint64) bool { return v == 0 || usualFloat(floatOf(v, Fixed32)) }, math.MaxUint64},
	{"packed varint", Varint, unsignedText, anyValue, math.MaxUint64},
	{"packed zigzag varint", Varint, func(v uint64) string { return strconv.FormatInt(protowire.DecodeZigZag(v), 10) }, anyValue, math.MaxUint64},
	{"packed fixed32", Fixed32, unsignedText, anyValue, 1 << 24},
	{"packed fixed64", Fixed64, unsignedText, anyValue, 1 << 48},
}

func unsignedText(v uint64) string { return strconv.FormatUint(v, 10) }
func anyValue(uint64) bool         { return true }

// packedReadings reads b as lists: those that are likely, and the others.
func packedReadings(b []byte) (likely, unlikely []Reading) {
	zero := len(bytes.Trim(b, "\x00")) == 0
	for _, t := range packedTypes {
		if zero && (t.as == "packed double" || t.as == "packed float") {
			continue // nothing but zeros says nothing for floats
		}
		text, largest, ok := packedText(b, t.wire, t.text, t.ok)
		switch {
		case !ok:
		case largest > t.max:
			unlikely = append(unlikely, Reading{t.as, text})
		default:
			likely = append(likely, Reading{t.as, text})
		}
	}
	return likely, unlikely
}

// packedText lists the elements of b; it is not ok when b is not a whole number
// of them, or when one is not.
func packedText(b []byte, wire Wire, text func(uint64) string, ok func(uint64) bool) (_ string, largest uint64, _ bool) {
	var s strings.Builder
	s.WriteByte('[')
	for i := 0; len(b) > 0; i++ {
		v, n := consume(b, wire)
		if n < 0 || !ok(v) {
			return "", 0, false
		}
		b, largest = b[n:], max(largest, v)
		switch {
		case i == maxPackedShown:
			s.WriteString(", …")
		case i > maxPackedShown:
		default:
			if i > 0 {
				s.WriteString(", ")
			}
			s.WriteString(text(v))
		}
	}
	s.WriteByte(']')
	return s.String(), largest, true
}
