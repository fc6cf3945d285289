package inspect

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/wiregloss/wiregloss/record"
)

// stream1 is a recorded server stream of n messages of size bytes, a DATA frame
// each, as grpc-go's server sends them.
func stream1(b *testing.B, n, size int) *record.Recording {
	b.Helper()
	c := newConversation(b)
	c.request(1, "/a.B/C")
	c.data(record.Sent, 1, true, 16384, prefixed(nil, false))
	c.flush(record.Sent)
	c.headers(record.Received, 1, false, 16384, ":status", "200", "content-type", "application/grpc")
	payload := prefixed(make([]byte, size), false)
	for i := range n {
		c.data(record.Received, 1, false, 16384, payload)
		if i%300 == 0 {
			c.flush(record.Received)
		}
	}
	c.trailers(1, 0, "")
	return c.recording(true)
}

func BenchmarkDecode(b *testing.B) {
	for _, tc := range []struct{ n, size int }{{1_000, 75}, {100_000, 75}, {200, 1 << 20}} {
		b.Run(fmt.Sprintf("%dx%d", tc.n, tc.size), func(b *testing.B) {
			rec := stream1(b, tc.n, tc.size)
			b.Cleanup(rec.Release)
			b.SetBytes(rec.Size(record.Received))
			b.ReportAllocs()
			for b.Loop() {
				t := Decode(rec)
				if len(t.Messages) != tc.n+1 {
					b.Fatal(len(t.Messages), t.Problems)
				}
			}
			b.ReportMetric(float64(unsafe.Sizeof(Frame{})+unsafe.Sizeof(Message{})+unsafe.Sizeof(record.Span{})), "index-B/msg")
		})
	}
}

// BenchmarkAdvanceTail is the cost of one more message when many are there.
func BenchmarkAdvanceTail(b *testing.B) {
	rec := stream1(b, 100_000, 75)
	b.Cleanup(rec.Release)
	d := NewDecoder(rec)
	d.Advance(math.MaxInt64)
	b.ReportAllocs()
	for b.Loop() {
		d.dirty = true
		d.Advance(1)
	}
}
