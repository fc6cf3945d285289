package inspect

import (
	"testing"

	"github.com/wiregloss/wiregloss/record"
)

// BenchmarkDecodeCalls decodes unary calls: HPACK and the rules of field sections
// are most of it.
func BenchmarkDecodeCalls(b *testing.B) {
	const calls = 10_000
	c := newConversation(b)
	c.must(c.framer[0].WriteSettings())
	c.must(c.framer[1].WriteSettings())
	c.must(c.framer[0].WriteWindowUpdate(0, 1<<30))
	c.must(c.framer[1].WriteWindowUpdate(0, 1<<30))
	for i := range calls {
		id := uint32(2*i + 1)
		c.request(id, "/a.B/C", "user-agent", "grpc-go/1.85.0", "grpc-timeout", "4999999u")
		c.data(record.Sent, id, true, 16384, prefixed(make([]byte, 20), false))
		c.flush(record.Sent)
		c.headers(record.Received, id, false, 16384, ":status", "200", "content-type", "application/grpc")
		c.data(record.Received, id, false, 16384, prefixed(make([]byte, 100), false))
		c.trailers(id, 0, "")
		c.flush(record.Received)
	}
	rec := c.recording(false)
	b.Cleanup(rec.Release)
	b.ReportAllocs()
	for b.Loop() {
		if t := Decode(rec); len(t.Problems) > 0 || len(t.Headers) != 3*calls {
			b.Fatal(len(t.Headers), t.Problems)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/calls, "ns/call")
}

// BenchmarkLedger takes in the frames of 100 streams of 10 kB each way, over and
// over, with credit and PINGs between: a million frames.
func BenchmarkLedger(b *testing.B) {
	const frames = 1_000_000
	c := newConversation(b)
	c.must(c.framer[0].WriteSettings())
	c.must(c.framer[1].WriteSettings())
	for n := 2; n < frames; {
		for i := range 100 {
			id := uint32(2*i + 1 + 200*(n/100_000))
			c.must(c.framer[0].WriteData(id, false, make([]byte, 10)))
			c.must(c.framer[1].WriteData(id, false, make([]byte, 10)))
			c.must(c.framer[0].WriteWindowUpdate(id, 10))
			c.must(c.framer[1].WriteWindowUpdate(0, 10))
			n += 4
		}
		c.must(c.framer[0].WritePing(false, [8]byte{byte(n)}))
		c.must(c.framer[1].WritePing(true, [8]byte{byte(n)}))
		n += 2
		c.flush(record.Sent)
		c.flush(record.Received)
	}
	rec := c.recording(false)
	b.Cleanup(rec.Release)
	t := Decode(rec)
	b.ReportAllocs()
	for b.Loop() {
		l := NewLedger(rec)
		l.Advance(t)
		if len(l.Streams()) == 0 {
			b.Fatal("no streams")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(t.Frames)), "ns/frame")
}
