package pb

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// appendNumber appends a bool, integer or float from its wire value, by the
// ProtoJSON rules: 64-bit integers are strings.
func appendNumber(dst []byte, kind protoreflect.Kind, v uint64) []byte {
	switch kind {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v != 0)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return appendInt(dst, signed(kind, v))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return appendUint(dst, uint64(uint32(v)))
	case protoreflect.FloatKind:
		return appendFloat32(dst, math.Float32frombits(uint32(v)))
	case protoreflect.DoubleKind:
		return appendFloat64(dst, math.Float64frombits(v))
	}
	dst = append(dst, '"')
	switch kind {
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		dst = appendUint(dst, v)
	default:
		dst = appendInt(dst, signed(kind, v))
	}
	return append(dst, '"')
}

// pairs has the two digits of each number below 100.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748" +
	"4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798" + "99"

// putPair writes the two digits of n, which is below 100.
func putPair(b []byte, n uint) {
	_ = b[1]
	b[0], b[1] = pairs[2*n], pairs[2*n+1]
}

func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendUint(append(dst, '-'), -uint64(v))
	}
	return appendUint(dst, uint64(v))
}

func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v < 10:
		return append(dst, '0'+byte(v))
	case v < 100:
		return append(dst, pairs[2*v], pairs[2*v+1])
	}
	var digits [20]byte // as many as the largest has
	i := len(digits)
	for v >= 100 {
		i -= 2
		putPair(digits[i:], uint(v%100))
		v /= 100
	}
	if v >= 10 {
		i -= 2
		putPair(digits[i:], uint(v))
	} else {
		i--
		digits[i] = '0' + byte(v)
	}
	return append(dst, digits[i:]...)
}

// appendFloat64 appends a double as ECMAScript writes numbers, with the names
// that ProtoJSON gives to what is not a number.
func appendFloat64(dst []byte, f float64) []byte {
	// Short decimals need no search for the digits that tell f from its
	// neighbours: of the decimals of up to 15 digits, one at most is read as f.
	const scale, digits = 1e6, 1e15
	if a := math.Abs(f); a < digits/scale {
		if n := uint64(a*scale + 0.5); float64(n)/scale == a && (n != 0 || math.Float64bits(f) == 0) {
			return appendDecimal(dst, f < 0, n, scale)
		}
	}
	return appendFloat(dst, f, 64, 1e-6, 1e21)
}

// appendFloat32 is appendFloat64 for a float; for those, 6 digits are unique.
func appendFloat32(dst []byte, f float32) []byte {
	const scale, digits = 1e3, 1e6
	if a := math.Abs(float64(f)); a < digits/scale {
		if n := uint64(a*scale + 0.5); float32(float64(n)/scale) == float32(a) && (n != 0 || math.Float32bits(f) == 0) {
			return appendDecimal(dst, f < 0, n, scale)
		}
	}
	return appendFloat(dst, float64(f), 32, float64(float32(1e-6)), float64(float32(1e21)))
}

// appendDecimal appends n/scale without the zeros at its end.
func appendDecimal(dst []byte, negative bool, n, scale uint64) []byte {
	if negative {
		dst = append(dst, '-')
	}
	dst = appendUint(dst, n/scale)
	if n %= scale; n == 0 {
		return dst
	}
	dst = append(dst, '.')
	for n != 0 {
		scale /= 10
		dst = append(dst, '0'+byte(n/scale))
		n %= scale
	}
	return dst
}

// appendFloat appends any float; from low to high it is written without exponent.
func appendFloat(dst []byte, f float64, size int, low, high float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if a := math.Abs(f); a == 0 || a >= low && a < high {
		return strconv.AppendFloat(dst, f, 'f', -1, size)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, size)
	// strconv pads a negative exponent to two digits, ECMAScript does not.
	if n := len(dst); n >= 4 && string(dst[n-4:n-1]) == "e-0" {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

func appendBase64(dst, b []byte) []byte {
	dst = slices.Grow(dst, base64.StdEncoding.EncodedLen(len(b))+2)
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
