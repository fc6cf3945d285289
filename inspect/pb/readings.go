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

// maxEnumLike is the largest number that is read as one of an enum: most take
// one byte.
const maxEnumLike = 127

func varintReadings(v uint64) []Reading {
	unsigned := Reading{"uint64", strconv.FormatUint(v, 10)}
	zigzag := Reading{"sint64", strconv.FormatInt(protowire.DecodeZigZag(v), 10)}
	if int64(v) < 0 {
		// Ten bytes for a small negative number are commoner than a huge count.
		r := []Reading{{"int64", strconv.FormatInt(int64(v), 10)}}
		if int64(v) == int64(int32(v)) {
			r = append(r, Reading{"int32", r[0].Text})
		}
		return append(r, unsigned, zigzag)
	}
	r := append([]Reading{unsigned}, timeReadings(v)...)
	if v <= 1 {
		r = append(r, Reading{"bool", strconv.FormatBool(v == 1)})
	}
	if v <= maxEnumLike {
		r = append(r, Reading{"enum", unsigned.Text})
	}
	r = append(r, zigzag)
	if v > math.MaxInt32 && v <= math.MaxUint32 {
		// Five bytes: parsers cut it to 32 bits, though encoders write ten.
		r = append(r, Reading{"int32", strconv.FormatInt(int64(int32(v)), 10)})
	}
	return r
}

func fixed32Readings(v uint32) []Reading {
	return fixedReadings(uint64(v), Fixed32, int64(int32(v)))
}

func fixed64Readings(v uint64) []Reading {
	return fixedReadings(v, Fixed64, int64(v))
}

// fixedReadings puts the float first when its size is a usual one, and a small
// negative number before the huge one that it is without a sign.
func fixedReadings(v uint64, wire Wire, signed int64) []Reading {
	f, size, bits := floatOf(v, wire), "64", 64
	floating := Reading{"double", ""}
	if wire == Fixed32 {
		size, bits, floating.As = "32", 32, "float"
	}
	floating.Text = floatText(f, bits)
	ints := []Reading{{"fixed" + size, strconv.FormatUint(v, 10)}}
	ints = append(ints, timeReadings(v)...)
	if signed < 0 {
		r := Reading{"sfixed" + size, strconv.FormatInt(signed, 10)}
		if signed > -1<<20 {
			ints = append([]Reading{r}, ints...)
		} else {
			ints = append(ints, r)
		}
	}
	if usualFloat(f) {
		return append([]Reading{floating}, ints...)
	}
	return append(ints, floating)
}

// bytesReadings ranks what is recognised for certain first, then text and
// messages, then lists, which almost anything can be, and the bare bytes last.
func bytesReadings(b []byte) []Reading {
	text, hexed := Reading{"string", shortQuote(b)}, Reading{"bytes", shortHex(b)}
	if len(b) == 0 {
		return []Reading{text, {"message", "{}"}, hexed}
	}
	plain, valid := printable(b), utf8.Valid(b)
	r := recognised(b)
	msg := messageReadings(b)
	address, private, isAddress := addressReading(b)
	if isAddress && private && !plain && (len(msg) == 0 || farField(b)) {
		r, isAddress = append(r, address), false
	}
	if plain && (len(msg) == 0 || guessShape(b, 0) != looksMessage) {
		r = append(append(r, textReadings(b, text)...), msg...)
	} else {
		r = append(r, msg...)
		if plain {
			r = append(r, textReadings(b, text)...)
		}
	}
	lists, unlikely := packedReadings(b)
	if isAddress && !plain {
		lists = append(lists, address)
	}
	switch {
	case plain || !valid:
		r = append(r, lists...)
	case mostlyText(b):
		r = append(append(r, text), lists...)
	default:
		r = append(append(r, lists...), text)
	}
	return append(append(r, hexed), unlikely...)
}

// farField reports whether the message b begins with a field number that few
// messages have.
func farField(b []byte) bool {
	num, _, _ := protowire.ConsumeTag(b)
	return num > 512
}

func textReadings(b []byte, text Reading) []Reading {
	if r, ok := jsonReading(b); ok {
		return []Reading{text, r}
	}
	return []Reading{text}
}

func messageReadings(b []byte) []Reading {
	if _, ok := cleanMessage(b, 0, 0); !ok {
		return nil
	}
	nodes := topNodes(b)
	r := []Reading{{"message", messageText(nodes)}}
	if t, ok := timestampReading(b, nodes); ok {
		r = append(r, t)
	}
	return r
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

// topNodes returns the first fields of a message, as many as are shown and one,
// without what is in them.
func topNodes(b []byte) []Node {
	var nodes []Node
	size := len(b)
	for len(b) > 0 && len(nodes) <= maxPackedShown {
		num, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			break
		}
		_, _, tag := protowire.ConsumeTag(b)
		at := size - len(b)
		nodes = append(nodes, Node{
			Range: Range{at, n}, Value: Range{at + tag, n - tag}, Number: num, Wire: Wire(typ),
		})
		b = b[n:]
	}
	return nodes
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
