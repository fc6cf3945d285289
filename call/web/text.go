package web

import (
	"errors"
	"io"
)

// textReader undoes the base64 of application/grpc-web-text. Padding ends a piece
// wherever it stands, not only at the end. PROTOCOL-WEB, "Text-encoded streams".
type textReader struct {
	src   io.Reader
	chars [4 << 10]byte // as they came
	out   []byte        // decoded, not yet read
	space [4 << 10]byte // of out
	group uint32        // of up to four characters
	n     int           // how many it has
	bad   int           // characters that were passed over
	err   error
}

// maxBad is how many characters that are no base64 are passed over. inspect, which
// names them, has the same limit.
const maxBad = 1000

var errNoBase64 = errors.New("the body is not the base64 that its content-type says")

// sextets maps a character to its six bits plus one, and what is none to 0. RFC 4648 §4.
var sextets = func() (t [256]byte) {
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i + 1)
	}
	return t
}()

// Read reads decoded bytes.
func (t *textReader) Read(b []byte) (int, error) {
	for len(t.out) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		var n int
		n, t.err = t.src.Read(t.chars[:])
		t.decode(t.chars[:n])
		if t.err != nil {
			t.flush() // some encoders leave the last padding out
		}
	}
	n := copy(b, t.out)
	t.out = t.out[n:]
	return n, nil
}

// decode adds to out what chars stand for. It is called with out empty.
func (t *textReader) decode(chars []byte) {
	t.out = t.space[:0]
	for _, c := range chars {
		switch v := sextets[c]; {
		case v > 0:
			t.group = t.group<<6 | uint32(v-1)
			if t.n++; t.n == 4 {
				t.flush()
			}
		case c == '=':
			t.flush()
		default:
			if t.bad++; t.bad > maxBad {
				t.err = errNoBase64
				return
			}
		}
	}
}

// flush ends the group: n characters stand for n-1 bytes.
func (t *textReader) flush() {
	v := t.group << (6 * (4 - t.n))
	for i := range t.n - 1 {
		t.out = append(t.out, byte(v>>(16-8*i)))
	}
	t.group, t.n = 0, 0
}
