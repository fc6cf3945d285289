package pb

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// A point in time between these two is plausible: from 2000 to 2100.
const (
	firstPlausible = 946_684_800   // seconds
	lastPlausible  = 4_102_444_800 // seconds
)

// clocks are the ways to count time since 1970 in a number.
var clocks = []struct {
	as   string
	unit uint64 // of it in a second
}{
	{"seconds since 1970", 1},
	{"milliseconds since 1970", 1e3},
	{"microseconds since 1970", 1e6},
	{"nanoseconds since 1970", 1e9},
}

// timeReadings reads a number as a time, where that gives a plausible one. The
// four ranges do not overlap.
func timeReadings(v uint64) []Reading {
	for _, c := range clocks {
		if s := v / c.unit; s >= firstPlausible && s < lastPlausible {
			return []Reading{{c.as, timeText(int64(s), int64(v%c.unit*(1e9/c.unit)))}}
		}
	}
	return nil
}

func timeText(seconds, nanos int64) string {
	return time.Unix(seconds, nanos).UTC().Format(time.RFC3339Nano)
}

// timestampReading reads a message as a google.protobuf.Timestamp, or not.
func timestampReading(b []byte, nodes []Node) (Reading, bool) {
	if len(nodes) == 0 || len(nodes) > 2 {
		return Reading{}, false
	}
	var v [2]uint64
	for i, n := range nodes {
		if int(n.Number) != i+1 || n.Wire != Varint {
			return Reading{}, false
		}
		v[i], _ = protowire.ConsumeVarint(n.bytes(b))
	}
	if v[0] < firstPlausible || v[0] >= lastPlausible || v[1] >= 1e9 {
		return Reading{}, false
	}
	return Reading{"timestamp", timeText(int64(v[0]), int64(v[1]))}, true
}

// magics are the first bytes of formats that are often sent as bytes.
var magics = []struct{ as, magic string }{
	{"gzip", "\x1f\x8b\x08"},
	{"zstd", "\x28\xb5\x2f\xfd"},
	{"PNG", "\x89PNG\r\n\x1a\n"},
	{"JPEG", "\xff\xd8\xff"},
	{"ZIP", "PK\x03\x04"},
	{"PDF", "%PDF-"},
}

// recognised names bytes that can hardly be anything else.
func recognised(b []byte) []Reading {
	for _, m := range magics {
		if len(b) > len(m.magic) && string(b[:len(m.magic)]) == m.magic {
			return []Reading{{m.as, plural(len(b), "byte")}}
		}
	}
	if isUUID(b) {
		return []Reading{{"UUID", uuidText(b)}}
	}
	return nil
}

// isUUID reports whether b has the version and variant of RFC 9562.
func isUUID(b []byte) bool {
	return len(b) == 16 && !printable(b) && b[6]>>4 >= 1 && b[6]>>4 <= 8 && b[8]>>6 == 2
}

func uuidText(b []byte) string {
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// addressReading reads 4 or 16 bytes as an IP address, if they are one that is
// in use; private is true for those of private networks and loopback.
func addressReading(b []byte) (r Reading, private, ok bool) {
	switch len(b) {
	case 4:
		private = b[0] == 10 || b[0] == 192 && b[1] == 168 || b[0] == 172 && b[1]>>4 == 1 || b[0] == 127 && b[1] == 0
		return Reading{"IPv4 address", ipv4Text(b)}, private, b[0] > 0 && b[0] < 224
	case 16:
		var zero [15]byte
		private = b[0]&0xfe == 0xfc || b[0] == 0xfe && b[1]&0xc0 == 0x80 || bytes.Equal(b, append(zero[:], 1))
		mapped := bytes.Equal(b[:12], append(zero[:10:10], 0xff, 0xff))
		return Reading{"IPv6 address", ipv6Text(b)}, private || mapped, private || mapped || b[0]>>5 == 1
	}
	return Reading{}, false, false
}

func ipv4Text(b []byte) string {
	var parts [4]string
	for i := range parts {
		parts[i] = strconv.Itoa(int(b[i]))
	}
	return strings.Join(parts[:], ".")
}

// ipv6Text writes an address as RFC 5952 section 4 recommends: the first of the
// longest runs of zero groups, if it has at least two, becomes a double colon.
func ipv6Text(b []byte) string {
	var groups [8]uint64
	for i := range groups {
		groups[i] = uint64(b[2*i])<<8 | uint64(b[2*i+1])
	}
	from, size := 0, 1
	for i := range groups {
		n := 0
		for i+n < 8 && groups[i+n] == 0 {
			n++
		}
		if n > size {
			from, size = i, n
		}
	}
	if size < 2 {
		from, size = 8, 0
	}
	if from == 0 && size == 5 && groups[5] == 0xffff {
		return "::ffff:" + ipv4Text(b[12:]) // section 5
	}
	var s strings.Builder
	for i := 0; i < 8; i++ {
		if i == from {
			s.WriteString("::")
			i += size - 1
			continue
		}
		if i > 0 && i != from+size {
			s.WriteByte(':')
		}
		s.WriteString(strconv.FormatUint(groups[i], 16))
	}
	return s.String()
}

// jsonReading tells text that is a JSON object or array.
func jsonReading(b []byte) (Reading, bool) {
	t := bytes.TrimSpace(b)
	if len(t) < 2 || t[0] != '{' && t[0] != '[' || !json.Valid(t) {
		return Reading{}, false
	}
	what := "an object"
	if t[0] == '[' {
		what = "an array"
	}
	return Reading{"JSON", what + " of " + plural(len(b), "byte")}, true
}
