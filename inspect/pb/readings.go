package pb

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Reading is one way to read a value whose type is not known.
type Reading struct {
	As   string // the type: "uint64", "sint64", "double", "string", "message", "packed varint", ...
	Text string // the value, without control characters
}

// maxPackedShown is how many elements a packed reading shows.
const maxPackedShown = 16

// Readings gives every plausible reading of the node's value without regard to
// its schema, the likeliest first. A gap or group has none.
func (n Node) Readings(payload []byte) []Reading {
	b := n.bytes(payload)
	if n.Kind == GapNode {
		return nil
	}
	switch n.Wire {
	case Varint:
		return varintReadings(n.raw(b))
	case Fixed32:
		return fixed32Readings(uint32(n.raw(b)))
	case Fixed64:
		return fixed64Readings(n.raw(b))
	case Bytes:
		return bytesReadings(b)
	}
	return nil
}

func varintReadings(v uint64) []Reading {
	unsigned := Reading{"uint64", strconv.FormatUint(v, 10)}
	zigzag := Reading{"sint64", strconv.FormatInt(protowire.DecodeZigZag(v), 10)}
	r := []Reading{unsigned}
	if int64(v) < 0 {
		// Ten bytes for a small negative number are commoner than a huge count.
		r = []Reading{{"int64", strconv.FormatInt(int64(v), 10)}, unsigned}
	}
	r = append(r, zigzag)
	if v <= 1 {
		r = append(r, Reading{"bool", strconv.FormatBool(v == 1)})
	}
	return r
}

func fixed32Readings(v uint32) []Reading {
	f := math.Float32frombits(v)
	ints := []Reading{{"fixed32", strconv.FormatUint(uint64(v), 10)}}
	if int32(v) < 0 {
		ints = append(ints, Reading{"sfixed32", strconv.FormatInt(int64(int32(v)), 10)})
	}
	return rankFloat(Reading{"float", floatText(float64(f), 32)}, float64(f), ints)
}

func fixed64Readings(v uint64) []Reading {
	f := math.Float64frombits(v)
	ints := []Reading{{"fixed64", strconv.FormatUint(v, 10)}}
	if int64(v) < 0 {
		ints = append(ints, Reading{"sfixed64", strconv.FormatInt(int64(v), 10)})
	}
	return rankFloat(Reading{"double", floatText(f, 64)}, f, ints)
}

// rankFloat puts the float first when its size is one that people use: small
// integers read as floats are denormal, and small negative ones are NaN.
func rankFloat(float Reading, f float64, ints []Reading) []Reading {
	if a := math.Abs(f); a >= 1e-9 && a < 1e15 {
		return append([]Reading{float}, ints...)
	}
	return append(ints, float)
}

func bytesReadings(b []byte) []Reading {
	var r []Reading
	text := Reading{"string", shortQuote(b)}
	if utf8.Valid(b) && printable(b) {
		r = append(r, text)
	}
	if nodes, clean := asMessage(b); clean {
		r = append(r, Reading{"message", messageText(nodes)})
	}
	packed := packedReadings(b)
	switch {
	case !utf8.Valid(b) || printable(b):
		r = append(r, packed...)
	case mostlyText(b):
		r = append(append(r, text), packed...)
	default:
		r = append(append(r, packed...), text)
	}
	return append(r, Reading{"bytes", shortHex(b)})
}

// mostlyText reports whether three of four characters of b are printable, as in
// text with colour codes.
func mostlyText(b []byte) bool {
	odd := 0
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			odd++
		}
	}
	return 4*odd <= len(b)
}

// asMessage decodes b without a schema, if it parses wholly as a message.
func asMessage(b []byte) ([]Node, bool) {
	d := fieldDecoder{src: b}
	nodes, _, clean := d.message(span{0, len(b)}, nil, 0, 0)
	return nodes, clean && len(nodes) > 0
}

// messageText names the fields of a message, as in {1: LEN, 3: VARINT}.
func messageText(nodes []Node) string {
	var s strings.Builder
	s.WriteByte('{')
	for i, n := range nodes {
		if i == maxPackedShown {
			s.WriteString(", …")
			break
		}
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(strconv.Itoa(int(n.Number)) + ": " + n.Wire.String())
	}
	s.WriteByte('}')
	return s.String()
}

func packedReadings(b []byte) []Reading {
	if len(b) == 0 {
		return nil
	}
	var r []Reading
	if t, ok := packedText(b, Varint); ok {
		r = append(r, Reading{"packed varint", t})
	}
	if t, ok := packedText(b, Fixed32); ok {
		r = append(r, Reading{"packed fixed32", t})
	}
	if t, ok := packedText(b, Fixed64); ok {
		r = append(r, Reading{"packed fixed64", t})
	}
	return r
}

// packedText lists the elements of b; it is not ok when b is not a whole number
// of them.
func packedText(b []byte, wire Wire) (string, bool) {
	var s strings.Builder
	s.WriteByte('[')
	for i := 0; len(b) > 0; i++ {
		v, n := consume(b, wire)
		if n < 0 {
			return "", false
		}
		b = b[n:]
		switch {
		case i == maxPackedShown:
			s.WriteString(", …")
		case i > maxPackedShown:
		default:
			if i > 0 {
				s.WriteString(", ")
			}
			s.WriteString(strconv.FormatUint(v, 10))
		}
	}
	s.WriteByte(']')
	return s.String(), true
}

// consume reads one varint or fixed value.
func consume(b []byte, wire Wire) (uint64, int) {
	switch wire {
	case Fixed32:
		v, n := protowire.ConsumeFixed32(b)
		return uint64(v), n
	case Fixed64:
		return protowire.ConsumeFixed64(b)
	}
	return protowire.ConsumeVarint(b)
}

// floatOf reads a fixed value as the float of its size.
func floatOf(v uint64, wire Wire) float64 {
	if wire == Fixed32 {
		return float64(math.Float32frombits(uint32(v)))
	}
	return math.Float64frombits(v)
}

// usualFloat reports whether f has a size that people use: small integers read
// as floats are denormal, and small negative ones are NaN.
func usualFloat(f float64) bool {
	a := math.Abs(f)
	return a >= 1e-9 && a < 1e15
}
