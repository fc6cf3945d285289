// Package envelope reads what gRPC puts around messages: the length prefix,
// compression, status, time-outs and rich errors. See the document "gRPC over
// HTTP2" (PROTOCOL-HTTP2.md of the gRPC project), cited here as gRPC-HTTP2.
package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// PrefixLen is the length of what precedes each message: a flag and a length.
const PrefixLen = 5

// Prefix is a Length-Prefixed-Message's header.
type Prefix struct {
	Flag   byte // 0 plain, 1 compressed; other values are not defined
	Length uint32
}

// ReadPrefix reads the five bytes at the start of b.
func ReadPrefix(b []byte) Prefix {
	return Prefix{Flag: b[0], Length: binary.BigEndian.Uint32(b[1:PrefixLen])}
}

// ErrTooLarge is wrapped by Decompress's error when the limit was reached.
var ErrTooLarge = errors.New("decompressed message is over the limit")

// Gunzip undoes gzip; see decompress.
func Gunzip(b []byte, limit int64) ([]byte, error) {
	return decompress("gzip", limit, func() (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) })
}

// Inflate undoes grpc-encoding deflate, which is the zlib format (RFC 1950);
// some peers send the bare RFC 1951 stream, which is read too.
func Inflate(b []byte, limit int64) ([]byte, error) {
	return decompress("deflate", limit, func() (io.Reader, error) {
		if r, err := zlib.NewReader(bytes.NewReader(b)); err == nil {
			return r, nil
		}
		return flate.NewReader(bytes.NewReader(b)), nil
	})
}

// unmeasured is how much is decompressed without knowing how much there will be.
const unmeasured = 4 << 20

// decompress reads all that open gives. With an error comes what could be read
// before it, or the beginning of that. A message that grows large is measured
// before there is memory for it, so that a bomb costs time alone.
func decompress(name string, limit int64, open func() (io.Reader, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	limit = min(limit, math.MaxInt64-1)
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, min(limit+1, unmeasured)))
	if err == nil && n == unmeasured {
		var rest int64
		rest, err = io.Copy(io.Discard, io.LimitReader(r, limit+1-n))
		n += rest
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("%s: after %d decompressed bytes: %w", name, n, err)
	}
	if n > limit {
		return out.Bytes()[:min(limit, int64(out.Len()))], fmt.Errorf("%s: %w of %d bytes", name, ErrTooLarge, limit)
	}
	if n == int64(out.Len()) {
		return out.Bytes(), nil
	}
	return readAgain(name, n, open)
}

// readAgain decompresses n bytes that were read without error before.
func readAgain(name string, n int64, open func() (io.Reader, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	all := make([]byte, n)
	got, err := io.ReadFull(r, all)
	if err != nil {
		return all[:got], fmt.Errorf("%s: after %d decompressed bytes: %w", name, got, err)
	}
	return all, nil
}

// PercentDecode undoes the coding of grpc-message. What is not valid coding is
// kept as it is. gRPC-HTTP2, "Percent-Encoded".
func PercentDecode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// DecodeBinary undoes the base64 of a value whose name ends in -bin, with or
// without padding. gRPC-HTTP2, "Binary-Header".
func DecodeBinary(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}

var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second,
	'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// ParseTimeout reads a grpc-timeout value. gRPC-HTTP2, "Timeout".
func ParseTimeout(s string) (time.Duration, bool) {
	if len(s) < 2 || len(s) > 9 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	unit, ok := timeoutUnits[s[len(s)-1]]
	if err != nil || !ok {
		return 0, false
	}
	if n > uint64(math.MaxInt64/unit) {
		return math.MaxInt64, true // 99999999H is 11,000 years, longer than a Duration
	}
	return time.Duration(n) * unit, true
}

var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// CodeName returns the name of a google.rpc.Code, or CODE_99.
func CodeName(code int) string {
	if code >= 0 && code < len(codeNames) {
		return codeNames[code]
	}
	return "CODE_" + strconv.Itoa(code)
}
