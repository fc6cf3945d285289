package pb

import (
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxTextBytes is how much of a string or bytes value Text shows.
const maxTextBytes = 64

// Text gives a short readable value of a node: by its schema, or without one by
// its likeliest reading. It is "" for a value that Children show better. The
// text holds no control characters.
func (n Node) Text(payload []byte) string {
	b := n.bytes(payload)
	switch {
	case n.Kind == GapNode:
		return shortHex(b)
	case n.Wire == StartGroup || n.Message != nil || len(n.Children) > 0:
		return ""
	case n.Field == nil:
		if r := n.Readings(payload); len(r) > 0 {
			return r[0].Text
		}
		return ""
	case n.Wire == Bytes:
		return n.textOfBytes(b)
	}
	return scalarText(n.Field, n.raw(b))
}

// bytes returns the node's value, or nil when it does not lie in payload.
func (n Node) bytes(payload []byte) []byte {
	if n.Value.Off < 0 || n.Value.Len < 0 || n.Value.End() > len(payload) {
		return nil
	}
	return payload[n.Value.Off:n.Value.End()]
}

// raw returns a scalar value as the wire has it.
func (n Node) raw(b []byte) uint64 {
	var v uint64
	switch n.Wire {
	case Varint:
		v, _ = protowire.ConsumeVarint(b)
	case Fixed32:
		v32, _ := protowire.ConsumeFixed32(b)
		v = uint64(v32)
	case Fixed64:
		v, _ = protowire.ConsumeFixed64(b)
	}
	return v
}

func (n Node) textOfBytes(b []byte) string {
	switch {
	case n.Field.Kind() == protoreflect.StringKind:
		return shortQuote(b)
	case n.Field.Kind() == protoreflect.BytesKind:
		return shortHex(b)
	}
	return "" // an empty packed field, or a message too deep to be decoded
}

// scalarText gives the value of a varint or fixed field.
func scalarText(fd protoreflect.FieldDescriptor, v uint64) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return strconv.FormatBool(v != 0)
	case protoreflect.EnumKind:
		num := protoreflect.EnumNumber(v)
		if ev := fd.Enum().Values().ByNumber(num); ev != nil {
			return string(ev.Name())
		}
		return strconv.Itoa(int(num))
	case protoreflect.FloatKind:
		return floatText(float64(math.Float32frombits(uint32(v))), 32)
	case protoreflect.DoubleKind:
		return floatText(math.Float64frombits(v), 64)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.FormatUint(uint64(uint32(v)), 10)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return strconv.FormatUint(v, 10)
	}
	return strconv.FormatInt(signed(fd.Kind(), v), 10)
}

// signed returns the value of a signed integer kind from its wire value.
func signed(kind protoreflect.Kind, v uint64) int64 {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return int64(int32(v))
	case protoreflect.Sint32Kind:
		return int64(int32(protowire.DecodeZigZag(v & math.MaxUint32)))
	case protoreflect.Sint64Kind:
		return protowire.DecodeZigZag(v)
	}
	return int64(v)
}

func floatText(f float64, size int) string { return strconv.FormatFloat(f, 'g', -1, size) }

// shortHex gives bytes as hex, cut to a length with the full size behind.
func shortHex(b []byte) string {
	if len(b) <= maxTextBytes {
		return hex.EncodeToString(b)
	}
	return hex.EncodeToString(b[:maxTextBytes]) + "… (" + strconv.Itoa(len(b)) + " bytes)"
}

// shortQuote gives a string in Go's quotes, so that no control character or
// bidirectional mark reaches a terminal.
func shortQuote(b []byte) string {
	if len(b) <= maxTextBytes {
		return strconv.Quote(string(b))
	}
	cut := maxTextBytes
	for cut > maxTextBytes-utf8.UTFMax && !utf8.RuneStart(b[cut]) {
		cut--
	}
	return strconv.Quote(string(b[:cut])) + "… (" + strconv.Itoa(len(b)) + " bytes)"
}
