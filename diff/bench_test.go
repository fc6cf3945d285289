package diff

import (
	"testing"

	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/record"
)

// BenchmarkManyMessages compares calls of a million messages each: all equal,
// one in a thousand changed, and every one changed.
func BenchmarkManyMessages(b *testing.B) {
	const n = 1_000_000
	a := many(b, n, 0).side("a")
	for _, bench := range []struct {
		name string
		k    int
	}{{"equal", 0}, {"one of 1000 changed", 1000}, {"all changed", 1}} {
		other := many(b, n, bench.k).side("b")
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Calls(a, other)
			}
		})
	}
}

// BenchmarkManyCalls compares the calls of two connections of 40,000 each, which
// also carry frames of the connection, as PRIORITY_UPDATE is. RFC 9218 §7.1.
func BenchmarkManyCalls(b *testing.B) {
	const n = 40_000
	connection := func(w *wire, i int) {
		w.frame(record.Sent, func(fr *http2.Framer) error { return fr.WriteWindowUpdate(0, 10) })
		onConnection(w, priorityUpdate, 0, 0, 0, byte(i), 'u', '=', '1')
	}
	x, y := busy(b, n, connection), busy(b, n, connection)
	b.ReportAllocs()
	for b.Loop() {
		as, bs := allSides(x, "a", n, true), allSides(y, "b", n, true)
		for _, p := range Pair(as, bs) {
			if r := Calls(as[p[0]], bs[p[1]]); !r.Same() {
				b.Fatalf("pair %v differs", p)
			}
		}
	}
}
