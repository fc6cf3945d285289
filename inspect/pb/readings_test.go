package pb

import (
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// readings writes the readings of the one field in payload.
func readings(t *testing.T, payload []byte) string {
	t.Helper()
	var parts []string
	for _, r := range Fields(payload, nil, nil)[0].Readings(payload) {
		parts = append(parts, r.As+" "+r.Text)
	}
	return strings.Join(parts, ", ")
}

func TestReadings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ payload, want string }{
		{"\x08\x00", "uint64 0, bool false, enum 0, sint64 0"},
		{"\x08\x01", "uint64 1, bool true, enum 1, sint64 -1"},
		{"\x08\xac\x02", "uint64 300, sint64 150"},
		{"\x08\x80\xd2\x93\xad\x06", "uint64 1705306368, seconds since 1970 2024-01-15T08:12:48Z, sint64 852653184"},
		{"\x08\xff\xff\xff\xff\x0f", "uint64 4294967295, sint64 -2147483648, int32 -1"},
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "int64 -1, int32 -1, uint64 18446744073709551615, sint64 -9223372036854775808"},
		{"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "int64 -9223372036854775808, uint64 9223372036854775808, sint64 4611686018427387904"},
		{"\x0d\x00\x00\x00\x00", "fixed32 0, float 0"},
		{"\x0d\x00\x00\x80\x3f", "float 1, fixed32 1065353216, seconds since 1970 2003-10-05T11:26:56Z"},
		{"\x0d\xff\xff\xff\xff", "sfixed32 -1, fixed32 4294967295, float NaN"},
		{"\x0d\x00\x00\xc0\xbf", "float -1.5, fixed32 3217031168, seconds since 1970 2071-12-11T03:46:08Z, sfixed32 -1077936128"},
		{"\x09\x18\x2d\x44\x54\xfb\x21\x09\x40", "double 3.141592653589793, fixed64 4614256656552045848"},
		{"\x09\x07\x00\x00\x00\x00\x00\x00\x00", "fixed64 7, double 3.5e-323"},
		{"\x0b\x0c", ""},
		{"\x00", ""},
	} {
		if got := readings(t, []byte(tt.payload)); got != tt.want {
			t.Errorf("%q: got %s\nwant %s", tt.payload, got, tt.want)
		}
	}
}

