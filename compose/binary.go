package compose

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// prefixLen is the length of the prefix of a gRPC message: a byte that says
// whether it is compressed, and four bytes of length.
const prefixLen = 5

// framed reports whether a message that begins with c has a gRPC prefix. It begins
// with 0, or 1 if it is compressed; no protobuf message begins with either, because
// there is no field 0.
func framed(c byte) bool { return c == 0 || c == 1 }

// bare returns the one message of a binary body, with or without prefix.
func (o Options) bare(body []byte) ([]byte, error) {
	if len(body) == 0 || !framed(body[0]) {
		return body, o.check(body, 0)
	}
	msg, err := o.prefixed(body, 0)
	if err != nil {
		return nil, err
	}
	if rest := len(body) - prefixLen - len(msg); rest > 0 {
		return nil, binaryFault(int64(prefixLen+len(msg)), "%d bytes follow the message, and one message is wanted here", rest)
	}
	return msg, nil
}

// prefixed cuts the message behind the prefix that body begins with. at is where
// body begins in the stream.
func (o Options) prefixed(body []byte, at int64) ([]byte, error) {
	if len(body) < prefixLen {
		return nil, binaryFault(at, "a message prefix has 5 bytes, and only %d are left", len(body))
	}
	n, err := o.length(body, at)
	if err != nil {
		return nil, err
	}
	msg := body[prefixLen:]
	if int64(len(msg)) < n {
		return nil, binaryFault(at+1, "the prefix says %d bytes, and only %d follow", n, len(msg))
	}
	return msg[:n], o.check(msg[:n], at+prefixLen)
}

// length reads a prefix.
func (o Options) length(prefix []byte, at int64) (int64, error) {
	switch prefix[0] {
	case 0:
	case 1:
		return 0, binaryFault(at, "the message is marked as compressed; give it uncompressed, and ask for compression of the call")
	default:
		return 0, binaryFault(at, "want a message prefix, which begins with 00, got %02x", prefix[0])
	}
	n := int64(binary.BigEndian.Uint32(prefix[1:prefixLen]))
	if n > o.maxBody() {
		return 0, binaryFault(at+1, "the prefix says %d bytes; the limit of one message is %d", n, o.maxBody())
	}
	return n, nil
}

// check looks whether msg can be taken apart into fields, so that text given for
// bytes does not reach a server. at is where msg begins in the stream.
func (o Options) check(msg []byte, at int64) error {
	if o.Unchecked {
		return nil
	}
	for pos := 0; pos < len(msg); {
		n := fieldLen(msg[pos:])
		if n < 0 {
			e := binaryFault(at+int64(pos), "no protobuf field begins here: %v", plain(protowire.ParseError(n)))
			if pos == 0 && (msg[0] == '{' || msg[0] == '[') {
				e.Text += "; it looks like JSON: give the format json"
			}
			return e
		}
		pos += n
	}
	return nil
}

// binaryFault is a fault of bytes, which have no lines: the column is the byte.
func binaryFault(at int64, format string, args ...any) *BodyError {
	return &BodyError{Line: 1, Col: int(at) + 1, Offset: at, Text: fmt.Sprintf(format, args...)}
}

// readPrefixed reads the next message of a stream; io.EOF is its end.
func (r *Reader) readPrefixed() ([]byte, error) {
	prefix, err := r.in.Peek(prefixLen)
	if len(prefix) == 0 {
		return nil, readFault(err, r.offset)
	}
	if len(prefix) < prefixLen {
		if !errors.Is(err, io.EOF) {
			return nil, readFault(err, r.offset)
		}
		return nil, binaryFault(r.offset, "a message prefix has 5 bytes, and only %d are left", len(prefix))
	}
	n, err := r.o.length(prefix, r.offset)
	if err != nil {
		return nil, err
	}
	// The memory grows with what arrives, not with what the prefix promises.
	body, err := io.ReadAll(io.LimitReader(r.in, prefixLen+n))
	if err != nil {
		return nil, readFault(err, r.offset)
	}
	return body, nil
}

func readFault(err error, offset int64) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read body at byte %d: %w", offset, err)
}

// fieldLen returns the length of the field that b begins with, negative if there
// is none.
func fieldLen(b []byte) int {
	_, _, n := protowire.ConsumeField(b)
	return n
}
