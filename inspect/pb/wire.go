package pb

import (
	"fmt"
	"math/bits"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Wire is a wire type, numbered as in the protobuf encoding specification.
type Wire uint8

// The wire types of the protobuf encoding specification.
const (
	Varint     Wire = 0
	Fixed64    Wire = 1
	Bytes      Wire = 2
	StartGroup Wire = 3
	EndGroup   Wire = 4
	Fixed32    Wire = 5
)

var wireNames = [...]string{"VARINT", "I64", "LEN", "SGROUP", "EGROUP", "I32"}

// String returns the specification's name of the wire type.
func (w Wire) String() string {
	if int(w) < len(wireNames) {
		return wireNames[w]
	}
	return fmt.Sprintf("WIRE_%d", uint8(w))
}

func varintProblem(code int) string {
	if code == errOverflow {
		return "varint does not fit in 64 bits or is longer than 10 bytes"
	}
	return "varint is cut off"
}

// errOverflow is the code that protowire gives for a varint of over 64 bits.
var errOverflow = func() int {
	_, n := protowire.ConsumeVarint([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	return n
}()

// longVarint tells of a varint written in more bytes than it needs, which is
// legal and a sign of an unusual encoder.
func longVarint(what string, v uint64, n int) string {
	if least := protowire.SizeVarint(v); n > least {
		return fmt.Sprintf("%s takes %d bytes where %d would do", what, n, least)
	}
	return ""
}

// tooWide tells of a varint with more bits than its field's type; parsers ignore
// the upper ones.
func tooWide(kind protoreflect.Kind, v uint64) string {
	lost := false
	switch kind {
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		lost = int64(v) != int64(int32(v))
	case protoreflect.Uint32Kind, protoreflect.Sint32Kind:
		lost = bits.Len64(v) > 32
	case protoreflect.BoolKind:
		lost = v > 1
	}
	if !lost {
		return ""
	}
	return fmt.Sprintf("value %d is too large for %s: parsers cut it", v, kind)
}

// wireOf returns the wire type of one value of the kind.
func wireOf(kind protoreflect.Kind) Wire {
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return Bytes
	case protoreflect.GroupKind:
		return StartGroup
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return Fixed32
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return Fixed64
	}
	return Varint
}

// packable reports whether parsers accept the field's elements packed,
// whichever way the schema declares it.
func packable(fd protoreflect.FieldDescriptor) bool {
	return fd.IsList() && wireOf(fd.Kind()) != Bytes && wireOf(fd.Kind()) != StartGroup
}

// printable reports whether b is text that a person would write: valid UTF-8
// without control characters other than tab and line ends.
func printable(b []byte) bool {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 {
			return false
		}
		i += n
	}
	return true
}
