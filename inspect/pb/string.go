package pb

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// plain tells the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// notPlain is 0 when the eight bytes of w are all plain. Each of the terms has a
// byte's high bit set where that byte is as the term says, and it is the first
// such: a borrow can only set more bits after one that is set rightly.
func notPlain(w uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	control := w - ones*' '
	quote := w ^ ones*'"' - ones
	backslash := w ^ ones*'\\' - ones
	return (w | control | quote | backslash) & high
}

// appendString appends s as a JSON string; it is not ok when s is not valid
// UTF-8.
func appendString(dst, s []byte) (_ []byte, ok bool) {
	n := len(dst)
	dst = slices.Grow(dst, len(s)+2)[:n+len(s)+2]
	to := dst[n+1:]
	dst[n] = '"'
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		if notPlain(w) != 0 {
			return appendRest(dst[:n+1+i], s[i:])
		}
		binary.LittleEndian.PutUint64(to[i:], w)
	}
	for ; i < len(s); i++ {
		if !plain[s[i]] {
			return appendRest(dst[:n+1+i], s[i:])
		}
		to[i] = s[i]
	}
	to[i] = '"'
	return dst, true
}

// appendRest appends the rest of a JSON string, which has bytes that are not
// plain, and its closing quote.
func appendRest(dst, s []byte) (_ []byte, ok bool) {
	copied := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case plain[c]:
			i++
			for i+8 <= len(s) && notPlain(binary.LittleEndian.Uint64(s[i:])) == 0 {
				i += 8
			}
		case c >= utf8.RuneSelf:
			n := runeLen(s[i:])
			if n == 0 {
				return dst, false
			}
			i += n
		default:
			dst = appendEscape(append(dst, s[copied:i]...), c)
			i++
			copied = i
		}
	}
	return append(append(dst, s[copied:]...), '"'), true
}

// runeLen returns the length of the UTF-8 sequence that begins s with a byte that
// is not ASCII, 0 if it is not valid (RFC 3629 §4).
func runeLen(s []byte) int {
	tail := func(c byte) bool { return c&0xc0 == 0x80 }
	switch c := s[0]; {
	case c < 0xc2:
	case c < 0xe0:
		if len(s) >= 2 && tail(s[1]) {
			return 2
		}
	case c < 0xf0:
		if len(s) >= 3 && tail(s[1]) && tail(s[2]) && (c != 0xe0 || s[1] >= 0xa0) && (c != 0xed || s[1] < 0xa0) {
			return 3
		}
	default:
		if r, n := utf8.DecodeRune(s); r != utf8.RuneError || n > 1 {
			return n
		}
	}
	return 0
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
