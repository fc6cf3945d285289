package testserver

import (
	"bytes"
	"compress/gzip"
	stdbase64 "encoding/base64"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// reply encodes a test.v1.Reply: a text, a number, packed numbers, a nested reply
// and a map entry.
func reply(text string) []byte {
	nested := field(nil, 1, "nested "+text)
	entry := protowire.AppendVarint(protowire.AppendTag(field(nil, 1, "answer"), 2, protowire.VarintType), 42)
	var b []byte
	b = field(b, 1, text)
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), 300)
	b = field(b, 3, "\x01\x96\x01\x03")
	b = field(b, 4, string(nested))
	return field(b, 5, string(entry))
}

// field appends a length-delimited field.
func field(b []byte, n protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

// percent encodes a grpc-message.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func base64(s string) string { return stdbase64.RawStdEncoding.EncodeToString([]byte(s)) }

// bomb sends 1024 gzip members of 1 MiB of zeros each, which readers join.
func bomb(s *stream) {
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	_, _ = w.Write(make([]byte, 1<<20)) // to memory
	_ = w.Close()
	s.headers(false, ":status", "200", "content-type", "application/grpc", "grpc-encoding", "gzip")
	s.data(prefixed(true, bytes.Repeat(member.Bytes(), 1024)), false)
	s.goodbye()
}