func TestReadingsOfBytes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ value, want string }{
		{"", `string "", message {}, bytes `},
		{"\xff", "bytes ff"},
		{"(a0b", `string "(a0b", message {5: VARINT, 6: VARINT}, packed varint [40, 97, 48, 98], packed zigzag varint [20, -49, 24, 49], bytes 28613062, packed fixed32 [1647337768]`},
		{"\x08\x01", `message {1: VARINT}, packed varint [8, 1], packed zigzag varint [4, -1], string "\b\x01", bytes 0801`},
		{"\x08\x80\x80\xb2\xa3\x06\x10\x01", `message {1: VARINT, 2: VARINT}, timestamp 2023-05-23T08:57:36.000000001Z, packed varint [8, 1684832256, 16, 1], packed zigzag varint [4, 842416128, 8, -1], bytes 088080b2a3061001, packed fixed32 [2994765832, 17827491], packed fixed64 [76568493809500168]`},
		{`{"a":[1]}`, `string "{\"a\":[1]}", JSON an object of 9 bytes, packed varint [123, 34, 97, 34, 58, 91, 49, 93, 125], packed zigzag varint [-62, 17, -49, 17, 29, -46, -25, -47, -63], bytes 7b2261223a5b315d7d`},
		{"\x7f\x00\x00\x01", `IPv4 address 127.0.0.1, packed varint [127, 0, 0, 1], packed zigzag varint [-64, 0, 0, -1], string "\x7f\x00\x00\x01", bytes 7f000001, packed fixed32 [16777343]`},
		{"\x08\x08\x08\x08", `message {1: VARINT, 1: VARINT}, packed varint [8, 8, 8, 8], packed zigzag varint [4, 4, 4, 4], IPv4 address 8.8.8.8, string "\b\b\b\b", bytes 08080808, packed fixed32 [134744072]`},
		{"\x00\x00\x00\x00\x00\x00\xf8\x3f", "packed double [1.5], packed float [0, 1.9375], packed varint [0, 0, 0, 0, 0, 0, 8184], packed zigzag varint [0, 0, 0, 0, 0, 0, 4092], bytes 000000000000f83f, packed fixed32 [0, 1073217536], packed fixed64 [4609434218613702656]"},
	} {
		if got := readings(t, protowire.AppendBytes([]byte{0x0a}, []byte(tt.value))); got != tt.want {
			t.Errorf("%q: got %s\nwant %s", tt.value, got, tt.want)
		}
	}
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The first reading of values as they are sent, and that the right one is there.
func TestReadingsRank(t *testing.T) {
	t.Parallel()
	varints := func(vs ...uint64) string {
		var b []byte
		for _, v := range vs {
			b = protowire.AppendVarint(b, v)
		}
		return string(b)
	}
	doubles := func(fs ...float64) string {
		var b []byte
		for _, f := range fs {
			b = protowire.AppendFixed64(b, math.Float64bits(f))
		}
		return string(b)
	}
	floats := func(fs ...float32) string {
		var b []byte
		for _, f := range fs {
			b = protowire.AppendFixed32(b, math.Float32bits(f))
		}
		return string(b)
	}
	for _, tt := range []struct{ name, value, first, also string }{
		{"a name", "Ada Lovelace", "string", "bytes"},
		{"an e-mail address", "ada@example.com", "string", "bytes"},
		{"accents", "Dvořák, 東京", "string", "bytes"},
		{"lines", "one\ntwo\n", "string", "bytes"},
		{"a UUID as text", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "string", "bytes"},
		{"JSON", `{"id": 7, "tags": ["a"]}`, "string", "JSON"},
		{"colour codes", "\x1b[31mred alert\x1b[0m", "string", "bytes"},
		{"a message of a number", "\x08\x96\x01", "message", "packed varint"},
		{"a message of a name", "\x0a\x0cAda Lovelace\x10\x24", "message", "bytes"},
		{"a message of a long text", "\x0a\x240123456789abcdef0123456789abcdefghij", "message", "string"},
		{"a timestamp", "\x08\xb8\xc6\xcf\xb9\x06\x10\x80\x89\x7a", "message", "timestamp"},
		{"a random UUID", unhex(t, "9b2e4c1a 77d3 4f6e 8a51 0c3df2b6e8a7"), "UUID", "bytes"},
		{"a time-ordered UUID", unhex(t, "0190b6f2 8e1c 7c3d 9f4a 5b6c7d8e9fa0"), "UUID", "bytes"},
		{"an MD5", unhex(t, "9e107d9d372bb6826bd81d3542a419d6"), "bytes", "bytes"},
		{"ids", varints(101, 250, 1042, 99431), "packed varint", "packed zigzag varint"},
		{"prices", doubles(19.99, 5, 0.5), "packed double", "packed fixed64"},
		{"a vector", floats(0.12, -0.5, 0.33, 1e-3), "packed float", "packed fixed32"},
		{"a home network", "\xc0\xa8\x01\x17", "IPv4 address", "bytes"},
		{"a public address", "\x5d\xb8\xd8\x22", "packed varint", "IPv4 address"},
		{"a link-local address", unhex(t, "fe80 0000 0000 0000 0202 b3ff fe1e 8329"), "IPv6 address", "bytes"},
		{"a documentation address", unhex(t, "2001 0db8 0000 0000 0000 0000 0000 0001"), "packed varint", "IPv6 address"},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "gzip", "bytes"},
		{"PNG", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "PNG", "bytes"},
		{"zstd", "\x28\xb5\x2f\xfd\x04\x00", "zstd", "bytes"},
	} {
		payload := protowire.AppendBytes([]byte{0x0a}, []byte(tt.value))
		rs := Fields(payload, nil, nil)[0].Readings(payload)
		has := slices.ContainsFunc(rs, func(r Reading) bool { return r.As == tt.also })
		if rs[0].As != tt.first || !has {
			t.Errorf("%s: got %v\nwant %s first, and %s", tt.name, rs, tt.first, tt.also)
		}
	}
}

func TestReadingsOfTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v    uint64
		want string
	}{
		{946_684_799, ""},
		{946_684_800, "seconds since 1970 2000-01-01T00:00:00Z"},
		{4_102_444_800, ""},
		{1_700_000_000_123, "milliseconds since 1970 2023-11-14T22:13:20.123Z"},
		{1_700_000_000_123_456, "microseconds since 1970 2023-11-14T22:13:20.123456Z"},
		{1_700_000_000_123_456_789, "nanoseconds since 1970 2023-11-14T22:13:20.123456789Z"},
	} {
		got := ""
		for _, r := range timeReadings(tt.v) {
			got += r.As + " " + r.Text
		}
		if got != tt.want {
			t.Errorf("%d: got %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestIPv6Text(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0000 0000 0000 0000 0000 0000 0000 0000": "::",
		"0000 0000 0000 0000 0000 0000 0000 0001": "::1",
		"2001 0db8 0000 0000 0001 0000 0000 0001": "2001:db8::1:0:0:1",
		"2001 0db8 0000 0001 0001 0001 0001 0001": "2001:db8:0:1:1:1:1:1",
		"2001 0db8 0001 0000 0000 0000 0000 0000": "2001:db8:1::",
		"2001 0000 0000 0001 0000 0000 0000 0001": "2001:0:0:1::1",
		"0000 0000 0000 0000 0000 ffff c000 0201": "::ffff:192.0.2.1",
		"0001 0002 0003 0004 0005 0006 0007 00ff": "1:2:3:4:5:6:7:ff",
	} {
		if got := ipv6Text([]byte(unhex(t, in))); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
