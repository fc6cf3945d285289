// Package envelope reads what stands around messages: the length prefix of gRPC,
// compression, status, time-outs and rich errors; the trailers of gRPC-Web, the
// end-of-stream message of Connect, server-sent events. See the documents "gRPC
// over HTTP2" and "gRPC Web" of the gRPC project (PROTOCOL-HTTP2.md and
// PROTOCOL-WEB.md), cited here as gRPC-HTTP2 and PROTOCOL-WEB, and the Connect
// protocol reference.
package envelope

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"
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
