package inspect

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/net/http2"
	nethpack "golang.org/x/net/http2/hpack"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// conversation writes both directions of an HTTP/2 connection into chunks.
type conversation struct {
	tb     testing.TB
	buf    [2]bytes.Buffer
	framer [2]*http2.Framer
	hbuf   [2]bytes.Buffer
	henc   [2]*nethpack.Encoder
	chunks []chunk
}

type chunk struct {
	dir   record.Dir
	bytes []byte
}

func newConversation(tb testing.TB) *conversation {
	c := &conversation{tb: tb}
	for d := range c.framer {
		c.framer[d] = http2.NewFramer(&c.buf[d], nil)
		c.framer[d].AllowIllegalWrites = true
		c.henc[d] = nethpack.NewEncoder(&c.hbuf[d])
	}
	c.buf[record.Sent].WriteString(h2.Preface)
	return c
}

// flush ends the chunk of a direction.
func (c *conversation) flush(d record.Dir) {
	if c.buf[d].Len() > 0 {
		c.chunks = append(c.chunks, chunk{d, bytes.Clone(c.buf[d].Bytes())})
		c.buf[d].Reset()
	}
}

func (c *conversation) must(err error) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(err)
	}
}

// headers writes a block of name-value pairs, cut into frames of at most limit bytes.
func (c *conversation) headers(d record.Dir, stream uint32, end bool, limit int, pairs ...string) {
	c.hbuf[d].Reset()
	for i := 0; i < len(pairs); i += 2 {
		c.must(c.henc[d].WriteField(nethpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	block := bytes.Clone(c.hbuf[d].Bytes())
	first := block[:min(limit, len(block))]
	rest := block[len(first):]
	c.must(c.framer[d].WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0}))
	for len(rest) > 0 {
		part := rest[:min(limit, len(rest))]
		rest = rest[len(part):]
		c.must(c.framer[d].WriteContinuation(stream, len(rest) == 0, part))
	}
}

func (c *conversation) request(stream uint32, path string, pairs ...string) {
	c.headers(record.Sent, stream, false, 40, append([]string{
		":method", "POST", ":scheme", "http", ":path", path, ":authority", "test", "content-type", "application/grpc", "te", "trailers",
	}, pairs...)...)
}

// data writes bytes as DATA frames of at most limit bytes.
func (c *conversation) data(d record.Dir, stream uint32, end bool, limit int, b []byte) {
	for {
		part := b[:min(limit, len(b))]
		b = b[len(part):]
		c.must(c.framer[d].WriteData(stream, end && len(b) == 0, part))
		if len(b) == 0 {
			return
		}
	}
}

func (c *conversation) trailers(stream uint32, code int, message string) {
	c.headers(record.Received, stream, true, 1000, "grpc-status", strconv.Itoa(code), "grpc-message", message)
}

// recording returns the conversation with its chunks, each at its number in ms.
func (c *conversation) recording(closed bool) *record.Recording {
	c.flush(record.Sent)
	c.flush(record.Received)
	rec := record.New(record.Meta{})
	for i, ch := range c.chunks {
		rec.Add(ch.dir, time.Duration(i)*time.Millisecond, ch.bytes)
	}
	if closed {
		rec.Close(nil)
	}
	return rec
}

// split returns the same bytes in smaller chunks.
func (c *conversation) split(r *rand.Rand, most int) *record.Recording {
	c.flush(record.Sent)
	c.flush(record.Received)
	rec := record.New(record.Meta{})
	for i, ch := range c.chunks {
		for b := ch.bytes; len(b) > 0; {
			n := min(1+r.IntN(most), len(b))
			rec.Add(ch.dir, time.Duration(i)*time.Millisecond, b[:n])
			b = b[n:]
		}
	}
	rec.Close(nil)
	return rec
}

func prefixed(payload []byte, compressed bool) []byte {
	b := make([]byte, 5, 5+len(payload))
	if compressed {
		b[0] = 1
	}
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	return append(b, payload...)
}

func gzipped(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// randomConversation is a plausible connection of several calls, with noise.
func randomConversation(tb testing.TB, r *rand.Rand) *conversation {
	c := newConversation(tb)
	c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	c.must(c.framer[1].WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 16}))
	for i := range 1 + r.IntN(6) {
		id := uint32(2*i + 1)
		c.request(id, "/pkg.Svc/Method", "grpc-encoding", "gzip", "x-number", strconv.Itoa(r.IntN(5)))
		for range r.IntN(4) {
			raw := randomBytes(r, r.IntN(3000))
			c.data(record.Sent, id, false, 1+r.IntN(1500), prefixed(raw, false))
		}
		c.data(record.Sent, id, true, 1+r.IntN(900), prefixed(gzipped(tb, randomBytes(r, 400)), true))
		c.flush(record.Sent)
		if r.IntN(3) == 0 {
			c.must(c.framer[1].WritePing(false, [8]byte{1, 2, 3}))
			c.must(c.framer[1].WriteWindowUpdate(0, 1+uint32(r.IntN(1000))))
			c.must(c.framer[0].WriteRawFrame(0x42, 0xff, id, randomBytes(r, r.IntN(40))))
		}
		c.headers(record.Received, id, false, 30, ":status", "200", "content-type", "application/grpc+proto", "grpc-encoding", "gzip")
		for range r.IntN(5) {
			c.data(record.Received, id, false, 1+r.IntN(2000), append(prefixed(randomBytes(r, r.IntN(50)), false), prefixed(gzipped(tb, randomBytes(r, r.IntN(900))), true)...))
			if r.IntN(2) == 0 {
				c.flush(record.Received)
			}
		}
		if r.IntN(5) == 0 {
			c.must(c.framer[1].WriteRSTStream(id, http2.ErrCodeInternal))
		} else {
			c.trailers(id, r.IntN(17), "50%25 done")
		}
	}
	return c
}
