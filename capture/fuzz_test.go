package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// seeds are small files of every format.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	rec := conversation(meta(), 1, 2)
	rec.Skip(record.Received, 0, 100)
	rec.Add(record.Received, 0, []byte("end"))
	rec.Close(nil)
	var own bytes.Buffer
	if _, err := rec.WriteTo(&own); err != nil {
		t.Fatal(err)
	}
	small := record.New(meta())
	small.Add(record.Sent, 1, []byte(preface+settingsFrame))
	small.Add(record.Received, 2, []byte(settingsFrame+headersFrame))
	small.Close(nil)
	out := map[string][]byte{
		"recording": own.Bytes(), "pcapng": written(t, small), "pcap": pcapOf(packetsOf(t, small)),
		"har": []byte(browserHAR), "hexdump": []byte(hex.Dump([]byte(preface + settingsFrame))),
		"base64": []byte(base64.StdEncoding.EncodeToString([]byte(grpcBody))), "words": []byte(hexdumpWords(settingsFrame + headersFrame)),
	}
	for _, s := range samples {
		out[s.name] = []byte(s.bytes)
	}
	return out
}

// checkCapture checks what holds of everything that was read.
func checkCapture(t testing.TB, c *Capture) {
	t.Helper()
	for _, conn := range c.Connections {
		r := conn.Recording
		last := time.Duration(0)
		var size [2]int64
		for _, chunk := range r.Chunks(0) {
			if c.File == nil && chunk.At < last {
				t.Errorf("%s: chunk %v is earlier than the one before, at %v", conn.Name, chunk, last)
			}
			if chunk.Span.Off != size[chunk.Span.Dir] || chunk.Span.Len <= 0 {
				t.Errorf("%s: chunk %v does not follow", conn.Name, chunk)
			}
			last, size[chunk.Span.Dir] = chunk.At, chunk.Span.End()
		}
		for _, p := range conn.Problems {
			if p.Text == "" || p.Span.Off < 0 || p.Span.Len < 0 || p.Packet < 0 || p.Span.Off > r.Size(p.Span.Dir) {
				t.Errorf("%s: a problem without sense: %+v", conn.Name, p)
			}
		}
	}
	for _, s := range c.Skipped {
		if s == "" {
			t.Error("something was skipped without a word")
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, b := range seeds(f) {
		for _, format := range append(Formats(), "") {
			f.Add(b, string(format))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, format string) {
		o := Options{Format: Format(format), MaxBytes: 1 << 20, MaxConnections: 16}
		if !contains(append(Formats(), ""), o.Format) {
			o.Format = ""
		}
		c, err := Read(bytes.NewReader(b), o)
		if c == nil {
			if err == nil || strings.TrimSpace(err.Error()) == "" {
				t.Fatal("neither a capture nor an error")
			}
			return
		}
		defer c.Release()
		checkCapture(t, c)
	})
}

// FuzzSegments feeds TCP segments of a fixed size in any order: what is recorded
// is what was sent, or a hole.
func FuzzSegments(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0x83, 0x82, 0x81, 0x80})
	f.Add([]byte{5, 4, 3, 2, 1, 0, 0x85, 0x84})
	f.Add([]byte{0, 9, 0x80, 0x89, 1, 0x41, 0xc1})
	f.Fuzz(func(t *testing.T, order []byte) {
		const size = 10
		ends := [2]endpoint{{port: 40000}, {port: 80}}
		fl := newFlow(&segmentHeader{source: ends[0], dest: ends[1]}, &packet{})
		fl.packet(0, &segmentHeader{seq: 99, flags: tcpSYN}, &packet{number: 1})
		fl.packet(1, &segmentHeader{seq: 199, ack: 100, flags: tcpSYN | tcpACK}, &packet{number: 2})
		want := func(off int64) byte { return byte(off*7 + off>>5) }
		var sent [2]int64
		for i, b := range order {
			from, n := int(b>>7), int64(b&0x3f)
			payload := make([]byte, size)
			for j := range payload {
				payload[j] = want(n*size + int64(j))
			}
			s := segmentHeader{seq: uint32(100+100*from) + uint32(n*size), flags: tcpACK, payload: payload}
			if b&0x40 != 0 { // acknowledges everything, seen or not
				s.ack = uint32(100+100*(1-from)) + uint32(sent[1-from])
			} else {
				s.ack = uint32(100 + 100*(1-from))
			}
			sent[from] = max(sent[from], n*size+size)
			fl.packet(from, &s, &packet{number: i + 3, at: int64(i)})
		}
		conn := fl.finish()
		if conn == nil {
			return
		}
		checkCapture(t, &Capture{Connections: []Connection{*conn}})
		for d := range sent {
			if got := conn.Recording.Size(record.Dir(d)); got != sent[d] {
				t.Fatalf("%v: %d bytes, want %d", record.Dir(d), got, sent[d])
			}
		}
		for _, c := range conn.Recording.Chunks(0) {
			for i, b := range conn.Recording.Append(nil, c.Span) {
				if off := c.Span.Off + int64(i); b != want(off) {
					t.Fatalf("byte %d of %v is %d, want %d", off, c.Span.Dir, b, want(off))
				}
			}
		}
	})
}

func TestTruncatedAtEveryByte(t *testing.T) {
	t.Parallel()
	for name, b := range seeds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range b {
				c, err := Read(bytes.NewReader(b[:n]), Options{})
				if c == nil && err == nil {
					t.Fatalf("of %d bytes: neither a capture nor an error", n)
				}
				if c == nil {
					continue
				}
				checkCapture(t, c)
				if c.Format == FormatPCAP && n > 24+16 && len(c.Skipped) == 0 && n < len(b)-1 && !boundary(b, n) {
					t.Errorf("of %d bytes: the cut is not named", n)
				}
				c.Release()
			}
		})
	}
}

// boundary reports whether a packet file may end after n bytes.
func boundary(b []byte, n int) bool {
	if isPCAPNG(b) {
		at := 0
		for at < n {
			at += int(le.Uint32(b[at+4:]))
		}
		return at == n
	}
	at := 24
	for at < n {
		at += 16 + int(le.Uint32(b[at+8:]))
	}
	return at == n
}
