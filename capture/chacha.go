package capture

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"math/big"
	"math/bits"
	"slices"
)

// chaCha opens what ChaCha20-Poly1305 has sealed, RFC 8439. The standard library
// has it only for its own TLS connections. It is not for sealing: it takes no care
// that its timing tells nothing of the key, which whoever has a key log knows.
type chaCha struct{ key [8]uint32 }

var errOpen = errors.New("the record does not open with this key")

func newChaCha(key []byte) (*chaCha, error) {
	if len(key) != 32 {
		return nil, errors.New("a key of ChaCha20 has 32 bytes")
	}
	c := &chaCha{}
	for i := range c.key {
		c.key[i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	return c, nil
}

// Overhead is the length of the tag.
func (c *chaCha) Overhead() int { return 16 }

// Open checks and decrypts a text. RFC 8439 §2.8.
func (c *chaCha) Open(dst, nonce, text, extra []byte) ([]byte, error) {
	if len(text) < 16 || len(nonce) != 12 {
		return nil, errOpen
	}
	text, tag := text[:len(text)-16], text[len(text)-16:]
	first := c.block(0, nonce)
	sum := poly1305(first[:32], authenticated(text, extra))
	if subtle.ConstantTimeCompare(sum[:], tag) != 1 {
		return nil, errOpen
	}
	dst = slices.Grow(dst, len(text))
	for n := uint32(1); len(text) > 0; n++ {
		stream := c.block(n, nonce)
		part := text[:min(64, len(text))]
		for i, b := range part {
			dst = append(dst, b^stream[i])
		}
		text = text[len(part):]
	}
	return dst, nil
}

// authenticated is what the tag is made of. RFC 8439 §2.8.
func authenticated(text, extra []byte) []byte {
	var b []byte
	for _, part := range [][]byte{extra, text} {
		b = append(b, part...)
		for len(b)%16 != 0 {
			b = append(b, 0)
		}
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(len(extra)))
	return binary.LittleEndian.AppendUint64(b, uint64(len(text)))
}

// block is the ChaCha20 block function. RFC 8439 §2.3.
func (c *chaCha) block(counter uint32, nonce []byte) (out [64]byte) {
	start := [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574} // "expand 32-byte k"
	copy(start[4:], c.key[:])
	start[12] = counter
	for i := range 3 {
		start[13+i] = binary.LittleEndian.Uint32(nonce[4*i:])
	}
	s := start
	for range 10 {
		for i := range 4 { // columns
			quarter(&s[i], &s[4+i], &s[8+i], &s[12+i])
		}
		for i := range 4 { // diagonals
			quarter(&s[i], &s[4+(i+1)%4], &s[8+(i+2)%4], &s[12+(i+3)%4])
		}
	}
	for i := range s {
		binary.LittleEndian.PutUint32(out[4*i:], s[i]+start[i])
	}
	return out
}

// quarter is the quarter round. RFC 8439 §2.1.
func quarter(a, b, c, d *uint32) {
	*a += *b
	*d = bits.RotateLeft32(*d^*a, 16)
	*c += *d
	*b = bits.RotateLeft32(*b^*c, 12)
	*a += *b
	*d = bits.RotateLeft32(*d^*a, 8)
	*c += *d
	*b = bits.RotateLeft32(*b^*c, 7)
}

// poly1305 is the one-time authenticator. RFC 8439 §2.5. text is a multiple of 16
// bytes long.
func poly1305(key, text []byte) (tag [16]byte) {
	number := func(b []byte) *big.Int { // little endian
		b = slices.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	r := slices.Clone(key[:16])
	for i := range r {
		if i%4 == 3 {
			r[i] &= 15
		} else if i%4 == 0 && i > 0 {
			r[i] &= 252
		}
	}
	factor, sum := number(r), new(big.Int)
	prime := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 130), big.NewInt(5))
	block := make([]byte, 17)
	block[16] = 1
	for ; len(text) >= 16; text = text[16:] {
		copy(block, text[:16])
		sum.Add(sum, number(block))
		sum.Mod(sum.Mul(sum, factor), prime)
	}
	sum.Add(sum, number(key[16:32]))
	b := sum.FillBytes(make([]byte, 32)) // it has at most 131 bits
	slices.Reverse(b)
	copy(tag[:], b)
	return tag
}
